"""The fence: what it lets through is what was granted, and nothing that was refused."""

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.filter.headers.fence import fence
from proxy.policy.load import load_policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import scope_of
from tests.policy.rules import policy_of, text_of
from tests.shared import ROOT

OWN = OwnHosts(frozenset({"www.example.com", "example.com", "static.elsewhere.net"}), "example.com")
NOTHING = frozenset()
TAGS = """
- { from: tracker.com, purpose: performance }
- { from: pay.com, purpose: necessary }
- { from: "track*.crm.com", purpose: [functional, performance] }
- { from: "meet*.crm.com", purpose: functional }
- { from: crm.com, purpose: functional }
- { from: widgets.com, element: iframe, purpose: functional, do: replace }
- { from: widgets.com, purpose: functional }
- { from: tags.com, path: /gtag/*, purpose: performance }
- { from: tags.com, path: "/gtm.js?id=*", purpose: functional }
- { from: odd.com, path: /gtag/*, purpose: performance }
- { from: odd.com, path: "*/odd*", purpose: functional }
- { from: open.com, purpose: performance, do: keep }
- { from: self, path: "*/own.js", purpose: performance }
"""
BLOCKS = {
    "tags": TAGS,
    "connect": "[meet.crm.com, sockets.com]",
    "neutral": "- { from: [fonts.net, cdn.tracker.com], why: x }",
}
POLICY = policy_of(**BLOCKS)


def made(*granted, policy=POLICY, own=OWN, **how):
    return fence(policy, own, scope_of(policy).granted(granted), **how).decode()


def lets(policy, address, page="https://www.example.com/"):
    """True when a browser that was sent this policy fetches the address (CSP3 6.7.2)."""
    directive = policy.partition(";")[0].split()
    assert directive[0] == "default-src"
    return any(matches(source, urlsplit(address), urlsplit(page)) for source in directive[1:])


def matches(source, url, page):
    if source == "'self'":
        return (url.hostname, url.port) == (page.hostname, page.port)
    if source in ("data:", "blob:"):
        return url.scheme == source[:-1]
    if source.startswith("'"):
        return False
    scheme, mark, rest = source.rpartition("://")
    wanted = scheme if mark else page.scheme
    upgrades = {"http": ("http", "https"), "ws": ("ws", "wss")}
    if url.scheme not in upgrades.get(wanted, (wanted,)):
        return False
    host, _, path = rest.partition("/")
    host, star, _ = host.partition(":*")
    assert star
    if host.startswith("*."):
        if not url.hostname.endswith(host[1:]):
            return False
    elif url.hostname != host:
        return False
    return not path or url.path == "/" + path or (path.endswith("/") and url.path.startswith("/" + path))


OWN_ADDRESSES = [
    "https://www.example.com/x.js",
    "https://deep.down.example.com:8443/x",
    "wss://app.example.com/live",
    "https://static.elsewhere.net/video.mp4",
    "data:text/javascript,1",
    "blob:https://www.example.com/1",
]


@pytest.mark.parametrize("address", OWN_ADDRESSES)
def test_the_sites_own_things_load_in_every_state(address):
    assert lets(made(), address)


@pytest.mark.parametrize("word", ["'unsafe-inline'", "'unsafe-eval'", "'wasm-unsafe-eval'"])
def test_the_sites_own_code_runs_as_before(word):
    assert word in made().split()


def test_only_fetches_are_fenced_never_navigation():
    assert [directive.split()[0] for directive in made(report="/r").split("; ")] == [
        "default-src",
        "worker-src",
        "report-uri",
    ]


def test_no_worker_is_made_of_a_data_address_which_webkit_runs_without_any_policy():
    workers = made().partition("; worker-src ")[2].split()

    assert workers == ["'self'", "blob:"]


CLOAKED = policy_of(
    tags="""
- { from: self, path: "/lib/*", purpose: functional }
- { from: metrics.example.com, purpose: performance }
- { from: www.example.com, path: "/collect/*", purpose: performance }
"""
)


