"""Tags of providers under a site's own name, as `requests: like:` knows them: by address and by reply.

A gateway or a container of one's own serves a provider's scripts and takes its reports under any path or
sub-domain. What follows that path stays as the provider's code builds it; where that is hidden as well,
the script still begins as the provider's scripts do.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FirstParty:
    """Globs of path plus query, and groups of words of which a script's beginning has all of one."""

    loads: tuple[str, ...]  # scripts and frames, held as tags
    collects: tuple[str, ...]
    replies: tuple[tuple[str, ...], ...]


_GOOGLE = (
    ("Google Inc. All rights reserved", "var data = {", '"resource"'),
    ("Google LLC. All rights reserved", "var data = {", '"resource"'),
    ("'google_tag_manager'", '"resource"'),
    ("'google_tags_first_party'",),
)

FIRST_PARTY = {
    # Google tag gateway, server-side Tag Manager on a path or a sub-domain
    "google-analytics": FirstParty(
        loads=("*/gtag/js?*id=*", "*/gtag/destination?*id=*"),
        collects=(
            "*/g/collect*",
            "*/g/s/collect*",
            "*/j/collect?*v=1*",
            "*/r/collect?*v=1*",
            "*/ccm/collect*",
            "*/rmkt/collect*",
        ),
        replies=_GOOGLE,
    ),
    "google-tag-manager": FirstParty(
        loads=("*/gtm.js?*id=GTM-*", "*/ns.html?*id=GTM-*", "*/_/service_worker/*sw_iframe.html*"),
        collects=(),
        replies=_GOOGLE,
    ),
    # sites on HubSpot's CMS, which serves its tracking under their own host
    "hubspot": FirstParty(
        loads=(
            "/hs/scriptloader/*",
            "/hs/hsstatic/cookie-banner*",
            "/hs/hsstatic/content-cwv-embed*",
        ),
        collects=("/__ptq.gif*", "/_hcms/perf*", "/_hcms/analytics*"),
        replies=(("HubSpot Script Loader",), ("HubSpot Analytics Tracking Code",)),
    ),
}
"""By the word that `like:` takes."""
