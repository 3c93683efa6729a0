"""Where an application is met: direct, behind the proxy in each state of consent, behind it observed."""

import asyncio
import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Error

from proxy.policy.hosts import covers
from proxy.policy.load import load_policy
from tests.e2e.conftest import HOSTS, ROOT, Running
from tests.e2e.providers import Providers, tls_for
from tests.e2e.tunnel import pour
from tests.e2e.walkers import Visitor

DIRECT, OBSERVED = "direct", "observed"
STATES: dict[str, frozenset[str]] = {
    "none": frozenset(),
    "refused": frozenset(),
    "functional": frozenset({"functional"}),
    "performance": frozenset({"performance"}),
    "accepted": frozenset({"functional", "performance"}),
}
LONG = ("functional", "performance", OBSERVED)
"""States whose walks wait for the long suites: every application is walked before a choice, refused and accepted."""
BEHIND = [
    pytest.param(place, marks=pytest.mark.load) if place in LONG else place for place in (*STATES, OBSERVED)
]
STEP_TIMEOUT = 30_000
"""Milliseconds that an application on a busy machine may take to show what a person waits for."""
CHATTER = (
    "accounts.google.com",
    "update.googleapis.com",
    "content-autofill.googleapis.com",
    "optimizationguide-pa.googleapis.com",
    "clients2.google.com",
    "redirector.gvt1.com",
)
NEUTRAL = [host for rule in load_policy((ROOT / "rules.yaml").read_text()).neutral for host in rule.hosts]


Loads = dict[str | None, set[str]]
"""Hosts that an application asks, by the purposes that they need; None: no rule speaks of them."""


@dataclass
class Walk:
    """What came of one person's way through an application."""

    steps: dict[str, str] = field(default_factory=dict)
    console: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)

    @property
    def failures(self) -> str:
        return "\n".join(f"{step}: {why}" for step, why in self.steps.items() if why)


