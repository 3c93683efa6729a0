"""The letter lists every proof of one visitor, oldest first, and says who keeps what, why and how long."""

import pytest

from proxy.banner.pages.letter import letter
from proxy.banner.pages.page_shell import Shell
from proxy.banner.word_files import load_languages
from proxy.config.banner_colours import Look
from proxy.consent.answer import How
from proxy.consent.record import Receipt, content_of
from proxy.policy.durations import parse_duration
from proxy.records.chain import Chain
from tests.banner.rendering import NOW, POLICY, well_formed
from tests.records.answers import NOON, answer

WORDS = load_languages()
SHELL = Shell.of(POLICY, Look(), "/.consent/", WORDS)


def receipts(*granted: set[str], site: str = "callkom.io"):
    chain = Chain(b"k" * 32, "writer", 0, b"s" * 32)
    contents = [
        content_of(answer("ana", granted=frozenset(one), how=How.SAVE, site=site), None) for one in granted
    ]
    return [
        Receipt(chain.append(f"{n:026}", NOON + n, content)).to_json() for n, content in enumerate(contents)
    ]


def written(proofs, code: str = "en", visitor: str = "ana", keep: str = "5 years") -> str:
    page = letter(
        SHELL, WORDS.all[code], proofs, visitor=visitor, keep=parse_duration(keep), now=NOW
    ).decode()
    assert well_formed(page.replace("<!DOCTYPE html>", ""))
    return page


def test_each_proof_stands_in_it_oldest_first_with_a_line_between():
    page = written(receipts({"functional"}, set(), {"performance"}))

    places = [page.index(f"{n:026}") for n in range(3)]
    assert places == sorted(places)
    assert page.count("<hr") == 2
    assert "HubSpot" in page  # the provider's name, not its id


def test_it_says_whose_it_is_and_how_long_it_is_kept_and_whom_to_ask():
    page = written(receipts({"functional"}), visitor="an-id<>", keep="18 months")

    assert "an-id&lt;&gt;" in page
    assert "18 months" in page
    assert f'href="mailto:{POLICY.contact}"' in page
    assert f'href="{POLICY.page}"' in page
    assert f'href="{POLICY.privacy}"' in page


def test_it_is_about_the_site_of_the_newest_proof():
    page = written(receipts({"functional"}, site="app.callkom.io"))

    assert "app.callkom.io</title>" in page


@pytest.mark.parametrize("code", sorted(WORDS.all))
def test_there_is_one_in_every_language(code):
    page = written(receipts({"functional"}), code)

    assert f'lang="{code}"' in page
    assert WORDS.all[code].plain("letter.title") in page


def test_it_is_to_print_and_asks_nothing():
    page = written(receipts(set()))

    assert "<form" not in page
    assert "<button" not in page
