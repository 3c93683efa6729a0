"""The consent cookie: an Answer as a signed value of at most 512 bytes, and back.

Whatever arrives that was not written here by one of our keys is no answer, and never an
error (threats T33, T34). The word is base64url, so it consists of cookie-octets only:

    kind (1) width (1) deleted (1) at (4) swept (2) visitor (1+n) version (1+n)
    granted (1 + n * (purpose hash 4, since 2)) asked (n * width) signature (16)

The second kind, where another consent tool said something, has `taken (1) declared (6)` behind
the version.
Pairs and purposes are carried as short hashes: the present scope maps them back, and
what it does not know (a provider that is gone) is left out.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b

from proxy.consent.answer import Answer
from proxy.policy.model import DAY
from proxy.policy.scope import Pair, Scope

MAX_LENGTH = 512
"""Longest value that is parsed (T33: size before parse)."""

PLAIN, DECLARED = 1, 2
KINDS = (PLAIN, DECLARED)
DIGEST = 6  # bytes that stand for what another consent tool said
SIGNATURE = 16  # 128 bits of HMAC-SHA256
WHOLE = 0  # "width" of a scope too long to list: one digest stands for all of it
MAX_AGE = 400 * DAY  # browsers keep no cookie longer; what is older was replayed
TOO_MANY_VALUES = 8  # cookies of our name that one request may carry and have read
LABEL = b"consent cookie\x00"  # separates this use of the key from others


@dataclass(frozen=True, slots=True)
class ConsentReading:
    """The answer in the request's consent cookies; `doubled`: there were several."""

    answer: Answer | None
    doubled: bool = False


def write_answer(answer: Answer, keys: Sequence[bytes], known: Scope) -> str:
    """Return the cookie value that carries this answer, signed with the newest key.

    Only what `known`, the present scope, contains is carried, and as far as there is room what other
    sites ask about that share the cookie.
    """
    asked = answer.scope.pairs & known.pairs
    beside = answer.scope.pairs & known.elsewhere
    for pairs, width in ((asked | beside, 4), (asked | beside, 3), (asked, 4), (asked, 3), (asked, WHOLE)):
        payload = _pack(answer, pairs, known, width)
        if _length(payload) <= MAX_LENGTH:
            break
    else:  # too many purposes for a cookie: the visitor is asked again
        payload = _pack(replace(answer, granted=frozenset()), frozenset(), known, WHOLE)
    return _encoded(payload + _sign(payload, keys[0]))


def read_answers(
    values: Iterable[bytes | str],
    keys: Sequence[bytes],
    known: Scope,
    *,
    now: int,
    lasts: int | None = None,
) -> ConsentReading:
    """Return the newest valid answer, granting only what every valid one grants.

    Answers older than `lasts` seconds restrict nothing and count only where no fresh one
    came: decide() then says that they expired.
    """
    raw = list(values)
    answers = [a for a in (_read(v, keys, known, now) for v in raw[:TOO_MANY_VALUES]) if a is not None]
    fresh = [a for a in answers if lasts is None or now - a.at < lasts]
    answers = sorted(fresh or answers, key=lambda a: a.at)
    if not answers:
        return ConsentReading(None, len(raw) > 1)
    newest = answers[-1]
    if len(answers) == 1:
        return ConsentReading(newest, len(raw) > 1)
    granted = frozenset.intersection(*(a.granted for a in answers))
    since = {purpose: day for purpose, day in newest.since.items() if purpose in granted}
    return ConsentReading(replace(newest, granted=granted, since=since), doubled=True)


def consent_cookie(name: str, value: str, *, domain: str | None, secure: bool, max_age: int) -> bytes:
    """Return the Set-Cookie line that stores the answer, or with max_age 0 deletes it.

    Lax and not Strict: a link from elsewhere must find the answer, or the visitor is
    asked again. `max_age` is what is left of the answer's life: it does not slide.
    """
    parts = [f"{name}={value}", "Path=/"]
    if domain is not None:
        parts.append(f"Domain={domain}")
    parts += [f"Max-Age={max(0, max_age)}", "HttpOnly", "SameSite=Lax"]
    if secure:
        parts.append("Secure")
    return "; ".join(parts).encode("ascii")


def _read(value: bytes | str, keys: Sequence[bytes], known: Scope, now: int) -> Answer | None:
    """Return the answer this value carries and that can be true now, or None."""
    answer = _parsed(value, tuple(keys), known) if len(value) <= MAX_LENGTH else None
    # A clock may have jumped by a day (T51); an answer from further ahead is none.
    return answer if answer is not None and -DAY <= now - answer.at < MAX_AGE else None


@lru_cache(maxsize=2048)  # a visitor sends the same value with every request
def _parsed(value: bytes | str, keys: tuple[bytes, ...], known: Scope) -> Answer | None:
    """Return the answer this value carries, or None for whatever reason."""
    sealed = _decoded(value)
    if sealed is None or len(sealed) <= SIGNATURE or sealed[0] not in KINDS:
        return None
    payload, signature = sealed[:-SIGNATURE], sealed[-SIGNATURE:]
    if not any(hmac.compare_digest(signature, _sign(payload, key)) for key in keys):
        return None
    try:
        return _unpack(payload, known)
    except (IndexError, UnicodeDecodeError):  # signed by us, in a layout of another day
        return None


