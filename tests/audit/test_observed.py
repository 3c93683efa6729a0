"""A cookie that was seen, said again as the line that the judges of responses read."""

import pytest

from proxy.audit.observed import CookieSeen, When
from proxy.filter.headers.set_cookie import parse_set_cookie


@pytest.mark.parametrize(
    ("host_only", "lives", "httponly", "partition"),
    [(True, None, False, ""), (False, 3_600, True, "https://callkom.io"), (False, 0, False, "")],
)
def test_the_line_of_a_cookie_says_what_was_seen_and_no_value(host_only, lives, httponly, partition):
    seen = CookieSeen(
        "_id", "callkom.io", host_only, "http", lives, httponly, True, partition, "", "callkom.io", When("/", 1, False)
    )  # fmt: skip
    read = parse_set_cookie(seen.line.encode())

    assert read is not None
    assert (read.name, read.domain, read.lifetime(0)) == ("_id", None if host_only else "callkom.io", lives)
    assert (read.httponly, read.secure, read.partitioned) == (httponly, True, bool(partition))
    assert seen.line.startswith("_id=x;")
