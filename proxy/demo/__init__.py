"""A small site that carries every provider of rules.yaml, for `consent-proxy demo`.

It plays the site that operations cannot edit: official snippets, cookies set by server
and script, two languages, an application on a host of its own. It knows nothing of us.
"""
