"""The upstream client: `balancer.Upstreams.fetch` sends a request and returns an UpstreamResponse.

`balancer` chooses among the `pool`s of a site; a pool hands out an `upstream_connection`, which writes the
request and fills the response through the `parser`. `timeouts` has their defaults; `pinning` ties
connections on which a visitor signed in (NTLM) to that visitor.
"""
