"""The way to a site's own servers: fetch a request, get an UpstreamResponse.

`balancer` chooses among the `pool`s of a site; a pool hands out an `upstream_connection`, which writes the
request and fills the response through the `parser`. `pinning` keeps signed-in connections apart.
"""
