"""The proxy's own addresses, under /.consent/ on every site: panel, choice, embeds, form relay, files.

A request enters at `addresses.OwnAddresses.respond` as an `OwnRequest`. May import snapshot and below; the
route calls it for requests that its gate `own_address` stops.
"""
