"""All that rules and config say at one moment, ready for requests: built whole, swapped whole by a reload.

`sites` compiles each site once, `consent_lookup` reads consent cookies, `upstreams` and `shared_resources`
outlive a reload. May import records, banner, http and below.
"""
