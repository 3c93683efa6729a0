"""Which links a visit follows, and what robots.txt and sitemaps say."""

import pytest

from proxy.audit.links import Link, Robots, ahead_of, fresh, is_safe, origin, sitemap_links


@pytest.mark.parametrize(
    "link",
    [
        Link("https://a.example/logout"),
        Link("https://a.example/account/log-out"),
        Link("https://a.example/x", "Sign out"),
        Link("https://a.example/x", "Déconnexion"),
        Link("https://a.example/cart?action=delete"),
        Link("https://a.example/cart/remove/1"),
        Link("https://a.example/%64elete/1"),
        Link("https://a.example/newsletter/unsubscribe"),
        Link("https://a.example/?csrf_token=1"),
        Link("https://a.example/?_wpnonce=1"),
        Link("https://a.example/?key=abc"),
        Link("https://a.example/prices.pdf"),
        Link("https://a.example/x", download=True),
        Link("https://me@a.example/"),
        Link("mailto:a@a.example"),
        Link("javascript:void 0"),
        Link("http://[bad/"),
        Link("https://a.example:99999/"),
        Link("https://a.example/.consent/receipt"),
    ],
    ids=str,
)
def test_links_that_may_do_something_are_not_followed(link):
    assert not is_safe(link)


@pytest.mark.parametrize(
    "path", ["/", "/blog/2026/post", "/?page=2", "/products?sort=price", "/en/contact#form"]
)
def test_links_to_pages_are_followed(path):
    assert is_safe(Link(f"https://a.example{path}", "Read more"))


def test_the_proxys_own_pages_are_left_out_where_its_banner_says_they_are():
    panel, page = Link("https://a.example/privacy/receipt"), Link("https://a.example/.consent/x")

    assert fresh([panel, page], [], "/privacy/") == [page.address]


def test_pages_are_taken_once_in_the_order_of_their_links():
    links = [
        Link("https://a.example/b#x"),
        Link("https://a.example/a"),
        Link("https://a.example/b"),
        Link("https://a.example"),
        Link("https://A.example:443/a"),
    ]

    assert fresh(links, ["https://a.example/"]) == ["https://a.example/b", "https://a.example/a"]


def test_an_origin_is_written_as_browsers_do():
    assert origin("HTTPS://A.Example:443/x") == "https://a.example"
    assert origin("http://[::1]:8080/x") == "http://[::1]:8080"
    assert [origin(one) for one in ("http://[bad/", "https://a.example:99999/")] == ["", ""]


def test_robots_txt_is_obeyed_and_its_absence_allows_everything():
    robots = Robots("User-agent: *\nDisallow: /private\n")

    assert not robots.allows("https://a.example/private/x")
    assert robots.allows("https://a.example/open")
    assert Robots(None).allows("https://a.example/private/x")
    assert not Robots("User-agent: consent-proxy-audit\nDisallow: /\n").allows("https://a.example/")


def test_a_sitemap_names_its_pages():
    text = "<urlset><url><loc> https://a.example/a?x=1&amp;y=2 </loc></url><url><loc><![CDATA[https://a.example/b]]></loc></url></urlset>"

    assert sitemap_links(text) == ["https://a.example/a?x=1&y=2", "https://a.example/b"]


def test_a_link_header_says_what_is_opened_ahead_of_requests():
    value = (
        '</a.css>; rel=preload; as="style", <https://b.example>; crossorigin; rel="preconnect next",\n'
        "<//c.example/x?a=1,2>;REL=dns-prefetch, <https://d.example/>; rel=canonical, <http://[bad>; rel=prefetch"
    )

    assert ahead_of(value, "https://a.example/shop/") == [
        ("preload", "https://a.example/a.css"),
        ("preconnect", "https://b.example"),
        ("dns-prefetch", "https://c.example/x?a=1,2"),
    ]
