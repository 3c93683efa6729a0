"""The visit itself: one fresh profile for each state, the same pages in each, as a person looks at them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from proxy.audit.banner_view import count_clicks, view
from proxy.audit.browser import fresh_profile, page_script
from proxy.audit.deciding import APPEARS, decide, withdraw
from proxy.audit.links import OWN_ADDRESSES, Link, Robots, fresh, origin, page_of, sitemap_links
from proxy.audit.observed import Decided, PageSeen, SiteVisit, StateVisit
from proxy.audit.plan import ACCEPT, NONE, WITHDRAW, Plan
from proxy.audit.recorder import Recorder, host_of
from proxy.banner.words import Words

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, Playwright

LOADS = 20_000
"""Milliseconds in which a page has to load."""

RESTS = 5.0
"""Seconds that a page is given to come to rest, twice."""

PAUSE = 1.0
"""Seconds between two pages of a site that is not ours."""

GRANTED_PAGES = 2
"""Pages that are looked at with everything granted before it is withdrawn."""

SOON = 0.3
"""Seconds in which the banner of a page that has come to rest appears, after the first page."""

MOST_SHOTS = 3
"""Screenshots of a state."""

_MENUS = (
    "header summary, nav summary, header button[aria-expanded=false]:not(form *), "
    "nav button[aria-expanded=false]:not(form *)"
)
_BEHIND = (
    """path => fetch(path + "state").then(found => found.json()).then(said => "ask" in said, () => false)"""
)
_OUR_PATH = """() => {
  const button = document.querySelector('form[method=post i][action$="/choice"] [name=choice][value=refuse]');
  const form = button && button.form && button.form.querySelector("[name=language]") && button.form;
  return form ? new URL(form.getAttribute("action"), location.href).pathname.replace(/choice$/, "") : "";
}"""
"""Where the addresses of the proxy are (`consent.path`), by the form of its banner."""

Progress = Callable[[str, int, int], None]
"""Takes the state, pages done and pages known."""


class Itinerary:
    """The pages that every state visits, found while the first one does."""

    def __init__(self, plan: Plan, robots: dict[str, Robots]) -> None:
        self._plan = plan
        self._robots = robots
        self.pages = [page for page in dict.fromkeys(map(page_of, plan.addresses)) if self._allows(page)]
        self._found = False
        self.own_path = OWN_ADDRESSES

    def found(self, links: Sequence[Link]) -> None:
        """Take the links of a page while there is room."""
        if self._found:
            return
        for page in fresh(links, self.pages, self.own_path):
            if len(self.pages) < self._plan.pages and self._plan.may_visit(page) and self._allows(page):
                self.pages.append(page)

    def close(self) -> None:
        """Say that the pages are known: further states visit the same."""
        self._found = True

    def _allows(self, page: str) -> bool:
        robots = self._robots.get(origin(page))
        return robots is None or robots.allows(page)


def visit_site(
    engine: Playwright,
    plan: Plan,
    languages: Sequence[Words],
    purposes: dict[str, tuple[str, ...]],
    progress: Progress,
) -> SiteVisit:
    """Visit a site in every state of a plan; `purposes` are those that each state grants."""
    seen = SiteVisit(plan.addresses)
    route = _prepared(engine, plan, seen)
    for state in plan.states:
        with fresh_profile(engine, plan) as context:
            visit = _StateVisitor(context, plan, languages, partial(progress, state))
            seen.states.append(visit.run(state, purposes[state], route))
            seen.banners |= visit.banners
        route.close()
    asking = [path for path, one in seen.banners.items() if one["found"]]
    seen.banner = next((seen.banners[path] for path in asking), {}) or next(iter(seen.banners.values()), {})
    if asking and seen.banner["accept"] and not seen.banner["refuse"]:
        with fresh_profile(engine, plan) as context:
            _further_layers(
                context, next(one for one in route.pages if path_of(one) == asking[0]), seen, languages
            )
    return seen


def _further_layers(
    context: BrowserContext, address: str, seen: SiteVisit, languages: Sequence[Words]
) -> None:
    """Count the clicks to refuse, in a profile of its own: what they load is no visitor's choice."""
    from playwright.sync_api import Error  # noqa: PLC0415 - an optional extra

    page = context.pages[0] if context.pages else context.new_page()
    with contextlib.suppress(Error):
        page.goto(address, wait_until="load", timeout=LOADS)
        count_clicks(page, languages, seen.banner)


