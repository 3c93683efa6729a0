"""Three proxies behind nginx with PostgreSQL and its standby: something dies, and visitors go on.

No page view fails but those that were on their way to what died, and no acceptance was answered
whose record the surviving primary does not have.
"""

import asyncio
import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from proxy.consent.answer import How
from proxy.records.store import RecordStore
from tests.deploy.test_compose import NGINX, NGINX_CONF, for_nginx
from tests.ports import free_port
from tests.records.conftest import binaries
from tests.records.postgres import Postgres
from tests.shared import ROOT
from tests.support.network_namespace import NetworkNamespace
from tests.support.origin import Origin, html
from tests.support.proxying import PAGE, RULES, read_answer, request

pytestmark = [
    pytest.mark.load,
    pytest.mark.timeout(600),
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed (Debian: apt-get install nginx-light)"),
]

KEY = b"k" * 64
FORM = ("Content-Type: application/x-www-form-urlencoded", "Accept: application/json")
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Asked:
    """One request of a visitor: when it began, and what became of it."""

    began: float
    fine: bool
    what: str


@dataclass
class Visitors:
    """A bounded load: six who look at pages, two who accept, one who refuses; on connections that are kept."""

    port: int
    views: list[Asked] = field(default_factory=list)
    choices: list[Asked] = field(default_factory=list)
    refusals: list[Asked] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)  # the ids of receipts
    over: bool = False

    def __post_init__(self) -> None:
        self._tls = ssl.create_default_context()
        self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE

    @contextlib.asynccontextmanager
    async def come(self) -> AsyncIterator[None]:
        tasks = [asyncio.ensure_future(self._goes_on(self._view, 0.05)) for _ in range(6)]
        tasks += [asyncio.ensure_future(self._goes_on(self._accept, 0.1)) for _ in range(2)]
        tasks.append(asyncio.ensure_future(self._goes_on(self._refuse, 0.3)))
        try:
            yield
        finally:
            self.over = True
            await asyncio.gather(*tasks)

    async def _goes_on(self, visit, pause: float) -> None:
        connection = None
        while not self.over:
            connection = await visit(connection)
            await asyncio.sleep(pause)
        if connection is not None:
            connection[1].close()

    async def _view(self, connection):
        got, what, began, connection = await self._ask(connection, request("/", "Accept: text/html"), "GET")
        fine = got is not None and (got.status, got.whole) == (200, True) and b"Refuse all" in got.body
        self.views.append(Asked(began, fine, what))
        return connection

    async def _accept(self, connection):
        got, asked, connection = await self._choose(connection, b"choice=accept&return=/")
        if asked.fine:
            self.accepted.add(got.json["id"])
        self.choices.append(asked)
        return connection

    async def _refuse(self, connection):
        _, asked, connection = await self._choose(connection, b"choice=refuse&return=/")
        self.refusals.append(asked)
        return connection

    async def _choose(self, connection, body: bytes):
        asked = request("/.consent/choice", *FORM, method="POST", body=body)
        got, what, began, connection = await self._ask(connection, asked, "POST")
        return got, Asked(began, got is not None and got.whole and got.status == 200, what), connection

    async def _ask(self, connection, asked: bytes, method: str):
        began = asyncio.get_running_loop().time()
        try:
            if connection is None:
                connection = await asyncio.open_connection(LOOPBACK, self.port, ssl=self._tls)
            connection[1].write(asked)
            got = await read_answer(connection[0], method)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            if connection is not None:
                connection[1].close()
            return None, repr(error), began, None
        if not got.whole or got.one(b"Connection") == b"close":
            connection[1].close()
            connection = None
        return got, str(got.status), began, connection

    def failed(self, since: float = 0) -> list[Asked]:
        """Return the page views that failed, of those that began since then."""
        return [one for one in self.views if not one.fine and one.began > since]

    async def went_on(self, since: float) -> None:
        """Wait until a hundred more pages were seen, and twenty more choices were proven, than until then."""

        def count(asked: list[Asked]) -> int:
            return sum(one.fine and one.began > since for one in asked)

        async with asyncio.timeout(150):
            while count(self.views) < 100 or count(self.choices) < 20:
                await asyncio.sleep(0.05)


