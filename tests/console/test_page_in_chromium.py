"""The console's page in a real browser: what it says of the figures, to whom, and on every screen."""

import json

import pytest

from tests.banner.stage import launched
from tests.banner.test_axe_in_chromium import findings
from tests.console.stage import sample, serving
from tests.patience import until

pytestmark = pytest.mark.e2e

PHONE = {"viewport": {"width": 400, "height": 800}}
OPEN = "() => document.querySelectorAll('details').forEach(one => one.open = true)"
LOOK_AGAIN = "() => document.dispatchEvent(new Event('visibilitychange'))"
HOSTILE = "<img src=x onerror=\"document.title='broken in'\">"


class Operator:
    """Somebody who looks at the console."""

    def __init__(self, browser, stage, **how) -> None:
        self.context = browser.new_context(timezone_id="Europe/Paris", **how)
        self.page = self.context.new_page()
        self.stage = stage
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda line: line.type == "error" and self.complaints.append(line.text))

    def opens(self, path: str = "/console/") -> None:
        """Open the page, and wait for its figures."""
        self.page.goto(self.stage.origin + path)
        if path == "/console/":
            self.page.locator("#figures").wait_for()

    def looks_again(self) -> None:
        """Make the page read the figures now."""
        reads = self.stage.reads
        self.page.evaluate(LOOK_AGAIN)
        assert until(lambda: self.stage.reads > reads)

    def heading(self) -> str:
        """What the page says of it all."""
        return self.page.locator("h1").inner_text()

    def lines(self, place: str) -> list[str]:
        """The lines of a place."""
        return self.page.locator(place).all_inner_texts()

    def rows(self, table: str) -> list[list[str]]:
        """The cells of a table."""
        return self.page.locator(table).evaluate(
            "table => [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.textContent))"
        )


@pytest.fixture(scope="module")
def browser(playwright_engine, chromium_path):
    running = launched(playwright_engine, chromium_path)
    yield running
    running.close()


@pytest.fixture
def stage():
    with serving() as stage:
        yield stage


@pytest.fixture
def operator(browser, stage):
    """Open the page, or the form at another path: operator("/console", color_scheme="dark")."""
    come = []

    def one(path="/console/", **how):
        come.append(Operator(browser, stage, **how))
        come[-1].opens(path)
        return come[-1]

    yield one
    complaints = [line for each in come for line in each.complaints if "Failed to load resource" not in line]
    for each in come:
        each.context.close()
    assert complaints == []


def test_it_says_in_words_that_everything_works(operator, stage):
    stage.well()
    someone = operator()

    assert someone.heading() == "Everything works."
    assert someone.lines("#problems li") == []


def test_it_names_everything_that_does_not_work(operator, stage):
    stage.data["store"].update(ok=False, why="disk full", waiting=12, lost=1)
    stage.data["workers"][1] = dict.fromkeys(stage.data["workers"][1])
    someone = operator()

    assert someone.heading() == "5 things need attention."
    assert someone.lines("#problems li") == [
        "The store of proofs (sqlite /var/lib/consent-proxy/proofs.db) cannot be written: disk full. Until it can, nobody can accept; 12 refusals wait in memory.",
        "1 refusal could never be written to the store of proofs.",
        "Worker (not started) takes no visitors.",
        "The upstream http://10.0.0.12:8080 of callkom.io is down.",
        "The last reload was refused, so version 2026-11-01 stays in force: rules.yaml:52:9: providers.hubspot.cookies[2].purpose is 'preformance'; did you mean 'performance'? (and 1 more)",
    ]


def test_certificate_queue_and_alerts_belong_to_what_works(operator, stage):
    stage.well()
    stage.data.update(
        certificate_days=3, in_line=2, alerts={"waiting": 1, "given_up": 2, "since": 1796071251}
    )
    someone = operator()
    once = someone.lines("#problems li")
    someone.looks_again()
    someone.page.get_by_role("heading", name="4 things need attention.").wait_for()

    assert once == [
        "The certificate ends in 3 days; what renews it has failed.",
        "1 alert waits for the receiver in alerts.url, which has not taken them yet.",
        "2 alerts were given up within a week: the receiver in alerts.url did not take them for a day.",
    ]
    assert someone.lines("#problems li")[0].startswith("2 requests are in line for a connection")
    stage.data["certificate_days"] = -1
    someone.looks_again()
    someone.page.get_by_text("The certificate has ended: browsers refuse this site.").wait_for()


