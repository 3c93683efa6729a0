"""Every error that this program raises on purpose, by whose fault it is.

PolicyError: the rule author's; ConfigError: the operator's; UpstreamError: the upstream
server's; BadRequest: the visitor's browser; RecordsError: the record store's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from proxy.problems import Problem


class ProxyError(Exception):
    """Base class of all errors of this program."""


class FaultsError(ProxyError):
    """One or more problems in rules or config, all of them listed.

    `files` are those that the config names beside itself, so that a change of one is noticed.
    """

    def __init__(self, problems: Sequence[Problem], files: Sequence[Path] = ()) -> None:
        self.problems = tuple(problems)
        self.files = tuple(files)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[FaultsError], tuple[tuple[Problem, ...], tuple[Path, ...]]]:
        # Pickle would call __init__ with the message; it takes the problems.
        return type(self), (self.problems, self.files)


class PolicyError(FaultsError):
    """rules.yaml cannot be used: the rule author has to fix it."""


class RulesTestsError(PolicyError):
    """Tests written in rules.yaml fail: the rules do not do what their author expects."""


class ConfigError(FaultsError):
    """The config file cannot be used: the operator has to fix it."""


class StartError(ProxyError):
    """The program cannot start here; the message is one sentence with the way out."""


class UpstreamError(ProxyError):
    """An upstream failed: `status` is that of the visitor's response (502, 503, 504).

    `unheard`: it sent no response at all, rather than one that was refused; the error page says which.
    """

    def __init__(self, message: str, status: int = 502, *, unheard: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.unheard = unheard


class BadRequest(ProxyError):
    """The visitor's request is refused; `status` is 4xx, 501, 505 or 508."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class RecordsError(ProxyError):
    """A consent record could not be written, or the store cannot be used."""


class Unreadable(ProxyError):
    """A body that a browser may run as a document cannot be parsed, so it must not pass.

    Raised by the filter before or inside the document; the visitor gets 502 before the first
    byte, and a closed connection after it (threats T48).
    """


def reason(error: BaseException) -> str:
    """Return why the system or a library failed, in words and without the number of the error."""
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there (connection refused)"
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return words.strip() or type(error).__name__