class Person:
    """Somebody who uses an application step by step; a step that fails is noted, and the next one tried."""

    def __init__(self, name: str, visitor: Visitor, walk: Walk) -> None:
        self.name = name
        self._visitor, self.page, self._walk = visitor, visitor.page, walk
        self.context = visitor.context
        self.context.set_default_timeout(STEP_TIMEOUT)
        self.context.on("console", self._console)
        self.context.on("weberror", lambda error: self._note(f"uncaught: {error.error}"))

    def _console(self, message) -> None:
        if message.type == "error":
            self._note(f"{message.text} @ {message.location.get('url', '')}")

    def _note(self, text: str) -> None:
        self._walk.console.add(re.sub(r"[0-9a-f]{6,}|\d+", "#", text))

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        self._walk.steps[name] = ""
        try:
            yield
        except (Error, AssertionError) as failure:
            self._walk.steps[name] = f"{type(failure).__name__}: {str(failure)[:600]} (at {self.page.url})"

    def goes(self, path: str, *, until: str = "load") -> None:
        self.page.goto(f"https://{HOSTS[0]}{path}", wait_until=until)

    def sees(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

    def clicks(self, role: str, name: str) -> None:
        self.page.get_by_role(role, name=name).first.click()

    def fills(self, **labelled: str) -> None:
        for label, value in labelled.items():
            self.page.get_by_label(label.replace("_", " ").capitalize()).first.fill(value)

    def answers(self, state: str) -> None:
        """Answer the banner as a visitor of that state did."""
        if state in ("none", DIRECT, OBSERVED):
            return
        self._visitor.goes("/")
        if state in ("refused", "accepted"):
            self._visitor.clicks("button", {"refused": "Refuse all", "accepted": "Accept all"}[state])
            return
        self.page.get_by_text("Customize", exact=True).click()
        for purpose in STATES[state]:
            self.page.get_by_role("checkbox", name=purpose.capitalize()).first.check()
        self._visitor.clicks("button", "Save my choices")


class TlsFront:
    """TLS and nothing else in front of an application: its bytes go through as they are."""

    def __init__(self, origin: int) -> None:
        self._origin = origin
        self._tls, _, _ = tls_for(*HOSTS)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(60)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(lambda *_: None)  # browsers hang up in the middle of a handshake
        server = self._loop.run_until_complete(
            asyncio.start_server(self._connect, "127.0.0.1", 0, ssl=self._tls)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        calls = asyncio.all_tasks(self._loop)
        for call in calls:
            call.cancel()
        self._loop.run_until_complete(asyncio.gather(*calls, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        with contextlib.suppress(OSError, asyncio.CancelledError):
            far, farther = await asyncio.open_connection("127.0.0.1", self._origin)
            ends.append(farther)
            await asyncio.gather(pour(reader, farther), pour(far, writer))
        for end in ends:
            end.transport.abort()

    def stop(self) -> None:
        """Hang up on everybody."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


class Places:
    """One application and all the places where a person meets it; each walk is made once."""

    def __init__(
        self, playwright, third_parties: Providers, folder: Path, origin: int, walk: Callable[[Person], None]
    ) -> None:
        self._playwright, self._third_parties, self._folder = playwright, third_parties, folder
        self._origin, self._walk = origin, walk
        self._fronts: dict[str, Running | TlsFront] = {}
        self._walks: dict[str, Walk] = {}

    def _front(self, place: str) -> Running | TlsFront:
        kind = place if place in (DIRECT, OBSERVED) else "enforce"
        if kind not in self._fronts:
            if kind == DIRECT:
                self._fronts[kind] = TlsFront(self._origin)
            else:
                folder = self._folder / kind
                folder.mkdir()
                mode = "observe" if kind == OBSERVED else kind
                self._fronts[kind] = Running(folder, self._origin, mode=mode)
        return self._fronts[kind]

    def walked(self, place: str) -> Walk:
        """Send a new person there with a browser of their own, and return what came of it."""
        if place not in self._walks:
            self._walks[place] = self._send(place)
        return self._walks[place]

    def _send(self, place: str) -> Walk:
        walk = Walk()
        port = self._front(place).port
        visitor = Visitor(self._playwright, self._folder / place, port, self._third_parties.port)
        try:
            person = Person(place, visitor, walk)
            person.answers(place)
            self._third_parties.forget()
            self._walk(person)
            visitor.settle()
            walk.asked = self._third_parties.hosts() - set(CHATTER)
        finally:
            visitor.context.close()
        return walk

    def close(self) -> None:
        for front in self._fronts.values():
            front.stop()


def loads_in(place: str, loads: Loads) -> set[str]:
    """Return the hosts that may load there."""
    everything = place in (DIRECT, OBSERVED)
    granted = STATES.get(place, frozenset())
    return set().union(
        *(
            hosts
            for purposes, hosts in loads.items()
            if everything or (purposes is not None and granted.issuperset(purposes.split(" and ")))
        )
    )


def held_messages(walk: Walk) -> set[str]:
    """Return what the browser says of a third party's address that the page's own scripts tried in vain."""
    found = set()
    for text in walk.console:
        first = re.search(r"https://([^/' ]+)", text.partition(" @ ")[0])
        if "Content Security Policy" in text and first and first[1] not in HOSTS:
            found.add(text)
    return found


def assert_works_as_direct(
    walked: Callable[[str], Walk], place: str, loads: Loads, complaints: tuple[str, ...] = ()
) -> None:
    """Assert that an application does there what it does direct, and asks exactly whom it may.

    `complaints` begin what the application itself writes into the console where a third party is missing.
    """
    direct, behind = walked(DIRECT), walked(place)
    everything = loads_in(DIRECT, loads)

    assert everything - direct.asked == set(), "what is looked for would be seen"
    assert behind.failures == ""
    assert list(behind.steps) == list(direct.steps)
    messages = behind.console - direct.console - held_messages(behind)
    assert {text for text in messages if not text.startswith(complaints)} == set()
    asked = {host for host in behind.asked if not any(covers(neutral, host) for neutral in NEUTRAL)}
    assert asked == loads_in(place, loads)