def _decoded(value: bytes | str) -> bytes | None:
    """Return the decoded bytes, or None for a value this code did not write."""
    try:
        text = value.encode("ascii") if isinstance(value, str) else bytes(value)
        if len(text) > MAX_LENGTH:
            return None
        bare = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except (ValueError, TypeError):  # UnicodeError and binascii.Error are ValueErrors
        return None
    # b64decode skips what it does not know: only what we would have written counts.
    return bare if _encoded(bare).encode("ascii") == text else None


def _encoded(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def _length(payload: bytes) -> int:
    return -(-(len(payload) + SIGNATURE) * 4 // 3)


def _sign(payload: bytes, key: bytes) -> bytes:
    return hmac.digest(key, LABEL + payload, "sha256")[:SIGNATURE]


def _pack(answer: Answer, asked: frozenset[Pair], known: Scope, width: int) -> bytes:
    granted = sorted(answer.granted & _purposes(known))
    if width == WHOLE:
        scope = _digest_of_all(known) if asked == known.pairs else b""
    else:
        scope = b"".join(sorted(_hash(f"{pair.purpose}\x00{pair.provider}")[:width] for pair in asked))
    tells = bool(answer.declared or answer.taken)
    return b"".join(
        (
            bytes((DECLARED if tells else PLAIN, width)),
            bytes((min(max(0, answer.deleted), 255),)),
            min(max(0, answer.at), 0xFFFFFFFF).to_bytes(4, "big"),
            _day(answer.swept),
            _text(answer.visitor),
            _text(answer.policy_version),
            bytes((answer.taken,)) + answer.declared[:DIGEST].ljust(DIGEST, b"\0") if tells else b"",
            bytes((min(len(granted), 255),)),
            *(_hash(p) + _day(answer.since.get(p, answer.at // DAY)) for p in granted[:255]),
            scope,
        )
    )


def _unpack(payload: bytes, known: Scope) -> Answer:
    purposes, pairs = _known(known, payload[1])
    at, swept = int.from_bytes(payload[3:7], "big"), int.from_bytes(payload[7:9], "big")
    visitor, here = _text_at(payload, 9)
    version, here = _text_at(payload, here)
    taken, declared = False, b""
    if payload[0] == DECLARED:
        taken, declared = bool(payload[here]), payload[here + 1 : here + 1 + DIGEST].rstrip(b"\0")
        here += 1 + DIGEST
    start, end = here + 1, here + 1 + 6 * payload[here]
    since = {
        purposes[payload[i : i + 4]]: int.from_bytes(payload[i + 4 : i + 6], "big")
        for i in range(start, end, 6)
        if payload[i : i + 4] in purposes
    }
    scope = pairs(payload[end:])
    return Answer(
        visitor, at, frozenset(since), Scope(scope), version, since, swept, declared, taken, payload[2]
    )


@lru_cache(maxsize=64)
def _known(known: Scope, width: int) -> tuple[dict[bytes, str], Callable[[bytes], frozenset[Pair]]]:
    """Return how to read purposes and pairs back under this scope."""
    former = {before.purpose: today.purpose for before, today in known.former}
    purposes = {_hash(before): today for before, today in former.items() if today in known.purposes}
    purposes |= {_hash(purpose): purpose for purpose in _purposes(known)}
    if width == WHOLE:
        digests = (_digest_of_all(known), _digest_of_all(_as_before(known)))
        return purposes, lambda rest: known.pairs if rest in digests else frozenset()
    names = {_hash(f"{before.purpose}\x00{before.provider}")[:width]: today for before, today in known.former}
    for pairs in (known.elsewhere, known.pairs):
        names |= {_hash(f"{pair.purpose}\x00{pair.provider}")[:width]: pair for pair in pairs}

    def listed(rest: bytes) -> frozenset[Pair]:
        words = (rest[i : i + width] for i in range(0, len(rest), width))
        return frozenset(names[word] for word in words if word in names)

    return purposes, listed


def _purposes(known: Scope) -> frozenset[str]:
    """Return the purposes that an answer in this cookie may grant."""
    return known.purposes | {pair.purpose for pair in known.elsewhere}


def _as_before(known: Scope) -> Scope:
    """Return the scope with every pair under the name that it bore before, where it has one."""
    before = {today: name for name, today in sorted(known.former) if today in known.pairs}
    return Scope(frozenset(before.get(pair, pair) for pair in known.pairs))


def _hash(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).digest()


def _digest_of_all(scope: Scope) -> bytes:
    names = "\n".join(sorted(f"{pair.purpose}\x00{pair.provider}" for pair in scope.pairs))
    return blake2b(names.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _day(day: int) -> bytes:
    return min(max(0, day), 0xFFFF).to_bytes(2, "big")


def _text(text: str) -> bytes:
    """Return a short text with its length; ids and versions longer than 36 bytes are cut."""
    data = text.encode("utf-8", "replace")[:36].decode("utf-8", "ignore").encode("utf-8")
    return bytes((len(data),)) + data


def _text_at(payload: bytes, here: int) -> tuple[str, int]:
    end = here + 1 + payload[here]
    return payload[here + 1 : end].decode("utf-8"), end
