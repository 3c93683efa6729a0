"""The public cookie table, as the policy's author needs it."""

import json

from tests.commands.running import ROOT, run


def table(*arguments: str) -> str:
    told = run("table", *arguments)
    assert told.returncode == 0, told.stderr
    return told.stdout


def test_every_published_row_stands_in_the_markdown_table():
    told = table()

    for name in ("__cf_bm", "hubspotutk", "_cfuvid", "wp-wpml_current_language", "ai_user", "__hstc"):
        assert name in told
    assert told.startswith("|")


def test_json_carries_the_same_rows_for_programs():
    rows = json.loads(table("--json"))

    assert rows


def test_what_the_published_policy_still_lacks_is_told_with_the_reason():
    told = table("--unpublished")

    assert "consent_callkom" in told
    assert "| __hstc" not in told


def test_html_is_a_table():
    assert "<table" in table("--format", "html")


def test_the_table_speaks_french():
    assert "Fonctionnel" in table("--language", "fr")


def test_with_a_config_what_was_presumed_is_listed_until_it_is_described(tmp_path):
    (tmp_path / "config.yaml").write_text(
        "listen: 127.0.0.1:0\nsites: [{ hosts: [callkom.io], upstream: 'http://127.0.0.1:1' }]\n"
    )
    seen = {"host": "callkom.io", "purpose": "necessary", "lasts": "Session", "platform": "", "first_seen": 1}
    lines = [json.dumps({"name": name, **seen}) for name in ("sid", "__stripe_mid")]
    (tmp_path / "consent.presumed").write_text("\n".join(lines) + "\n")
    told = run("table", "--unpublished", "--config", str(tmp_path / "config.yaml")).stdout

    assert "| `sid` |" in told
    assert "not yet described, presumed necessary" in told
    assert told.count("`__stripe_mid`") == run("table", "--unpublished").stdout.count("`__stripe_mid`")


def test_what_the_policy_lacks_beside_cookies_is_told_in_every_form():
    document = json.loads(table("--unpublished", "--json"))
    markdown, page = table("--unpublished"), table("--unpublished", "--format", "html")

    assert {"name": "hs-scripts.com", "provider": "HubSpot", "purpose": "performance"} in document["hosts"]
    assert "fonts.gstatic.com" in [row["name"] for row in document["neutral_hosts"]]
    assert "AI_buffer*" in [row["name"] for row in document["storage_keys"]]
    assert "| hs-scripts.com | HubSpot | performance |" in markdown
    assert "<td>AI_buffer*</td>" in page
    assert "hosts" not in json.loads(table("--json"))


def test_a_language_that_is_not_there_is_an_error_and_names_those_that_are():
    told = run("table", "-l", "xx")

    assert told.returncode == 2
    assert "there is no language 'xx' (there are ar, de, en, es, fr, it, nl)" in told.stderr


def test_without_a_config_it_says_where_presumed_cookies_are():
    assert "add --config FILE" in run("table", "--unpublished").stderr
    assert run("table").stderr == ""


def test_with_a_config_the_table_is_that_of_the_chosen_site(tmp_path):
    french = (ROOT / "rules.yaml").read_text().replace("callkom.io", "example.fr")
    (tmp_path / "fr.yaml").write_text(french)
    (tmp_path / "config.yaml").write_text(
        "listen: 127.0.0.1:0\nsites:\n"
        "  - { hosts: [callkom.io], upstream: 'http://127.0.0.1:1' }\n"
        "  - { hosts: [example.fr], upstream: 'http://127.0.0.1:1', rules: fr.yaml }\n"
    )
    seen = {"purpose": "necessary", "lasts": "Session", "platform": "", "first_seen": 1}
    lines = [
        json.dumps({"name": name, "host": host, **seen})
        for name, host in (("ours", "callkom.io"), ("theirs", "example.fr"))
    ]
    (tmp_path / "consent.presumed").write_text("\n".join(lines) + "\n")
    config = ("--config", str(tmp_path / "config.yaml"))
    told = table(*config, "--site", "example.fr")
    unchosen, unknown = run("table", *config), run("table", *config, "--site", "no.example")

    assert ".example.fr" in told
    assert "callkom.io" not in told
    assert ["`theirs`" in told, "`ours`" in told] == [True, False]
    assert (unchosen.returncode, unknown.returncode) == (2, 2)
    assert "choose one with --site HOST" in unchosen.stderr
