"""What `explain` tells a rule author, and how it tells what it was given."""

import io
import json
import sys

from proxy.filter.inline_tests import RuleTester
from proxy.policy.load import load_policy
from tests.commands.running import ROOT, Told, run
from tests.policy.rules import text_of


def explain(*arguments: str) -> Told:
    return run("explain", *arguments)


def line_of(words: str) -> int:
    lines = (ROOT / "rules.yaml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if words in line)


def test_each_state_of_consent_gets_its_verdict_and_the_line_that_says_so():
    told = json.loads(explain("_ga=1; Max-Age=63072000; Path=/", "--json").stdout)["visitors"]

    assert [(visitor, said["does"]) for visitor, said in told.items()] == [
        ("refused", "drop"),
        ("functional", "drop"),
        ("performance", "cap to 13 months"),
        ("accepted", "cap to 13 months"),
    ]
    assert {v["rule"] for said in told.values() for v in said["verdicts"]} == {
        f"rules.yaml:{line_of('[_ga, ')}"
    }


def test_a_tag_that_passes_still_names_the_rule_that_would_have_held_it():
    told = explain("<script src=//js.hs-scripts.com/1.js></script>").stdout

    rows = [row.split() for row in told.splitlines() if row.startswith(("refused", "performance"))]
    assert rows[0][:3] == ["refused", "hold", rows[1][2]]
    assert rows[1][1] == "keep"


def test_a_page_is_told_rule_by_rule():
    told = explain("proxy/demo/pages/booking.en.html").stdout

    assert "Calendly" in told
    assert "HubSpot" in told
    assert "replace" in told


def test_a_page_may_come_on_standard_input(monkeypatch):
    page = io.TextIOWrapper(io.BytesIO(b'<script src="//js.hs-scripts.com/1.js"></script>'))
    monkeypatch.setattr(sys, "stdin", page)
    told = explain("-")

    assert "hold" in told.stdout


def test_what_nobody_declared_says_that():
    assert "undeclared" in explain("mystery=1; Path=/").stdout


def test_nonsense_is_answered_by_one_sentence_and_status_2():
    told = explain("what is this")

    assert told.returncode == 2
    assert "cannot tell what" in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1


def test_what_explain_says_is_what_the_filter_does():
    """Both ask the same bench: there is no second opinion."""
    policy = load_policy((ROOT / "rules.yaml").read_text())
    bench = RuleTester(policy)

    assert bench.grants("accepted") > bench.grants("functional")


def test_what_is_undeclared_names_the_line_that_decides():
    line = f"rules.yaml:{line_of('undeclared: {')}"

    assert f"{line} undeclared third party" in " ".join(explain("https://nobody.example/x.js").stdout.split())
    assert f"{line} undeclared" in explain("mystery=1; Path=/").stdout


def test_a_default_that_nobody_wrote_is_called_one(tmp_path):
    rules = tmp_path / "rules.yaml"
    text = (ROOT / "rules.yaml").read_text()
    rules.write_text("\n".join(line for line in text.split("\n") if not line.startswith("undeclared:")))

    assert "undeclared third party" in explain("https://nobody.example/x.js", "--rules", str(rules)).stdout
    page = "<script src=//a.example/></script><script src=//b.example/></script>"
    assert "(by default)" in " ".join(explain(page, "--rules", str(rules)).stdout.split())


def test_an_inline_script_is_said_to_be_data_the_sites_own_or_a_snippet():
    data = "<script>window.a={b:'hs-scripts.com'}</script>"
    own = "<script>initMenu('hs-scripts.com')</script>"
    snippet = "<script>_hsq.push(['a']);var s=new Image();s.src='//js.hs-scripts.com/1.js'</script>"

    told = explain(data + own + snippet, "--json")

    kinds = [script["kind"] for script in json.loads(told.stdout)["scripts"]]
    assert kinds == ["data only", "the site's own code", "a provider's snippet"]
    assert "calls initMenu()" in explain(own).stdout


def test_names_of_the_catalogue_say_whose_they_are_and_where_that_stands():
    tracker, platform = explain("_gcl_au=1; Path=/").stdout, explain("wp_lang=fr; Path=/").stdout

    assert "catalogue/trackers.yaml:" in tracker
    assert "Ads and tag" in tracker
    assert "catalogue/wordpress.yaml:" in platform
    assert "WordPress" in platform
    assert "functional" in platform


def test_what_the_fence_stops_is_told_with_both_lines(tmp_path):
    rules = tmp_path / "rules.yaml"
    tags = '- { from: "track*.x.com", purpose: performance }\n- { from: x.com, purpose: functional }'
    rules.write_text(text_of(tags=tags, connect="[app.x.com]"))
    told = " ".join(explain("--rules", str(rules), "https://unlisted.x.com/x.js").stdout.split())

    assert "functional keep, but the fence stops it" in told
    assert (
        "functional: the fence stops unlisted.x.com, closed by rules.yaml:15, kept by rules.yaml:16" in told
    )


def test_a_cookie_is_explained_for_scripts_too():
    assert "The same where a script writes it" in explain("ai_user=1; Max-Age=60").stdout
    assert "script" not in explain("sid=1; HttpOnly").stdout


def test_a_cookie_that_is_presumed_from_the_server_only_is_told_apart():
    told = json.loads(explain("--json", "laravel_session=1; Max-Age=60").stdout)

    assert told["by_scripts"]["refused"]["does"] == "drop"


def test_a_key_in_storage_is_explained():
    told = explain("storage: ai_session").stdout

    assert f"rules.yaml:{line_of('key: [')}" in told
    assert [row.split()[1] for row in told.splitlines() if row.startswith(("refused", "accepted"))] == [
        "drop",
        "keep",
    ]


def test_a_known_trackers_key_in_storage_is_explained():
    assert "known tracker" in explain("storage: ph_x_posthog").stdout


def test_what_inline_scripts_would_write_is_asked_of_the_guard():
    script = (
        "<script>document.cookie='ai_user=1; max-age=60';localStorage.setItem('ai_session',1);init()</script>"
    )
    found = json.loads(explain(script, "--json").stdout)["written_by_scripts"]
    told = explain(script).stdout

    assert {name: one["refused"]["does"] for name, one in found.items()} == {
        "cookie ai_user": "drop",
        "key ai_session": "drop",
    }
    assert {one["accepted"]["does"] for one in found.values()} == {"keep"}
    assert "inline scripts would write cookie ai_user: refused drop" in told


def test_a_page_names_the_lines_of_its_tags_and_not_of_its_words(tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        "<!doctype html>\n<!-- //js.hs-scripts.com/1.js -->\n<p>js.hs-scripts.com</p>\n"
        '<script src="//js.hs-scripts.com/1.js"></script>\n<script src="//js.hs-scripts.com/2.js"></script>\n'
    )

    assert "lines 4, 5" in " ".join(explain(str(page)).stdout.split())
