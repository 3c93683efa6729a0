"""What commands print, to whom, and with which status they end."""

import json

import pytest
import typer

from proxy.commands import terminal
from proxy.errors import StartError
from proxy.problems import Place, Problem
from tests.policy.rules import text_of


def ended(run, *arguments) -> int:
    with pytest.raises(typer.Exit) as end:
        run(*arguments)
    return end.value.exit_code


def test_json_is_one_document_with_letters_as_they_are(capsys):
    terminal.print_json({"site": "café", "all": [1]})

    out = capsys.readouterr().out
    assert "café" in out
    assert json.loads(out) == {"site": "café", "all": [1]}
    assert out.endswith("}\n")


def test_each_problem_is_a_line_with_its_place_a_warning_told_as_one(capsys):
    place = Place("rules.yaml", 3, 9)
    terminal.print_problems((Problem(place, "is [empty]"), Problem(place, "is odd", warning=True)))

    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "rules.yaml:3:9: is [empty]\nrules.yaml:3:9: warning: is odd\n")


def test_a_failure_is_one_sentence_on_standard_error_and_a_status(capsys):
    assert ended(terminal.fail, "no [such] thing") == 1
    assert ended(terminal.fail, "no such file", 2) == 2
    assert ended(terminal.start_failed, StartError("the port is taken")) == 1
    assert capsys.readouterr() == (
        "",
        "consent-proxy: no [such] thing\nconsent-proxy: no such file\nconsent-proxy: the port is taken\n",
    )


@pytest.mark.parametrize(
    ("yes", "tty", "asks"), [(False, True, True), (True, True, False), (False, False, False)]
)
def test_nobody_is_asked_without_a_terminal_or_with_yes(monkeypatch, yes, tty, asks):
    asked = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: tty, raising=False)
    monkeypatch.setattr(typer, "confirm", lambda question, **_: asked.append(question) or True)
    terminal.confirm("Delete?", yes=yes)

    assert asked == ["Delete?"] * asks
    assert terminal.may_ask(yes=yes) is asks


def test_who_says_no_ends_it(monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: False)

    with pytest.raises(typer.Exit) as end:
        terminal.confirm("Delete?", yes=False)
    assert end.value.exit_code == 1


def test_a_text_is_read_without_its_byte_order_mark(tmp_path):
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfcaf\xc3\xa9\r\n")

    assert terminal.read_text(tmp_path / "a", "rules file") == "café\r\n"


def test_a_file_that_cannot_be_read_is_told_with_the_way_out(tmp_path, capsys):
    (tmp_path / "latin").write_bytes(b"caf\xe9")

    assert ended(terminal.read_text, tmp_path / "gone", "rules file") == 2
    assert ended(terminal.read_text, tmp_path, "rules file") == 2
    assert ended(terminal.read_text, tmp_path / "latin", "rules file") == 1
    assert capsys.readouterr().err.splitlines() == [
        f"consent-proxy: there is no rules file at {tmp_path / 'gone'}",
        f"consent-proxy: {tmp_path} is a folder; name the rules file itself",
        f"consent-proxy: {tmp_path / 'latin'} is not UTF-8 (byte 3); save the rules file as UTF-8",
    ]


def test_rules_are_read_with_the_catalogue_and_faulty_ones_end_it_with_every_problem(tmp_path, capsys):
    good, bad = tmp_path / "rules.yaml", tmp_path / "bad.yaml"
    good.write_text(text_of(tags="- { from: acme.example, purpose: performance }"))
    bad.write_text(
        text_of(
            tags="- { from: acme.example, purpose: perfomance }\n- { from: b.example, purpos: functional }"
        )
    )

    assert terminal.read_policy(good).catalogue.platforms
    assert ended(terminal.read_policy, bad) == 1
    assert [line[:9] for line in capsys.readouterr().err.splitlines()] >= ["bad.yaml:"] * 2


def test_every_word_of_a_verdict_has_a_colour():
    from proxy.filter.verdict import Does

    assert terminal.STYLES.keys() == {does.value for does in Does}
