"""Our script and style in a site's own policies: admitted, and nothing else loosened."""

from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.filter.headers.csp_admission import Admission, admit, takes_files

S, T = "sha256-script=", "sha256-style="


def admitted(*policies, host="www.example.com", secure=True):
    return admit([policy.encode() for policy in policies], [S], [T], host=host, secure=secure)


def policies(*given):
    return [policy.decode() for policy in admitted(*given).policies]


def test_only_white_space_of_ascii_parts_words():
    (policy,) = admit([b"script-src a.example/\xa0b\x85c\x1ed"], [S], [T], host="www.example.com").policies

    assert policy == b"script-src a.example/\xa0b\x85c\x1ed 'sha256-script='"


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "img-src 'none'",
        "script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'",
        "default-src 'unsafe-inline'",
        "DEFAULT-SRC 'Unsafe-Inline' https:",
        "frame-ancestors 'none'; upgrade-insecure-requests",
        "img-src *, , font-src 'self'",
        "style-src-elem 'unsafe-inline'; script-src-elem 'unsafe-inline'; default-src 'none'",
        "style-src 'unsafe-inline' 'strict-dynamic'",
    ],
)
def test_a_policy_that_lets_us_in_anyway_keeps_its_bytes(policy):
    assert policies(policy) == [policy]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("script-src 'self'", "script-src 'self' 'sha256-script='"),
        ("script-src", "script-src 'sha256-script='"),
        ("script-src 'none'", "script-src 'sha256-script='"),
        ("Script-Src 'NONE';img-src *", "script-src 'sha256-script=';img-src *"),
        (
            "script-src 'nonce-abc' 'strict-dynamic'",
            "script-src 'nonce-abc' 'strict-dynamic' 'sha256-script='",
        ),
        ("script-src 'unsafe-inline' 'nonce-abc'", "script-src 'unsafe-inline' 'nonce-abc' 'sha256-script='"),
        ("script-src 'unsafe-inline' 'sha256-x'", "script-src 'unsafe-inline' 'sha256-x' 'sha256-script='"),
        (
            "script-src 'unsafe-inline' 'strict-dynamic'",
            "script-src 'unsafe-inline' 'strict-dynamic' 'sha256-script='",
        ),
        (
            "script-src 'self'; script-src-elem https:",
            "script-src 'self'; script-src-elem https: 'sha256-script='",
        ),
        (
            "script-src 'self'; script-src 'unsafe-inline'",
            "script-src 'self' 'sha256-script='; script-src 'unsafe-inline'",
        ),
        ("style-src 'self'", "style-src 'self' 'sha256-style='"),
        (
            "style-src-attr 'none'; style-src-elem 'self'",
            "style-src-attr 'none'; style-src-elem 'self' 'sha256-style='",
        ),
        (
            "default-src 'self' cdn.com; img-src *",
            "default-src 'self' cdn.com; img-src *; script-src 'self' cdn.com 'sha256-script='; style-src 'self' cdn.com 'sha256-style='",
        ),
        ("default-src 'none'", "default-src 'none'; script-src 'sha256-script='; style-src 'sha256-style='"),
        (
            "default-src 'self'; script-src 'unsafe-inline'",
            "default-src 'self'; script-src 'unsafe-inline'; style-src 'self' 'sha256-style='",
        ),
        ("script-src 'self' 'sha256-script='", "script-src 'self' 'sha256-script='"),
        ("img-src *, script-src 'self'", "img-src *, script-src 'self' 'sha256-script='"),
    ],
)
def test_our_hash_is_added_where_inline_code_is_decided_and_nowhere_else(policy, expected):
    assert policies(policy) == [expected]


def test_each_header_is_admitted_to_by_itself():
    assert policies("script-src 'self'", "script-src 'unsafe-inline'") == [
        "script-src 'self' 'sha256-script='",
        "script-src 'unsafe-inline'",
    ]


def test_without_anything_of_ours_every_policy_keeps_its_bytes():
    given = [b"script-src 'none'", b"default-src 'self'"]

    assert list(admit(given).policies) == given


@given(st.text("abc-src;, '\t\xe9*:/", max_size=80))
def test_any_text_is_read_and_a_second_time_changes_nothing(policy):
    once = admitted(policy).policies

    assert admit(list(once), [S], [T]).policies == once


# --- what is left to us -----------------------------------------------------------------------


def test_where_there_is_no_policy_everything_is_possible():
    assert admitted() == Admission(())


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("form-action 'self'", True),
        ("form-action *", True),
        ("form-action https:", True),
        ("form-action https://www.example.com", True),
        ("form-action https://www.example.com:*", True),
        ("form-action *.example.com", True),
        ("form-action www.example.com other.com", True),
        ("form-action", False),
        ("form-action 'none'", False),
        ("form-action pay.com", False),
        ("form-action *.www.example.com", False),
        ("form-action https://www.example.com/login", False),
        ("form-action ftp://www.example.com", False),
        ("sandbox allow-scripts", False),
        ("sandbox allow-forms allow-scripts", False),
        ("sandbox allow-forms allow-same-origin", True),
        ("form-action 'self', form-action 'none'", False),
    ],
)
def test_whether_our_form_can_be_sent(policy, expected):
    assert admitted(policy).forms is expected