def test_the_tables_have_the_figures_of_every_plot(operator, stage):
    someone = operator()
    someone.page.evaluate(OPEN)
    someone.page.locator("#latency td").first.wait_for()
    minutes = stage.data["minutes"]
    last = [f"{minutes[name][-1]:,}" for name in ("requests", "documents", "failed")]
    traffic, latency = someone.rows("#traffic table"), someone.rows("#latency table")
    unknown = minutes["own_ms"]["p50"][::-1].index(None)

    assert len(traffic) == len(latency) == len(minutes["at"])
    assert traffic[0][1:] == last
    assert float(latency[0][1]) == pytest.approx(minutes["upstream_ms"]["p50"][-1], rel=0.01)
    assert float(latency[0][4]) == pytest.approx(minutes["own_ms"]["p95"][-1], rel=0.01)
    assert latency[unknown][1:] == ["–"] * 4
    assert f"{max(minutes['requests']):,} requests a minute" in someone.page.locator(
        "#traffic [role=img]"
    ).get_attribute("aria-label")
    someone.page.get_by_label("Hour", exact=True).check()
    someone.page.get_by_label("Hour", exact=True).press("Enter")
    assert until(lambda: someone.rows("#traffic table"), traffic[:60]) == traffic[:60]
    assert someone.rows("#latency table") == latency[:60]


def test_verdicts_are_added_up_by_provider(operator, stage):
    mine = [one for one in stage.data["verdicts"] if one["provider"] == "google-analytics"]
    someone = operator()
    row = next(row for row in someone.rows("#verdicts") if row[0] == "google-analytics")
    cookies = sum(one["count"] for one in mine if one["what"] == "cookie" and one["does"] == "drop")

    assert row[1] == f"{sum(one['count'] for one in mine):,}"
    assert f"{cookies:,} cookies dropped" in row[2]


def test_consent_is_told_by_day_purpose_and_language_of_one_site_or_all(operator, stage):
    stage.data["consent"] = [
        {"day": day, "site": site, "language": language, "shown": 40, "accepted": accepted, "refused": 5, "custom": 1, "withdrawn": 2}
        for day, site, language, accepted in [
            ("2026-11-01", "a.test", "en", 10), ("2026-11-01", "b.test", "fr", 20), ("2026-11-02", "a.test", "fr", 40),
        ]
    ]  # fmt: skip
    stage.data["purposes"] = [
        {"day": "2026-11-01", "site": site, "purpose": "functional", "granted": 3, "refused": refused}
        for site, refused in (("a.test", 1), ("b.test", 4))
    ]
    someone = operator()
    page = someone.page

    assert someone.rows("#consent table") == [
        ["2 Nov", "40", "87%", "1", "5", "2", "40"],
        ["1 Nov", "30", "71%", "2", "10", "4", "80"],
    ]
    page.get_by_label("Language").check()
    assert someone.rows("#consent table") == [
        ["French", "60", "83%", "2", "10", "4", "80"],
        ["English", "10", "63%", "1", "5", "2", "40"],
    ]
    page.get_by_role("combobox", name="Site", exact=True).select_option("a.test")
    assert [row[:2] for row in someone.rows("#consent table")] == [["French", "40"], ["English", "10"]]
    page.get_by_label("Purpose").check()
    assert someone.rows("#consent table") == [["functional", "3", "75%", "1"]]
    assert "granted 3, refused 1" in page.locator("#consent [role=img]").get_attribute("aria-label")
    stage.data["consent"] = stage.data["purposes"] = stage.data["found"] = None
    someone.looks_again()
    page.get_by_text("The store of proofs tells nothing of them at present.").wait_for()
    page.get_by_text("The store of proofs gives no figures at present.").wait_for()


