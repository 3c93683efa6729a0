"""Made-up heads, and the context of a request that has one."""

import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace

from hypothesis import strategies as st

from proxy.config.loading import load_config
from proxy.config.policies import Policies
from proxy.config.types import Mode
from proxy.http.upstream.exchange import UpstreamRequest, UpstreamResponse
from proxy.policy.load import load_policy
from proxy.route.context import RequestContext
from proxy.seen.sightings import Sightings
from proxy.snapshot.presumed_cookies import PresumedCookies
from proxy.snapshot.sites import Site, build_sites
from tests.support.proxying import RULES, config_text
from tests.support.visits import request

CONFIG = load_config(
    config_text("http://127.0.0.1:1", more="consent: { domain: callkom.io }"), folder=Path("/nowhere")
)
SITE = build_sites(CONFIG, Policies.given(load_policy(RULES)), (b"k" * 32,)).match("callkom.io")


@cache
def site_of(*, site: str = "", more: str = "", rules: str = RULES) -> Site:
    """Return a site of this config, built once."""
    config = load_config(config_text("http://127.0.0.1:1", site=site, more=more), folder=Path("/nowhere"))
    return build_sites(config, Policies.given(load_policy(rules)), (b"k" * 32,)).match("callkom.io")


def context(
    *headers, target=b"/", site=SITE, mode=Mode.ENFORCE, config=CONFIG, method=b"GET", **visit
) -> RequestContext:
    seen = request(target, *headers, method=method, **visit)
    reading, decision = site.look_up_consent(seen)
    snapshot = SimpleNamespace(
        loop_mark=b"consent-proxy-1", sightings=Sightings(), presumed=PresumedCookies(), config=config
    )
    variant = site.variant(decision.grants, secure=seen.visitor.secure)
    return RequestContext(snapshot, None, seen, site, reading, decision, variant, 0.0, mode)


def responded(
    *headers: tuple[bytes, bytes], status: int = 200, method: bytes = b"GET", bodiless: bool = False
) -> UpstreamResponse:
    """Return an upstream's response whose head has come."""
    found = UpstreamResponse(UpstreamRequest(method, b"/", []), loop=SimpleNamespace())
    found.status, found.headers, found.bodiless = status, list(headers), bodiless
    for name, value in headers:
        found.fields.setdefault(name.lower(), []).append(value)
    return found


CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
VALUES = st.one_of(
    st.sampled_from(
        [b"_ga=1; Domain=.callkom.io", b"session=1", b"a=b", b"close", b"X-A", b"keep-alive, x-a", b"<https://hsforms.net/x>; rel=preload",
         b"0; url=https://hsforms.net", b"", b'{"group":"a","endpoints":[]}', b"caf\xe9"]
    ),
    st.binary(max_size=12).filter(lambda value: not CONTROL.search(value)),  # a head with one is refused by http/response.py
)  # fmt: skip
