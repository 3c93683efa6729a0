"""What a visit observed, before anybody judges it: cookies, keys, requests, reads, pages, the banner.

No value of a cookie or key is kept, and no query of an address.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class When:
    """Where in a visit something was observed: on which page, milliseconds after the state began."""

    page: str
    after: int
    decided: bool  # False: before the choice of this state


@dataclass(frozen=True, slots=True)
class CookieSeen:
    """A cookie that was set, or that was found in the jar and nobody was seen to set."""

    name: str
    domain: str  # that it is stored for, without a leading dot
    host_only: bool
    side: str  # http | script | jar
    lives: int | None  # seconds; None is a session
    httponly: bool
    secure: bool
    partition: str
    by: str  # the response's or script's address, without its query
    host: str  # that answered, or of the page whose script wrote it
    when: When

    @property
    def line(self) -> str:
        """A Set-Cookie line that says the same, with a life that counts from now and no value."""
        life = "" if self.lives is None else f"; Max-Age={self.lives}"
        domain = "" if self.host_only else f"; Domain={self.domain}"
        flags = (
            "; HttpOnly" * self.httponly + "; Secure" * self.secure + "; Partitioned" * bool(self.partition)
        )
        return f"{self.name}=x; Path=/{domain}{life}{flags}"


@dataclass(frozen=True, slots=True)
class KeySeen:
    """A name in localStorage, sessionStorage, IndexedDB or the caches of an origin."""

    name: str
    area: str  # local | session | database | cache
    host: str
    by: str  # the script that wrote it, where it was seen
    when: When


@dataclass(frozen=True, slots=True)
class RequestSeen:
    """A request that left the browser, or a connection it was told to open ahead of one."""

    address: str  # without query
    host: str
    path: str  # with query: rules speak of it; never reported
    element: str
    script: str
    frame: str  # host of the document that made it
    status: int | None
    speculative: bool
    cookies: tuple[str, ...]  # names that went along
    when: When


@dataclass(frozen=True, slots=True)
class ReadSeen:
    """Names that a script read (document.cookie, storage), or that a request took to a server."""

    names: tuple[str, ...]
    how: str  # document.cookie | cookieStore | local | session | request
    host: str  # of the document, or the server
    by: str
    when: When


@dataclass(frozen=True, slots=True)
class PageSeen:
    """A page that was opened."""

    address: str
    status: int | None
    title: str
    milliseconds: int
    left: str = ""  # the host it led to, where that is not the site's
    failed: str = ""
    decided: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """Whether a choice could be made, in which tool and how."""

    done: bool
    how: str
    tool: str = ""


@dataclass(slots=True)
class StateVisit:
    """Everything that one state showed, in a profile of its own."""

    state: str
    decided: Decided
    pages: list[PageSeen] = field(default_factory=list)
    cookies: list[CookieSeen] = field(default_factory=list)
    jar: list[CookieSeen] = field(default_factory=list)  # what is stored at the end
    keys: list[KeySeen] = field(default_factory=list)
    requests: list[RequestSeen] = field(default_factory=list)
    reads: list[ReadSeen] = field(default_factory=list)
    screenshots: list[tuple[str, bytes]] = field(default_factory=list)  # page, JPEG
    behind: bool = False  # our proxy answers on this site


@dataclass(slots=True)
class SiteVisit:
    """All states of a visit."""

    addresses: tuple[str, ...]
    states: list[StateVisit] = field(default_factory=list)
    banner: dict[str, Any] = field(default_factory=dict)
    browser: str = ""
    banners: dict[str, dict[str, Any]] = field(default_factory=dict)  # what each page showed in `none`