def _prepared(engine: Playwright, plan: Plan, seen: SiteVisit) -> Itinerary:
    """Read robots.txt of sites that are not ours, and the sitemap where it is wanted."""
    robots: dict[str, Robots] = {}
    wanted = [one for one in dict.fromkeys(map(origin, plan.addresses)) if plan.is_polite(one)]
    with fresh_profile(engine, plan) as context:
        seen.browser = f"Chromium {context.browser.version}" if context.browser else "Chromium"
        page = context.pages[0] if context.pages else context.new_page()
        for one in wanted:
            robots[one] = Robots(_text(page, f"{one}/robots.txt"))
        route = Itinerary(plan, robots)
        if plan.sitemap:
            for one in dict.fromkeys(map(origin, plan.addresses)):
                route.found([Link(address) for address in _in_sitemap(page, f"{one}/sitemap.xml")])
            route.close()
    return route


def _in_sitemap(page: Page, address: str) -> list[str]:
    """Return the pages of a sitemap, and of the sitemaps it names, one deep."""
    text = _text(page, address) or ""
    links = sitemap_links(text)
    if "<sitemapindex" not in text:
        return links
    return [
        link
        for one in links[:20]
        if origin(one) == origin(address)
        for link in sitemap_links(_text(page, one) or "")
    ]


def _text(page: Page, address: str) -> str | None:
    """Return the text of a file of the site, None where there is none."""
    from playwright.sync_api import Error  # noqa: PLC0415 - an optional extra

    with contextlib.suppress(Error):
        response = page.goto(address, timeout=LOADS)
        if response is not None and response.ok:
            return response.text()[:5_000_000]
    return None


