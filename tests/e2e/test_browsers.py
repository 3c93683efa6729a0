"""One walk through the demo site, as a person goes it, in Chromium and in Firefox."""

from dataclasses import dataclass

import pytest

from tests.e2e.test_walk import FUNCTIONAL, NEEDS_CONSENT, PAGES, PERFORMANCE, STORED, third_parties
from tests.e2e.walkers import NARROW, WIDE, asks
from tests.patience import until

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class Words:
    """What a person reads, in one language, and where the pages in it are."""

    home: str
    contact: str
    refuse: str
    accept: str
    customize: str
    save: str
    manage: str


EN = Words("/", "/contact", "Refuse all", "Accept all", "Customize", "Save my choices", "Manage my cookies")
FR = Words(
    "/fr/",
    "/fr/contact",
    "Tout refuser",
    "Tout accepter",
    "Personnaliser",
    "Enregistrer mes choix",
    "Gérer mes cookies",
)
HOSTS = ["callkom.io", "app.callkom.io", "integration.callkom.io"]
KINDS = [  # without script: tests/e2e/test_walk.py in Chromium, and here in the long suites
    pytest.param(EN, WIDE, True, id="English, wide"),
    pytest.param(FR, NARROW, False, id="French, narrow, without script", marks=pytest.mark.load),
    pytest.param(FR, NARROW, True, id="French, narrow", marks=pytest.mark.load),
    pytest.param(EN, WIDE, False, id="English, wide, without script", marks=pytest.mark.load),
]
MARKED = {"googletagmanager.com"}  # its noscript frame is the one thing that loads without script


def strange(providers) -> set[str]:
    """Third parties that need consent and were reached."""
    return {host for host in third_parties(providers) if not host.endswith(("mozilla.com", "firefox.com"))}


def everywhere(person, words: Words) -> None:
    """Visit every kind of page, and every host: each holds cookies that only it can let go."""
    for host, path in [*PAGES, ("integration.callkom.io", words.home)]:
        person.goes(path, host)


def asked(person, words: Words) -> bool:
    return asks(person, words.refuse, words.accept, words.manage)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(True, id="with script"),
        pytest.param(False, id="without script", marks=pytest.mark.load),
    ],
)
def test_without_us_the_pages_reach_third_parties_and_store_their_cookies(
    comes,
    unprotected,
    providers,
    script,
):
    """The measuring instrument works in this browser, too."""
    person = comes(port=unprotected, script=script)
    everywhere(person, EN)

    if script:
        assert providers.missing(*FUNCTIONAL, *PERFORMANCE) == []
        assert until(lambda: person.cookie_names() >= STORED), STORED - person.cookie_names()
    else:
        assert providers.missing("www.googletagmanager.com") == []


@pytest.mark.parametrize(("words", "size", "script"), KINDS)
def test_a_first_visit_reaches_nobody_and_refusing_keeps_it_so(comes, providers, words, size, script):
    person = comes(size=size, script=script)
    everywhere(person, words)
    person.goes(words.contact)
    assert asked(person, words)

    person.clicks("button", words.refuse)
    assert person.address == f"https://callkom.io{words.contact}"
    assert not asked(person, words)
    everywhere(person, words)
    for host in HOSTS:
        person.goes(words.home, host)
        assert not asked(person, words), "one answer serves every host"

    assert strange(providers) == set()
    assert person.cookie_names() & NEEDS_CONSENT == set()
    assert "consent_callkom" in person.cookie_names()


@pytest.mark.parametrize(("words", "size", "script"), KINDS)
def test_accepting_loads_everywhere_and_changing_ones_mind_ends_it(comes, providers, words, size, script):
    person = comes(size=size, script=script)
    person.goes(words.contact)
    person.clicks("button", words.accept)
    assert person.address == f"https://callkom.io{words.contact}", "back where one was"
    for host in HOSTS:
        person.goes(words.home, host)
        assert not asked(person, words), "one answer serves every host"
    everywhere(person, words)
    expected = FUNCTIONAL + PERFORMANCE if script else MARKED
    assert providers.missing(*expected) == []
    stored = STORED if script else set()
    assert until(lambda: stored <= person.cookie_names()), stored - person.cookie_names()

    person.goes(words.contact)
    person.clicks("link", words.manage)
    providers.forget()
    person.clicks("button", words.refuse)
    assert person.address == f"https://callkom.io{words.contact}", "the panel leads back"
    everywhere(person, words)

    assert strange(providers) == set()
    assert person.cookie_names() & NEEDS_CONSENT == set()


@pytest.mark.parametrize(("words", "size", "script"), KINDS)
def test_customizing_grants_what_was_ticked_and_the_panel_changes_it(comes, providers, words, size, script):
    person = comes(size=size, script=script)
    person.goes(words.home)
    person.clicks("text", words.customize)
    person.ticks("performance")
    person.clicks("button", words.save)
    assert not asked(person, words)
    everywhere(person, words)
    granted, refused = PERFORMANCE if script else MARKED, FUNCTIONAL
    assert providers.missing(*granted) == []
    assert [host for host in refused if providers.reached(host)] == []

    person.goes(words.home)
    person.clicks("link", words.manage)
    person.ticks("performance")
    person.ticks("functional")
    person.clicks("button", words.save)
    providers.forget()
    everywhere(person, words)

    granted, refused = FUNCTIONAL if script else [], PERFORMANCE
    assert providers.missing(*granted) == []
    assert [host for host in refused if providers.reached(host)] == []