def test_a_block_is_copied_by_its_button_and_stays_open_and_selected_when_figures_come(operator, stage):
    someone = operator(permissions=["clipboard-read", "clipboard-write"])
    entry = someone.page.locator("#found > li").first
    block = stage.data["found"][0]["block"]
    entry.locator("summary").click()
    entry.get_by_role("button", name="Copy the block of Hotjar").click()
    someone.page.get_by_text("Copied.").wait_for()
    stage.data["found"][0]["count"] += 1000
    someone.looks_again()
    entry.get_by_text("2,204 times").wait_for()

    assert someone.page.evaluate("navigator.clipboard.readText()") == block
    assert someone.page.evaluate("getSelection().toString()").strip() == block.strip()
    assert entry.locator("pre").is_visible()


def test_hostile_names_are_shown_as_text(operator, stage):
    def poisoned(value):
        match value:
            case str() if not value.startswith("20"):
                return HOSTILE
            case list():
                return [poisoned(one) for one in value]
            case dict():
                return {key: one if key == "roles" else poisoned(one) for key, one in value.items()}
        return value

    stage.data = poisoned(stage.data)
    stage.records[HOSTILE] = {**poisoned(sample("record")), "time": "2026-11-30T18:22:07Z"}
    stage.reload = {"outcome": "refused", "problems": [HOSTILE]}
    someone = operator(**PHONE)
    someone.page.evaluate(OPEN)
    someone.page.get_by_label("Purpose").check()
    someone.page.get_by_label("Receipt").fill(HOSTILE)
    someone.page.get_by_role("button", name="Look up").click()
    someone.page.get_by_role("button", name="Reload rules and config").click()
    someone.page.get_by_text("Found.").wait_for()
    someone.page.get_by_text("Refused: the older rules stay in force.").wait_for()

    for place in (
        "#problems", "#verdicts", "#found summary", "#found code", "#found pre", "#consent table", "#rules",
        "#refused-problems", "#record-fields", "#record-all", "#sites", "#who", "#version",
    ):  # fmt: skip
        assert HOSTILE in someone.page.locator(place).first.text_content().replace('\\"', '"'), place
    assert someone.page.locator("main img, main script").count() == 0
    assert "broken in" not in someone.page.title()
    assert someone.page.evaluate("document.documentElement.scrollWidth") == 400


def test_who_may_only_look_has_neither_reload_nor_look_up(operator, stage):
    stage.data["roles"] = ["view"]
    someone = operator()

    assert not someone.page.get_by_role("button", name="Reload rules and config").is_visible()
    assert not someone.page.get_by_label("Receipt").is_visible()
    assert someone.page.get_by_role("button", name="Sign out").is_visible()


def test_a_record_is_looked_up_by_its_receipt(operator, stage):
    (receipt,) = stage.records
    someone = operator()
    page = someone.page
    page.get_by_label("Receipt").fill(f" {receipt} ")
    page.get_by_label("Receipt").press("Enter")
    page.get_by_text("Found.").wait_for()

    assert stage.posts == [("/console/record", {"receipt": [receipt]})]
    assert "Granted\nfunctional\nRefused\nperformance" in page.locator("#record-fields").inner_text()
    assert json.loads(page.locator("#record-all pre").text_content()) == stage.records[receipt]
    page.get_by_label("Receipt").fill("01X")
    page.get_by_role("button", name="Look up").click()
    page.get_by_text("There is no record 01X.").wait_for()
    assert page.locator("#record-fields").inner_text() == ""


def test_a_reload_says_what_came_of_it(operator, stage):
    stage.well()
    someone = operator()
    page = someone.page
    button = page.get_by_role("button", name="Reload rules and config")
    stage.data["rules"]["refused"] = sample("data")["rules"]["refused"]
    button.click()
    page.get_by_text("Refused: the older rules stay in force.").wait_for()
    page.get_by_role("heading", name="One thing needs attention.").wait_for()

    assert (
        page.locator("#refused-problems").inner_text().splitlines()
        == stage.data["rules"]["refused"]["problems"]
    )
    stage.well()
    stage.reload = {"outcome": "loaded", "problems": []}
    button.click()
    page.get_by_text("Loaded: the rules on disk are in force.").wait_for()
    page.get_by_role("heading", name="Everything works.").wait_for()
    assert not page.locator("#refused").is_visible()
    assert [path for path, _ in stage.posts] == ["/console/reload"] * 2


