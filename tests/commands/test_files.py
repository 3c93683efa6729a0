"""`files` shows where documents and examples are."""

from pathlib import Path

from tests.commands.running import run


def test_files_names_the_folders_of_documents_and_examples():
    folders = {path.name: path for path in map(Path, run("files").stdout.splitlines())}

    assert (folders["docs"] / "config.md").is_file()
    assert (folders["config"] / "consent-proxy.service").is_file()
    assert (folders["config"] / "rules.schema.json").is_file()
