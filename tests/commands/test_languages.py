"""`consent-proxy languages new`: what it writes is read as it stands, and loses nobody's work."""

from typer.testing import CliRunner

from proxy.banner.missing_words import word_problems
from proxy.banner.word_files import load_languages, read_words, shipped
from proxy.commands.languages import languages_app
from tests.banner.rendering import POLICY


def run(*arguments, code=0):
    result = CliRunner().invoke(languages_app, ["new", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def test_a_new_language_has_every_word_in_order_with_the_english_text(tmp_path):
    words, phrases, faults = read_words(run("pt").stdout, "pt.yaml")
    english = {key: text for key, (text, _) in shipped()["en"][0].items()}
    own = {"confirmed": "no", "language": "Português"}

    assert faults == []
    assert list(words) == list(english)
    assert {key: text for key, (text, _) in words.items() if not key.endswith(".one")} == {
        key: text for key, text in (english | own).items() if not key.endswith(".one")
    }
    assert phrases["Usage statistics"] == "Usage statistics"


def test_it_asks_for_the_plural_forms_of_the_language_and_knows_which_way_it_is_written():
    words, _, faults = read_words(run("he").stdout, "he.yaml")

    assert faults == []
    assert (words["language"][0], words["direction"][0]) == ("עברית", "rtl")
    assert [key for key in words if key.startswith("provider.cookies.")] == [
        f"provider.cookies.{form}" for form in ("none", "one", "two", "other")
    ]


def test_a_language_that_ships_begins_with_its_words_and_the_english_above_each():
    text = run("de").stdout
    words, phrases, faults = read_words(text, "de.yaml")

    assert faults == []
    assert words["buttons.refuse"][0] == "Alle ablehnen"
    assert "  # Refuse all\n  refuse: Alle ablehnen\n" in text
    assert phrases["Usage statistics"] == "Nutzungsstatistik"


def test_it_is_written_where_the_config_looks_and_never_over_somebodys_work(tmp_path):
    folder = tmp_path / "words"
    run("de", "--into", folder)
    load_languages(folder)
    (folder / "de.yaml").write_text("banner: { title: Mine }\n")

    assert "is there already" in " ".join(run("de", "--into", folder, code=1).stderr.split())
    assert (folder / "de.yaml").read_text() == "banner: { title: Mine }\n"


def test_check_doubts_it_until_it_is_confirmed(tmp_path):
    run("de", "--into", tmp_path)
    before = word_problems(POLICY, tmp_path)
    file = tmp_path / "de.yaml"
    file.write_text(file.read_text().replace("confirmed: no", "confirmed: yes"))

    assert ["made by machine" in problem.text for problem in before] == [True]
    assert word_problems(POLICY, tmp_path) == ()


def test_what_is_no_code_is_refused():
    assert "no code of a language" in run("../x", code=2).stderr
