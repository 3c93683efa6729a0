"""Lines of headers as strangers may send them, for laws that hold for all."""

from hypothesis import strategies as st

NAMES = st.sampled_from(
    b"Connection X-A Cookie Set-Cookie TE Upgrade Vary Cache-Control ETag Link Content-Length Transfer-Encoding"
    b" Last-Modified Digest Report-To NEL Content-Security-Policy Refresh Host keep-alive".split()
)
VALUES = st.sampled_from(
    [b"X-A, close", b"a", b"", b'"x"', b"private, max-age=1", b"*", b"Cookie", b"no-store"]
) | st.binary(max_size=20)
HEADER_LINES = st.lists(st.tuples(NAMES, VALUES), max_size=8)
