"""What rules, config and languages are once they are read: handed to the process that serves."""

from __future__ import annotations

from typing import NamedTuple

from proxy.banner.words import Languages
from proxy.config.types import Config
from proxy.policy.model import Policy


class LoadedFiles(NamedTuple):
    """Config, policy and languages, and a warning about the rules (empty: none)."""

    config: Config
    policy: Policy
    languages: Languages
    doubt: str
