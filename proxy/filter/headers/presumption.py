"""Which cookies that no rule describes are presumed necessary, until somebody has looked.

A sign-in sets a cookie that scripts cannot read, for the site alone, on an occasion; what
measures is mostly written by scripts, or lives for months. The operator's presumption may be
wrong (docs/law.md): so every such cookie is named, and none lives longer than 31 days.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from proxy.filter.headers.set_cookie import WSP, SetCookie
from proxy.policy.hosts import registrable
from proxy.policy.model import DAY, OWN, CookieRule, Duration, Tracker

MAX_PRESUMED = 31 * DAY

TRACKING = "tracking"
"""Stands for the purpose of a known tracker that no rule grants: none that anybody is asked about."""

_SIGN_IN_ANSWERS = (
    frozenset({b"code", b"state"}),  # OAuth 2, OpenID Connect (RFC 6749 4.1.2)
    frozenset({b"error", b"state"}),
    frozenset({b"id_token"}),
    frozenset({b"oauth_token", b"oauth_verifier"}),  # OAuth 1 (RFC 5849)
    frozenset({b"samlresponse"}),
    frozenset({b"samlart"}),
    frozenset({b"ticket"}),  # CAS
    frozenset({b"openid.mode"}),
    frozenset({b"wresult"}),
)
_SIGN_IN_PATH = re.compile(
    rb"/(?:[^/]*[-_.])?(?:sign-?in|log-?in|sso|oauth2?|oidc|openid|saml2?|acs|callback|auth)(?:[-_.][^/]*)?(?=/|$)",
    re.IGNORECASE,
)


class Occasion(NamedTuple):
    """What the request was, as far as it speaks for a sign-in: `cookies` are its Cookie lines."""

    posted: bool = False
    returned: bool = False  # from a sign-in elsewhere
    cookies: tuple[bytes, ...] = ()

    def allows_life(self, name: str) -> bool:
        """True when a presumed cookie of that name may outlive the session."""
        return self.posted or self.returned or _is_among(name.encode("latin-1"), self.cookies)


NO_OCCASION = Occasion()


def returns_from_sign_in(path: bytes, query: bytes, *, site: bytes | None, mode: bytes | None) -> bool:
    """True for a navigation back from a server that signs people in.

    Its answer is in the query; or (by Sec-Fetch-Site and Sec-Fetch-Mode) another host sent the
    browser to an address that is called after signing in.
    """
    names = {part.partition(b"=")[0].lower() for part in query.split(b"&")}
    if any(answer <= names for answer in _SIGN_IN_ANSWERS):
        return site != b"same-origin"
    came = site in (b"cross-site", b"same-site") and mode == b"navigate"
    return came and _SIGN_IN_PATH.search(path) is not None


def may_be_presumed(cookie: SetCookie, lives: int | None, host: str) -> bool:
    """True for a cookie that scripts cannot read, of the site's own, that lives 31 days at most."""
    return (
        bool(cookie.name)
        and cookie.httponly
        and not cookie.partitioned
        and (cookie.domain is None or _is_own(cookie.domain, host))
        and (lives is None or lives <= MAX_PRESUMED)
    )


def tracker_row(tracker: Tracker) -> CookieRule:
    """Return the row of a known tracker's cookies: refused wherever no rule before it speaks of them."""
    return CookieRule(
        provider=tracker.id,
        names=tracker.cookies,
        domains=(OWN,),
        purpose=TRACKING,
        lasts=Duration("Session", None),
        why=tracker.name,
        place=tracker.place,
    )


def _is_own(domain: str, host: str) -> bool:
    """True for the host itself and its parents, as far as one owner's domain goes."""
    return host == domain or (host.endswith("." + domain) and registrable(domain) is not None)


def _is_among(name: bytes, lines: tuple[bytes, ...]) -> bool:
    return any(piece.partition(b"=")[0].strip(WSP) == name for line in lines for piece in line.split(b";"))
