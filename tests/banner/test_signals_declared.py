"""What providers are told, run in a JavaScript engine: one default, one update, and nothing that nobody claims."""

import json
import shutil
import subprocess

import pytest
import yaml

from proxy.banner.provider_signals import signals
from proxy.catalogue.shipped import shipped_catalogue
from proxy.errors import PolicyError
from proxy.policy.lint import lint
from proxy.policy.load import load_policy
from proxy.policy.scope import scope_of
from proxy.policy.signals import GOOGLE
from tests.policy.rules import HEAD, policy_of, text_of
from tests.shared import ROOT

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

ADS = ("ad_storage", "ad_user_data", "ad_personalization")
MORE = "  social: { basis: consent }\n  marketing: { basis: consent }\n"
SNIPPETS = {
    one["name"]: one["script"]
    for one in yaml.safe_load((ROOT / "tests" / "data" / "snippets.yaml").read_text())
}
META, TIKTOK = SNIPPETS["Meta"], SNIPPETS["TikTok"]
FUNCTION = "function fbq() { fbq.queue.push(arguments) } fbq.queue = [];"
REST = """
const told = { dataLayer: (globalThis.dataLayer || []).map(one => one.length === undefined ? one : [...one]),
  uetq: globalThis.uetq, hsp: globalThis._hsp, clarity: (globalThis.clarity?.q || []).map(one => [...one]), said };
console.log(JSON.stringify(told));
"""


def heard(code: str) -> dict:
    """Return what each queue holds once the code ran, and what was called once the page was parsed."""
    before = """
globalThis.window = globalThis; const said = [], parsed = [];
globalThis.addEventListener = (name, then) => parsed.push(then);
"""
    page = """
globalThis.wp_set_consent = (...all) => said.push(["wp", ...all]);
parsed.forEach(then => then());
"""
    ran = subprocess.run(
        ["node", "-e", before + code + page + REST], capture_output=True, text=True, check=True
    )
    return json.loads(ran.stdout)


