"""The keys that sign consent cookies, and the domain those cookies are for."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from proxy.config.types import Config
from proxy.config.units import is_address
from proxy.errors import StartError
from proxy.policy.hosts import suffixes

KEY_BYTES = 32
SHORTEST = 16


def state_folder(config: Config) -> Path:
    """Return where files of our own are kept: beside the SQLite file, else beside the config."""
    if config.records.url.startswith("sqlite:///"):
        return config.file(Path(config.records.url.removeprefix("sqlite:///"))).parent
    return config.file(Path())


def key_file(config: Config) -> Path:
    """Return where the keys are: as configured, else beside the SQLite file, else beside the config."""
    if config.consent.key is not None:
        return config.file(config.consent.key)
    return state_folder(config) / "consent.key"


def load_keys(config: Config) -> tuple[bytes, ...]:
    """Return the keys, the signing one first; made on first start where none was configured.

    To rotate: put a new line at the top, and take the old one away after six months.
    """
    return present_keys(config) or _make(key_file(config))


def present_keys(config: Config) -> tuple[bytes, ...]:
    """Return the keys there are, none where the first start makes one; StartError where it cannot."""
    path = key_file(config)
    try:
        return _read(path)
    except (FileNotFoundError, NotADirectoryError):
        if config.consent.key is not None and not path.parent.is_dir():
            raise StartError(
                f"consent.key is {path}, and that folder does not exist; make it or name another"
            ) from None
        folder = next(parent for parent in path.parents if parent.exists())
        if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
            why = "Permission denied" if folder.is_dir() else "Not a directory"
            raise _unwritable(path, why) from None
        return ()
    except OSError as error:
        raise StartError(
            f"the signing key {path} cannot be read ({error.strerror}); mend its rights"
        ) from error


def _read(path: Path) -> tuple[bytes, ...]:
    keys = tuple(line.strip() for line in path.read_bytes().splitlines() if line.strip())
    if not keys:
        raise StartError(f"the signing key {path} is empty; delete it and a new one is made")
    if short := next((key for key in keys if len(key) < SHORTEST), None):
        raise StartError(
            f"the signing key {path} has a line of {len(short)} characters; {SHORTEST} is the least"
        )
    return keys


def _make(path: Path) -> tuple[bytes, ...]:
    """Return a new key, written so that of several processes that start together one wins."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(KEY_BYTES).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass  # another process was first: its key is the key
        finally:
            fresh.unlink()
        return _read(path)
    except OSError as error:
        raise _unwritable(path, error.strerror) from error


def _unwritable(path: Path, why: str | None) -> StartError:
    return StartError(f"no signing key can be written at {path} ({why}); set consent.key")


def consent_domain(config: Config) -> str | None:
    """Return the domain of the consent cookie, or None where it belongs to each host alone."""
    return config.consent.domain or shared_domain(config.hosts)


def shared_domain(hosts: Iterable[str]) -> str | None:
    """Return the longest parent of two labels or more that all hosts share, never a public suffix."""
    hosts = list(hosts)
    if not hosts or any(is_address(host) for host in hosts):
        return None
    labels = [host.split(".")[::-1] for host in hosts]
    shared: list[str] = []
    for column in zip(*labels, strict=False):
        if len(set(column)) > 1:
            break
        shared.append(column[0])
    domain = ".".join(reversed(shared))
    return domain if len(shared) >= 2 and not is_public(domain) else None


def is_public(domain: str) -> bool:
    """True when a domain is one under which strangers register names: no cookie may be set for it."""
    return bool(suffixes().is_public(domain))
