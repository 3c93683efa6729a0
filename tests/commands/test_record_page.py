"""`records show --html` and `records letter`: what a visitor saw, and what they are told, years later."""

import asyncio
import html
import json
import re

from tests.banner.rendering import well_formed
from tests.commands.records_cli import run
from tests.own.test_addresses import SAME, choose, cookie_of
from tests.support.origin import Origin
from tests.support.origin import html as page_of
from tests.support.proxying import PAGE, RULES, proxying

LOOK = "banner: { theme: light, light: { act: '#7a1f5c' } }"


def frames(page):
    return {
        title: html.unescape(source)
        for title, source in re.findall(r'<iframe sandbox="" title="([^"]*)"[^>]* srcdoc="([^"]*)">', page)
    }


def body_of(markup, beginning):
    found = markup[markup.index(beginning) :]
    return found[: found.index("</section>")]


async def answered(tmp_path):
    """One visitor, in French: refuses, changes their mind on the panel, takes one purpose back."""
    async with Origin({b"/": page_of(PAGE.replace(b"lang=en", b"lang=fr"))}) as origin:
        async with proxying(origin.url, folder=tmp_path, more=LOOK, files=True) as proxy:
            seen = (await proxy.ask("/", "Accept: text/html", "Accept-Language: fr")).body.decode()
            cookie = await said(proxy, b"choice=refuse&language=fr")
            panel = (await proxy.ask("/.consent/?language=fr", cookie)).body.decode()
            cookie = await said(proxy, b"choice=accept&language=fr&surface=panel", cookie)
            await said(proxy, b"choice=save&purpose=functional&language=fr&surface=panel", cookie)
            kept = [one async for one in proxy.server.snapshot.store.every()]
    return seen, panel, kept


async def said(proxy, body, *headers):
    return "Cookie: " + cookie_of(await choose(proxy, body, SAME, *headers)).split(b";")[0].decode()


def changed(tmp_path):
    """Return the config of years later: other colours, other words, other rules."""
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "fr.yaml").write_text(
        "banner: { title: Un autre titre }\nbuttons: { refuse: Non }\n"
    )
    config = tmp_path / "config.yaml"
    text = config.read_text().replace("#7a1f5c", "#0f5a2f")
    config.write_text(text + "\nlanguages: words\n")
    (tmp_path / "rules.yaml").write_text(RULES.replace("Google Analytics", "Somebody Else"))
    return config


async def test_a_record_shows_banner_and_panel_exactly_as_they_were(tmp_path):
    seen, panel, kept = await answered(tmp_path)
    config = await asyncio.to_thread(changed, tmp_path)

    first, second = [
        await asyncio.to_thread(lambda id_=one.id: run(config, "show", id_, "--html").stdout)
        for one in kept[:2]
    ]

    banner = frames(first)["The banner"]
    assert body_of(banner, '<h2 id="cc-t">') == body_of(seen, '<h2 id="cc-t">')
    assert "--cc-act:#7a1f5c" in banner
    assert "Un autre titre" not in first
    shown = frames(second)
    assert list(shown) == ["The panel, as it stood before the answer"]
    old = shown["The panel, as it stood before the answer"]
    assert body_of(old, '<section class="cd" id=') == body_of(panel, '<section class="cd" id=')
    assert "Vous avez tout refusé" in old
    assert "Google Analytics" in first
    assert "The cookie table, version 2026-11-01" in first


async def test_it_says_what_is_not_as_it_was(tmp_path):
    _, _, kept = await answered(tmp_path)
    config = await asyncio.to_thread(changed, tmp_path)

    whole = await asyncio.to_thread(lambda: run(config, "show", kept[0].id, "--html").stdout)
    await asyncio.to_thread(lambda: run(config, "erase", kept[0].id))
    without = await asyncio.to_thread(lambda: run(config, "show", kept[1].id, "--html").stdout)
    gone = await asyncio.to_thread(lambda: run(config, "show", kept[0].id, "--html", code=1).stderr)

    assert "Words, order, colours and layout are those of the record" in whole
    assert "The answer before this one is not kept any more" in without
    assert "was erased" in gone


async def test_nothing_runs_or_loads_on_the_page_of_a_record(tmp_path):
    _, _, kept = await answered(tmp_path)

    page = await asyncio.to_thread(lambda: run(tmp_path / "config.yaml", "show", kept[0].id, "--html").stdout)

    assert well_formed(page.replace("<!DOCTYPE html>", ""))
    assert "<script" not in page
    assert all('sandbox=""' in frame for frame in re.findall(r"<iframe[^>]*>", page))
    assert re.findall(r"\ssrc=", page) == []


async def test_the_letter_says_all_that_is_kept_in_the_visitors_language(tmp_path):
    _, _, kept = await answered(tmp_path)

    page = await asyncio.to_thread(lambda: run(tmp_path / "config.yaml", "letter", kept[0].id).stdout)

    assert well_formed(page.replace("<!DOCTYPE html>", ""))
    assert '<html class="cc" lang="fr" dir="ltr">' in page
    assert "<h1>Ce que nous gardons de vos choix</h1>" in page
    assert [page.index(one.id) for one in kept] == sorted(page.index(one.id) for one in kept)
    assert kept[0].content.visitor in page
    assert "<dt>Retiré</dt><dd>Performance</dd>" in page
    assert "5 ans à compter de chaque choix" in page
    assert "<dt>Prestataires concernés</dt><dd>HubSpot, Google Analytics</dd>" in page
    assert "privacy@callkom.io" in page
    assert "CNIL" in page
    assert "<form" not in page


async def test_a_record_whose_rules_cannot_be_read_any_more_ends_with_a_sentence(tmp_path):
    _, _, kept = await answered(tmp_path)
    import sqlite3

    with sqlite3.connect(tmp_path / "proofs.db") as database:
        database.execute("DROP TRIGGER texts_never_change")
        database.execute("UPDATE texts SET body = 'policy: [' WHERE kind = 'rules'")

    told = await asyncio.to_thread(
        lambda: run(tmp_path / "config.yaml", "show", kept[0].id, "--html", code=1).stderr
    )

    assert "cannot be read by this program" in " ".join(told.split())


async def test_words_kept_before_colours_were_kept_are_drawn_in_todays(tmp_path):
    _, _, kept = await answered(tmp_path)
    import sqlite3

    with sqlite3.connect(tmp_path / "proofs.db") as database:
        database.execute("DROP TRIGGER texts_never_change")
        (body,) = database.execute("SELECT body FROM texts WHERE kind = 'wording'").fetchone()
        older = {
            key: text for key, text in json.loads(body).items() if key not in ("look", "program", "phrases")
        }
        database.execute("UPDATE texts SET body = ? WHERE kind = 'wording'", [json.dumps(older)])

    page = await asyncio.to_thread(lambda: run(tmp_path / "config.yaml", "show", kept[0].id, "--html").stdout)

    assert "Colours were not kept then" in page
    assert "Recorded by version an unknown version" in page