def pixels(code: str, page: str) -> dict:
    """Return the calls that the queues of Meta and TikTok hold, in order, after the scripts of a page."""
    before = """
globalThis.window = globalThis; const parsed = [], vm = require("node:vm");
globalThis.addEventListener = (name, then) => parsed.push(then);
globalThis.document = { createElement: () => ({}), getElementsByTagName: () => [{ parentNode: { insertBefore() {} } }] };
"""
    after = """
parsed.forEach(then => then());
console.log(JSON.stringify({ fbq: (globalThis.fbq?.queue || []).map(one => [...one]), ttq: [...(globalThis.ttq || [])] }));
"""
    scripts = "".join(f"vm.runInThisContext({json.dumps(one)});" for one in (code, page))
    ran = subprocess.run(["node", "-e", before + scripts + after], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def using(*names, head=HEAD + MORE):
    return load_policy(f"{head}use: [{', '.join(names)}]\n", catalogue=shipped_catalogue())


def consent_mode(policy, *granted):
    """Return the calls of Consent Mode for who granted these purposes."""
    queue = heard(signals(policy, scope_of(policy).granted(granted)))["dataLayer"]
    return [call[1:] for call in queue if isinstance(call, list) and call[0] == "consent"]


def types(*granted):
    return {name: "granted" if name in granted else "denied" for name in GOOGLE}


@pytest.mark.parametrize(
    ("granted", "update"),
    [
        ((), None),
        (("functional",), None),
        (("performance",), ("analytics_storage",)),
        (("marketing",), ADS),
        (("performance", "marketing"), ("analytics_storage", *ADS)),
    ],
)
def test_one_default_denies_all_seven_and_one_update_says_the_state(granted, update):
    calls = consent_mode(using("google-analytics", "google-ads"), *granted)

    assert calls == [["default", types()], *([["update", types(*update)]] if update else [])]


def test_what_nobody_claims_stays_denied_and_check_says_so():
    policy = policy_of(tags="- { from: googletagmanager.com, purpose: performance }")

    assert consent_mode(policy, "performance") == [["default", types()]]
    assert any("no 'signals:' claims a type of Consent Mode" in one.text for one in lint(policy))


def test_a_word_that_two_claim_is_granted_while_both_are():
    policy = load_policy(
        text_of(
            tags="- { from: googletagmanager.com, purpose: performance }\n- { from: x.com, purpose: functional }"
        )
        .replace(
            "functional: { basis: consent }", "functional: { basis: consent, signals: analytics_storage }"
        )
        .replace(
            "performance: { basis: consent }", "performance: { basis: consent, signals: analytics_storage }"
        )
    )

    assert consent_mode(policy, "performance") == [["default", types()]]
    assert consent_mode(policy, "performance", "functional")[1] == ["update", types("analytics_storage")]


def test_what_is_necessary_may_be_claimed_and_holds_for_everybody():
    policy = load_policy(
        text_of(tags="- { from: googletagmanager.com, purpose: performance }").replace(
            "legitimate interest }",
            "legitimate interest, signals: [security_storage, functionality_storage] }",
        )
    )

    assert consent_mode(policy)[1] == ["update", types("security_storage", "functionality_storage")]


def test_a_used_provider_that_moves_takes_its_signals_along():
    policy = using("{ google-ads: { purpose: functional } }", "google-analytics", head=HEAD)

    assert consent_mode(policy, "functional")[1] == ["update", types(*ADS)]


def test_others_are_told_where_they_run():
    policy = using("hubspot", "clarity", "microsoft-ads", "meta-pixel", "tiktok-pixel")
    refused = heard(signals(policy, frozenset()))
    accepted = heard(signals(policy, scope_of(policy).pairs))

    assert (refused.get("uetq"), refused.get("hsp"), refused["clarity"], refused["said"]) == (
        None,
        None,
        [],
        [],
    )
    assert accepted["uetq"][:3] == ["consent", "default", {"ad_storage": "denied"}]
    assert accepted["uetq"][3:] == ["consent", "update", {"ad_storage": "granted"}]
    assert accepted["clarity"] == [["consentv2", {"ad_Storage": "denied", "analytics_Storage": "granted"}]]
    hubspot = {"analytics": True, "advertisement": False, "functionality": True}
    assert accepted["hsp"] == [["setHubSpotConsent", hubspot]]


def test_a_provider_that_runs_by_one_purpose_hears_that_another_was_refused():
    more = "  - meta-pixel: { purpose: performance, signals: { meta: marketing } }\n"
    policy = load_policy(f"{HEAD}{MORE}use:\n{more}  - criteo\n", catalogue=shipped_catalogue())

    told = pixels(signals(policy, scope_of(policy).granted(["performance"])), META)

    assert told["fbq"][0] == ["consent", "revoke"]


def test_a_pixel_is_told_once_and_before_any_call_of_the_page():
    policy = using("meta-pixel", "tiktok-pixel")
    told = pixels(signals(policy, scope_of(policy).pairs), META + TIKTOK + META)

    init, view = ["init", "1"], ["track", "PageView"]
    assert told == {
        "fbq": [["consent", "grant"], init, view, init, view],
        "ttq": [["grantConsent"], ["page"]],
    }


@pytest.mark.parametrize(
    ("page", "queue"),
    [
        ("if (window.fbq || window.ttq) throw Error('there is no pixel on this page')", []),
        (FUNCTION, [["consent", "grant"]]),
        (f"{FUNCTION} fbq('init', '1');", [["init", "1"], ["consent", "grant"]]),
        ("window.fbq = { callMethod: 1, queue: [] }; window.fbq = undefined;", []),
    ],
)
def test_a_page_without_a_pixel_sees_none_and_one_that_is_declared_is_told_late(page, queue):
    policy = using("meta-pixel", "tiktok-pixel")

    assert pixels(signals(policy, scope_of(policy).pairs), page) == {"fbq": queue, "ttq": []}


def test_wordpress_and_the_data_layer_are_told_what_was_claimed():
    policy = load_policy(
        text_of(tags="- { from: x.com, purpose: performance }").replace(
            "performance: { basis: consent }",
            'performance: { basis: consent, signals: [wp.statistics, "event:statistics_granted"] }',
        )
    )
    refused, granted = heard(signals(policy, frozenset())), heard(signals(policy, scope_of(policy).pairs))

    assert refused["said"] == [["wp", "statistics", "deny"]]
    assert granted["said"] == [["wp", "statistics", "allow"]]
    assert {"event": "statistics_granted"} in granted["dataLayer"]
    assert {"event": "statistics_granted"} not in refused["dataLayer"]


def test_a_word_that_nobody_listens_to_is_a_fault():
    with pytest.raises(PolicyError, match="which nobody listens to; did you mean 'analytics_storage'"):
        load_policy(
            HEAD.replace(
                "performance: { basis: consent }",
                "performance: { basis: consent, signals: analytic_storage }",
            )
        )


def test_advanced_mode_is_explicit_loads_before_consent_and_is_warned_of():
    text = f"{HEAD}use: [{{ google-analytics: {{ consent_mode: advanced }} }}]\n"
    policy = load_policy(text, catalogue=shipped_catalogue())

    assert {tag.do.value for tag in policy.providers[0].tags} == {"keep"}
    assert any(
        "'consent_mode: advanced' loads its scripts before consent" in one.text for one in lint(policy)
    )
    assert consent_mode(policy) == [["default", types()]]
    assert consent_mode(policy, "performance")[1] == ["update", types("analytics_storage")]
