"""The keys that sign consent cookies: where they are, and how the first start makes one."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from proxy.config.types import Config
from proxy.errors import StartError

KEY_BYTES = 32
MIN_KEY_LENGTH = 16


def state_folder(config: Config) -> Path:
    """Return the folder for generated files: that of the SQLite file, else that of the config."""
    if config.records.url.startswith("sqlite:///"):
        return config.file(Path(config.records.url.removeprefix("sqlite:///"))).parent
    return config.file(Path())


def key_file(config: Config) -> Path:
    """Return the path of the key file: `consent.key`, else `consent.key` in the state folder."""
    if config.consent.key is not None:
        return config.file(config.consent.key)
    return state_folder(config) / "consent.key"


def new_key() -> str:
    """Return a fresh key, as a line of a key file has it."""
    return secrets.token_hex(KEY_BYTES)


def load_keys(config: Config) -> tuple[bytes, ...]:
    """Return the keys, the signing one first; the first start creates one.

    To rotate: append a new line everywhere, then move it to the top, and remove the old one after six months.
    """
    return existing_keys(config) or create_key(key_file(config))


def renewed_keys(config: Config, keys: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return the keys now in the file; StartError if the one that has signed so far is not among them."""
    renewed = existing_keys(config)
    if keys[0] not in renewed:
        raise StartError(
            f"the signing key was replaced: {key_file(config)} does not hold the line that signs until now. "
            "Every visitor would be asked again, and proofs sealed under it could not be verified; "
            "put the old line back below the new one"
        )
    return renewed


def upstream_key_file(config: Config) -> Path:
    """Return the path of the key of `consent.upstream_header`: by default beside the signing key."""
    if config.consent.upstream_key is not None:
        return config.file(config.consent.upstream_key)
    return key_file(config).with_name("upstream.key")


def load_upstream_key(config: Config) -> bytes:
    """Return the key that signs `consent.upstream_header`; the first start creates one."""
    return (existing_upstream_key(config) or create_key(upstream_key_file(config)))[0]


def existing_keys(config: Config) -> tuple[bytes, ...]:
    """Return the keys in the file, () if it has yet to be created; StartError if it cannot be."""
    return _existing(key_file(config), "consent.key", named=config.consent.key is not None)


def existing_upstream_key(config: Config) -> tuple[bytes, ...]:
    """Return the same of the key of `consent.upstream_header`."""
    named = config.consent.upstream_key is not None
    return _existing(upstream_key_file(config), "consent.upstream_key", named=named)


def _existing(path: Path, name: str, *, named: bool) -> tuple[bytes, ...]:
    try:
        return _read_keys(path)
    except (FileNotFoundError, NotADirectoryError):
        if named and not path.parent.is_dir():
            raise StartError(
                f"{name} is {path}, and that folder does not exist; make it or name another"
            ) from None
        folder = next(parent for parent in path.parents if parent.exists())
        if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
            why = "Permission denied" if folder.is_dir() else "Not a directory"
            raise _unwritable_key(path, why) from None
        return ()
    except OSError as error:
        raise StartError(
            f"the signing key {path} cannot be read ({error.strerror}); mend its rights"
        ) from error


def _read_keys(path: Path) -> tuple[bytes, ...]:
    keys = tuple(line.strip() for line in path.read_bytes().splitlines() if line.strip())
    if not keys:
        raise StartError(f"the signing key {path} is empty; delete it and a new one is made")
    if short := next((key for key in keys if len(key) < MIN_KEY_LENGTH), None):
        raise StartError(
            f"the signing key {path} has a line of {len(short)} characters; {MIN_KEY_LENGTH} is the least"
        )
    return keys


def create_key(path: Path) -> tuple[bytes, ...]:
    """Create a key file atomically, mode 0600, and return its key; one that is there stays and is read.

    So where several processes start together, all read one key.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(new_key().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass  # another process was first: its key is the key
        finally:
            fresh.unlink()
        return _read_keys(path)
    except OSError as error:
        raise _unwritable_key(path, error.strerror) from error


def _unwritable_key(path: Path, why: str | None) -> StartError:
    return StartError(f"no signing key can be written at {path} ({why}); set consent.key")