@dataclass
class Replicas:
    folder: Path
    processes: list[subprocess.Popen]
    configs: list[Path]
    front: int

    def log(self, number: int) -> list[dict]:
        lines = (self.folder / f"proxy-{number}.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def heard(self, number: int, event: str) -> bool:
        return any(one["event"] == event for one in self.log(number))

    def recovered(self, number: int) -> bool:
        """True when that proxy recorded an acceptance after it had put one off."""
        events = [one["event"] for one in self.log(number)]
        return "consent_recorded" in events[events.index("consent_unproven") :]


async def until(look: Callable[[], object], seconds: float = 120) -> None:
    async with asyncio.timeout(seconds):
        while not look():
            await asyncio.sleep(0.05)


def config_of(path: Path, *, listen: str, upstream: str, store: str, trusted: str) -> Path:
    path.write_text(
        f"listen: {listen}\nadmin: 127.0.0.1:{free_port()}\ntrusted_proxies: {trusted}\n"
        f"sites: [{{ hosts: [callkom.io], upstream: '{upstream}' }}]\nrecords: {store}\n"
        f"consent: {{ key: {path.parent / 'consent.key'}, acceptances_per_minute: no limit, refusals_per_minute: no limit }}\n"
    )
    return path


@contextlib.contextmanager
def serving(command: list[str], log: Path):
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, stdout=sink, stderr=sink, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=log.parent
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.asynccontextmanager
async def replicas(
    folder: Path, store: str, origin: Origin, apart: NetworkNamespace | None = None, apart_store: str = ""
) -> AsyncIterator[Replicas]:
    """Serve with three proxies behind nginx; the third in a network namespace where one is named."""
    (folder / "consent.key").write_bytes(KEY)
    (folder / "rules.yaml").write_text(RULES)
    leaf = trustme.CA().issue_cert("callkom.io")
    leaf.cert_chain_pems[0].write_to_path(str(folder / "certificate.pem"))
    leaf.private_key_pem.write_to_path(str(folder / "key.pem"))
    serve = [sys.executable, "-m", "proxy", "serve", "--rules", str(folder / "rules.yaml"), "--config"]
    at, configs, commands = [], [], []
    for number in range(3):
        there = apart if number == 2 else None
        at.append(f"{there.address if there else LOOPBACK}:{free_port()}")
        upstream = f"http://{there.gateway if there else LOOPBACK}:{origin.port}"
        trusted = there.gateway if there else LOOPBACK
        path = folder / f"config-{number}.yaml"
        wanted = apart_store if there else store
        configs.append(config_of(path, listen=at[-1], upstream=upstream, store=wanted, trusted=trusted))
        command = [*serve, str(configs[-1])]
        commands.append(there.command(*command) if there else command)
    front = free_port()
    # As shipped, with a third server; and nobody waits a minute for what a machine that is gone was asked.
    text = NGINX_CONF.replace(
        "        server proxy-2:8080",
        "        server proxy-3:8080 max_fails=1 fail_timeout=5s;\n        server proxy-2:8080",
    ).replace("proxy_connect_timeout 2s;", "proxy_connect_timeout 2s; proxy_read_timeout 8s;")
    assert "proxy_read_timeout" in text
    conf = for_nginx(folder, at, front, free_port(), text)
    with contextlib.ExitStack() as stack:
        running = [
            stack.enter_context(serving(command, folder / f"proxy-{number}.log"))
            for number, command in enumerate(commands)
        ]
        found = Replicas(folder, running, configs, front)
        await until(lambda: all(found.heard(number, "serving_started") for number in range(3)))
        stack.enter_context(serving([str(NGINX), "-c", str(conf)], folder / "nginx.log"))
        await until((folder / "nginx.pid").exists)
        yield found


def store_of(*servers: str) -> str:
    return f"postgresql://postgres@{','.join(servers)}/postgres"


@contextlib.contextmanager
def databases(apart: NetworkNamespace | None = None, primary_apart: bool = False):
    """A primary whose commits wait for a streaming standby, and that standby."""
    listen = LOOPBACK if apart is None else apart.address if primary_apart else f"{LOOPBACK},{apart.gateway}"
    primary = Postgres(binaries(), listen=listen, port=free_port(), inside=apart if primary_apart else None)
    made = [primary]
    try:
        if apart is not None:
            primary.trust(apart.network)
        primary.start()
        listen = LOOPBACK if apart is None else f"{LOOPBACK},{apart.gateway}"
        made.append(Postgres(binaries(), listen=listen, port=free_port(), of=primary))
        made[1].start()
        yield made
    finally:
        for server in made:
            server.remove()


async def check_proofs(folder: Path, config: Path, survivor: str, accepted: set[str]) -> None:
    """Every acceptance that was answered is in the store that survived, and all its chains verify."""
    store = await RecordStore.open(survivor, keys=[KEY], create=False)
    there = {record.id async for record in store.every()}
    await store.close()
    assert accepted - there == set()
    config.write_text(
        config.read_text().replace(config.read_text().split("records: ")[1].split("\n")[0], survivor)
    )
    verify = [sys.executable, "-m", "proxy", "records", "verify", "--config", str(config), "--json"]
    told = subprocess.run(
        verify,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=100,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert json.loads(told.stdout)["records"] >= len(accepted) > 20


async def until_recorded(survivor: str, visitors: Visitors) -> None:
    """Wait until refusals that had to wait in a proxy are in the store: of each visitor, who refused once."""
    answered = sum(one.fine for one in visitors.refusals)
    store = await RecordStore.open(survivor, keys=[KEY], create=False)
    try:
        async with asyncio.timeout(120):
            while len([one async for one in store.every() if one.content.how is How.REFUSE]) < answered:
                await asyncio.sleep(0.5)
    finally:
        await store.close()


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_proxy_is_killed(tmp_path):
    with databases() as (primary, standby):
        await primary.synchronous("*")
        store = store_of(f"{LOOPBACK}:{primary.port}", f"{LOOPBACK}:{standby.port}")
        async with Origin({b"/": html(PAGE)}) as origin, replicas(tmp_path, store, origin) as proxies:
            visitors = Visitors(proxies.front)
            async with visitors.come():
                await visitors.went_on(0)
                proxies.processes[1].send_signal(signal.SIGKILL)
                killed = now()
                await visitors.went_on(killed)
            assert proxies.processes[1].wait(10) == -signal.SIGKILL
            assert visitors.failed(since=killed) == []
            assert len(visitors.failed()) <= 6  # on their way as it died
            assert [one for one in visitors.choices if not one.fine and one.began > killed] == []
            await check_proofs(tmp_path, proxies.configs[0], primary.url(), visitors.accepted)


@pytest.mark.parametrize("how", ["killed", "cut off"])
async def test_postgresql_is_failed_over_to_its_standby(tmp_path, how):
    with contextlib.ExitStack() as stack:
        apart = stack.enter_context(NetworkNamespace()) if how == "cut off" else None
        primary, standby = stack.enter_context(databases(apart, primary_apart=apart is not None))
        await primary.synchronous("*")
        first, second = (apart.address, apart.gateway) if apart else (LOOPBACK, LOOPBACK)
        store = store_of(f"{first}:{primary.port}", f"{second}:{standby.port}")
        async with Origin({b"/": html(PAGE)}) as origin, replicas(tmp_path, store, origin) as proxies:
            visitors = Visitors(proxies.front)
            async with visitors.come():
                await visitors.went_on(0)
                if apart is None:
                    primary.kill()
                else:
                    apart.cut()
                gone = now()
                await until(lambda: all(proxies.heard(number, "consent_unproven") for number in range(3)))
                standby.promote()
                promoted = now()
                await visitors.went_on(promoted)
                await until(lambda: all(map(proxies.recovered, range(3))))
                await until_recorded(standby.url(), visitors)
            assert visitors.failed() == []
            assert [one for one in visitors.refusals if not one.fine] == []
            assert sum(one.began > gone for one in visitors.views) > 100
            assert {one.what for one in visitors.choices if not one.fine} == {"503"}
            await check_proofs(tmp_path, proxies.configs[0], standby.url(), visitors.accepted)


async def test_a_proxy_is_cut_off_and_comes_back(tmp_path):
    with NetworkNamespace() as apart, databases(apart) as (primary, standby):
        await primary.synchronous("*")
        here, there = (
            store_of(*(f"{host}:{server.port}" for server in (primary, standby)))
            for host in (LOOPBACK, apart.gateway)
        )
        async with (
            Origin({b"/": html(PAGE)}, host="0.0.0.0") as origin,
            replicas(tmp_path, here, origin, apart, there) as proxies,
        ):
            visitors = Visitors(proxies.front)
            async with visitors.come():
                await visitors.went_on(0)
                apart.cut()
                cut = now()
                await visitors.went_on(cut)
                await until(lambda: proxies.heard(2, "records_failed"))
                apart.mend()
                mended = now()
                await until(lambda: proxies.heard(2, "records_restored"))
                await visitors.went_on(mended)
            assert visitors.failed(since=cut) == []
            assert len(visitors.failed()) <= 6
            await check_proofs(tmp_path, proxies.configs[0], primary.url(), visitors.accepted)
