import hashlib
import json

import pytest

from tests.own.test_addresses import SAME, choose, cookie_of, records
from tests.support.origin import Origin
from tests.support.proxying import proxying

JSON = "Accept: application/json"


def consent(got):
    return "Cookie: " + cookie_of(got).split(b";")[0].decode()


async def test_a_visitor_sees_every_proof_of_theirs_newest_first(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        cookie = consent(await choose(proxy, b"choice=accept", SAME))
        cookie = consent(await choose(proxy, b"choice=save&purpose=functional", SAME, cookie))
        cookie = consent(await choose(proxy, b"choice=refuse", SAME, cookie))
        await choose(proxy, b"choice=accept", SAME)  # somebody else
        page = await proxy.ask("/.consent/receipt", cookie)
        told = await proxy.ask("/.consent/receipt", cookie, JSON)
        kept = [
            record.id for record in (await records(proxy)) if record.content.visitor == await _visitor(proxy)
        ]

    proofs = [told.json, *told.json["earlier"]]
    assert [proof["granted"] for proof in proofs] == [[], ["functional"], ["functional", "performance"]]
    assert [proof["previous"] for proof in proofs] == [proofs[1]["id"], proofs[2]["id"], None]
    assert all(proof["id"].encode() in page.body for proof in proofs)
    assert {proof["id"] for proof in proofs} == set(kept)
    assert b'<form method="post" action="/.consent/receipt">' in page.body


async def _visitor(proxy):
    """Return the visitor with several records."""
    found = [record.content.visitor for record in await records(proxy)]
    return max(found, key=found.count)


async def test_who_never_answered_has_no_proof_and_nothing_to_erase(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        told = await proxy.ask("/.consent/receipt", JSON)
        page = await proxy.ask("/.consent/receipt")
        erased = await proxy.ask("/.consent/receipt", SAME, JSON, method="POST", body=b"erase=all")

    assert told.json == {"id": None, "earlier": []}
    assert b"<form" not in page.body
    assert erased.json == {"erased": 0}


async def test_a_visitor_has_their_proofs_erased_and_their_answer_with_them(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        cookie = consent(await choose(proxy, b"choice=accept", SAME))
        await choose(proxy, b"choice=accept", SAME)
        form = b"erase=all&language=fr"
        got = await proxy.ask("/.consent/receipt", SAME, f"{cookie}; _ga=1", method="POST", body=form)
        after = await proxy.ask(got.one(b"Location").decode())
        never = await proxy.ask("/.consent/receipt?language=fr")
        left = await records(proxy)
        verified = await proxy.server.snapshot.store.verify()

    assert (got.status, got.one(b"Location")) == (303, b"/.consent/receipt?language=fr&erased")
    assert "Vos preuves sont effacées, et votre réponse avec elles." in after.body.decode()
    assert "avez pas encore répondu" in never.body.decode()
    lines = got.all(b"Set-Cookie")
    assert b"consent_callkom=; Path=/; Domain=callkom.io; Max-Age=0; HttpOnly; SameSite=Lax" in lines
    assert any(line.startswith(b"_ga=;") for line in lines)
    assert len(left) == 1
    assert (verified.records, verified.erased, verified.faults) == (2, 1, [])


async def test_erasing_takes_a_second_press_that_says_what_it_means(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        cookie = consent(await choose(proxy, b"choice=accept", SAME))
        page = (await proxy.ask("/.consent/receipt", cookie)).body.decode()
    asking, _, confirming = page.partition("<details><summary><b>Erase my proofs</b></summary>")

    assert "<form" not in asking
    assert confirming.index("your answer is erased with them") < confirming.index(
        "Erase them for good</button>"
    )


async def test_nobody_can_have_anothers_proofs_erased_from_elsewhere(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        cookie = consent(await choose(proxy, b"choice=accept", SAME))
        got = await proxy.ask(
            "/.consent/receipt", "Sec-Fetch-Site: cross-site", cookie, method="POST", body=b"erase=all"
        )
        left = await records(proxy)

    assert got.status == 403
    assert len(left) == 1


@pytest.mark.parametrize("headers", [[], [JSON]])
async def test_without_its_store_the_receipt_is_put_off(tmp_path, headers):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        cookie = consent(await choose(proxy, b"choice=accept", SAME))
        for file in tmp_path.glob("*.db*"):
            file.write_bytes(b"not a database " * 300)
        got = await proxy.ask("/.consent/receipt", cookie, *headers)

    assert got.status == 503
    assert got.one(b"Retry-After")


async def test_the_answer_to_a_program_is_the_receipt(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await choose(proxy, b"choice=save&purpose=functional", SAME, JSON)
        (kept,) = await records(proxy)

    assert got.json["id"] == kept.id
    names = {"id", "time", "site", "granted", "refused", "how", "policy_version"}
    assert names <= set(got.json)
    assert (got.json["granted"], got.json["refused"], got.json["how"]) == (
        ["functional"],
        ["performance"],
        "save",
    )


async def kept_in_order(proxy):
    """Return the contents of all records, oldest first."""
    return [record.content async for record in proxy.server.snapshot.store.every()]


async def test_withdrawing_is_told_apart_from_refusing(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        await choose(proxy, b"choice=refuse&language=en", SAME)  # somebody who never agreed
        cookie = consent(await choose(proxy, b"choice=accept&language=en", SAME))
        cookie = consent(
            await choose(proxy, b"choice=save&purpose=functional&language=en&surface=panel", SAME, cookie)
        )
        cookie = consent(await choose(proxy, b"choice=refuse&language=en&surface=panel", SAME, cookie))
        kept = await kept_in_order(proxy)

    assert [(one.how.value, one.control.value, one.withdrawn) for one in kept] == [
        ("refuse", "refuse", ()),
        ("accept", "accept", ()),
        ("withdraw", "save", ("performance",)),
        ("withdraw", "refuse", ("functional",)),
    ]
    assert [(one.surface.value, one.asked.value) for one in kept] == [
        ("banner", "first"),
        ("banner", "first"),
        ("panel", "no"),
        ("panel", "no"),
    ]


async def test_taking_one_purpose_back_and_granting_another_is_a_choice_that_names_what_it_withdrew(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        cookie = consent(await choose(proxy, b"choice=save&purpose=functional", SAME))
        await choose(proxy, b"choice=save&purpose=performance", SAME, cookie)
        kept = await kept_in_order(proxy)

    assert (kept[1].how.value, kept[1].withdrawn, kept[1].granted) == (
        "save",
        ("functional",),
        ("performance",),
    )


async def test_a_record_names_the_published_table_that_was_shown(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        await choose(proxy, b"choice=accept&language=fr", SAME)
        table = (await proxy.ask("/.consent/policy.json?language=fr")).json
        (record,) = await records(proxy)
        shown = await proxy.server.snapshot.store.shown(record)

    assert json.loads(shown.policy) == table
    assert record.content.policy_digest == hashlib.sha256(shown.policy.encode()).hexdigest()


async def test_the_panel_says_that_it_is_the_panel(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        page = (await proxy.ask("/.consent/")).body

    assert b'<input type="hidden" name="surface" value="panel"/>' in page
