"""Made-up heads, and the context of a request that has one."""

import re
from pathlib import Path
from types import SimpleNamespace

from hypothesis import strategies as st

from proxy.config.loading import load_config
from proxy.policy.load import load_policy
from proxy.route.context import RequestContext
from proxy.seen.sightings import Sightings
from proxy.snapshot.sites import build_sites
from tests.support.proxying import RULES, config_text
from tests.support.visits import request

CONFIG = load_config(
    config_text("http://127.0.0.1:1", more="consent: { domain: callkom.io }"), folder=Path("/nowhere")
)
SITE = build_sites(CONFIG, load_policy(RULES), (b"k" * 32,)).match("callkom.io")


def context(*headers, target=b"/"):
    seen = request(target, *headers)
    reading, decision = SITE.look_up_consent(seen)
    return RequestContext(
        SimpleNamespace(loop_mark=b"consent-proxy-1", sightings=Sightings()),
        None,
        seen,
        SITE,
        reading,
        decision,
        SITE.variant(decision.grants, secure=True),
        0.0,
    )


CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
VALUES = st.one_of(
    st.sampled_from(
        [b"_ga=1; Domain=.callkom.io", b"session=1", b"a=b", b"close", b"X-A", b"keep-alive, x-a", b"<https://hsforms.net/x>; rel=preload",
         b"0; url=https://hsforms.net", b"", b'{"group":"a","endpoints":[]}', b"caf\xe9"]
    ),
    st.binary(max_size=12).filter(lambda value: not CONTROL.search(value)),  # a head with one is refused by http/response.py
)  # fmt: skip
