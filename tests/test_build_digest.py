"""The digest of a build changes with each of its files, and with nothing else."""

from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from proxy.build_digest import build_digest, build_kind, digest_of
from proxy.filter.html import scanner

FILES = {"filter/html/scanner.py": "a = 1", "banner/guard.js": "x;"}


def package(folder: Path, files: dict[str, str] | None = None) -> Path:
    for name, text in {**FILES, **(files or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_equal_files_in_another_place_make_the_same_build(tmp_path):
    one, other = package(tmp_path / "one"), package(tmp_path / "other")
    (other / "filter" / "__pycache__").mkdir()
    (other / "filter" / "__pycache__" / "html.pyc").write_bytes(b"compiled here")
    (other / "filter" / "html" / f"scanner{EXTENSION_SUFFIXES[0]}").write_bytes(b"and this is a library")

    assert digest_of(one) == digest_of(other)


def test_a_changed_script_a_changed_module_and_a_new_template_each_make_another_build(tmp_path):
    builds = {
        digest_of(package(tmp_path / "one")),
        digest_of(package(tmp_path / "two", {"banner/guard.js": "y;"})),
        digest_of(package(tmp_path / "three", {"filter/html/scanner.py": "a = 2"})),
        digest_of(package(tmp_path / "four", {"banner/templates/new.html": ""})),
        digest_of(package(tmp_path / "five", {"filter/new.py": ""})),
    }

    assert len(builds) == 5


def test_this_build_is_that_of_the_whole_package():
    import proxy

    assert build_digest() == digest_of(Path(proxy.__file__).parent)


def test_its_kind_is_that_of_the_filter_which_is_loaded():
    assert (build_kind() == "pure Python") == scanner.__file__.endswith(".py")
