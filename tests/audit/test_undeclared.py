"""What no rule speaks of becomes rules to paste; what a rule speaks of does not."""

from proxy.audit.observed import CookieSeen, Decided, KeySeen, RequestSeen, SiteVisit, StateVisit, When
from proxy.audit.undeclared import to_write
from proxy.commands.terminal import read_policy
from proxy.policy.own_hosts import OwnHosts
from tests.audit.planted_site import RULES

OWN = OwnHosts(frozenset({"callkom.io"}), "callkom.io")
NOW = When("callkom.io/", 1, True)
SCRIPT = "https://code.nobody-tells.example/c.js"


def request(host):
    return RequestSeen(f"https://{host}/", host, "/", "script", "", "callkom.io", 200, False, (), NOW)


def cookie(name, lives):
    return CookieSeen(name, "callkom.io", True, "script", lives, False, False, "", SCRIPT, "callkom.io", NOW)


def written(**seen):
    visit = StateVisit("accept", Decided(True, "x"), **seen)
    return to_write(SiteVisit(("https://callkom.io/",), [visit]), read_policy(RULES), OWN)


def test_undeclared_hosts_cookies_and_keys_are_written_with_what_was_seen_of_them():
    text = written(
        requests=[request("code.nobody-tells.example")],
        cookies=[cookie("stray_one", 86_400 * 30)],
        keys=[KeySeen("stray_key", "local", "callkom.io", SCRIPT, NOW)],
    )

    assert "code.nobody-tells.example" in text
    assert "stray_one" in text
    assert "30 days" in text
    assert "stray_key" in text


def test_what_is_declared_or_belongs_to_others_is_not_written():
    assert (
        written(
            requests=[request("cdn.metrics-lab.example"), request("callkom.io")],
            cookies=[cookie("ab_bucket", 60)],
            keys=[
                KeySeen("ml_queue", "local", "callkom.io", "", NOW),
                KeySeen("elsewhere", "local", "video.clipbox.example", "", NOW),
                KeySeen("shelf", "cache", "callkom.io", "", NOW),
            ],
        )
        == ""
    )