def test_an_ended_session_is_said_with_the_way_back_and_nothing_more_is_asked(operator, stage):
    someone = operator()
    stage.status = 401
    someone.looks_again()
    someone.page.get_by_role("heading", name="The session has ended.").wait_for()
    reads = stage.reads
    someone.page.evaluate(LOOK_AGAIN)
    someone.page.wait_for_timeout(200)  # must not come

    assert someone.page.get_by_role("link", name="Sign in again").get_attribute("href") == "/console/"
    assert stage.reads == reads
    assert someone.page.locator("#figures").is_visible()


def test_it_says_when_the_console_cannot_be_reached_and_when_it_can_again(operator, stage):
    stage.well()
    someone = operator()
    stage.status = 503
    someone.looks_again()
    someone.page.get_by_text("it answered 503").wait_for()

    assert someone.heading() == "The console could not be reached."
    stage.status = 200
    someone.looks_again()
    someone.page.get_by_role("heading", name="Everything works.").wait_for()
    assert not someone.page.get_by_text("it answered 503").is_visible()


def test_it_reads_the_figures_every_ten_seconds_while_it_is_in_sight(browser, stage):
    someone = Operator(browser, stage)
    someone.page.clock.install()
    someone.opens()
    sight = "state => { Object.defineProperty(document, 'visibilityState', { value: state, configurable: true }); document.dispatchEvent(new Event('visibilitychange')); }"
    for reads in (2, 3):
        until(lambda: someone.page.evaluate("!reading"))
        someone.page.clock.run_for(10_000)
        assert until(lambda wanted=reads: stage.reads == wanted)
    until(lambda: someone.page.evaluate("!reading"))
    someone.page.evaluate(sight, "hidden")
    someone.page.clock.run_for(60_000)
    someone.page.evaluate(
        "fetch('/console/files/console.css').then(() => 1)"
    )  # behind what would have been asked

    assert stage.reads == 3
    someone.page.evaluate(sight, "visible")
    assert until(lambda: stage.reads == 4)
    someone.context.close()


COVERED = "tag => [...document.querySelectorAll(tag)].filter(e => e.checkVisibility({ visibilityProperty: true })).length"
FOCUS = """() => { const e = document.activeElement; if (e === document.body) return null;
  const outlined = e => { const s = getComputedStyle(e); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2; };
  e.dataset.met = ""; return outlined(getComputedStyle(e).opacity === "0" ? e.nextElementSibling : e); }"""


def test_the_keyboard_reaches_everything_and_shows_where_it_is(operator):
    someone = operator(**PHONE)
    someone.page.evaluate(OPEN)
    assert until(lambda: someone.page.locator(".scroll.tall[tabindex]").count(), 3) == 3
    shown = []
    while True:
        someone.page.keyboard.press("Tab")
        found = someone.page.evaluate(FOCUS)
        if found is None or len(shown) > 60:
            break
        shown.append(found)
    wanted = "button, summary, select, input:not([type=radio]), input:checked, .scroll.tall"

    assert all(shown)
    assert someone.page.evaluate(COVERED, wanted) >= 19
    assert someone.page.evaluate(COVERED, f":is({wanted}):not([data-met])") == 0


