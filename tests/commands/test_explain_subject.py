"""What a subject is can be seen from it; a file that is not there is no host of that name."""

import pytest

from proxy.commands.explain_subject import what
from tests.commands.running import ROOT, run


def test_a_file_that_is_not_there_is_no_host_of_that_name():
    told = run("explain", "nowhere.html")

    assert (told.returncode, told.stderr) == (2, "consent-proxy: there is no file nowhere.html\n")


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("https://calendly.com/x", "url"),
        ("//js.hs-scripts.com/1.js", "url"),
        ("js.stripe.com", "url"),
        ("<img src=x>", "html"),
        ("_ga=1; Max-Age=60; Domain=.callkom.io", "cookie"),
        ("Set-Cookie: _ga=https://x/; Path=/", "cookie"),
        ("Link: <https://js.hs-scripts.com/1.js>; rel=preload", "header"),
        ("/metrics/collect?v=2", "request"),
        ("rules.yaml", "html"),
    ],
)
def test_what_a_subject_is_can_be_seen_from_it(subject, kind, monkeypatch):
    monkeypatch.chdir(ROOT)

    assert what(subject)[0] == kind
