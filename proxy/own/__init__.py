"""Our own addresses, under /.consent/ on every site: panel, choice, receipt, embeds, relay, reports, files.

A request enters at `addresses.OwnAddresses.answer`. May import snapshot and below; the route asks it.
"""
