"""Makes a choice as people do: in our banner by role and name, in other tools by what is known of them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.audit.consent_tools import KNOWN_TOOLS, ConsentTool
from proxy.audit.observed import Decided
from proxy.audit.plan import ACCEPT, REFUSE, WITHDRAW
from proxy.banner.words import Words

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

APPEARS = 3.0
"""Seconds in which a banner has to appear."""

FOLLOWS = 8.0
"""Seconds in which a banner has to go after a click."""

CLICKS = 3
"""Clicks on a button of another tool: the first may come before its script listens."""

CLICK = 3_000
"""Milliseconds in which something has to become clickable."""

OUR_PANEL = "form[action$=choice]:has(input[name=surface][value=panel])"
"""The panel of our own, where a first try to refuse may have failed."""

NO_TOOL = "no consent tool was found"


@dataclass(frozen=True, slots=True)
class Asked:
    """What asks on a page: our banner in a language, or another tool."""

    words: Words | None = None
    tool: ConsentTool | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        return self.tool.name if self.tool is not None else "consent-proxy" if self.words else ""

    def buttons(self, page: Page) -> tuple[Locator, Locator]:
        """Return what refuses and what accepts on its first page."""
        if self.words is not None:
            return _button(page, self.words, "refuse"), _button(page, self.words, "accept")
        assert self.tool is not None
        return page.locator(self.tool.refuse[0]).first, page.locator(self.tool.accept[0]).first


def who_asks(page: Page, languages: Sequence[Words], seconds: float = APPEARS) -> Asked | None:
    """Return what asks on this page; ours is looked for first."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(_lost()):
            for words in languages:
                if _button(page, words, "refuse").count() and _button(page, words, "accept").count():
                    return Asked(words=words)
            for tool in KNOWN_TOOLS:
                if _is_shown(page, tool.shown):
                    return Asked(tool=tool)
        if time.monotonic() > end:
            return None
        page.wait_for_timeout(100)


def decide(page: Page, state: str, languages: Sequence[Words], purposes: Sequence[str]) -> Decided:
    """Make the choice of a state on this page, and say how."""
    asked = who_asks(page, languages)
    if asked is None:
        return Decided(False, NO_TOOL)
    try:
        if asked.words is not None:
            how = _in_ours(page, asked.words, state, purposes)
        else:
            assert asked.tool is not None
            how = _in_tool(page, asked.tool, state)
    except _lost() as error:
        return Decided(False, f"{asked.name}: {str(error).splitlines()[0][:200]}", asked.name)
    return Decided(bool(how), how or f"{asked.name}: nobody told us how to choose {state} alone", asked.name)


def withdraw(page: Page, languages: Sequence[Words]) -> Decided:
    """Take back what was granted, by the way that the page offers, and say how."""
    end = time.monotonic() + FOLLOWS
    while time.monotonic() < end:
        for words in languages:
            with contextlib.suppress(_lost()):
                if how := _withdrawn_from_ours(page, words):
                    return Decided(True, how, "consent-proxy")
        for tool in KNOWN_TOOLS:
            with contextlib.suppress(_lost()):
                if tool.withdraw and _is_shown(page, tool.withdraw[0]):
                    _clicks(page, tool.withdraw)
                    return Decided(True, f"{tool.name}: {' then '.join(tool.withdraw)}", tool.name)
        page.wait_for_timeout(100)
    return Decided(False, "no way to withdraw was found")


def _withdrawn_from_ours(page: Page, words: Words) -> str:
    """Go to our panel and refuse there; return how, empty where no link leads to it."""
    manage, refuses = words.plain("buttons.manage"), words.plain("buttons.refuse")
    link = page.get_by_role("link", name=manage, exact=True)
    refuse = _button(page, words, "refuse").last
    if not page.locator(OUR_PANEL).count():
        if not link.count():
            return ""
        link.first.click(timeout=CLICK)
    elif not refuse.count():  # in this language, or yet
        return ""
    refuse.wait_for(state="visible", timeout=CLICK)
    panel = page.url
    for left in reversed(range(CLICKS)):
        refuse.click(timeout=CLICK)
        with contextlib.ExitStack() as tries:
            if left:
                tries.enter_context(contextlib.suppress(_lost()))
            page.wait_for_url(lambda address: address != panel, timeout=FOLLOWS / CLICKS * 1000)
        if page.url != panel:
            break
    return f"link “{manage}”, button “{refuses}”"


def _in_ours(page: Page, words: Words, state: str, purposes: Sequence[str]) -> str:
    """Click in our banner; return how, empty where a purpose has no checkbox."""
    if state in (REFUSE, ACCEPT, WITHDRAW):
        name = "refuse" if state == REFUSE else "accept"
        _button(page, words, name).first.click(timeout=CLICK)
        _gone(page, words)
        return f"our banner, button “{words.plain(f'buttons.{name}')}”"
    customize = words.plain("buttons.customize")
    opens = (
        page.get_by_role("button", name=customize, exact=True)
        .or_(page.get_by_role("link", name=customize, exact=True))
        .or_(page.locator("summary", has_text=customize))
    )
    opens.first.click(timeout=CLICK)
    for id_ in purposes:
        box = page.get_by_role("checkbox", name=words.purpose(id_, "label")).first
        box.set_checked(True, timeout=CLICK)
    _button(page, words, "save").first.click(timeout=CLICK)
    _gone(page, words)
    labels = ", ".join(words.purpose(id_, "label") for id_ in purposes)
    return f"our banner, “{customize}”, {labels}, “{words.plain('buttons.save')}”"


def _in_tool(page: Page, tool: ConsentTool, state: str) -> str:
    """Click in another tool; return how, empty where nobody told us how."""
    if state not in (REFUSE, ACCEPT, WITHDRAW):
        return ""
    selectors = tool.refuse if state == REFUSE else tool.accept
    for _ in range(CLICKS):
        _clicks(page, selectors)
        if _until(page, lambda: not _is_shown(page, tool.shown), FOLLOWS / CLICKS):
            return f"{tool.name}: {' then '.join(selectors)}"
    raise _lost()(f"the banner stayed after {CLICKS} clicks on {selectors[-1]}")


def _clicks(page: Page, selectors: Sequence[str]) -> None:
    """Click one after the other; what leads to something that is there already is left out."""
    for index, selector in enumerate(selectors):
        if not any(_is_shown(page, later) for later in selectors[index + 1 :]):
            page.locator(selector).locator("visible=true").first.click(timeout=CLICK)


def _button(page: Page, words: Words, name: str) -> Locator:
    return page.get_by_role("button", name=words.plain(f"buttons.{name}"), exact=True)


def _is_shown(page: Page, selector: str) -> bool:
    return page.locator(selector).locator("visible=true").count() > 0


def _gone(page: Page, words: Words) -> None:
    """Wait until our banner has gone, be it by a new page."""
    if not _until(page, lambda: not _button(page, words, "accept").count()):
        raise _lost()("the banner stayed")


def _until(page: Page, holds: Callable[[], bool], seconds: float = FOLLOWS) -> bool:
    """Wait until that holds on a page that has loaded; False where it never did."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(_lost()):
            if page.evaluate("document.readyState") == "complete" and holds():
                return True
        page.wait_for_timeout(100)
    return False


def _lost() -> type[Exception]:
    """What is raised where a page goes while we look at it."""
    from playwright.sync_api import Error  # noqa: PLC0415 - an optional extra

    return Error
