"""A request on its way: what its page is named by, how it is treated, and what is said of it at the end."""

import io
import json
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest

from proxy.config.loading import load_config
from proxy.config.policies import Policies
from proxy.config.types import Mode
from proxy.consent.answer import Answer
from proxy.consent.decision import Ask, decide
from proxy.errors import BadRequest
from proxy.filter.verdict import Does, Verdict
from proxy.policy.scope import Pair, Scope
from proxy.problems import Place
from proxy.route.context import context_of, page_facts, page_tag, tell_own
from proxy.snapshot.sites import build_sites
from proxy.telemetry.logs import start_logs
from proxy.telemetry.metrics import Tally
from tests.support.heads import CONFIG, SITE, context, site_of
from tests.support.proxying import RULES, config_text
from tests.support.visits import NOW, request

LINE = Place("rules.yaml", 20, 9)
HELD = Verdict(Does.HOLD, LINE, "google", ("performance",))


@contextmanager
def logged(level: str = "info"):
    """Yield the records that are written meanwhile."""
    stream, records = io.BytesIO(), []
    lines = start_logs(level, stream=stream)
    yield records
    lines.flush()
    records += [json.loads(line) for line in stream.getvalue().splitlines()]


def answered(*granted: str, **more):
    answer = Answer(
        "v" * 16, NOW - 9, frozenset(granted), SITE.scope, "2026-11-01", dict.fromkeys(granted, 20_000)
    )
    return decide(SITE.scope, replace(answer, **more), now=NOW, ask_again_after=10**9)


FIRST = SITE.look_up_consent(request())[1]


@pytest.mark.parametrize(
    ("visit", "decision"),
    [
        (request(), replace(FIRST, ask=Ask.NO)),
        (request(), replace(FIRST, new=Scope(frozenset({Pair("functional", "hubspot")})))),
        (request(), replace(FIRST, withheld=True)),
        (request(), answered("functional")),
        (request(b"/", (b"Sec-Fetch-Dest", b"iframe"), (b"Sec-Fetch-Mode", b"navigate")), FIRST),
        (request(b"/", (b"Sec-Fetch-Dest", b"document"), (b"Sec-Fetch-Mode", b"navigate")), FIRST),
        (request(b"/", (b"Accept-Language", b"fr")), FIRST),
    ],
    ids=["ask", "new", "withheld", "since", "frame", "opens", "language"],
)
def test_each_thing_that_a_page_depends_on_is_part_of_its_name(visit, decision):
    assert page_facts(visit, decision) != page_facts(request(), FIRST)


def test_a_page_in_a_frame_is_another_than_one_that_is_opened():
    framed, opened = (
        request(b"/", (b"Sec-Fetch-Dest", destination), (b"Sec-Fetch-Mode", b"navigate"))
        for destination in (b"iframe", b"document")
    )

    assert framed.opens is opened.opens is True
    assert page_facts(framed, FIRST) != page_facts(opened, FIRST)


def test_the_days_since_which_purposes_are_granted_are_part_of_it():
    later = answered("functional", since={"functional": 20_001})

    assert page_facts(request(), later) != page_facts(request(), answered("functional"))


def test_what_does_not_change_a_page_does_not_change_its_name():
    one, other = request(b"/a?b", (b"User-Agent", b"x")), request(b"/c", peer="198.51.100.1")

    assert page_facts(one, FIRST) == page_facts(other, FIRST)
    assert page_facts(request(), answered("functional")) == page_facts(request(), answered("functional", visitor="w" * 16))  # fmt: skip


def test_the_tag_is_of_site_grants_and_facts_and_taken_once():
    seen = context()

    assert seen.tag == page_tag(SITE, seen.variant, seen.request, seen.decision) == seen.tag_
    assert seen.tag == context().tag
    assert seen.tag != context((b"Accept-Language", b"fr")).tag
    assert seen.tag != context(secure=False).tag


def test_an_observed_page_has_one_name_for_all():
    tags = {context(*headers, mode=Mode.OBSERVE).tag for headers in ([], [(b"Accept-Language", b"fr")])}

    assert len(tags) == 1
    assert context().tag not in tags


