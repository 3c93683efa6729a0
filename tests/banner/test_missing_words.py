import re
from pathlib import Path

from proxy.banner import missing_words
from proxy.banner.missing_words import word_problems
from proxy.banner.word_files import PLURALS, SHIPPED, load_languages
from proxy.policy.load import load_policy
from proxy.policy.model import Policy
from tests.banner.rendering import POLICY
from tests.policy.rules import policy_of

BANNER = Path(missing_words.__file__).parent


def said(folder) -> str:
    return "\n".join(map(str, word_problems(POLICY, folder)))


def test_shipped_words_are_complete_for_the_shipped_rules_in_every_language():
    assert word_problems(POLICY) == ()


def test_every_word_in_the_files_is_used_and_every_word_used_is_in_the_files():
    """A key that the code asks for must exist; one that nobody asks for would be dead weight for translators."""
    code = (
        "".join(path.read_text() for path in BANNER.rglob("*.py"))
        + Path(BANNER.parent, "own", "addresses.py").read_text()
    )
    keys = set(load_languages()["en"].of)
    free = {
        key
        for key in keys
        if key.split(".")[0] in {"purposes", "how", "errors", "table"}
        or key in {"language", "direction", "confirmed"}
    }
    asked = set(
        re.findall(
            r"""["']((?:banner|notice|buttons|foot|panel|provider|receipt|placeholder|grammar|letter)\.[a-z_]+)["']""",
            code,
        )
    )
    asked -= {"banner.css", "banner.js", "banner.light", "banner.dark"}
    families = {
        key for key in keys if key.startswith(("receipt.", "letter.", "grammar.month."))
    }  # by f"{group}.{key}"
    families |= {key for key in keys if key.rpartition(".")[0] in asked & {*PLURALS}}
    asked -= {*PLURALS}

    assert asked - keys == set()
    assert keys - asked - free - families == set()


def test_words_made_by_machine_are_doubted_where_the_config_speaks_that_language():
    assert word_problems(POLICY) == ()
    (doubt,) = word_problems(POLICY, None, frozenset({"de"}))

    assert (doubt.place.file, doubt.warning) == ("de.yaml", True)
    assert "is made by machine and confirmed by nobody" in doubt.text


def test_whoever_has_read_them_says_so_in_a_file_of_their_own(tmp_path):
    (tmp_path / "de.yaml").write_text("confirmed: yes\n")

    assert word_problems(POLICY, tmp_path, frozenset({"de"})) == ()


def test_a_missing_word_is_named(tmp_path):
    (tmp_path / "pt.yaml").write_text("buttons:\n  refuse: Recusar tudo\n")

    assert "pt.yaml:1:1: 'buttons.accept' is missing; visitors read it in English" in said(tmp_path)
    assert "'buttons.refuse'" not in said(tmp_path)


def test_a_word_that_nobody_reads_is_named_with_its_line(tmp_path):
    (tmp_path / "en.yaml").write_text("banner:\n  title: Cookies\n  titel: Cookies\n")

    assert said(tmp_path) == "en.yaml:3:10: 'banner.titel' is no word of ours; nobody will read it"


def test_words_left_in_english_are_named(tmp_path):
    english = load_languages()["en"].plain("panel.withdraw")
    (tmp_path / "fr.yaml").write_text(f"panel:\n  withdraw: {english}\n")

    assert said(tmp_path) == "fr.yaml:2:13: 'panel.withdraw' is still English"


def test_a_brace_that_nobody_fills_is_named(tmp_path):
    (tmp_path / "fr.yaml").write_text("panel:\n  back: 'Retour à {site}'\n")

    assert said(tmp_path) == "fr.yaml:2:9: 'panel.back' uses {site}, which nobody fills in"


def test_words_of_the_rules_that_lack_a_translation_are_named(tmp_path):
    text = (SHIPPED / "fr.yaml").read_text().replace("  Audience measurement: Mesure d’audience\n", "")
    (tmp_path / "be.yaml").write_text(text)

    assert "'Audience measurement' (rules.yaml:" in said(tmp_path)
    assert "is not translated; add it under 'phrases'" in said(tmp_path)


def test_a_purpose_without_words_is_named(tmp_path):
    text = (
        (SHIPPED / "fr.yaml")
        .read_text()
        .replace("    label: Performance\n    hint: audience, télémétrie\n", "")
    )
    (tmp_path / "be.yaml").write_text(text)

    assert "be.yaml:1:1: purpose 'performance' has no label, hint under 'purposes'" in said(tmp_path)


def test_words_for_a_purpose_of_ones_own_are_welcome(tmp_path):
    (tmp_path / "en.yaml").write_text("purposes:\n  own:\n    label: Own\n")

    assert said(tmp_path) == ""


def with_purpose() -> Policy:
    """Return our rules with a purpose that no language of ours has words for."""
    text = (SHIPPED.parents[2] / "rules.yaml").read_text(encoding="utf-8")
    return load_policy(
        text.replace("  performance: { basis", "  advice: { basis: consent }\n  performance: { basis")
    )


def test_a_purpose_without_words_in_a_language_that_is_spoken_is_a_fault():
    found = [one for one in word_problems(with_purpose(), spoken=frozenset({"en"})) if not one.warning]

    (fault,) = map(str, found)
    assert fault == (
        "en.yaml:1:1: purpose 'advice' has no label, hint, sentence, without, refusing under 'purposes';"
        " write them into en.yaml, in a folder that the config names under 'languages'"
    )


def test_a_missing_word_says_in_which_file_it_is_to_be_written_and_under_which_name_it_stands(tmp_path):
    fault = "purpose 'advice' has no label, hint, sentence, without, refusing under 'purposes'"
    folder = tmp_path / "words"
    folder.mkdir()
    (folder / "fr.yaml").write_text("purposes:\n  advise:\n    label: Conseil\n")
    found = [str(one) for one in word_problems(with_purpose(), folder, frozenset({"en"})) if not one.warning]

    assert found == [
        f"en.yaml:1:1: {fault}; write them into words/en.yaml",
        f"fr.yaml:1:1: {fault} (but 'advise' has, which is no purpose of the rules)",
    ]


def test_of_a_file_that_cannot_be_read_nothing_else_is_said(tmp_path):
    (tmp_path / "fr.yaml").write_text("purposes:\n  advice:\n    label: Conseil\n   hint: x\n")
    found = [one for one in word_problems(with_purpose(), tmp_path) if not one.warning]

    assert [str(one) for one in found] == [
        "fr.yaml:4:4: this does not fit the lines above: check the indentation and the '-'"
    ]


def test_in_a_language_that_nobody_switched_on_it_is_one_warning():
    found = [one for one in word_problems(with_purpose(), spoken=frozenset({"en"})) if one.warning]

    (doubt,) = [one.text for one in found]
    assert doubt.startswith("purpose 'advice' has no label")
    assert ", in ar, de, es, fr, it, nl: visitors whose page or browser asks for these" in doubt


def test_a_text_that_its_author_has_still_to_write_is_not_missed_in_other_languages_and_any_other_is():
    row = "- { name: a, domain: .callkom.io, purpose: functional, lasts: Session, why: "
    told = [
        [one.text for one in word_problems(policy_of(cookies=f'{row}"{why}" }}')) if "what it" in one.text]
        for why in ("TODO: what it is for", "Says what it is for")
    ]

    assert told[0] == []
    assert len(told[1]) == 1
