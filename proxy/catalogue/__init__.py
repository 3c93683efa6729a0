"""The catalogue that ships: what is known of providers, platforms and trackers, and how it is read.

providers/ has a file for each provider that `use:` of rules.yaml takes by name: a block as under
`providers:`, with its tests, and when somebody last looked whether it is true (`checked`).

A file of a platform is a block as under `providers:` in rules.yaml, whose cookies are the site's
own (domain `self`). A name stands there in full or with the platform's own ending (`*`), never as
a mere beginning that anybody's cookie may have. trackers.yaml lists names only.

shipped.py reads it; who serves imports only the lists that are made of it (provider_calls.py), and no parser.
"""
