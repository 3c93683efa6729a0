"""A choice is made by role and name in our banner and by selectors in other tools, and what fails is said."""

import pytest
from playwright.sync_api import Error

from proxy.audit import deciding
from proxy.audit.consent_tools import KNOWN_TOOLS
from proxy.audit.deciding import CLICKS, NO_TOOL, decide, who_asks, withdraw
from proxy.audit.observed import Decided
from proxy.banner.word_files import load_languages

LANGUAGES = list(load_languages().all.values())
FRENCH = next(words for words in LANGUAGES if words.code == "fr")
TOOL = next(tool for tool in KNOWN_TOOLS if tool.name == "Cookiebot")


class Clock:
    """The time, which passes only where a page is waited for."""

    now = 0.0

    @classmethod
    def monotonic(cls) -> float:
        return cls.now


class Found:
    """What Playwright found on a page, as far as it is asked of here."""

    def __init__(self, page, wanted):
        self.page, self.wanted = page, wanted

    @property
    def names(self):
        return [name for name in self.wanted if name in self.page.shown]

    first = last = property(lambda self: self)

    def locator(self, selector, **_):
        return self

    def or_(self, other):
        return Found(self.page, [*self.wanted, *other.wanted])

    def count(self):
        return len(self.names)

    def wait_for(self, **_):
        if not self.names:
            raise Error("nothing to wait for")

    def click(self, **_):
        if not self.names:
            raise Error("nothing to click\nat all")
        self.page.clicked.append(self.names[0])
        self.page.on_click(self.names[0])

    def set_checked(self, checked, **_):
        self.click()


class Page:
    """A page with elements by role and name, or by selector; `on_click` says what follows."""

    url = "https://callkom.io/"

    def __init__(self, *shown, on_click=None):
        self.shown, self.clicked = set(shown), []
        self.on_click = on_click or (lambda _: self.shown.clear())

    def get_by_role(self, role, *, name, **_):
        return Found(self, [(role, name)])

    def locator(self, selector, **_):
        return Found(self, [selector])

    def wait_for_timeout(self, milliseconds):
        Clock.now += milliseconds / 1000

    def wait_for_url(self, holds, **_):
        if not holds(self.url):
            raise Error("it stayed")

    def evaluate(self, _):
        return "complete"


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    monkeypatch.setattr(deciding, "time", Clock)


def ours(words=FRENCH, *more):
    return [*(("button", words.plain(f"buttons.{name}")) for name in ("refuse", "accept", *more))]


def test_ours_is_known_in_every_language_and_before_any_other():
    for words in LANGUAGES:
        assert who_asks(Page(*ours(words), TOOL.shown), LANGUAGES, 0.0).words is words
    assert who_asks(Page(TOOL.shown), LANGUAGES, 0.0).tool is TOOL
    assert who_asks(Page(), LANGUAGES, 0.0) is None
    assert who_asks(Page(ours()[0]), LANGUAGES, 0.0) is None


def test_what_asks_has_a_name():
    assert who_asks(Page(*ours()), LANGUAGES, 0.0).name == "consent-proxy"
    assert who_asks(Page(TOOL.shown), LANGUAGES, 0.0).name == "Cookiebot"


@pytest.mark.parametrize(
    ("state", "button"), [("refuse", "refuse"), ("accept", "accept"), ("withdraw", "accept")]
)
def test_in_ours_the_button_of_the_state_is_pressed(state, button):
    page = Page(*ours())
    made = decide(page, state, LANGUAGES, ())

    assert page.clicked == [("button", FRENCH.plain(f"buttons.{button}"))]
    assert made == Decided(True, f"our banner, button “{FRENCH.plain(f'buttons.{button}')}”", "consent-proxy")


def test_single_purposes_are_checked_and_saved():
    customize, label = (
        ("button", FRENCH.plain("buttons.customize")),
        ("checkbox", FRENCH.purpose("functional", "label")),
    )
    save = ("button", FRENCH.plain("buttons.save"))
    page = Page(
        *ours(), customize, label, save, on_click=lambda name: page.shown.clear() if name == save else None
    )
    made = decide(page, "functional", LANGUAGES, ("functional",))

    assert page.clicked == [customize, label, save]
    assert made.how.startswith("our banner, “")
    assert label[1] in made.how


def test_where_nothing_asks_no_choice_is_made():
    assert decide(Page(), "refuse", LANGUAGES, ()) == Decided(False, NO_TOOL)


@pytest.mark.parametrize(
    ("state", "selectors"), [("refuse", TOOL.refuse), ("accept", TOOL.accept), ("withdraw", TOOL.accept)]
)
def test_another_tool_is_clicked_where_its_documents_say(state, selectors):
    page = Page(TOOL.shown, *TOOL.accept, *TOOL.refuse)

    assert decide(page, state, LANGUAGES, ()) == Decided(True, f"Cookiebot: {selectors[0]}", "Cookiebot")
    assert page.clicked == [selectors[0]]


def test_nobody_told_us_how_to_choose_one_purpose_in_another_tool():
    made = decide(Page(TOOL.shown), "functional", LANGUAGES, ("functional",))

    assert made == Decided(False, "Cookiebot: nobody told us how to choose functional alone", "Cookiebot")


def test_a_banner_that_stays_is_clicked_a_few_times_and_then_said_to_stay():
    page = Page(TOOL.shown, *TOOL.refuse, on_click=lambda _: None)
    made = decide(page, "refuse", LANGUAGES, ())
    own = decide(Page(*ours(), on_click=lambda _: None), "refuse", LANGUAGES, ())

    assert page.clicked == [TOOL.refuse[0]] * CLICKS
    assert made == Decided(
        False, f"Cookiebot: the banner stayed after {CLICKS} clicks on {TOOL.refuse[0]}", "Cookiebot"
    )
    assert own == Decided(False, "consent-proxy: the banner stayed", "consent-proxy")


def test_a_button_that_is_not_there_is_said_in_one_line():
    made = decide(Page(TOOL.shown), "refuse", LANGUAGES, ())

    assert made == Decided(False, "Cookiebot: nothing to click", "Cookiebot")


def test_ours_is_withdrawn_from_by_its_link_and_the_button_of_the_panel():
    link, refuse = ("link", FRENCH.plain("buttons.manage")), ("button", FRENCH.plain("buttons.refuse"))

    def follow(name):
        if name == link:
            page.shown.add(refuse)
        else:
            page.url = "https://callkom.io/done"

    page = Page(link, on_click=follow)
    made = withdraw(page, LANGUAGES)

    assert page.clicked == [link, refuse]
    assert made == Decided(True, f"link “{link[1]}”, button “{refuse[1]}”", "consent-proxy")


def test_another_tool_is_withdrawn_from_where_its_documents_say():
    page = Page(TOOL.withdraw[0], on_click=lambda _: page.shown.add(TOOL.withdraw[1]))

    assert withdraw(page, LANGUAGES) == Decided(
        True, f"Cookiebot: {' then '.join(TOOL.withdraw)}", "Cookiebot"
    )
    assert page.clicked == list(TOOL.withdraw)


def test_what_leads_to_something_that_is_there_already_is_not_clicked():
    page = Page(*TOOL.withdraw)

    assert withdraw(page, LANGUAGES).done
    assert page.clicked == [TOOL.withdraw[1]]


def test_where_no_way_leads_there_it_is_said():
    assert withdraw(Page(), LANGUAGES) == Decided(False, "no way to withdraw was found")
