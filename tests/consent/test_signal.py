"""What the browser says by itself."""

import pytest

from proxy.consent.signal import may_lack_cookies, refuses_by_signal


@pytest.mark.parametrize("values", [[b"1"], [b" 1 "], [b"1", b"1"], [b"1, 1"], [b"0", b"1"]])
def test_one_is_a_signal_said_once_or_twice(values):
    assert refuses_by_signal(values)


@pytest.mark.parametrize(
    "values", [[], [b""], [b"0"], [b"true"], [b"?1"], [b"1;q=1"], [b"11"], [b'"1"'], [b"01"], [b"1.0"]]
)
def test_no_other_value_is_one(values):
    assert not refuses_by_signal(values)


@pytest.mark.parametrize(
    ("method", "site", "mode", "dest", "expected"),
    [
        (b"GET", None, None, None, False),
        (b"GET", b"none", b"navigate", b"document", False),
        (b"POST", b"same-site", b"navigate", b"document", False),
        (b"GET", b"cross-site", b"navigate", b"document", False),
        (b"HEAD", b"cross-site", b"navigate", b"document", False),
        (b"POST", b"cross-site", b"navigate", b"document", True),
        (b"GET", b"cross-site", b"navigate", b"iframe", True),
        (b"GET", b"cross-site", b"no-cors", b"image", True),
        (b"GET", b"cross-site", None, None, True),
    ],
)
def test_lax_cookies_come_along_from_elsewhere_only_with_a_top_level_get(method, site, mode, dest, expected):
    assert may_lack_cookies(method, site, mode, dest) is expected
