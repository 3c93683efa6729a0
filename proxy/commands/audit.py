"""`consent-proxy audit`: visits a site as people do, and says what was stored and loaded without consent."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from proxy.audit.comparison import compared, read_report
from proxy.audit.document import document
from proxy.audit.evaluation import evaluate
from proxy.audit.findings import EXIT_STATUS
from proxy.audit.observed import SiteVisit
from proxy.audit.plan import (
    Plan,
    PlanError,
    as_of,
    checked_address,
    checked_resolve,
    checked_states,
    purposes_of,
)
from proxy.audit.proxy_view import ProxyView, ask_proxy
from proxy.audit.report import page
from proxy.audit.undeclared import to_write
from proxy.audit.visits import visit_site
from proxy.banner.word_files import load_languages
from proxy.commands.terminal import err, fail, out, read_policy, read_text
from proxy.package_files import bundled
from proxy.policy.model import Policy
from proxy.version import VERSION

NO_PLAYWRIGHT = (
    "the audit needs Playwright and a Chromium: pip install '.[audit]' in the folder of consent-proxy, "
    "and a system's Chromium or: playwright install chromium"
)
_UNTRUSTED = "ERR_CERT_"
"""How Chromium names what is wrong with a certificate."""
MOST_PAGES = 200
MOST_LISTED = 15
"""Findings that are printed; the reports have all."""

Visit = Callable[[Plan, str], SiteVisit]


Urls = Annotated[
    list[str], typer.Argument(metavar="URL...", help="Where to begin; only these hosts are visited.")
]
Pages = Annotated[
    int, typer.Option("--pages", min=1, max=MOST_PAGES, help="Pages at most, found by following links.")
]
Sitemap = Annotated[bool, typer.Option("--sitemap", help="Take the pages from /sitemap.xml.")]
States = Annotated[
    str | None,
    typer.Option(
        "--states",
        help="none, refuse, accept, purposes (a, a+b), withdraw (default: all, each purpose alone).",
    ),
]
Rules = Annotated[Path | None, typer.Option("--rules", "-r", help="rules.yaml (default: the shipped one).")]
Json = Annotated[Path | None, typer.Option("--json", help="Write the report for programs.")]
Html = Annotated[Path | None, typer.Option("--html", help="Write the report for people, with screenshots.")]
Compare = Annotated[Path | None, typer.Option("--compare", help="An earlier --json: say what is new since.")]
Before = Annotated[
    str | None, typer.Option("--before", help="The same site without the proxy, to set beside it.")
]
Resolves = Annotated[
    list[str] | None,
    typer.Option("--resolve", help="HOST:PORT:ADDRESS, as curl has it; host or port may be *."),
]
Insecure = Annotated[bool, typer.Option("--insecure", help="Take certificates that nobody vouches for.")]
Ours = Annotated[
    bool, typer.Option("--ours", help="The site is ours: no robots.txt, no second between pages.")
]
Status = Annotated[
    str | None,
    typer.Option("--status", help="Admin address of the proxy in front: says what the upstream gets to see."),
]
Browser = Annotated[
    Path | None, typer.Option("--browser", help="Path of the Chromium (default: an installed one).")
]


def audit(  # noqa: PLR0917 - flags, given by name
    addresses: Urls,
    pages: Pages = 10,
    sitemap: Sitemap = False,
    states: States = None,
    rules: Rules = None,
    json_file: Json = None,
    html_file: Html = None,
    compare: Compare = None,
    before: Before = None,
    resolve: Resolves = None,
    insecure: Insecure = False,
    ours: Ours = False,
    browser: Browser = None,
    status: Status = None,
) -> None:
    """Visit a site in each state of consent; exit 0 clean, 1 violations, 3 doubts only."""
    policy = read_policy(rules or bundled("rules.yaml"))
    earlier = read_report(read_text(compare, "report")) if compare is not None else None
    with _usage_errors():
        plan = Plan(
            addresses=tuple(map(checked_address, addresses)),
            states=checked_states(states, policy),
            pages=pages,
            sitemap=sitemap,
            resolve=tuple(map(checked_resolve, resolve or ())),
            insecure=insecure,
            ours=ours,
            browser=browser,
            screenshots=html_file is not None,
        )
        other = None if before is None else _instead(plan, checked_address(before))
        first = None if status is None else ask_proxy(status, plan.hosts)
    report, seen = _visited(plan, other, policy, (rules or Path("rules.yaml")).name, first)
    if earlier is not None:
        report["compared"] = compared(earlier, report)
    _write(json_file, json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    _write(html_file, page(report, seen))
    _print(report)
    raise typer.Exit(report["exit"])


@contextmanager
def _usage_errors() -> Iterator[None]:
    try:
        yield
    except PlanError as error:
        fail(str(error), 2)


def _visited(
    plan: Plan, other: Plan | None, policy: Policy, rules: str, first: ProxyView | None
) -> tuple[dict[str, Any], SiteVisit]:
    """Visit, also the site without the proxy where there is one; return the report and what was seen."""
    begin = time.monotonic()
    with _visitor(policy) as visit:
        seen = visit(plan, "")
        pages = sum(len(one.pages) for one in seen.states)
        err.print(f"{pages} pages opened in {len(seen.states)} states, {time.monotonic() - begin:.0f} s")
        _must_be_there(seen)
        beside = visit(other, "without: ") if other is not None else None
    with _usage_errors():
        proxy = None if first is None else first.and_then(ask_proxy(first.address, plan.hosts))
    report = _report(plan, seen, policy, rules, proxy)
    if other is not None and beside is not None:
        report["before"] = _report(other, beside, policy, rules)
    return report, seen


def _must_be_there(seen: SiteVisit) -> None:
    """End where no page could be opened: what nobody saw is not clean."""
    pages = [page for visit in seen.states for page in visit.pages]
    if not any(page.status is not None and page.status < 400 for page in pages):
        why = next(
            (page.failed or f"the response was {page.status}" for page in pages), "robots.txt allows none"
        )
        hint = "; --insecure takes a certificate that nobody vouches for" if _UNTRUSTED in why else ""
        fail(f"no page of {', '.join(seen.addresses)} could be opened: {why.strip()}{hint}", 2)


def _instead(plan: Plan, address: str) -> Plan:
    return replace(plan, addresses=(address,), screenshots=False)


def _report(
    plan: Plan, seen: SiteVisit, policy: Policy, rules: str, proxy: ProxyView | None = None
) -> dict[str, Any]:
    here, written_for = as_of(policy, plan.own)
    found = evaluate(seen, here, plan.own, proxy)
    report = document(
        seen,
        found,
        here,
        plan.own,
        version=VERSION,
        command=["consent-proxy", *sys.argv[1:]],
        now=time.time(),
        written_for=written_for,
        rules=rules,
        proxy=proxy,
    )
    report["to_write"] = to_write(seen, here, plan.own)
    report["exit"] = EXIT_STATUS[report["summary"]["verdict"]]
    return report


@contextmanager
def _visitor(policy: Policy) -> Iterator[Visit]:
    """Give a function that visits; the browser's driver runs as long as it is held."""
    try:
        from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 - an optional extra
    except ImportError:
        fail(NO_PLAYWRIGHT)
    languages = list(load_languages().all.values())
    with sync_playwright() as engine, _progress() as bar:

        def visit(plan: Plan, prefix: str) -> SiteVisit:
            tasks = {state: bar.add_task(f"{prefix}{state}", total=None) for state in plan.states}
            purposes = {state: purposes_of(state, policy) for state in plan.states}

            def tell(state: str, at: int, of: int) -> None:
                bar.update(tasks[state], completed=at, total=of)

            return visit_site(engine, plan, languages, purposes, tell)

        try:
            yield visit
        except Error as error:
            fail(f"the browser could not be used: {error.message.splitlines()[0][:300]}. {NO_PLAYWRIGHT}")


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=err, transient=True)