@pytest.mark.parametrize("width", [320, 400, 768, 1280])
def test_nothing_scrolls_sideways_and_names_say_where_a_cell_belongs(operator, width):
    someone = operator(viewport={"width": width, "height": 800})
    someone.page.evaluate(OPEN)
    workers = someone.page.get_by_role("table", name="Workers")

    assert someone.page.evaluate("document.documentElement.scrollWidth") == width
    assert workers.get_by_role("columnheader").count() == 6
    assert workers.get_by_role("cell").count() == 10
    assert someone.page.locator(".canvas canvas").count() == 3
    assert all(
        box["width"] > 200
        for box in (one.bounding_box() for one in someone.page.locator(".canvas canvas").all())
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(operator, stage, scheme):
    stage.shorten()  # of rows that are scrolled out of sight axe cannot decide the contrast
    someone = operator(color_scheme=scheme)
    someone.page.get_by_label("Receipt").fill(next(iter(stage.records)))
    someone.page.get_by_role("button", name="Look up").click()
    someone.page.get_by_role("button", name="Reload rules and config").click()
    someone.page.get_by_text("Found.").wait_for()
    someone.page.evaluate(OPEN)

    assert findings(someone) == [[], []]
    assert findings(operator("/console?failed", color_scheme=scheme)) == [[], []]
    someone.page.set_viewport_size(PHONE["viewport"])
    assert findings(someone)[0] == []


PAINTED = """tone => { const wanted = getComputedStyle(document.documentElement).getPropertyValue(tone).trim();
  const canvas = document.querySelector("#consent canvas"), pen = document.createElement("canvas").getContext("2d");
  pen.fillStyle = wanted; pen.fillRect(0, 0, 1, 1);
  const [r, g, b] = pen.getImageData(0, 0, 1, 1).data, { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < data.length; at += 4) if (data[at] === r && data[at + 1] === g && data[at + 2] === b && data[at + 3] === 255) return wanted; }"""


WHERE = """([place, tone]) => { const canvas = document.querySelector(`${place} canvas`), found = [];
  const [r, g, b] = getComputedStyle(document.documentElement).getPropertyValue(tone).trim().match(/[0-9a-f]{2}/g).map(part => parseInt(part, 16));
  const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < data.length; at += 4) if (data[at] === r && data[at + 1] === g && data[at + 2] === b && data[at + 3] === 255) found.push((at / 4) % width / width);
  return found.reduce((total, one) => total + one, 0) / found.length; }"""


def test_the_first_minute_stands_at_the_right_and_the_first_day_in_the_middle(operator, stage):
    stage.shorten(minutes=1, rows=1)
    someone = operator()

    assert someone.page.evaluate(WHERE, ["#traffic", "--teal"]) > 0.9
    assert 0.45 < someone.page.evaluate(WHERE, ["#consent", "--teal"]) < 0.65
    assert not someone.page.get_by_label("3 hours").is_visible()


def test_plots_follow_the_colours_of_the_system(operator):
    someone = operator(color_scheme="light", reduced_motion="reduce")
    light = someone.page.evaluate(PAINTED, "--teal")
    back = "getComputedStyle(document.body).backgroundColor"
    bright = someone.page.evaluate(back)
    someone.page.emulate_media(color_scheme="dark", reduced_motion="reduce")

    assert light
    assert until(lambda: someone.page.evaluate(PAINTED, "--teal") not in {None, light})
    assert someone.page.evaluate(back) != bright
    assert someone.page.evaluate("document.getAnimations().length") == 0


def test_signing_in_and_out_are_forms_that_need_no_script(operator, stage):
    plain = operator("/console", java_script_enabled=False)
    plain.page.get_by_label("Token").fill("wrong")
    plain.page.get_by_role("button", name="Sign in").click()

    assert stage.posts == [("/console/sign-in", {"token": ["wrong"]})]
    assert plain.page.get_by_text("A token that is not known brings you back to this page.").is_visible()
    someone = operator("/console")
    assert not someone.page.get_by_text("That token is not known.").is_visible()
    someone.page.get_by_label("Token").fill("wrong")
    someone.page.get_by_label("Token").press("Enter")
    someone.page.get_by_text("That token is not known.").wait_for()
    assert "wrong" not in someone.page.url
    someone.opens()
    someone.page.get_by_role("button", name="Sign out").click()
    assert until(lambda: stage.posts[-1], ("/console/sign-out", {})) == ("/console/sign-out", {})
