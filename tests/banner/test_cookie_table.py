import json

import pytest

from proxy.banner.cookie_table import as_html, as_json, as_markdown, rows, stacked_table, table_markup
from proxy.banner.word_files import load_languages
from tests.banner.rendering import POLICY, well_formed
from tests.policy.rules import policy_of

ROWS = rows(POLICY)
WORDS = load_languages()
EN = WORDS["en"]
ROW = "- {{ name: x_y, domain: .example.com, purpose: performance, lasts: 1 day, why: {why} }}"


def published(language="en"):
    return [row.cells(WORDS[language]) for row in ROWS if row.rule.unpublished is None]


def test_a_row_has_the_columns_of_the_published_table():
    """L19: name, domain, provider, purpose, basis, duration, word for word."""
    assert (
        "Functional",
        "hubspotutk",
        ".callkom.io / HubSpot",
        "Form convenience / session recognition",
        "Consent",
        "6 months",
    ) in published()
    assert (
        "Performance (if enabled)",
        "_ga, _ga_*",
        ".callkom.io / Google Analytics 4",
        "Audience measurement",
        "Consent",
        "up to 13 months",
    ) in published()


def test_the_same_row_in_french():
    assert (
        "Performance (si activé)",
        "_ga, _ga_*",
        ".callkom.io / Google Analytics 4",
        "Mesure d’audience",
        "Consentement",
        "jusqu’à 13\u00a0mois",
    ) in published("fr")


def test_every_row_of_the_rules_is_there_by_purpose():
    expected = [
        row
        for purpose in POLICY.purposes
        for p in POLICY.providers
        for row in p.cookies
        if row.purpose == purpose.id
    ]

    assert expected == [row.rule for row in ROWS]


def test_what_is_switched_off_is_not_in_the_table():
    policy = policy_of(enabled="no", cookies=ROW.format(why="Y"))

    assert rows(policy) == ()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_html_is_well_formed_and_whole(language):
    assert well_formed(as_html(POLICY, ROWS, WORDS[language]))
    assert as_html(POLICY, ROWS, WORDS[language]).count("<tr>") == len(ROWS) + 1


def test_markdown_keeps_every_cell_in_its_place():
    lines = as_markdown(POLICY, ROWS, EN).splitlines()
    table = [line for line in lines if line.startswith("|")]

    assert len(table) == len(ROWS) + 2
    assert {line.replace("\\|", "").count("|") for line in table} == {7}
    assert (
        "| Performance (if enabled) | `_ga`, `_ga_*` | .callkom.io / Google Analytics 4 | Audience measurement | Consent | up to 13 months |"
        in table
    )


def test_rows_that_are_not_published_yet_say_why():
    missing = rows(POLICY, unpublished_only=True)

    assert all(row.rule.unpublished for row in missing)
    assert "The answer itself has to be remembered" in as_markdown(POLICY, missing, EN)
    assert "The answer itself has to be remembered" in as_html(POLICY, missing, EN)
    assert "The answer itself has to be remembered" not in as_markdown(POLICY, ROWS, EN)


def test_json_says_lives_in_seconds_and_names_as_lists():
    said = json.loads(json.dumps(as_json(POLICY, ROWS, EN)))
    ga = next(row for row in said["cookies"] if "_ga" in row["names"])

    assert said["version"] == POLICY.version
    assert (ga["category"], ga["note"]) == ("Performance", "if enabled")
    assert (ga["names"], ga["domains"], ga["seconds"], ga["basis"]) == (
        ["_ga", "_ga_*"],
        [".callkom.io"],
        395 * 86_400,
        "consent",
    )
    assert len(said["cookies"]) == len(ROWS)


def test_only_the_list_of_what_is_missing_gives_reasons():
    missing = as_json(POLICY, rows(POLICY, unpublished_only=True), EN)["cookies"]

    assert all(row["unpublished"] for row in missing)
    assert not any("unpublished" in row for row in as_json(POLICY, ROWS, EN)["cookies"])


def test_a_word_of_the_sites_own_is_in_the_table_for_machines_too(tmp_path):
    (tmp_path / "xx.yaml").write_text("purposes: { functional: { label: Werkend } }\n")
    said = as_json(POLICY, ROWS, load_languages(tmp_path)["xx"])

    assert said["language"] == "xx"
    assert "Werkend" in {row["category"] for row in said["cookies"]}


def test_a_cell_of_the_table_is_text_and_no_markup():
    policy = policy_of(cookies=ROW.format(why="'<script>|`'"))
    chosen = rows(policy)

    assert "&lt;script&gt;" in table_markup(chosen, WORDS["en"])
    assert "\\<script>\\|\\`" in as_markdown(policy, chosen, EN)


def test_from_right_to_left_a_name_keeps_its_order_and_its_comma_stands_behind_it():
    line = ("_ga, .ASPXAUTH", "x.example", "", "")
    table = stacked_table(("name", "domain", "why", "lasts"), [line], WORDS["ar"])

    assert '<bdi dir="rtl"><bdi>_ga</bdi>،</bdi> <bdi>.ASPXAUTH</bdi>' in table
    assert "<bdi>_ga,</bdi> <bdi>.ASPXAUTH</bdi>" in stacked_table(("name",), [line[:1]], EN)
    assert "\u2068.callkom.io\u2069 / \u2068Google Analytics 4\u2069" in {
        cells[2] for cells in published("ar")
    }
