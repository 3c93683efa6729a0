"""Visitors, decisions and whole pages for the tests of what visitors see."""

import gzip
from xml.parsers import expat

from proxy.banner.page_injector import PageInjector
from proxy.banner.render import Renderer
from proxy.consent.answer import Answer
from proxy.consent.decision import Decision, decide
from proxy.filter.rules.judge import TagFacts
from proxy.filter.tags.injection import PageMetadata
from proxy.filter.verdict import Does, Verdict
from proxy.package_files import bundled
from proxy.policy.load import load_policy
from proxy.policy.model import Policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import Scope, scope_of

NOW = 1_795_000_000
HALF_A_YEAR = 180 * 86_400
OWN = OwnHosts(frozenset({"callkom.io", "www.callkom.io", "app.callkom.io"}), "callkom.io")


def shipped() -> Policy:
    """Return the rules that ship."""
    return load_policy(bundled("rules.yaml").read_text(), "rules.yaml")


POLICY = shipped()
RENDERER = Renderer(POLICY, own=OWN)
SCOPE = scope_of(POLICY)
BOTH = ("functional", "performance")


def decision(
    *granted: str,
    answered: bool = False,
    days_ago: int = 1,
    asked: Scope = SCOPE,
    policy: Policy = POLICY,
    **more,
) -> Decision:
    """Return the decision for somebody who granted these, answered nothing, or (answered=True) refused."""
    answer = None
    if granted or answered:
        since = dict.fromkeys(granted, 20700)
        answer = Answer("v" * 16, NOW - days_ago * 86_400, frozenset(granted), asked, policy.version, since)
    return decide(scope_of(policy), answer, now=NOW, ask_again_after=HALF_A_YEAR, **more)


def injected(
    injector: PageInjector, lang: str = "en", meta_csp: tuple[str, ...] = ()
) -> tuple[str, str, str]:
    """Return what goes into head, body and foot of a page."""
    page = PageMetadata(lang=lang)
    head = injector.head(page)
    page.meta_csp = meta_csp
    return head.decode("ascii"), injector.body(page).decode("ascii"), injector.foot(page).decode("ascii")


def calendly(injector: PageInjector, link: str | None = "https://calendly.com/callkom/30min") -> str:
    """Return the placeholder of a Calendly frame."""
    verdict = Verdict(Does.REPLACE, POLICY.provider("calendly").place, "calendly", ("functional",))
    return injector.placeholder(verdict, TagFacts("iframe", link)).decode("ascii")


def well_formed(markup: str | bytes) -> bool:
    """True when an XML parser reads it to its end."""
    parser = expat.ParserCreate()
    try:
        parser.Parse(markup if isinstance(markup, bytes) else f"<all>{markup}</all>", True)
    except expat.ExpatError as error:
        raise AssertionError(f"{error}: {markup!r}") from None
    return True


def added(page: bytes, more: str) -> int:
    """Return by how many bytes gzip grows when this goes into a page."""
    whole = page.replace(b"<head>", b"<head>" + more.encode())
    return len(gzip.compress(whole, 9, mtime=0)) - len(gzip.compress(page, 9, mtime=0))
