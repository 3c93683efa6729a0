"""The demo site carries a snippet of every provider that rules.yaml can hold on a page."""

import pytest

from proxy.demo.site import PAGES, page_html
from proxy.filter.inline_tests import RuleTester
from proxy.policy.load import load_policy
from proxy.policy.model import Example
from tests.demo.test_rules import SHIPPED

NEVER_ON_A_PAGE = {"callkom", "cloudflare"}  # the site itself; and what Cloudflare puts there at its edge


@pytest.mark.parametrize("language", PAGES)
def test_every_provider_is_on_some_page(language):
    policy = load_policy(SHIPPED)
    bench = RuleTester(policy)
    held = set()
    for page in PAGES[language]:
        outcome = bench.outcome(
            Example("", "html", page_html(language, page), None, (), policy.place), "refused"
        )
        held |= {verdict.provider for verdict in outcome.verdicts}
    stripe = any("js.stripe.com" in page_html(language, page) for page in PAGES[language])

    assert stripe
    assert {p.id for p in policy.providers} - held - NEVER_ON_A_PAGE - {"stripe"} == set()


@pytest.mark.parametrize("language", PAGES)
@pytest.mark.parametrize("page", PAGES["en"])
def test_every_page_is_complete_in_its_language(language, page):
    html = page_html(language, page)

    assert f'<html lang="{language}">' in html
    assert "$" not in html.replace("${", "").partition("<main>")[2].partition("<script")[0]
    assert html.rstrip().endswith("</html>")
