"""The same rules for the same site under another name."""

from proxy.policy.load import rehome
from tests.policy.rules import policy_of

POLICY = policy_of(
    cookies="""
- { name: a, domain: .example.com, purpose: performance, lasts: Session, why: x }
- { name: b, domain: [app.example.com, example.com], purpose: performance, lasts: Session, why: x }
- { name: c, domain: .notexample.com, purpose: performance, lasts: Session, why: x }
""",
    tags="- { from: [metrics.example.com, x.com, self], purpose: performance }",
    requests="- { path: /m/*, host: metrics.example.com, purpose: performance }",
    connect="[api.example.com, y.com]",
)


def test_domains_and_hosts_move_with_their_subdomains():
    acme = rehome(POLICY, "example.com", "example.localhost").providers[0]

    assert [row.domains for row in acme.cookies] == [
        (".example.localhost",),
        ("app.example.localhost", "example.localhost"),
        (".notexample.com",),
    ]
    assert acme.tags[0].hosts == ("metrics.example.localhost", "x.com", "self")
    assert acme.requests[0].hosts == ("metrics.example.localhost",)
    assert acme.connect == ("api.example.localhost", "y.com")


def test_what_visitors_read_keeps_the_published_names():
    there = rehome(POLICY, "example.com", "example.localhost")

    assert (there.page, there.digest, there.text) == (POLICY.page, POLICY.digest, POLICY.text)


def test_dots_and_capitals_around_the_names_do_not_matter():
    assert rehome(POLICY, ".Example.com", "Example.localhost") == rehome(
        POLICY, "example.com", "example.localhost"
    )


def test_there_and_back_is_the_same_policy():
    assert rehome(rehome(POLICY, "example.com", "demo.test"), "demo.test", "example.com") == POLICY
