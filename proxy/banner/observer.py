"""The script that `observe: page` puts first into a page: it names what scripts do, and refuses nothing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from proxy.banner.assets import script
from proxy.banner.markup import escape
from proxy.filter.rules.judge import TagFacts
from proxy.filter.tags.injection import PageMetadata
from proxy.filter.verdict import Verdict


@dataclass(frozen=True, slots=True)
class ObserverScript:
    """The file, immutable under a name with a digest of its bytes."""

    name: str
    body: bytes


def observer_script(path: str) -> ObserverScript:
    """Return the script of a site whose own addresses are under that path."""
    reports = f"new URL({json.dumps(path + 'reports')},location).href"
    body = script("observe").replace("(REPORTS)", f"({reports})").encode("ascii")
    digest = hashlib.blake2b(body, digest_size=8).hexdigest()
    return ObserverScript(f"observe.{digest}.js", body)


@dataclass(frozen=True, slots=True)
class Observer:
    """Injects the script, and nothing else."""

    source: str  # its path
    known: str  # hashes of the names that need no report
    always: bool = True
    amp: bool = True

    def head(self, page: PageMetadata) -> bytes:  # noqa: ARG002 - an Injector's
        """Return the script's tag."""
        attributes = f'src="{escape(self.source)}" data-known="{escape(self.known)}"'
        return f'<script data-cfasync="false" {attributes}></script>'.encode("ascii")

    def body(self, page: PageMetadata) -> bytes:  # noqa: ARG002
        """Return nothing."""
        return b""

    def foot(self, page: PageMetadata) -> bytes:  # noqa: ARG002
        """Return nothing."""
        return b""

    def root(self) -> bytes:
        """Return nothing: only pages are observed."""
        return b""

    def placeholder(self, verdict: Verdict, facts: TagFacts) -> bytes:  # noqa: ARG002
        """Return nothing: nothing is replaced."""
        return b""
