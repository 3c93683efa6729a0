"""Every way this program refuses, by whose fault it is.

PolicyError: the rule author's; ConfigError: the operator's; UpstreamError: the site's
own server; BadRequest: the visitor's browser; RecordsError: the store of proofs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.problems import Problem


class ProxyError(Exception):
    """Root of all errors that this program raises on purpose."""


class FaultsError(ProxyError):
    """One or more faults in a file that somebody wrote; every one is listed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[FaultsError], tuple[tuple[Problem, ...]]]:
        # Exceptions are copied between processes by their words; ours are made of problems.
        return type(self), (self.problems,)


class PolicyError(FaultsError):
    """rules.yaml cannot be used: the rule author has something to mend."""


class RulesTestsError(PolicyError):
    """Tests written in rules.yaml fail: the rules do not do what their author expects."""


class ConfigError(FaultsError):
    """The config file cannot be used: the operator has something to mend."""


class StartError(ProxyError):
    """The program cannot start here; the message is one sentence with the way out."""


class UpstreamError(ProxyError):
    """The site's own server failed: `status` is what the visitor is told (502, 503, 504).

    `unheard`: it gave no answer that could have been refused; the page's words go by that.
    """

    def __init__(self, message: str, status: int = 502, *, unheard: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.unheard = unheard


class BadRequest(ProxyError):
    """The visitor's browser asked for something we refuse; `status` is 4xx, 501, 505 or 508."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class RecordsError(ProxyError):
    """A proof of consent could not be written, or the store cannot be used."""


class Unreadable(ProxyError):
    """A body that a browser may run as a document cannot be read, so it must not pass.

    Raised by the pure filter floor before or in mid-document; the server turns it into
    502 before the first byte and into a cut connection after it (threats T48).
    """