def test_a_refused_host_under_the_sites_own_domain_is_shut_and_the_configured_ones_stay_open():
    refused, granted = made(policy=CLOAKED), made("performance", policy=CLOAKED)

    for host in ("www.example.com", "example.com", "static.elsewhere.net"):
        assert lets(refused, f"https://{host}/x.js")
    for host in ("metrics.example.com", "a.metrics.example.com", "other.example.com"):
        assert not lets(refused, f"https://{host}/x.js")
        assert lets(granted, f"https://{host}/x.js")


def test_on_plain_http_own_hosts_are_open_over_http_and_over_https():
    policy, page = made(secure=False), "http://www.example.com/"

    for scheme in ("http", "https", "ws", "wss"):
        assert lets(policy, f"{scheme}://app.example.com:9000/x", page)


def test_over_https_nothing_is_open_to_plain_http():
    assert not lets(made(), "http://app.example.com/x")
    assert not lets(made(), "http://pay.com/x")


@pytest.mark.parametrize(
    ("address", "functional", "performance", "both"),
    [
        ("https://tracker.com/t.js", False, True, True),
        ("https://eu.tracker.com/t.js", False, True, True),
        ("https://nottracker.com/t.js", False, False, False),
        ("https://pay.com/v3/", True, True, True),
        ("https://open.com/", True, True, True),
        ("https://fonts.net/a.woff2", True, True, True),
        ("https://undeclared.org/", False, False, False),
        ("https://widgets.com/w", True, False, True),
        ("https://a.widgets.com/w", True, False, True),
        # A pattern inside a label: all of its domain, or only hosts that are named.
        ("https://crm.com/", True, False, True),
        ("https://track-eu.crm.com/pixel", False, False, True),
        ("https://meet.crm.com/demo", True, False, True),
        ("https://meet-eu.crm.com/demo", False, False, True),
        ("https://other.crm.com/", False, False, True),
        # Paths, where the purposes on one host differ.
        ("https://tags.com/gtag/js?id=1", False, True, True),
        ("https://tags.com/gtm.js?id=1", True, False, True),
        ("https://eu.tags.com/gtm.js?id=1", True, False, True),
        ("https://tags.com/", False, False, True),
        # A path that cannot be said opens its host.
        ("https://odd.com/a/odd", True, False, True),
        ("https://odd.com/gtag/js", True, True, True),
        # `connect:` of a provider needs all that its tags need.
        ("https://sockets.com/", False, False, True),
        ("wss://sockets.com/", False, False, True),
        ("wss://eu.sockets.com/", False, False, True),
        ("wss://tracker.com/", False, False, False),
    ],
)
def test_a_third_party_loads_exactly_when_what_it_needs_is_granted(address, functional, performance, both):
    states = ((), ("functional",), ("performance",), ("functional", "performance"))
    always = functional and performance and "odd.com" not in address

    assert [lets(made(*state), address) for state in states] == [always, functional, performance, both]


def test_a_neutral_host_under_a_refused_one_is_refused_with_it():
    assert not lets(made(), "https://cdn.tracker.com/lib.js")
    assert lets(made("performance"), "https://cdn.tracker.com/lib.js")


def test_all_of_a_host_but_a_path_opens_it_and_nothing_that_a_rule_in_front_refuses():
    policy = policy_of(
        tags="- { from: x.com, path: /open/*, purpose: functional }\n- { from: x.com, purpose: performance }"
    )
    turned = policy_of(
        tags="- { from: x.com, purpose: performance }\n- { from: x.com, path: /open/*, purpose: functional }"
    )
    whole = policy_of(
        tags="- { from: x.com, path: /shut/*, purpose: performance }\n- { from: x.com, purpose: functional }"
    )

    assert lets(made("functional", policy=policy), "https://x.com/open/a")
    assert not lets(made("functional", policy=policy), "https://x.com/a")
    assert not lets(made("functional", policy=turned), "https://x.com/open/a")
    assert lets(made("functional", policy=whole), "https://x.com/a")
    assert not lets(made(policy=whole), "https://x.com/a")
    assert not lets(made("performance", policy=whole), "https://x.com/a")


