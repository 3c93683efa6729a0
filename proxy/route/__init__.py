"""One request on its way: what may be asked, the upstream's response, what the visitor gets.

A request enters at `relay.Relay.respond` and leaves as a `Response`. `fast` serves repeated requests
synchronously; process registers it, nothing here imports it. May import own and below.
"""
