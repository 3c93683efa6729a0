"""Who is signed in to the console: a random id in a cookie, the rest in memory, never for long."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

IDLE = 30 * 60.0
"""Seconds without an act after which a session ends; what the page asks for by itself is no act."""

LONGEST = 12 * 3600.0
"""Seconds after which every session ends."""

MOST = 100
"""Sessions at one time; one more ends that which was used least lately."""


@dataclass(slots=True)
class Session:
    """One browser that is signed in."""

    name: str
    roles: tuple[str, ...]
    began: float
    used: float

    @property
    def ends(self) -> float:
        """When it ends without a further act."""
        return min(self.used + IDLE, self.began + LONGEST)


@dataclass(slots=True)
class Sessions:
    """The sessions of this process; another start begins without any."""

    clock: Callable[[], float]
    _by_id: dict[str, Session] = field(default_factory=dict)

    def open(self, name: str, roles: tuple[str, ...]) -> str:
        """Begin a session; returns its id."""
        now = self.clock()
        self._by_id = {id_: one for id_, one in self._by_id.items() if one.ends > now}
        while len(self._by_id) >= MOST:
            del self._by_id[min(self._by_id, key=lambda id_: self._by_id[id_].used)]
        id_ = secrets.token_urlsafe(32)
        self._by_id[id_] = Session(name, roles, now, now)
        return id_

    def find(self, id_: str, *, acts: bool) -> Session | None:
        """Return the session of that id, unless it is over; an act keeps it for longer."""
        found, now = self._by_id.get(id_), self.clock()
        if found is None or found.ends <= now:
            self._by_id.pop(id_, None)
            return None
        if acts:
            found.used = now
        return found

    def end(self, id_: str) -> None:
        """End the session of that id, if there is one."""
        self._by_id.pop(id_, None)