EVERYONE = {
    "neutral": ("", "- { from: cdn.net, why: x }"),
    "necessary": ("- { from: cdn.net, purpose: necessary }", "[]"),
    "kept": ("- { from: cdn.net, purpose: performance, do: keep }", "[]"),
}
PARTS = ["path: /stats/*", "path: '*/stats*'", "element: iframe", "class: stats"]


@pytest.mark.parametrize(("last", "neutral"), EVERYONE.values(), ids=EVERYONE)
@pytest.mark.parametrize("part", PARTS)
def test_a_host_that_loads_for_everyone_is_not_closed_by_a_rule_for_part_of_it(part, last, neutral):
    policy = policy_of(tags=f"- {{ from: cdn.net, {part}, purpose: performance }}\n{last}", neutral=neutral)

    for address in ("https://cdn.net/lib.js", "https://eu.cdn.net/lib.js"):
        assert lets(made(policy=policy), address)
        assert lets(made("performance", policy=policy), address)


def test_a_host_whose_first_rule_is_necessary_is_not_closed_by_a_later_one():
    policy = policy_of(
        tags="- { from: pay.x.com, purpose: necessary }\n- { from: x.com, purpose: performance }"
    )

    assert lets(made(policy=policy), "https://pay.x.com/v3")
    assert not lets(made(policy=policy), "https://x.com/v3")


PIXELS = """
- { from: "track*.x.com", purpose: [functional, performance] }
- { from: x.com, purpose: functional }
"""


def test_all_of_a_domain_but_some_hosts_opens_the_domain_since_what_a_rule_keeps_must_load():
    policy = policy_of(tags=PIXELS)

    for address in ("https://x.com/a", "https://app.x.com/a", "https://a.b.x.com/a"):
        assert lets(made("functional", policy=policy), address)
        assert not lets(made(policy=policy), address)
        assert not lets(made("performance", policy=policy), address)


def test_where_connect_lists_the_hosts_of_a_domain_only_these_open_beside_a_refused_one():
    text = made("functional", policy=policy_of(tags=PIXELS, connect="[app.x.com]"))

    assert lets(text, "https://x.com/a")
    assert lets(text, "https://app.x.com/a")
    assert not lets(text, "https://track-eu.x.com/a")
    assert not lets(text, "https://other.x.com/a")


@pytest.mark.parametrize("host", ['"stats*.cdn.net"', "stats.cdn.net"])
def test_a_neutral_domain_with_a_refused_host_is_open(host):
    policy = policy_of(
        tags=f"- {{ from: {host}, purpose: performance }}", neutral="- { from: cdn.net, why: x }"
    )

    assert lets(made(policy=policy), "https://eu.cdn.net/lib.js")


def test_a_rule_for_one_element_opens_its_path_since_what_it_keeps_must_load():
    policy = policy_of(
        tags="- { from: x.com, path: /p/*, element: iframe, purpose: functional }\n- { from: x.com, path: /p/*, purpose: performance }"
    )

    assert lets(made("functional", policy=policy), "https://x.com/p/a")
    assert not lets(made("functional", policy=policy), "https://x.com/q")
    assert not lets(made(policy=policy), "https://x.com/p/a")


def test_a_path_around_a_refused_one_is_open():
    policy = policy_of(
        tags="- { from: x.com, path: /a/b/*, purpose: performance }\n- { from: x.com, path: /a/*, purpose: functional }"
    )

    assert lets(made("functional", policy=policy), "https://x.com/a/c")
    assert not lets(made("functional", policy=policy), "https://x.com/c")
    assert lets(made("performance", policy=policy), "https://x.com/a/b/c")
    assert not lets(made("performance", policy=policy), "https://x.com/a/c")


def test_a_path_inside_a_refused_one_stays_shut():
    policy = policy_of(
        tags="- { from: x.com, path: /a/*, purpose: performance }\n- { from: x.com, path: /a/b/*, purpose: functional }"
    )

    assert not lets(made("functional", policy=policy), "https://x.com/a/b/c")


