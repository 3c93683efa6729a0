"""Checks of the words that a config names: their folder, and the language of pages that name none."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.banner.word_files import read_folder, shipped
from proxy.config.types import Config
from proxy.process.config_findings import ConfigFinding


def word_findings(config: Config) -> Iterator[ConfigFinding]:
    """Yield what is wrong with the folder of words, and with the language of pages that name none."""
    folder = config.file(config.languages) if config.languages else None
    if folder is not None and not folder.is_dir():
        text = f"languages: {folder} is no folder; make it, or name another"
        yield ConfigFinding(("languages",), text)
    elif folder is not None:
        for path in sorted(folder.glob("*.yml")):
            text = f"languages: {path.name} is not read; name it {path.stem}.yaml"
            yield ConfigFinding(("languages",), text, warning=True)
    known = {*shipped(), *(read_folder(folder) if folder is not None else ())}
    if config.language is not None and config.language not in known:
        text = f"language is '{config.language}', and there are {', '.join(sorted(known))}"
        yield ConfigFinding(("language",), text)
