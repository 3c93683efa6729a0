"""What is made of the events of a browser: which request, cookie or connection was there, and by whom."""

import json
from types import SimpleNamespace

import pytest

from proxy.audit.recorder import Recorder
from proxy.policy.own_hosts import OwnHosts

OWN = OwnHosts(frozenset({"callkom.io"}), "callkom.io")


class Browser:
    """Plays Playwright's context, page and DevTools session: takes listeners, and tells them events."""

    def __init__(self):
        self.listeners = {}

    def new_cdp_session(self, _):
        return self

    def send(self, *_):
        return {"cookies": []}

    def on(self, name, listener):
        self.listeners[name] = listener

    def add_init_script(self, _):
        pass

    def tell(self, name, /, **event):
        self.listeners[name](event)

    def sent(self, address, id_="1", **more):
        request = {"url": address, **more.pop("request", {})}
        self.tell("Network.requestWillBeSent", requestId=id_, request=request, type="Image", **more)

    def set_cookies(self, lines, id_="1", **more):
        self.tell(
            "Network.responseReceivedExtraInfo",
            requestId=id_,
            headers={"Set-Cookie": "\n".join(lines)},
            **more,
        )


@pytest.fixture
def browser():
    return Browser()


@pytest.fixture
def recorder(browser):
    return Recorder(browser, browser, OWN)


def test_each_redirect_has_its_own_cookies_and_status(browser, recorder):
    browser.sent("https://callkom.io/hop?id=1")
    browser.set_cookies(["first=1; Max-Age=60"])
    browser.sent(
        "https://hop.example/end",
        redirectResponse={"status": 302},
        redirectHasExtraInfo=True,
    )
    browser.set_cookies(["second=1", "gone=; Max-Age=0", "wrong=1; Domain=elsewhere.example"])
    cookies, _ = recorder.collect()

    assert [(one.name, one.host, one.lives, one.by) for one in cookies] == [
        ("first", "callkom.io", 60, "https://callkom.io/hop"),
        ("second", "hop.example", None, "https://hop.example/end"),
    ]
    assert [(one.address, one.status) for one in recorder.requests] == [
        ("https://callkom.io/hop", 302),
        ("https://hop.example/end", None),
    ]


def test_a_cookie_that_the_browser_refused_was_not_set(browser, recorder):
    browser.sent("https://ads.example/p")
    browser.set_cookies(["kept=1", "lost=1"], blockedCookies=[{"cookieLine": "lost=1"}])

    assert [one.name for one in recorder.collect()[0]] == ["kept"]


def test_a_request_that_a_policy_stopped_never_left_the_browser(browser, recorder):
    browser.sent("https://ads.example/p")
    browser.tell("Network.loadingFailed", requestId="1", blockedReason="csp")
    browser.sent("https://down.example/p", "2")
    browser.tell("Network.loadingFailed", requestId="2", errorText="net::ERR_CONNECTION_REFUSED")
    recorder.collect()

    assert [one.host for one in recorder.requests] == ["down.example"]


def test_a_request_is_said_to_be_by_the_nearest_third_party_of_its_stack(browser, recorder):
    frames = [{"url": f"https://{host}/a.js?v=1"} for host in ("callkom.io", "tags.example", "outer.example")]
    browser.sent("https://ads.example/p", initiator={"stack": {"callFrames": frames}})
    recorder.collect()

    assert recorder.requests[0].script == "https://tags.example/a.js"


@pytest.mark.parametrize("address", ["https://[bad/", "https://[zz]/", "data:,x", ""])
def test_a_hint_that_is_no_address_of_a_server_is_no_request_and_ends_no_visit(recorder, address):
    recorder.saw_ahead("preconnect", address)
    recorder.collect()

    assert recorder.requests == []


@pytest.mark.parametrize("payload", ["1", "{", json.dumps(["webrtc", "[zz]", "https://callkom.io/", ""])])
def test_what_a_page_tells_in_another_form_is_nothing_and_ends_no_visit(browser, recorder, payload):
    browser.tell("Runtime.bindingCalled", name=recorder._binding, payload=payload)

    assert recorder.collect() == ([], [])
    assert recorder.requests == []


@pytest.mark.parametrize(("host", "sent"), [("drip.example", True), ("elsewhere.example", False)])
def test_a_workers_request_that_ended_badly_counts_where_the_network_tells_of_it(
    browser, recorder, host, sent
):
    asked = SimpleNamespace(
        url="http://drip.example:81/w", failure="net::ERR_ABORTED", service_worker=None, resource_type="fetch"
    )
    browser.listeners["request"](asked)
    browser.tell("Network.requestWillBeSentExtraInfo", requestId="9", headers={"Host": f"{host}:81"})
    recorder.collect()

    assert [one.host for one in recorder.requests] == ["drip.example"] * sent


@pytest.mark.parametrize(
    ("failed", "sent"),
    [
        ({"errorText": "net::ERR_BLOCKED_BY_ORB"}, True),
        ({"errorText": "net::ERR_BLOCKED_BY_RESPONSE", "blockedReason": "corp-not-same-site"}, True),
        ({"errorText": "", "blockedReason": "content-type"}, True),
        ({"errorText": "net::ERR_CONNECTION_REFUSED"}, True),
        ({"errorText": "net::ERR_BLOCKED_BY_CLIENT"}, False),
        ({"errorText": "net::ERR_BLOCKED_BY_CSP", "blockedReason": "csp"}, False),
        ({"errorText": "net::ERR_FAILED", "blockedReason": "mixed-content"}, False),
    ],
)
def test_what_was_sent_counts_also_where_its_response_was_kept_from_the_page(browser, recorder, failed, sent):
    browser.sent("https://pixel.example/p")
    browser.tell("Network.loadingFailed", requestId="1", **failed)
    recorder.collect()

    assert [one.host for one in recorder.requests] == ["pixel.example"] * sent
