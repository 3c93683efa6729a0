"""A folder of words that is not there and a language that is nowhere: told by check, refused by a reload."""

import pytest

from proxy.errors import ConfigError
from proxy.process.read_files import read_files
from tests.process.test_preflight_checks import config_in, problems
from tests.support.proxying import RULES


def test_a_language_that_is_nowhere_and_a_folder_of_words_that_is_none_are_faults(tmp_path):
    path = config_in(tmp_path, "languages: words\nlanguage: xx\n")

    assert problems(path) == [
        f"config.yaml:4:12: languages: {tmp_path / 'words'} is no folder; make it, or name another",
        "config.yaml:5:11: language is 'xx', and there are ar, de, en, es, fr, it, nl",
    ]


def test_a_file_of_words_with_an_ending_that_nobody_reads_is_a_warning(tmp_path):
    (tmp_path / "words").mkdir()
    (tmp_path / "words/pt.yml").write_text("banner: { title: Cookies }")
    path = config_in(tmp_path, "languages: words\n")

    assert problems(path) == ["config.yaml:4:12: languages: pt.yml is not read; name it pt.yaml"]


def test_a_reload_refuses_them_too(tmp_path):
    (tmp_path / "rules.yaml").write_text(RULES)
    with pytest.raises(ConfigError, match="is no folder"):
        read_files(config_in(tmp_path, "languages: words\n"), tmp_path / "rules.yaml")
