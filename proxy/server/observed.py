"""Which hosts were ever only observed: enforcing without having looked first deserves a word."""

from __future__ import annotations

import contextlib

from proxy.server.config import Config, Mode
from proxy.server.keys import key_file
from proxy.server.logs import log


def warn_of_unobserved(config: Config) -> None:
    """Note the hosts that are observed now; warn once of those enforced that never were."""
    path = key_file(config).with_name("consent.observed")
    known: set[str] = set()
    with contextlib.suppress(OSError, UnicodeDecodeError):
        known = set(path.read_text("utf-8").split())
    observed = {host for site in config.sites if site.mode is Mode.OBSERVE for host in site.hosts}
    never = [s.hosts[0] for s in config.sites if s.mode is Mode.ENFORCE and not known & set(s.hosts)]
    for site in never:
        log().warning(
            "site_never_observed",
            site=site,
            note="it is enforced without a look at what it loads; `mode: observe` for some days reports that",
        )
    # Who is warned once has read it: the hosts count as known from now on.
    wanted = known | observed | {host for site in config.sites for host in site.hosts}
    if wanted != known:
        with contextlib.suppress(OSError):
            path.write_text("\n".join(sorted(wanted)) + "\n", "utf-8")
