"""`diff` compares two rules files: who is asked again, what more runs, what becomes of saved pages."""

import json

import pytest

from tests.commands.running import ROOT, run

PIXEL = "      - { from: cloudflareinsights.com, purpose: performance }\n"


@pytest.fixture
def edited(tmp_path):
    def edit(old, new):
        text = (ROOT / "rules.yaml").read_text()
        assert old in text
        path = tmp_path / "new.yaml"
        path.write_text(text.replace(old, new, 1))
        return path

    return edit


def test_the_same_rules_change_nothing():
    told = run("diff", "rules.yaml", "rules.yaml")

    assert told.returncode == 0
    assert "Nobody is asked again." in told.stdout


def test_a_renamed_provider_is_told_with_the_way_out(edited):
    told = run("diff", "rules.yaml", edited("  calendly:\n", "  booking:\n"))

    assert told.returncode == 3
    assert "say `was: calendly` in it, and nobody is asked" in told.stdout
    assert (
        run("diff", "rules.yaml", edited("  calendly:\n", "  booking:\n    was: calendly\n")).returncode == 0
    )


def test_what_more_runs_without_consent_is_an_exit_status(edited):
    new = edited(PIXEL, PIXEL.replace("performance", "necessary"))
    told = run("diff", "rules.yaml", new, "--json")
    found = json.loads(told.stdout)

    assert told.returncode == 1
    assert "from cloudflareinsights.com loads for everybody" in found["without_consent"]
    assert {"kind": "tag", "name": "from cloudflareinsights.com (cloudflare-web-analytics)", "what": "changed",
            "detail": "hold for performance -> hold for necessary"} in found["changes"]  # fmt: skip


def test_a_rule_for_an_inline_script_that_goes_is_seen_by_what_the_tests_try(edited):
    new = edited("      - { text: { any: [hs-scripts.com, hs-analytics.net] }, purpose: performance }\n", "")
    told = run("diff", "rules.yaml", new, "--json")

    assert told.returncode == 1
    assert any(
        "hs-scripts.com" in one and "hold, now keep" in one
        for one in json.loads(told.stdout)["without_consent"]
    )


def test_pages_that_change_are_shown(edited, tmp_path):
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "a.html").write_text(
        '<p>a</p>\n<script src="https://static.cloudflareinsights.com/beacon.min.js"></script>\n'
    )
    (pages / "b.html").write_text("<p>b</p>\n")
    told = run(
        "diff", "rules.yaml", edited(PIXEL, PIXEL.replace("performance", "necessary")), "--pages", pages
    )

    assert "a.html, refused" in told.stdout
    assert '+<script src="https://static.cloudflareinsights.com' in told.stdout
    assert "b.html" not in told.stdout


def test_a_merge_request_gets_markdown(edited):
    told = run("diff", "rules.yaml", edited("  calendly:\n", "  booking:\n"), "--markdown")

    assert told.stdout.startswith(
        "### Who is asked again\n\n- Everybody who answered is asked again: booking (Calendly)"
    )


def test_a_folder_without_pages_is_one_sentence(tmp_path):
    told = run("diff", "rules.yaml", "rules.yaml", "--pages", tmp_path)

    assert told.returncode == 2
    assert "holds no .html file" in told.stderr


def test_check_says_it_in_short(edited):
    told = run("check", edited("  calendly:\n", "  booking:\n"), "--against", "rules.yaml")

    assert told.returncode == 3
    assert "booking (Calendly) is new, for functional" in " ".join(told.stderr.split())