@pytest.mark.parametrize("path", ['"/a;b"', '"/a,b/*"', '"/a b"', '"/a*b/*"', '"*/abc"'])
def test_a_path_that_cannot_be_said_opens_its_directory_or_its_host(path):
    tags = f"- {{ from: x.com, path: {path}, purpose: functional }}\n- {{ from: x.com, path: /zz/*, purpose: performance }}"

    text = made("functional", policy=policy_of(tags=tags))

    assert lets(text, "https://x.com" + path.strip('"').replace("*", "/1"))
    assert "x.com" not in made(policy=policy_of(tags=tags))


def test_connect_of_a_provider_without_tags_needs_what_it_stores():
    policy = policy_of(connect="[x.com]", storage="- { key: k_*, purpose: performance }")

    assert not lets(made(policy=policy), "https://x.com/")
    assert lets(made("performance", policy=policy), "https://x.com/")


def test_connect_with_a_pattern_opens_its_domain_but_no_sockets():
    policy = policy_of(tags="- { from: x.com, purpose: functional }", connect='["live*.y.com"]')
    text = made("functional", policy=policy)

    assert lets(text, "https://live-eu.y.com/")
    assert "wss://live" not in text


def test_a_provider_that_is_switched_off_stays_out():
    policy = policy_of(tags=TAGS, enabled="no")

    assert not lets(made("functional", "performance", policy=policy), "https://tracker.com/")


def test_where_undeclared_tags_may_load_there_is_nothing_to_fence():
    assert made(policy=policy_of(**BLOCKS, undeclared="{ cookies: drop, tags: keep }")) == ""


def test_violations_are_reported_where_we_are_told_to():
    assert made(report="/.consent/reports").endswith("; report-uri /.consent/reports")


def test_hosts_that_no_policy_can_name_are_left_to_self():
    own = OwnHosts(frozenset({"[::1]", "127.0.0.1", "my_host.test"}), None)

    assert "https://127.0.0.1:*" in made(own=own)
    assert "[" not in made(own=own)
    assert "_" not in made(own=own).partition("blob:")[2]


def test_long_lists_collapse_to_the_domains_of_their_owners():
    hosts = [f"h{n}.big.com" for n in range(40)] + ["one.small.com"]
    policy = policy_of(tags=f"- {{ from: [{', '.join(hosts)}], purpose: functional }}")
    full, short = (
        made("functional", policy=policy, limit=100_000),
        made("functional", policy=policy, limit=400),
    )

    assert len(full) > 1_000
    assert len(short) < 400
    for address in ("https://h7.big.com/", "https://one.small.com/"):
        assert lets(full, address)
        assert lets(short, address)
    assert not lets(short, "https://two.small.com/")


def test_an_owner_of_whom_something_is_refused_does_not_collapse():
    hosts = ", ".join(f"h{n}.big.com" for n in range(40))
    policy = policy_of(
        tags=f"- {{ from: [{hosts}], purpose: functional }}\n- {{ from: ads.big.com, purpose: performance }}"
    )

    assert not lets(made("functional", policy=policy, limit=400), "https://ads.big.com/")
    assert lets(made("functional", policy=policy, limit=400), "https://h7.big.com/")


def test_equal_grants_make_equal_bytes():
    assert (
        made("functional") == made("functional") == made("functional", policy=load_policy(text_of(**BLOCKS)))
    )


@pytest.mark.parametrize("granted", [(), ("functional",), ("performance",), ("functional", "performance")])
def test_with_the_rules_that_ship_it_stays_under_two_and_a_half_kilobytes(granted):
    policy = load_policy((ROOT / "rules.yaml").read_text())

    assert (
        len(
            made(*granted, policy=policy, own=OwnHosts(frozenset(), "callkom.io"), report="/.consent/reports")
        )
        < 2_500
    )


def test_with_the_rules_that_ship_functional_alone_opens_forms_and_meetings_but_no_pixel():
    policy = load_policy((ROOT / "rules.yaml").read_text())
    functional = made("functional", policy=policy)

    for host in ("meetings.hubspot.com", "meetings-eu1.hubspot.com", "js-eu1.hsforms.net", "calendly.com"):
        assert lets(functional, f"https://{host}/x"), host
    for host in (
        "track.hubspot.com",
        "track-eu1.hubspot.com",
        "js.hs-scripts.com",
        "www.googletagmanager.com",
    ):
        assert not lets(functional, f"https://{host}/x"), host


