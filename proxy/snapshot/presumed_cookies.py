"""The cookies that were presumed necessary, by name: when each was first seen, kept beside the proofs.

Names come from sites and may hold ids, which are left out. Several processes share the file:
each adds lines and reads those of the others. What was declared since is no longer presumed.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from proxy.config.signing_key import state_folder
from proxy.config.types import Config
from proxy.filter.headers.cookie_names import without_ids
from proxy.filter.headers.cookies import CookieRules
from proxy.filter.headers.set_cookie import parse_set_cookie
from proxy.filter.patterns import Glob
from proxy.policy.durations import parse_duration
from proxy.policy.model import DAY, NECESSARY, CookieRule, Duration
from proxy.problems import Place

MOST = 200
"""Names that are kept: a site that sets more is one that makes names up."""

DOUBTFUL_AFTER = 30 * DAY
"""Seconds after which somebody should have looked."""

UNDESCRIBED = "not yet described, presumed necessary"
UNDESCRIBED_WITH_CONSENT = "not yet described, set with consent only"


@dataclass(frozen=True, slots=True)
class PresumedCookie:
    """A cookie that no rule describes and that passed; `platform` is whose it is, where that is known."""

    name: str
    host: str
    purpose: str
    lasts: str
    platform: str
    first_seen: int

    def row(self) -> CookieRule:
        """Return what visitors and the policy's author are told about it."""
        necessary = self.purpose == NECESSARY
        return CookieRule(
            provider="presumed",
            names=(self.name,),
            domains=(self.host,),
            purpose=self.purpose,
            lasts=parse_duration(self.lasts) or Duration(self.lasts, None),
            why=UNDESCRIBED if necessary else UNDESCRIBED_WITH_CONSENT,
            place=Place("", 1),
            unpublished=f"presumed since it was first seen; describe it in rules.yaml{_of(self.platform)}",
        )


def _of(platform: str) -> str:
    return f" (a cookie of {platform})" if platform else ""


class PresumedCookies:
    """What was seen so far; without a file it is forgotten with the process."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: dict[tuple[str, str], PresumedCookie] = {}
        self._size = -1

    @classmethod
    def of(cls, config: Config) -> PresumedCookies:
        """Return what is kept beside the proofs of that config."""
        return cls(state_folder(config) / "consent.presumed")

    def note(self, rules: CookieRules, line: bytes, host: str, now: int) -> PresumedCookie | None:
        """Take note of a Set-Cookie line that was presumed; returns what it is where it is new."""
        cookie = parse_set_cookie(line)
        if cookie is None:
            return None
        found = _presumed(rules, cookie.sent_as, host, cookie.lifetime(now), now)
        key = (found.name, found.host)
        if key in self._known or len(self._known) >= MOST:
            return None
        self._read()
        if key in self._known:
            return None
        self._known[key] = found
        self._write(found)
        return found

    def all(self, rules: CookieRules, hosts: Collection[str]) -> tuple[PresumedCookie, ...]:
        """Return what is still presumed under the rules of these hosts, in the order it was seen."""
        self._read()
        return tuple(
            one for one in self._known.values() if one.host in hosts and rules.is_presumed(one.name, one.host)
        )

    def rows(self, rules: CookieRules, hosts: Collection[str]) -> tuple[CookieRule, ...]:
        """Return the same as rows of the cookie table."""
        return tuple(one.row() for one in self.all(rules, hosts))

    def doubt(self, rules: Iterable[tuple[CookieRules, Collection[str]]], now: int) -> str:
        """Return what /readyz says of names that were presumed for a month, and nobody described."""
        seen = (one for each, hosts in rules for one in self.all(each, hosts))
        old = {one.name for one in seen if now - one.first_seen >= DOUBTFUL_AFTER}
        if not old:
            return ""
        named = ", ".join(sorted(old)[:5])
        return (
            f"{len(old)} cookies were presumed necessary for more than 30 days, and no rule describes them: "
            f"{named}; `consent-proxy table --unpublished --config FILE` lists them"
        )

    def _read(self) -> None:
        """Take in what is in the file, where it has grown."""
        if self._path is None:
            return
        try:
            size = self._path.stat().st_size
            if size == self._size:
                return
            text = self._path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return
        self._size = size
        for line in text.splitlines()[: 4 * MOST]:
            with contextlib.suppress(ValueError, TypeError):
                one = PresumedCookie(**json.loads(line))
                self._known.setdefault((one.name, one.host), one)

    def _write(self, found: PresumedCookie) -> None:
        if self._path is None:
            return
        with contextlib.suppress(OSError), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(found)) + "\n")


def _presumed(rules: CookieRules, name: str, host: str, lives: int | None, now: int) -> PresumedCookie:
    row = rules.setting(name, host)
    if row is None:
        lasts = "Session" if lives is None else f"up to {max(1, -(-lives // DAY))} days"
        return PresumedCookie(without_ids(name), host, NECESSARY, lasts, "", now)
    written = next((glob for glob in row.names if Glob.of(glob).matches(name)), name)
    return PresumedCookie(written, host, row.purpose, row.lasts.text, row.provider, now)