@pytest.mark.parametrize(
    ("headers", "shows"),
    [([], True), ([(b"Sec-Fetch-Dest", b"document")], True), ([(b"Sec-Fetch-Dest", b"iframe")], False), ([(b"Sec-Fetch-Dest", b"fencedframe")], False)],
)  # fmt: skip
def test_a_page_that_fills_a_frame_has_no_banner(headers, shows):
    assert context(*headers).shows_banner is shows


@pytest.mark.parametrize(("ask", "shows"), [(Ask.FIRST, True), (Ask.NEW, True), (Ask.SIGNAL, True), (Ask.NO, False), (Ask.OFF, False)])  # fmt: skip
def test_nor_has_one_on_which_nobody_is_asked(ask, shows):
    seen = context()
    seen.decision = replace(seen.decision, ask=ask)

    assert seen.shows_banner is shows


@pytest.mark.parametrize(
    ("mode", "site", "observes", "rewrites"),
    [(Mode.ENFORCE, "", False, True), (Mode.OBSERVE, "", True, False), (Mode.OFF, "", True, False), (Mode.OBSERVE, "    observe: page\n    mode: observe\n", True, True), (Mode.OFF, "    observe: page\n    mode: observe\n", True, False)],
)  # fmt: skip
def test_pages_leave_as_they_came_unless_they_are_enforced_or_observed_with_a_script(
    mode, site, observes, rewrites
):
    seen = context(mode=mode, site=site_of(site=site))

    assert (seen.observes, seen.rewrites) == (observes, rewrites)
    assert seen.may_ask_again is rewrites


@pytest.mark.parametrize(("method", "may"), [(b"GET", True), (b"HEAD", True), (b"POST", False)])
def test_only_what_is_safe_is_asked_for_again(method, may):
    assert context(method=method).may_ask_again is may


def test_the_record_of_a_request_has_its_path_and_no_query_cookie_or_whole_address():
    seen = context((b"Cookie", b"secret=1"), target=b"/contact?secret=2")
    seen.kind = "document"
    with logged() as records:
        seen.tell(Tally(), 200)
    [record] = records

    assert (record["event"], record["path"], record["status"], record["kind"]) == ("request_relayed", "/contact", 200, "document")  # fmt: skip
    assert record["visitor"] == "203.0.113.0/24"
    assert (record["site"], record["host"], record["granted"]) == ("callkom.io", "callkom.io", [])
    assert "secret" not in json.dumps(record)
    assert not {"outcome", "observed", "off", "verdicts"} & record.keys()


@pytest.mark.parametrize(("mode", "said"), [(Mode.OBSERVE, "observed"), (Mode.OFF, "off")])
def test_it_says_what_is_out_of_the_usual(mode, said):
    seen = context(mode=mode)
    seen.verdicts, seen.tags = [("cookie", Verdict(Does.DROP, LINE, "google"))], [HELD, HELD]
    with logged() as records:
        seen.tell(Tally(), 502, "cut")

    assert records[0][said] is True
    assert records[0]["outcome"] == "cut"
    assert records[0]["verdicts"] == {
        "cookie drop google rules.yaml:20": 1,
        "tag hold google rules.yaml:20": 2,
    }


def test_where_the_log_is_told_so_no_request_is_written():
    quiet = load_config(config_text("http://127.0.0.1:1", more="log: { requests: no }"))
    seen = context(config=quiet)
    with logged() as records:
        seen.tell(Tally(), 200)

    assert records == []


def test_for_debugging_each_verdict_is_a_record_of_its_own():
    seen = context(config=load_config(config_text("http://127.0.0.1:1", more="log: { level: debug }")))
    verdicts = [("cookie", Verdict(Does.CAP, LINE)), ("cookie", Verdict(Does.DROP, LINE)), ("header", Verdict(Does.DROP)), ("request", Verdict(Does.ANSWER))]  # fmt: skip
    seen.verdicts, seen.tags = verdicts, [HELD]
    with logged("debug") as records:
        seen.tell(Tally(), 200)

    assert [one["event"] for one in records[1:]] == ["cookie_capped", "cookie_dropped", "header_dropped", "request_answered", "tag_held"]  # fmt: skip
    assert records[-1]["rule"] == "rules.yaml:20"
    assert records[-1]["purpose"] == ["performance"]


