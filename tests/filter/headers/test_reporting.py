"""Reports go to nobody who is refused; the site's own policy is never loosened."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.filter.headers import reporting
from proxy.filter.headers.reporting import csp_reports, report_to, reporting_endpoints
from tests.filter.hostile import backtracks
from tests.filter.judging import judge

NOBODY, STATS = judge(), judge("performance")


@pytest.mark.parametrize(
    ("value", "left"),
    [
        (
            b'default="/reports", csp="https://callkom.io/r"',
            b'default="/reports", csp="https://callkom.io/r"',
        ),
        (b'default="/reports",  vendor="https://stats.example/r" , x="/y"', b'default="/reports", x="/y"'),
        (b'vendor="https://stats.example/r"', None),
        (b'vendor="https:\\/\\/stats.example\\/r"', None),
        (b'a="https://undeclared.example/r"', None),
        (b"", b""),
        (b"nonsense, a=1", b"nonsense, a=1"),
    ],
)
def test_endpoints_of_refused_hosts_are_taken_out(value: bytes, left: bytes | None) -> None:
    assert reporting_endpoints(value, NOBODY) == left


OWN_GROUP = b'{"group":"default","max_age":1,"endpoints":[{"url":"/r"}]}'
STATS_GROUP = (
    b'{"group":"v", "max_age":1, "endpoints":[{"url":"/r"}, {"url":"https://stats.example/r","priority":1}]}'
)
CLOUDFLARE = b'{"endpoints":[{"url":"https:\\/\\/a.nel.undeclared.example\\/report\\/v4?s=x"}],"group":"cf-nel","max_age":604800}'


@pytest.mark.parametrize(
    ("value", "left"),
    [
        (OWN_GROUP, OWN_GROUP),
        (b" " + OWN_GROUP + b" ,\t" + OWN_GROUP, b" " + OWN_GROUP + b" ,\t" + OWN_GROUP),
        (OWN_GROUP + b"," + STATS_GROUP, OWN_GROUP),
        (STATS_GROUP + b" , " + OWN_GROUP, OWN_GROUP),
        (STATS_GROUP, None),
        (CLOUDFLARE, None),
        (b"{", None),
        (b"", None),
        (OWN_GROUP + b";" + OWN_GROUP, None),
        (OWN_GROUP + b",", None),
        (b"\xff", None),
        (b"[" * 100_000, None),
        (
            b'1, "a", {"endpoints": 3}, {"endpoints": [4, {"url": 5}]}',
            b'1, "a", {"endpoints": 3}, {"endpoints": [4, {"url": 5}]}',
        ),
    ],
)
def test_groups_that_report_to_refused_hosts_are_taken_out(value: bytes, left: bytes | None) -> None:
    assert report_to(value, NOBODY) == left


def test_a_granted_provider_is_reported_to() -> None:
    assert report_to(STATS_GROUP, STATS) == STATS_GROUP
    assert reporting_endpoints(b'a="https://stats.example/r"', STATS) == b'a="https://stats.example/r"'
    assert csp_reports(b"report-uri https://stats.example/r", STATS) == b"report-uri https://stats.example/r"


@pytest.mark.parametrize(
    ("value", "left"),
    [
        (b"default-src 'self'; report-uri /csp", b"default-src 'self'; report-uri /csp"),
        (
            b"script-src https://stats.example; report-to vendor",
            b"script-src https://stats.example; report-to vendor",
        ),
        (
            b"default-src 'self'; Report-URI https://stats.example/r /csp;img-src *",
            b"default-src 'self'; Report-URI /csp;img-src *",
        ),
        (b"default-src 'self'; report-uri https://undeclared.example/r", b"default-src 'self';"),
        (b"a, report-uri https://stats.example/r, b", b"a,, b"),
        (b"report-uri", b"report-uri"),
        (b"report-uriel https://stats.example/r", b"report-uriel https://stats.example/r"),
    ],
)
def test_only_addresses_are_taken_out_of_a_policy(value: bytes, left: bytes) -> None:
    assert csp_reports(value, NOBODY) == left


WORD = st.sampled_from(
    [b"default-src", b"'self'", b"https://stats.example", b"report-uri", b";", b",", b" ", b"/r", b"\t"]
)


@given(st.lists(WORD, max_size=20).map(b"".join))
def test_all_directives_but_report_uri_stay(value: bytes) -> None:
    def others(policies: bytes) -> list[list[bytes]]:
        return [
            [
                part
                for part in policy.split(b";")
                if not part.strip().lower().startswith(b"report-uri") and part.strip()
            ]
            for policy in policies.split(b",")
        ]

    assert others(csp_reports(value, NOBODY)) == others(value)


@given(
    st.recursive(
        st.none() | st.text(max_size=5) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["endpoints", "url", "x"]), inner, max_size=3)
        ),
    )
)
def test_any_json_is_judged(value: object) -> None:
    text = json.dumps(value).encode()

    assert report_to(text, NOBODY) in (text, None)


@given(st.binary(max_size=80))
def test_no_bytes_of_a_reporting_header_raise_an_error(value: bytes) -> None:
    for function in (reporting_endpoints, report_to, csp_reports):
        assert function(value, NOBODY) is None or isinstance(function(value, NOBODY), bytes)


def test_blanks_behind_the_last_address_are_read_once():
    assert not backtracks(reporting._ADDRESS)
    assert len(reporting._ADDRESS.findall(b" " * 1_000)) == 1
    assert csp_reports(b"report-uri /r \t ", STATS) == b"report-uri /r \t "
    assert csp_reports(b"report-uri /r https://undeclared.example/r \t ", STATS) == b"report-uri /r"
