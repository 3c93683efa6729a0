"""Published snippets are known at a glance, and nothing that does more than they do."""

import re

import pytest

from proxy.filter.syntax.known_snippets import is_known_snippet
from tests.shared import shared

PAGES = (
    "ai01-snippet-sv10",
    "ai02-snippet-sv5",
    "mix02-app",
    "real-ai-index-snippet",
    "real-ai-latestsnippet",
    "real-arla_1",
)


def snippet(page: str) -> str:
    text = shared("corpus", "pages", f"{page}.html").read_text(encoding="utf-8")
    bodies = re.findall(r"<script\b[^>]*>(.*?)</script", text, re.DOTALL)
    return next(body for body in bodies if "appInsightsSDK" in body)


def settings(text: str) -> int:
    """Return where the last setting of a snippet's call stands."""
    return [match.start() for match in re.finditer(r"\"?cfg\"?\s*:", text)][-1]


@pytest.mark.parametrize("page", PAGES)
def test_application_insights_is_known_in_its_published_generations(page):
    assert is_known_snippet(snippet(page))


@pytest.mark.parametrize("page", PAGES)
def test_it_is_known_with_other_settings_and_with_blanks_moved(page):
    text = snippet(page)
    at = settings(text)

    assert is_known_snippet(text[:at] + "disabled: [true, 'a b', {}], " + text[at:])
    assert is_known_snippet("\n  // as published\n  " + text.strip() + "\n")


MORE = [
    "initMenu();",
    "window.menu = 1;",
    "function openMenu(){}",
    "document.body.innerHTML = '';",
    "eval(a)",
]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("code", MORE)
def test_code_before_or_behind_it_is_read(page, code):
    text = snippet(page)

    assert not is_known_snippet(f"{text}\n{code}")
    assert not is_known_snippet(f"{code}\n{text}")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "value", ["function () { start() }", "() => start()", "load('a')", "a = 1", "new Menu()"]
)
def test_settings_that_do_something_are_read(page, value):
    text = snippet(page)
    at = settings(text)

    assert not is_known_snippet(text[:at] + f"onInit: {value}, " + text[at:])


@pytest.mark.parametrize("page", PAGES)
def test_a_loader_that_somebody_changed_is_read(page):
    text = snippet(page)

    assert not is_known_snippet(text.replace("trackPageView", "trackMore", 1))


META = """!function(f,b,e,v,n,t,s){if(f.fbq)return;n=f.fbq=function(){n.callMethod?
n.callMethod.apply(n,arguments):n.queue.push(arguments)};if(!f._fbq)f._fbq=n;
n.push=n;n.loaded=!0;n.version='2.0';n.queue=[];t=b.createElement(e);t.async=!0;
t.src=v;s=b.getElementsByTagName(e)[0];s.parentNode.insertBefore(t,s)}(window,
document,'script','https://connect.facebook.net/en_US/fbevents.js');
fbq('init', '1');fbq('track', "PageView");"""
HOTJAR = """(function(h,o,t,j,a,r){ h.hj=h.hj||function(){(h.hj.q=h.hj.q||[]).push(arguments)};
h._hjSettings={hjid:1,hjsv:6}; a=o.getElementsByTagName('head')[0]; r=o.createElement('script');r.async=1;
r.src=t+h._hjSettings.hjid+j+h._hjSettings.hjsv; a.appendChild(r);
})(window,document,'https://static.hotjar.com/c/hotjar-','.js?sv=');"""


@pytest.mark.parametrize("text", [META, HOTJAR], ids=["Meta", "Hotjar"])
def test_short_snippets_are_known_and_nothing_beside_them(text):
    assert is_known_snippet(text)
    assert not any(is_known_snippet(f"{text}\n{code}") for code in MORE)
    assert not is_known_snippet(
        text.replace("connect.facebook.net", "example.com").replace("hotjar.com", "x.com")
    )


def test_other_scripts_are_not_known():
    assert not is_known_snippet("appInsightsSDK" + " " * 2_000)
    assert not is_known_snippet("!function(" * 1_000 + "appInsightsSDK")
    assert not is_known_snippet("initMenu()")


def test_bytes_of_another_encoding_make_it_unknown_and_no_fault():
    text = "!function(caf\udce9){appInsightsSDK}({cfg: {}})"

    assert not is_known_snippet(text + " " * 5000)