def _write(path: Path | None, text: str) -> None:
    if path is None:
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"cannot write {path}: {error.strerror}")


def _print(report: dict[str, Any]) -> None:
    """Print the facts, the first findings, and one line for pipelines."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "violations", "doubts"):
        table.add_column(heading)
    for row in report["summary"]["facts"]:
        table.add_row(row["title"], str(row["violations"]), str(row["doubts"]))
    out.print(table)
    for one in report["findings"][:MOST_LISTED]:
        style = "red" if one["severity"] == "violation" else "yellow"
        place = f" ({one['rule']})" if one["rule"] else ""
        where = f"{one['what']} {one['name']}, {', '.join(one['states'])}, {one['first']['page']}"
        out.print(Text(f"{one['severity']}: {where}: {one['why']}{place}", style=style))
    if len(report["findings"]) > MOST_LISTED:
        out.print(Text(f"... and {len(report['findings']) - MOST_LISTED} more: --json or --html has all"))
    for state in report["states"]:
        if not state["decided"]:
            out.print(Text(f"{state['state']}: not decided, so not judged: {state['how']}", style="yellow"))
    if "before" in report:
        out.print(Text(f"without the proxy: {_line(report['before']['summary'])}"))
    if "compared" in report:
        news = report["compared"]
        out.print(Text(f"since {news['since']}: {len(news['new'])} new, {len(news['gone'])} gone"))
    said = report["summary"]
    out.print(Text(f"audit: {said['verdict']}: {_line(said)}", style="bold"))


def _line(summary: dict[str, Any]) -> str:
    return f"{summary['violations']} violations, {summary['doubts']} doubts"
