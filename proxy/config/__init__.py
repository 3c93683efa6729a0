"""The config file as typed dataclasses, loaded with every problem reported at once.

`types` declares every key, `value_parsers` reads single values (addresses, durations, sizes), `loading` turns
the file into a `Config`; `consent_domain` and `signing_key` derive what the consent cookie needs.
May import policy and below.
"""
