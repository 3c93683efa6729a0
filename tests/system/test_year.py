"""More than a year of visits by a clock of our own: what is renewed at every visit ends all the same."""

from dataclasses import dataclass, field

import pytest

from tests.support.origin import Origin, html
from tests.support.proxying import PAGE, proxying

DAY = 86_400
START = 1_790_000_000
SAME = "Sec-Fetch-Site: same-origin"
EVERY = 5  # days between visits
SIX_MONTHS, THIRTEEN_MONTHS = 180, 395
ASKED, LOADS = b'id="cc-b"', b'<script src="https://www.googletagmanager.com/gtag/js?id=G-1">'


@dataclass
class Browser:
    """A jar and a calendar. One that `forgets` nothing ignores the lives it is told; deleting always works."""

    forgets: bool = True
    day: int = 0
    jar: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)

    def now(self) -> float:
        return START + self.day * DAY

    def header(self) -> str:
        if self.forgets:
            self.jar = {key: kept for key, kept in self.jar.items() if kept[1] > self.now()}
        return "Cookie: " + "; ".join(f"{name}={value}" for (name, _), (value, _) in self.jar.items())

    def take(self, got) -> None:
        for line in got.all(b"Set-Cookie"):
            pair, *attributes = (part.strip() for part in line.decode().split(";"))
            name, _, value = pair.partition("=")
            words = {key.lower(): text for key, _, text in (one.partition("=") for one in attributes)}
            life = float(words.get("max-age", "inf"))
            key = (name, words.get("domain", "").removeprefix("."))
            if life <= 0:
                self.jar.pop(key, None)
            else:
                self.jar[key] = (value, self.now() + life)

    def value(self, name: str) -> str | None:
        return next((value for (known, _), (value, _) in self.jar.items() if known == name), None)

    def ends(self, name: str) -> float:
        return max(ends for (known, _), (_, ends) in self.jar.items() if known == name)


class Site:
    """Renews what it is sent and numbers visitors it does not know, as analytics does."""

    def __init__(self) -> None:
        self.visitors = 0
        self.sent: list[str] = []

    def answer(self, seen) -> bytes:
        cookies = dict(
            pair.strip().partition("=")[::2]
            for line in seen.get(b"cookie")
            for pair in line.decode().split(";")
        )
        self.sent = sorted(cookies)
        if "_ga" not in cookies:
            self.visitors += 1
        id_ = cookies.get("_ga", f"visitor{self.visitors}")
        utk = cookies.get("hubspotutk", f"visitor{self.visitors}")
        return html(
            PAGE,
            f"Set-Cookie: _ga={id_}; Domain=callkom.io; Path=/; Max-Age=63072000".encode(),
            f"Set-Cookie: hubspotutk={utk}; Domain=callkom.io; Path=/; Max-Age=63072000".encode(),
        )


async def come(proxy, browser, target="/"):
    got = await proxy.ask(target, browser.header())
    browser.take(got)
    return got


async def say(proxy, browser, choice: bytes) -> None:
    kind = "Content-Type: application/x-www-form-urlencoded"
    got = await proxy.ask("/.consent/choice", SAME, kind, browser.header(), method="POST", body=choice)
    assert got.status == 303
    browser.take(got)


@pytest.mark.parametrize("forgets", [True, False], ids=["a browser", "a browser that ends nothing by itself"])
async def test_an_id_renewed_at_every_visit_is_gone_after_thirteen_months(tmp_path, forgets):
    site, browser = Site(), Browser(forgets)
    known: dict[str, list[int]] = {}
    async with (
        Origin({b"/": site.answer}) as origin,
        proxying(origin.url, folder=tmp_path, clock=browser.now) as proxy,
    ):
        await say(proxy, browser, b"choice=accept")
        for browser.day in range(0, 2 * THIRTEEN_MONTHS + 30, EVERY):
            if browser.day % 150 == 0:  # the visitor goes on agreeing before the answer runs out
                await say(proxy, browser, b"choice=accept")
            got = await come(proxy, browser)
            assert ASKED not in got.body
            days = known.setdefault(browser.value("_ga"), [])
            days.append(browser.day)
            if browser.value("_ga"):  # no renewal moves the day on which the browser itself forgets it
                assert browser.ends("_ga") <= START + (days[0] + THIRTEEN_MONTHS + 1) * DAY

    known.pop(None, None)
    first, second, *_ = known.values()
    assert THIRTEEN_MONTHS - 2 * EVERY <= first[-1] <= THIRTEEN_MONTHS, "its whole life, and not a day more"
    assert second[0] <= THIRTEEN_MONTHS + 2 * EVERY, "then another begins"
    assert all(days[-1] - days[0] <= THIRTEEN_MONTHS for days in known.values())


@pytest.mark.parametrize("forgets", [True, False], ids=["a browser", "a browser that ends nothing by itself"])
async def test_consent_is_asked_again_after_six_months_and_nothing_counts_meanwhile(tmp_path, forgets):
    site, browser = Site(), Browser(forgets)
    async with (
        Origin({b"/": site.answer}) as origin,
        proxying(origin.url, folder=tmp_path, clock=browser.now) as proxy,
    ):
        await say(proxy, browser, b"choice=accept")
        for browser.day in range(0, 365, EVERY):
            got = await come(proxy, browser)
            fresh = browser.day < SIX_MONTHS
            assert (ASKED in got.body) is not fresh, browser.day
            assert (LOADS in got.body) is fresh, browser.day
            assert (browser.value("_ga") is not None) is fresh, browser.day
            assert fresh or site.sent in ([], ["consent_callkom"]), browser.day

        await say(proxy, browser, b"choice=accept")
        got = await come(proxy, browser)

    assert ASKED not in got.body
    assert browser.value("_ga") == f"visitor{site.visitors}" != "visitor1"


async def test_a_refusal_is_remembered_as_long_and_no_longer(tmp_path):
    browser = Browser()
    async with (
        Origin({b"/": Site().answer}) as origin,
        proxying(origin.url, folder=tmp_path, clock=browser.now) as proxy,
    ):
        await say(proxy, browser, b"choice=refuse")
        asked = []
        for browser.day in range(0, 365, EVERY):
            got = await come(proxy, browser)
            asked.append(ASKED in got.body)
            assert browser.value("_ga") is None

    assert asked.index(True) * EVERY == SIX_MONTHS
