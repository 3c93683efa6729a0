"""What was seen on each site: hosts, cookies and storage keys, named once and kept beside the records.

`names` says what a name may be and masks what looks like an id, `sightings` collects in each process,
`seen_store` keeps it in the database that workers share, `declared` says which rule speaks of a name.
Nothing of a visitor is kept: no query, no value, no address.
"""
