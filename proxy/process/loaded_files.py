"""What rules, config and languages are once they are read: handed to the process that serves."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from proxy.banner.words import Languages
from proxy.config.policies import Policies, rules_files
from proxy.config.types import Config


class LoadedFiles(NamedTuple):
    """Config, policies and languages, and a warning about the rules (empty: none)."""

    config: Config
    policies: Policies
    languages: Languages
    doubt: str


def files_named(config: Config, given: Path) -> tuple[Path, ...]:
    """Return what a config names and a reload reads too: words, certificate, rules of sites."""
    words = [config.file(config.languages)] if config.languages else []
    tls = [config.file(config.tls.certificate), config.file(config.tls.key)] if config.tls else []
    rules = [file.path for name, file in rules_files(config, given).items() if name is not None]
    return (*words, *tls, *rules)