def test_pages_and_their_bytes_are_counted_and_files_are_not():
    tally = Tally()
    for kind in ("document", "other"):
        seen = context()
        seen.kind, seen.read, seen.asks = kind, 1_000, kind == "document"
        with logged():
            seen.tell(tally, 200)

    assert tally.counts["rewritten_bytes", "callkom.io"] == 1_000
    asked = {labels[:3]: count for labels, count in tally.counts.items() if labels[0] == "asked"}
    assert asked == {("asked", "callkom.io", "first"): 1}


def test_a_cookie_that_is_presumed_is_logged_once():
    seen = context()
    with logged() as records:
        for _ in range(2):
            seen.note_presumed(b"sid=1; HttpOnly; Max-Age=60")

    assert [(one["event"], one["name"]) for one in records] == [("cookie_presumed", "sid")]


def test_a_cookie_that_a_form_may_need_is_a_warning_without_its_value_or_id():
    with logged() as records:
        context(target=b"/cart?x", mode=Mode.OBSERVE).warn_of_drop(
            b"cart_0123456789abcdef=secret; Path=/", HELD
        )
    [record] = records

    assert (record["event"], record["level"], record["name"], record["path"]) == ("cookie_dropped", "warning", "cart_*", "/cart")  # fmt: skip
    assert (record["rule"], record["observed"]) == ("rules.yaml:20", True)
    assert "secret" not in json.dumps(record)


def test_hosts_that_pass_by_the_proxy_are_told_once():
    site = site_of(more="own: [unserved.example]")  # no other test has its rules
    seen = context(site=site)
    site.rules.unserved["media.callkom.io"] = False
    with logged() as records:
        seen.tell(Tally(), 200)
        seen.tell(Tally(), 200)

    assert [one["host"] for one in records if one["event"] == "own_host_seen"] == ["media.callkom.io"]


def test_an_own_address_is_counted_and_written_as_one():
    tally = Tally()
    with logged() as records:
        tell_own(tally, CONFIG, SITE, request(b"/.consent/?a"), 200)

    assert (records[0]["kind"], records[0]["path"], records[0]["status"]) == ("own", "/.consent/", 200)
    assert tally.counts["requests", "callkom.io", "own", "2xx"] == 1


@cache
def snapshot_of(site: str = ""):
    config = load_config(config_text("http://127.0.0.1:1", site=site), folder=Path("/nowhere"))
    from proxy.policy.load import load_policy

    sites = build_sites(config, Policies.given(load_policy(RULES)), (b"k" * 32,))
    return SimpleNamespace(request=lambda message: message, sites=sites)


def test_a_context_is_of_the_site_with_what_holds_for_its_visitor():
    seen = context_of(snapshot_of(), request(b"/a", host=b"app.callkom.io"), 5.0)

    assert (seen.site.name, seen.mode, seen.decision.ask, seen.began) == (
        "callkom.io",
        Mode.ENFORCE,
        Ask.FIRST,
        5.0,
    )
    assert seen.variant is seen.site.variant(frozenset(), secure=True)


def test_a_host_that_is_no_site_of_ours_is_refused():
    with pytest.raises(BadRequest) as error:
        context_of(snapshot_of(), request(host=b"evil.example"), 0.0)
    assert error.value.status == 421


def test_a_part_of_a_site_may_be_milder_and_never_stricter():
    site = "    paths: [{ path: /open/*, mode: observe }, { path: /quiet/*, banner: no }]\n"
    of = {
        path: context_of(snapshot_of(site), request(path), 0.0) for path in (b"/open/a", b"/quiet/a", b"/a")
    }

    assert [one.mode for one in of.values()] == [Mode.OBSERVE, Mode.ENFORCE, Mode.ENFORCE]
    assert [one.decision.ask for one in of.values()] == [Ask.FIRST, Ask.OFF, Ask.FIRST]
    stricter = context_of(
        snapshot_of("    mode: observe\n    paths: [{ path: /a/*, banner: no }]\n"), request(b"/a/b"), 0.0
    )
    assert stricter.mode is Mode.OBSERVE
