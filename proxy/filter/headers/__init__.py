"""Header fields: which pass, what cookies become, the fence (Content-Security-Policy), what caches are told.

`judged_headers` removes what is refused; `set_cookie` and `cookies` judge cookies (`presumption`: those that
no rule describes), `sweep` expires them; `fence` and `guard_table` are the second and third net;
`cache_headers` has ETag, Cache-Control and Vary; `content_kind` says what a browser makes of a body.
"""