def test_over_plain_http_an_https_source_is_not_this_host():
    assert not admitted("form-action https:", secure=False).forms
    assert admitted("form-action http:", secure=False).forms


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("default-src 'none'", (False, False)),
        ("default-src 'self'", (True, True)),
        ("connect-src pay.com", (False, True)),
        ("child-src 'none'", (True, False)),
        ("frame-src 'self'; child-src 'none'", (True, True)),
        ("sandbox allow-scripts", (False, False)),
        ("sandbox allow-scripts allow-same-origin", (True, False)),
        ("sandbox allow-scripts allow-same-origin allow-forms", (True, True)),
    ],
)
def test_whether_the_page_can_fetch_from_and_frame_its_own_host(policy, expected):
    found = admitted(policy)

    assert (found.connects, found.frames) == expected


def test_whether_our_script_runs_and_may_make_markup():
    assert not admitted("sandbox allow-forms").scripts
    assert admitted("sandbox allow-scripts").scripts
    assert admitted("require-trusted-types-for 'script'").trusted_types
    assert not admitted("img-src *").trusted_types


# --- the same in a real browser -----------------------------------------------------------------

OURS = "document.documentElement.dataset.ours = 'ran'"
OUR_STYLE = "html{--ours:on}"
SITE = "document.documentElement.dataset.site = 'ran'"
PAGE = f"""<!doctype html><html><head><script>{OURS}</script><style>{OUR_STYLE}</style>
<script>{SITE}</script><script nonce="abc">document.documentElement.dataset.nonced = 'ran'</script>
<style>html{{--site:on}}</style></head>
<body><p id="p" style="color: red" onclick="document.documentElement.dataset.handler = 'ran'">x</p></body></html>"""
LOOK = """(() => { document.getElementById('p').click(); let style = getComputedStyle(document.documentElement), evaluated = false;
    try { evaluated = eval('true') } catch (refused) {}
    return { ...document.documentElement.dataset, style: style.getPropertyValue('--ours'), sheet: style.getPropertyValue('--site'),
        attribute: document.getElementById('p').style.color, evaluated } })()"""
SITES_OWN = [
    "script-src 'self'",
    "script-src 'none'; style-src 'none'",
    "default-src 'none'",
    "default-src 'self'",
    "default-src 'self' 'unsafe-inline'",
    "default-src 'self' 'unsafe-eval'",
    "script-src 'nonce-abc'",
    "script-src 'nonce-abc' 'strict-dynamic' 'unsafe-inline' https:",
    "script-src 'unsafe-inline'; style-src 'self'",
    "script-src-elem 'self'; script-src 'unsafe-inline' 'unsafe-eval'",
    "script-src 'self' 'unsafe-hashes' 'unsafe-eval'; style-src-attr 'unsafe-inline'; style-src 'self'",
    "default-src 'self', script-src 'nonce-abc'; style-src 'unsafe-inline'",
    "require-trusted-types-for 'script'; default-src 'unsafe-inline'",
]


@pytest.fixture(scope="module")
def look(playwright_engine, chromium_path):
    browser = playwright_engine.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
    page = browser.new_page()

    def at(policy):
        page.unroute_all()
        headers = {"Content-Type": "text/html"} | ({"Content-Security-Policy": policy} if policy else {})
        page.route("**/*", lambda route: route.fulfill(body=PAGE, headers=headers))
        page.goto("http://www.callkom.localhost/")
        return page.evaluate(LOOK)

    yield at
    browser.close()


def digest(code):
    return "sha256-" + b64encode(sha256(code.encode()).digest()).decode()


@pytest.mark.e2e
@pytest.mark.parametrize("policy", SITES_OWN)
def test_in_chromium_ours_runs_and_the_sites_code_fares_as_it_did(look, policy):
    found = admit(
        [policy.encode()], [digest(OURS)], [digest(OUR_STYLE)], host="www.callkom.localhost", secure=False
    )
    before, after = look(policy), look(found.policies[0].decode())

    assert (after.pop("ours"), after.pop("style")) == ("ran", "on")
    before.pop("ours", None)
    before.pop("style")
    assert after == before


@pytest.mark.e2e
def test_in_chromium_the_policies_tried_do_refuse_something(look):
    free = look("")

    assert free["site"] == free["nonced"] == free["handler"] == "ran"
    assert all(look(policy) != free for policy in SITES_OWN if policy.count("'unsafe-inline'") != 1)


