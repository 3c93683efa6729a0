"""The shared corpus through a running proxy: what the filter does alone, it does on the wire too."""

import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.shared import SHARED, shared
from tests.support.origin import Origin, ok
from tests.support.proxying import proxying

RULES = (Path(__file__).resolve().parents[2] / "rules.yaml").read_text()
MANIFEST = SHARED / "corpus" / "manifest.json"
STATES = {
    "none": [],
    "functional": ["functional"],
    "performance": ["performance"],
    "all": ["functional", "performance"],
}


GUARD_LINE = re.compile(
    rb"(?<=srcdoc=[\"'])(?:<|&lt;)script(?:>|&gt;).*?(?:<|&lt;)/script(?:>|&gt;)", re.DOTALL
)
"""What guards the document of a srcdoc, before the site's own bytes."""


def pages() -> list[dict]:
    shared("corpus", "manifest.json")
    return json.loads(MANIFEST.read_text())["pages"]


def answer_of(page: dict) -> bytes:
    fields = [f"Content-Type: {page['content_type']}".encode()]
    fields += [f"{field['name']}: {field['value']}".encode() for field in page["response_headers"]]
    return ok(shared("corpus", page["file"]).read_bytes(), *fields)


def plain(markup: bytes) -> str:
    """Return markup with its references resolved, those within a srcdoc too."""
    return unescape(unescape(markup.decode("latin-1")))


def wrong(page: dict, state: str, body: bytes) -> list[str]:
    """Return the items that are not what the manifest wants: its own bytes say kept, anything else not."""
    raw = shared("corpus", page["file"]).read_bytes()
    body = GUARD_LINE.sub(b"", body)
    found = []
    for item in page["items"]:
        source = raw[item["start"] : item["end"]]
        wanted = {item["expect"][state], *item.get("tolerate", ())}
        kept = body.count(source) >= raw.count(source)
        if b"srcdoc=" in raw:  # its text is written anew behind the line that guards it, references and all
            kept = kept or plain(body).count(plain(source)) >= plain(raw).count(plain(source)) > 0
        if ("kept" if kept else "neutralised") not in {
            "neutralised" if w == "placeholder" else w for w in wanted
        }:
            found.append(
                f"{page['file']} {item['id']} for {state}: {'kept' if kept else 'changed'}, wanted {sorted(wanted)}"
            )
    return found


@pytest.mark.parametrize("state", STATES)
async def test_every_labelled_element_is_what_the_visitor_may_have_on_the_wire(tmp_path, state):
    answers = {urlsplit(f"/{page['file']}").path.encode(): answer_of(page) for page in pages()}
    async with (
        Origin(answers) as origin,
        proxying(origin.url, folder=tmp_path, rules=RULES, more="own: [eggs.ca]") as proxy,
    ):
        form = "&".join(["choice=save", *(f"purpose={purpose}" for purpose in STATES[state])])
        chosen = await proxy.ask(
            "/.consent/choice",
            "Sec-Fetch-Site: same-origin",
            "Content-Type: application/x-www-form-urlencoded",
            method="POST",
            body=form.encode(),
        )
        cookie = chosen.one(b"Set-Cookie").partition(b";")[0].decode()
        found = []
        for page in pages():
            got = await proxy.ask(f"/{page['file']}", f"Cookie: {cookie}")
            assert got.status == 200
            assert got.whole
            found += wrong(page, state, got.body)

    assert found == []


@pytest.mark.parametrize(("state", "links"), [("none", 1), ("functional", 1), ("performance", 2), ("all", 2)])
async def test_a_link_header_loses_the_refused_entry_and_only_that(tmp_path, state, links):
    page = next(page for page in pages() if page["response_headers"])
    async with (
        Origin({b"/hints": answer_of(page)}) as origin,
        proxying(origin.url, folder=tmp_path, rules=RULES) as proxy,
    ):
        form = "&".join(["choice=save", *(f"purpose={purpose}" for purpose in STATES[state])])
        chosen = await proxy.ask(
            "/.consent/choice", "Sec-Fetch-Site: same-origin", method="POST", body=form.encode()
        )
        got = await proxy.ask("/hints", "Cookie: " + chosen.one(b"Set-Cookie").partition(b";")[0].decode())

    entries = got.one(b"Link").split(b", <")
    assert len(entries) == links
    assert b"/app.css" in got.one(b"Link")


MOMENT = 1_795_428_000
"""2026-11-23T10:00:00Z, when the corpus's cookies were set."""


@pytest.mark.parametrize("state", STATES)
async def test_every_cookie_of_the_corpus_is_kept_or_dropped_on_the_wire(tmp_path, state):
    cases = json.loads(shared("corpus", "set-cookie-cases.json").read_text())["cases"]
    answers = {
        f"/{n}".encode(): ok(b"x", b"Set-Cookie: " + case["set_cookie"].encode())
        for n, case in enumerate(cases)
    }
    async with (
        Origin(answers) as origin,
        proxying(origin.url, folder=tmp_path, rules=RULES, clock=lambda: MOMENT) as proxy,
    ):
        form = "&".join(["choice=save", *(f"purpose={purpose}" for purpose in STATES[state])])
        chosen = await proxy.ask(
            "/.consent/choice", "Sec-Fetch-Site: same-origin", method="POST", body=form.encode()
        )
        cookie = chosen.one(b"Set-Cookie").partition(b";")[0].decode()
        found = []
        for n, case in enumerate(cases):
            got = await proxy.ask(f"/{n}", f"Cookie: {cookie}")
            kept = "keep" if got.all(b"Set-Cookie") else "drop"
            if kept != case["verdict"][state] and "drop" not in case.get("alt", ""):
                found.append((case["set_cookie"], kept, case["verdict"][state]))

    assert found == []