def test_whatever_the_shipped_tests_keep_for_who_refused_the_fence_lets_through():
    policy = load_policy((ROOT / "rules.yaml").read_text())
    fenced = made(policy=policy, own=OwnHosts(frozenset(), "callkom.io"))
    kept = [
        address
        for example in policy.examples
        if example.kind == "html"
        and ("refused", "keep") in {(who, verdict) for who, verdict, _ in example.expect}
        and not re.match(
            "<a |<link rel=.canonical|<base |<script>", example.subject
        )  # a base: no rule names its host
        for address in re.findall(r"""(?:src|href)=["']?(https://[^"' >]+)""", example.subject)
    ]

    assert {"cdn.jsdelivr.net", "cdnjs.cloudflare.com"} <= {urlsplit(address).hostname for address in kept}
    assert [address for address in kept if not lets(fenced, address)] == []


# --- whatever the rules: what is kept loads, and no host of which all is refused --------------------------------------------

labels = st.sampled_from(["a", "b", "a*", "c"])
hosts = st.builds(
    lambda front, end: ".".join([*front, end]),
    st.lists(labels, max_size=2),
    st.sampled_from(["x.com", "y.com"]),
)
purposes = st.sampled_from(["functional", "performance", "[functional, performance]"])
paths = st.sampled_from(["", "/p/*", "/p/q"])
rules = st.tuples(hosts, purposes, paths)


def as_tag(rule):
    host, purpose, path = rule
    return f'- {{ from: "{host}", purpose: {purpose}' + (f', path: "{path}"' if path else "") + " }"


@settings(max_examples=150)
@given(st.lists(rules, min_size=1, max_size=6), st.sampled_from([(), ("functional",), ("performance",)]))
def test_no_host_loads_of_which_everything_is_refused(tags, granted):
    policy = policy_of(tags="\n".join(map(as_tag, tags)))
    text = made(*granted, policy=policy)
    for host in ("x.com", "a.x.com", "b.x.com", "ab.x.com", "a.b.x.com", "b.a.x.com", "c.y.com", "y.com"):
        for path in ("/", "/p/", "/p/q", "/p/q/r"):
            if refused(policy, granted, host, path) and lets(text, f"https://{host}{path}"):
                assert some_granted(policy, granted, host, whole=True), (text, host, path)


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(st.sampled_from(["x.com", "y.com"]), purposes, paths),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([(), ("functional",), ("performance",)]),
)
def test_whatever_the_first_rule_keeps_loads(tags, granted):
    policy = policy_of(tags="\n".join(map(as_tag, tags)))
    text = made(*granted, policy=policy)
    for host in ("x.com", "a.x.com", "y.com", "b.a.y.com"):
        for path in ("/", "/p/", "/p/q", "/p/q/r", "/a/odd"):
            if some_granted(policy, granted, host) and refused(policy, granted, host, path) is False:
                assert lets(text, f"https://{host}{path}"), (text, host, path)


def some_granted(policy, granted, host, *, whole=False):
    """True when some rule for this host is granted; `whole`: or one whose pattern opens its domain."""

    def meant(pattern):
        return pattern.rpartition("*")[2].partition(".")[2] if whole and "*" in pattern else pattern

    rules = [rule for rule in policy.providers[0].tags if any(means(meant(p), host) for p in rule.hosts)]
    return any(set(rule.purposes) <= set(granted) for rule in rules)


def refused(policy, granted, host, path):
    """True when the first rule that speaks of the address, in file order, is not granted; None if none does."""
    for rule in policy.providers[0].tags:
        if any(means(pattern, host) for pattern in rule.hosts) and (
            not rule.paths or any(goes(glob, path) for glob in rule.paths)
        ):
            return not set(rule.purposes) <= set(granted)
    return None


def means(pattern, host):
    ours, theirs = pattern.split("."), host.split(".")
    return len(ours) <= len(theirs) and all(
        goes(a, b) for a, b in zip(ours, theirs[-len(ours) :], strict=True)
    )


def goes(glob, text):
    return text.startswith(glob[:-1]) if glob.endswith("*") else text == glob
