"""The consent record: the words shown, the answer, and the chain of keyed hashes.

ConsentRecord is what we keep, Receipt what the visitor is given. A record
holds no IP address and no user agent. Times are whole milliseconds since 1970, UTC.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from proxy.consent.answer import Gesture, How, Surface
from proxy.consent.decision import Ask
from proxy.policy.scope import Scope

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
"""Base 32 without i, l, o, u: an id may be read out on the phone."""


def digest_of(text: str) -> str:
    """Return the SHA-256 of a text in hex: the name under which it is kept once."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Shown:
    """The words a visitor was shown: stored once per digest, to reproduce a proof.

    `rules` is the text of rules.yaml, `wording` the words as JSON, `policy` the published
    table of that version ("" where none is kept).
    """

    policy_version: str
    rules: str
    wording: str
    policy: str = ""
    rules_digest: str = field(init=False)
    wording_digest: str = field(init=False)
    policy_digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Take the digests once: a Shown is built per site and language, not per visitor."""
        object.__setattr__(self, "rules_digest", digest_of(self.rules))
        object.__setattr__(self, "wording_digest", digest_of(self.wording))
        object.__setattr__(self, "policy_digest", digest_of(self.policy) if self.policy else "")


@dataclass(frozen=True, slots=True)
class NewRecord:
    """An answer that has no record yet. `visitor` is the random id in the consent cookie."""

    visitor: str
    time: int
    site: str
    language: str
    shown: Shown
    scope: Scope
    granted: frozenset[str]
    how: How
    provider: str | None = None
    gesture: Gesture | None = None
    control: How | None = None  # the button: a withdrawal is made with `refuse` or `save`
    withdrawn: frozenset[str] = frozenset()  # purposes that were granted until now
    asked: Ask | None = None  # why the visitor was being asked, `no` where nobody asked
    surface: Surface | None = None
    declared_by: str | None = None  # the consent tool that was answered, where it was not us
    declared_at: int | None = None  # when, in seconds since 1970, where that tool states it

    @property
    def refused(self) -> frozenset[str]:
        """The purposes that were asked and not granted."""
        return self.scope.purposes - self.granted


@dataclass(frozen=True, slots=True)
class Content:
    """What an erasure deletes: who answered what to which question."""

    visitor: str
    site: str
    language: str
    policy_version: str
    rules_digest: str
    wording_digest: str
    policy_digest: str
    scope: Mapping[str, tuple[str, ...]]
    granted: tuple[str, ...]
    refused: tuple[str, ...]
    how: How
    provider: str | None
    previous: str | None
    # None and empty in records that are older than the question.
    gesture: Gesture | None = None
    control: How | None = None
    withdrawn: tuple[str, ...] = ()
    asked: Ask | None = None
    surface: Surface | None = None
    declared_by: str | None = None
    declared_at: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """One answer as it is kept. `content` is None once erased; the seals outlive it."""

    id: str
    time: int
    writer: str
    position: int
    digest: bytes
    link: bytes
    content: Content | None
    erased: int | None = None
    seal: bytes | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the record for an operator: the receipt, the visitor's id and the seals."""
        seals = {
            "writer": self.writer,
            "position": self.position,
            "digest": self.digest.hex(),
            "link": self.link.hex(),
        }
        if self.content is None:
            return {"id": self.id, "time": utc(self.time), "erased": utc(self.erased or 0), **seals}
        return {**Receipt(self).to_json(), "visitor": self.content.visitor, **seals}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the visitor is given: their answer and the question it answered, as JSON."""

    record: ConsentRecord

    def to_json(self) -> dict[str, Any]:
        """Return the receipt, in the words of the policy; docs/records.md compares ISO/IEC TS 27560."""
        kept = self.record.content
        if kept is None:
            return {"id": self.record.id, "time": utc(self.record.time), "erased": True}
        return {
            "id": self.record.id,
            "time": utc(self.record.time),
            "site": kept.site,
            "language": kept.language,
            "policy_version": kept.policy_version,
            "rules_digest": kept.rules_digest,
            "wording_digest": kept.wording_digest,
            "policy_digest": kept.policy_digest,
            "scope": {purpose: list(providers) for purpose, providers in kept.scope.items()},
            "granted": list(kept.granted),
            "refused": list(kept.refused),
            "how": kept.how.value,
            "provider": kept.provider,
            "previous": kept.previous,
            **_later_fields(kept),
        }


def content_of(new: NewRecord, previous: str | None) -> Content:
    """Return what is kept of an answer, each set in one order."""
    scope = {
        purpose: tuple(sorted(pair.provider for pair in new.scope.pairs if pair.purpose == purpose))
        for purpose in sorted(new.scope.purposes)
    }
    return Content(
        visitor=new.visitor,
        site=new.site,
        language=new.language,
        policy_version=new.shown.policy_version,
        rules_digest=new.shown.rules_digest,
        wording_digest=new.shown.wording_digest,
        policy_digest=new.shown.policy_digest,
        scope=scope,
        granted=tuple(sorted(new.granted)),
        refused=tuple(sorted(new.refused)),
        how=new.how,
        provider=new.provider,
        previous=previous,
        gesture=new.gesture,
        control=new.control,
        withdrawn=tuple(sorted(new.withdrawn)),
        asked=new.asked,
        surface=new.surface,
        declared_by=new.declared_by,
        declared_at=utc(new.declared_at * 1000) if new.declared_at is not None else None,
    )


def same_choice(one: Content, other: Content) -> bool:
    """True when both say the same to the same question, whatever preceded them.

    "Refuse all" twice is one withdrawal, although the second time nothing was left to withdraw.
    """
    return _without_past(one) == _without_past(other)


def _without_past(kept: Content) -> Content:
    return replace(kept, previous=None, how=kept.control or kept.how, withdrawn=(), asked=None)


def _later_fields(kept: Content) -> dict[str, Any]:
    """Return the fields that records got since the first release; None and [] where they say nothing."""
    return {
        "gesture": kept.gesture.value if kept.gesture is not None else None,
        "control": kept.control.value if kept.control is not None else None,
        "withdrawn": list(kept.withdrawn),
        "asked": kept.asked.value if kept.asked is not None else None,
        "surface": kept.surface.value if kept.surface is not None else None,
        "declared_by": kept.declared_by,
        "declared_at": kept.declared_at,
    }


def record_id(time: int, chance: bytes) -> str:
    """Return an id of 26 letters from a time and 10 random bytes; ids sort by time (ULID)."""
    number = (time & (2**48 - 1)) << 80 | int.from_bytes(chance[:10], "big")
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def canonical(record_id: str, time: int, content: Content) -> bytes:
    """Return the bytes that are hashed: JSON with sorted names and no spaces.

    Names and order never change: a name added later is left out where it is empty, so
    that digests of older records still hold.
    """
    fields: dict[str, Any] = {
        "id": record_id,
        "time": time,
        "visitor": content.visitor,
        "site": content.site,
        "language": content.language,
        "policy_version": content.policy_version,
        "rules_digest": content.rules_digest,
        "wording_digest": content.wording_digest,
        "policy_digest": content.policy_digest,
        "scope": content.scope,
        "granted": content.granted,
        "refused": content.refused,
        "how": content.how.value,
        "provider": content.provider,
        "previous": content.previous,
    }
    fields |= {name: value for name, value in _later_fields(content).items() if value}
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode("ascii")


def keyed(key: bytes, label: str, *parts: bytes | str | int) -> bytes:
    """Return the HMAC-SHA-256 of labelled parts, each with its length: no two lists collide."""
    mac = hmac.new(key, label.encode(), hashlib.sha256)
    for part in parts:
        raw = part if isinstance(part, bytes) else str(part).encode()
        mac.update(len(raw).to_bytes(8, "big") + raw)
    return mac.digest()


def content_digest(key: bytes, record_id: str, time: int, content: Content) -> bytes:
    """Return the digest that stays when the content is erased; keyed, so it gives nothing away."""
    return keyed(key, "content", canonical(record_id, time, content))


def chain_link(key: bytes, writer: str, position: int, before: bytes, digest: bytes) -> bytes:
    """Return the link of a record to the one before it on the same writer."""
    return keyed(key, "link", writer, position, before, digest)


def utc(ms: int) -> str:
    """Return the moment as RFC 3339 in UTC with milliseconds: 2026-11-23T12:34:56.789Z."""
    seconds, millis = divmod(ms, 1000)
    days, rest = divmod(seconds, 86_400)
    year, month, day = _civil(days)
    hours, rest = divmod(rest, 3600)
    minutes, second = divmod(rest, 60)
    return f"{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{second:02}.{millis:03}Z"


def _civil(days: int) -> tuple[int, int, int]:
    """Return year, month, day of a day since 1970 (Hinnant, chrono-compatible date algorithms)."""
    era, of_era = divmod(days + 719_468, 146_097)
    of_cycle = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * of_cycle + of_cycle // 4 - of_cycle // 100)
    shifted = (5 * of_year + 2) // 153
    day = of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    return of_cycle + era * 400 + (month <= 2), month, day
