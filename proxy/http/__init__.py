"""A visitor's connection: sockets, the server that accepts, requests, responses, header names, forwarding.

A request enters at `listening` -> `server` -> `connection` as an `IncomingMessage`; a `Response` leaves
the same way. `upstream` is the way to a site's own servers. May import telemetry, config and below.
"""