class _StateVisitor:
    """One state in one profile."""

    def __init__(
        self,
        context: BrowserContext,
        plan: Plan,
        languages: Sequence[Words],
        progress: Callable[[int, int], None],
    ) -> None:
        self._plan, self._languages, self._progress = plan, languages, progress
        self._page = context.pages[0] if context.pages else context.new_page()
        self._recorder = Recorder(context, self._page, plan.own)
        context.on("page", lambda popup: popup.close())
        self._last = 0.0
        self.banners: dict[str, dict[str, Any]] = {}

    def run(self, state: str, purposes: Sequence[str], route: Itinerary) -> StateVisit:
        """Visit the pages of the itinerary in this state."""
        seen = StateVisit(state, Decided(True, "nothing was clicked"))
        if not route.pages:
            seen.decided = Decided(False, "robots.txt allows no page")
            return seen
        if state != NONE:
            self._open(route.pages[0], seen, route)
            seen.decided = self._decide(state, purposes, seen, route)
        if state == NONE or seen.decided.done:
            self._all_pages(seen, route)
        self._collect(seen)
        return seen

    def _all_pages(self, seen: StateVisit, route: Itinerary) -> None:
        at = 0
        while at < len(route.pages):  # the first state finds them while it goes
            self._open(route.pages[at], seen, route)
            if seen.state == NONE and self._plan.own.owns(host_of(self._page.url)):
                waits = APPEARS if at == 0 else SOON
                self.banners[path_of(route.pages[at])] = view(self._page, self._languages, waits)
            at += 1
            self._progress(at, len(route.pages))

    def _decide(self, state: str, purposes: Sequence[str], seen: StateVisit, route: Itinerary) -> Decided:
        """Make the choice; what the click brings counts, but a withdrawal stands once it was answered."""
        if state != WITHDRAW:
            self._recorder.has_decided()
        decided = decide(self._page, ACCEPT if state == WITHDRAW else state, self._languages, purposes)
        self._rest()
        if state == WITHDRAW and decided.done:
            for page in reversed(route.pages[:GRANTED_PAGES]):
                self._open(page, seen, route)
            taken = withdraw(self._page, self._languages)
            decided = Decided(taken.done, f"{decided.how}; then {taken.how}", decided.tool)
            self._rest()
        self._recorder.has_decided()
        return decided

    def _open(self, address: str, seen: StateVisit, route: Itinerary) -> None:
        from playwright.sync_api import Error  # noqa: PLC0415 - an optional extra

        self._pause(address)
        path = path_of(address)
        self._recorder.on_page(path)
        begin, status, failed = time.monotonic(), None, ""
        try:
            response = self._page.goto(address, wait_until="load", timeout=LOADS)
            status = response.status if response is not None else None
        except Error as error:
            failed = str(error).splitlines()[0][:200]
        with contextlib.suppress(Error):
            route.own_path = str(self._page.evaluate(_OUR_PATH)) or route.own_path
            self._look(route)
        host = host_of(self._page.url)
        left = "" if self._plan.own.owns(host) else host
        seen.pages.append(
            PageSeen(
                page_of(address).partition("?")[0],
                status,
                self._title(),
                int((time.monotonic() - begin) * 1000),
                left,
                failed,
                self._recorder.now().decided,
            )
        )
        if not left and not failed and not seen.behind:
            with contextlib.suppress(Error):
                seen.behind = bool(self._page.evaluate(_BEHIND, route.own_path))
        self._shot(path, seen)

    def _look(self, route: Itinerary) -> None:
        """Look at a page as a person does: wait, scroll, open menus; then note what it holds."""
        self._rest()
        for _ in range(6):
            self._page.mouse.wheel(0, 1_500)
            self._page.wait_for_timeout(30)
        self._menus()
        self._rest()
        self._read(route)

    def _menus(self) -> None:
        from playwright.sync_api import Error  # noqa: PLC0415

        menus = self._page.locator(_MENUS)
        for index in range(min(menus.count(), 3)):
            with contextlib.suppress(Error):
                menus.nth(index).click(timeout=300)

    def _read(self, route: Itinerary) -> None:
        """Note names in storage of every frame, and links of pages of the site."""
        from playwright.sync_api import Error  # noqa: PLC0415

        for frame in self._page.frames:
            host = host_of(frame.url)
            if not host:
                continue
            with contextlib.suppress(Error):
                held = frame.evaluate(page_script("page.js"))
                names = {"local": held["local"], "session": held["session"]}
                self._recorder.saw_keys(
                    host, {**names, "database": held["databases"], "cache": held["caches"]}
                )
                for rel, address in held["ahead"]:
                    self._recorder.saw_ahead(str(rel), str(address))
                if frame == self._page.main_frame and self._plan.own.owns(host):
                    route.found([Link(str(a), str(text), bool(down)) for a, text, down in held["links"]])

    def _rest(self) -> None:
        end = time.monotonic() + RESTS
        self._page.wait_for_timeout(50)
        while time.monotonic() < end and not self._recorder.is_quiet:
            self._page.wait_for_timeout(50)

    def _pause(self, address: str) -> None:
        if self._plan.is_polite(address):
            wait = self._last + PAUSE - time.monotonic()
            if wait > 0:
                self._page.wait_for_timeout(wait * 1000)
        self._last = time.monotonic()

    def _title(self) -> str:
        from playwright.sync_api import Error  # noqa: PLC0415

        with contextlib.suppress(Error):
            return self._page.title()[:200]
        return ""

    def _shot(self, path: str, seen: StateVisit) -> None:
        from playwright.sync_api import Error  # noqa: PLC0415

        if not self._plan.screenshots or len(seen.screenshots) >= MOST_SHOTS:
            return
        with contextlib.suppress(Error):
            self._page.evaluate("scrollTo(0, 0)")
            shot = self._page.screenshot(type="jpeg", quality=45, timeout=5_000)
            early = seen.state != NONE and not self._recorder.now().decided
            seen.screenshots.append((f"{path}, before the choice" if early else path, shot))

    def _collect(self, seen: StateVisit) -> None:
        seen.cookies, seen.reads = self._recorder.collect()
        seen.jar = self._recorder.jar()
        seen.keys, seen.requests = self._recorder.keys, self._recorder.requests
        self._recorder.detach()


def path_of(address: str) -> str:
    """Return how an address is named in a report: host and path."""
    parts = urlsplit(address)
    return f"{parts.hostname}{parts.path or '/'}"
