"""A machine of its own for a process under test: a network namespace that can be cut off."""

import itertools
import os
import shutil
import subprocess
from typing import Self

import pytest

_NUMBERS = itertools.count(1)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=30)


class NetworkNamespace:
    """Reached at `address`; from within, the rest of the tests is at `gateway`."""

    def __init__(self) -> None:
        if os.geteuid() != 0 or shutil.which("ip") is None:
            pytest.skip("network namespaces need root and `ip` (Debian: apt-get install iproute2)")
        number = next(_NUMBERS)
        self.name = f"consent-{os.getpid()}-{number}"
        net = f"10.{200 + os.getpid() // 256 % 50}.{os.getpid() % 256}"
        self.gateway, self.address = f"{net}.{4 * number + 1}", f"{net}.{4 * number + 2}"
        self.network = f"{net}.{4 * number}/30"
        self._here, self._there = f"ch{os.getpid() % 2**20}-{number}", f"ct{os.getpid() % 2**20}-{number}"

    def __enter__(self) -> Self:
        try:
            _ip("netns", "add", self.name)
            _ip("link", "add", self._here, "type", "veth", "peer", "name", self._there, "netns", self.name)
            _ip("addr", "add", f"{self.gateway}/30", "dev", self._here)
            _ip("link", "set", self._here, "up")
            _ip("-n", self.name, "addr", "add", f"{self.address}/30", "dev", self._there)
            _ip("-n", self.name, "link", "set", "lo", "up")
            self.mend()
        except subprocess.CalledProcessError as error:
            self.__exit__()
            pytest.skip(f"network namespaces are not allowed here: {error.stderr.strip()}")
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True, timeout=30)

    def command(self, *words: str) -> list[str]:
        """Return a command that runs there."""
        return ["ip", "netns", "exec", self.name, *words]

    def cut(self) -> None:
        """From now on nothing comes through, and nobody is told."""
        _ip("-n", self.name, "link", "set", self._there, "down")

    def mend(self) -> None:
        _ip("-n", self.name, "link", "set", self._there, "up")