F, G = "www.example.com:8443/.consent/page.1.js", "www.example.com:8443/.consent/page.2.css"


def with_files(policy, *, secure=True):
    return admit([policy.encode()], [F, S], [G], host="www.example.com", secure=secure).policies[0].decode()


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("script-src 'nonce-abc'", f"script-src 'nonce-abc' '{S}' {F}"),
        ("script-src 'self'", f"script-src 'self' '{S}'"),
        ("script-src 'unsafe-inline'", f"script-src 'unsafe-inline' {F}"),
        ("script-src 'unsafe-inline' https:", "script-src 'unsafe-inline' https:"),
        ("script-src *", f"script-src * '{S}'"),
        ("script-src 'none'", f"script-src '{S}' {F}"),
        ("script-src www.example.com", f"script-src www.example.com '{S}' {F}"),
        ("style-src 'unsafe-inline'", f"style-src 'unsafe-inline' {G}"),
        ("style-src 'nonce-abc' 'self'", "style-src 'nonce-abc' 'self'"),
        (
            "default-src 'none'",
            f"default-src 'none'; script-src '{S}' {F}; style-src {G}",
        ),
        ("img-src 'self'", "img-src 'self'"),
    ],
)
def test_a_file_of_ours_is_let_in_by_its_address_where_nothing_else_does(policy, expected):
    """A host without port is not taken for ours: it may mean another port."""
    assert with_files(policy) == expected


def test_a_scheme_counts_only_where_the_page_has_it():
    assert with_files("style-src https:") == "style-src https:"
    assert with_files("style-src https:", secure=False) == f"style-src https: {G}"
    assert with_files("style-src http:", secure=False) == "style-src http:"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("script-src 'nonce-abc'", True),
        ("default-src 'none'", True),
        ("script-src 'nonce-abc' 'Strict-Dynamic'", False),
        ("img-src *, Sandbox allow-scripts", False),
        ("img-src https://sandboxes.example", True),
        ("require-trusted-types-for 'script'", True),
    ],
)
def test_files_are_taken_where_addresses_count_and_the_page_has_a_host(policy, expected):
    assert takes_files([b"img-src *", policy.encode()]) == expected


def test_a_file_that_a_script_asks_for_is_refused_by_trusted_types():
    assert not takes_files([b"require-trusted-types-for 'script'"], by_script=True)
    assert takes_files([b"script-src 'nonce-abc'"], by_script=True)


HERE = "www.example.com:8443/.consent/"
ASKED, FRAMED = [f"{HERE}choice", f"{HERE}state"], [f"{HERE}embed"]


def reaching(policy):
    return admit([policy.encode()], connects=ASKED, frames=FRAMED, host="www.example.com")


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("frame-src https://calendly.com", f"frame-src https://calendly.com {HERE}embed"),
        ("frame-src 'none'; img-src *", f"frame-src {HERE}embed; img-src *"),
        ("frame-src", f"frame-src {HERE}embed"),
        ("frame-src a.com; frame-src 'none'", f"frame-src a.com {HERE}embed; frame-src 'none'"),
        ("connect-src 'none'", f"connect-src {HERE}choice {HERE}state"),
        # what a child-src or a default-src says of workers, images and the rest stays as it was
        ("child-src a.com", f"child-src a.com; frame-src a.com {HERE}embed"),
        ("child-src 'none'; frame-src a.com", f"child-src 'none'; frame-src a.com {HERE}embed"),
        (
            "default-src a.com; child-src b.com",
            f"default-src a.com; child-src b.com; connect-src a.com {HERE}choice {HERE}state; frame-src b.com {HERE}embed",
        ),
        (
            "default-src 'none'; script-src 'self'",
            f"default-src 'none'; script-src 'self'; connect-src {HERE}choice {HERE}state; frame-src {HERE}embed",
        ),
        (
            "img-src *, default-src a.com; connect-src *",
            f"img-src *, default-src a.com; connect-src *; frame-src a.com {HERE}embed",
        ),
        # here every address of this host is let in already
        ("default-src 'self'", "default-src 'self'"),
        ("frame-src https:; connect-src *", "frame-src https:; connect-src *"),
        ("img-src 'none'; worker-src 'none'", "img-src 'none'; worker-src 'none'"),
    ],
)
def test_our_frames_and_questions_are_let_in_by_their_very_addresses(policy, expected):
    found = reaching(policy)

    assert found.policies[0].decode() == expected
    assert found.connects
    assert found.frames
    assert reaching(expected).policies[0].decode() == expected, "a second time changes nothing"


def test_only_what_was_wanted_is_let_in():
    found = admit([b"default-src 'none'"], connects=ASKED, host="www.example.com")

    assert (found.connects, found.frames) == (True, False)
    assert found.policies == (f"default-src 'none'; connect-src {' '.join(ASKED)}".encode(),)
