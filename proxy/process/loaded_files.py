"""What rules, config and languages are once they are read: handed to the process that serves."""

from __future__ import annotations

from typing import NamedTuple

from proxy.banner.words import Languages
from proxy.config.policies import Policies
from proxy.config.types import Config


class LoadedFiles(NamedTuple):
    """Config, policies and languages, and a warning about the rules (empty: none)."""

    config: Config
    policies: Policies
    languages: Languages
    doubt: str
