"""What checks of a config find, and the line of the config file that it is about."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from proxy.policy.yaml_source import Step, locate, read
from proxy.problems import Place, Problem


class ConfigFinding(NamedTuple):
    """What is wrong or doubtful, and the keys that lead to it in the config."""

    steps: tuple[Step, ...]
    text: str
    warning: bool = False


def located(findings: Iterable[ConfigFinding], path: Path) -> list[Problem]:
    """Return findings as problems, each at its line of the config file."""
    root, _ = read(path.read_text("utf-8"), path.name)
    return [
        Problem(locate(root, steps)[0].place if root else Place(path.name, 1), text, warning)
        for steps, text, warning in findings
    ]
