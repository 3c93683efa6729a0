"""Warns of sites that are enforced and were never observed (`mode: observe`) before."""

from __future__ import annotations

import contextlib
from pathlib import Path

from proxy.config.signing_key import state_folder
from proxy.config.types import Config, Mode
from proxy.telemetry.logs import log


def warn_of_unobserved(config: Config) -> None:
    """Store the hosts that are observed now; warn of enforced sites that never were."""
    path = state_folder(config) / "consent.observed"
    known = _known(path)
    observed = known | {host for site in config.sites if site.mode is Mode.OBSERVE for host in site.hosts}
    for site in config.sites:
        if site.mode is Mode.ENFORCE and observed.isdisjoint(site.hosts):
            log().warning(
                "site_never_observed",
                site=site.hosts[0],
                note="enforced without a look at what it loads: `mode: observe` for some days reports that",
            )
    if observed != known:
        with contextlib.suppress(OSError):
            path.write_text("\n".join(sorted(observed)) + "\n", "utf-8")


def _known(path: Path) -> set[str]:
    try:
        return set(path.read_text("utf-8").split())
    except (OSError, UnicodeDecodeError):
        return set()
