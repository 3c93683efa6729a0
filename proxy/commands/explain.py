"""`consent-proxy explain`: what happens to something in each state of consent, and which line says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from proxy.commands.explain_consent import as_table, explain_answer, host_of, is_answer, rules_at
from proxy.commands.explain_html import Report, ReportRow, write_reports
from proxy.commands.explain_lines import LINES_SHOWN, as_words, tag_lines, text_lines
from proxy.commands.explain_subject import what
from proxy.commands.explain_traffic import Subject, Traffic, fetched, read_har
from proxy.commands.rewrite import own_hosts
from proxy.commands.site_policies import read_settings
from proxy.commands.terminal import STYLES, fail, out, print_json, read_policy
from proxy.config.types import Config
from proxy.filter.inline_tests import RuleTester, TestOutcome
from proxy.filter.rules.compiled import ScriptReading
from proxy.filter.syntax.script_writes import WriteKind, writes
from proxy.filter.verdict import Verdict
from proxy.package_files import bundled
from proxy.policy.model import NECESSARY, Example, NeutralRule, Policy
from proxy.policy.own_hosts import OwnHosts

SUBJECTS = (
    "An address, a tag, a Set-Cookie line, a header line, 'storage: KEY', a path of the site, "
    "a file with a page, a HAR file, or - for a page on standard input."
)
SCRIPT_SHOWN = 40  # letters of a script in a line about it
SHOWN = 72  # letters of a subject in a heading


def explain(  # noqa: PLR0917 - flags, given by name
    subject: Annotated[
        str,
        typer.Argument(help=SUBJECTS),
    ],
    rules: Annotated[
        Path | None, typer.Option("--rules", "-r", help="rules.yaml (default: the shipped one).")
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            help="Host of the page (default: that of policy.page; with --config, of the first site)."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            help="The rules are those of the site that has the host; and a consent cookie can be read.",
        ),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Fetch the address, and judge its page, cookies and headers.")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write a self-contained page for each state: FILE-refused.html, ..."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Tell what happens to something in each state of consent, and which line of rules.yaml says so."""
    settings = read_settings(config) if config is not None else None
    if settings is not None and not live and is_answer(settings, subject):
        facts = explain_answer(rules, settings, host, subject)
        print_json(facts) if as_json else out.print(as_table(facts))
        return
    _explain(_Question(subject, rules, settings, host), live=live, html=html, as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked about, and by which rules."""

    subject: str
    rules: Path | None
    config: Config | None
    host: str | None


def _explain(question: _Question, *, live: bool, html: Path | None, as_json: bool) -> None:
    """Tell what happens to anything but a consent cookie."""
    subject, rules, settings, host = question.subject, question.rules, question.config, question.host
    traffic = fetched(subject) if live else read_har(Path(subject)) if subject.endswith(".har") else None
    asked = traffic.host if traffic is not None else host_of(subject)
    own: OwnHosts | None
    if settings is not None:
        policy, own, host = rules_at(rules, settings, host, asked)
    else:
        policy = read_policy(rules or bundled("rules.yaml"))
        host = host or (asked if traffic is not None else "") or None
        own = _own(policy, host)
    if traffic is not None:
        _explain_traffic(policy, traffic, host, own, html=html, as_json=as_json)
        return
    found = _explained(policy, subject, host, own)
    if html is not None:
        _write_html(html, html_reports(policy, found.subject, found, []))
    else:
        print_json(_report(found)) if as_json else _print(policy, found)


def _write_html(path: Path, reports: list[Report]) -> None:
    """Write a page for each state, and say where."""
    try:
        for written in write_reports(path, reports):
            out.print(Text(str(written)))
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}")


Judged = tuple[Subject, list[tuple[str, TestOutcome]], str]
"""Something that was asked or set, what each visitor gets, and the line that decides."""


def html_reports(policy: Policy, title: str, page: _Explained | None, rows: list[Judged]) -> list[Report]:
    """Return a report for each state of consent."""
    lines = cache(lambda element, host: tag_lines(page.text, [(element, host)]) if page is not None else [])
    return [_html_report(policy, title, state, page, rows, lines) for state in visitors(policy)]


def _html_report(  # noqa: PLR0917
    policy: Policy,
    title: str,
    state: str,
    page: _Explained | None,
    rows: list[Judged],
    lines_of: Callable[[str, str], list[int]],
) -> Report:
    shown: list[ReportRow] = []
    notes: list[str] = []
    marked: set[int] = set()
    if page is not None:
        outcome = dict(page.outcomes)[state]
        for verdict in outcome.verdicts:
            lines = lines_of(verdict.element, verdict.host) if page.kind == "html" else []
            marked.update(lines)
            what = f"{verdict.element} {verdict.host}".strip() or verdict.note or page.subject
            rule = " ".join(filter(None, (_rule(verdict), _provider(policy, verdict))))
            where = f"line {', '.join(map(str, lines[:LINES_SHOWN]))}" if lines else ""
            shown.append(ReportRow(what, verdict.does.value, rule, not verdict.keeps, where))
        notes += [f"Kept by the filter, stopped by the fence: {stop}" for stop in outcome.stops]
        notes += [
            f"{name} loads for everyone: {rule.place.rule} neutral ({rule.why})"
            for name, rule in page.neutral
        ]
        notes += [
            f"Inline script {' '.join(s.split())[:SHOWN]!r}: {r.kind.value} ({r.why})"
            for s, r in page.scripts
        ]
        notes += [
            f"Calls of inline scripts would reach {n}: {dict(o)[state].words}"
            for n, o in page.reached.items()
        ]
        notes += [f"Inline scripts would write {n}: {dict(o)[state].words}" for n, o in page.written.items()]
    for subject, outcomes, rule in rows:
        words = dict(outcomes)[state].words
        shown.append(ReportRow(subject.text, words, rule, words != "keep", subject.host))
    shown = list(dict.fromkeys(shown))
    text = page.text if page is not None and page.kind == "html" else ""
    return Report(title, state, shown, notes, text, frozenset(marked))


def _explain_traffic(
    policy: Policy,
    traffic: Traffic,
    host: str | None,
    own: OwnHosts | None,
    *,
    html: Path | None,
    as_json: bool,
) -> None:
    """Tell what happens to a page and to all that its responses set and its browser asked."""
    page = _explained(policy, traffic.page, host, own, title=traffic.title) if traffic.page.strip() else None
    bench = RuleTester(policy, own)
    rows = [_judged(policy, bench, one, own) for one in traffic.seen_at(host)]
    if html is not None:
        judged = [(one, outcomes, _deciding(bench, tried, outcomes)) for one, tried, outcomes in rows]
        _write_html(html, html_reports(policy, traffic.title, page, judged))
        return
    if as_json:
        print_json(
            {
                "page": _report(page) if page else None,
                "traffic": [
                    {
                        "kind": one.kind,
                        "subject": one.text,
                        "host": one.host,
                        "visitors": {v: _json(o) for v, o in outcomes},
                    }
                    for one, _, outcomes in rows
                ],
            }
        )
        return
    if page is not None:
        _print(policy, page)
    else:
        out.print(Text(f"{traffic.title}  (no page: what it set and asked is judged)", style="bold"))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("asked or set", *visitors(policy), "rule"):
        table.add_column(heading, overflow="fold")
    for one, tried, outcomes in rows:
        cells = [_styled(outcome.words) for _, outcome in outcomes]
        theirs = f" of {one.host}" if tried.kind != one.kind else ""
        table.add_row(Text(one.text[:SHOWN] + theirs), *cells, _deciding(bench, tried, outcomes))
    if rows:
        out.print(table)
    if any(tried.kind != one.kind for one, tried, _ in rows):
        out.print(
            Text("A cookie of another host is set wherever that host loads, and for as long as it says.")
        )


Outcomes = list[tuple[str, TestOutcome]]


def _judged(
    policy: Policy, bench: RuleTester, one: Subject, own: OwnHosts | None
) -> tuple[Subject, Subject, Outcomes]:
    """Return what was asked or set, what is judged of it, and what each visitor gets.

    Of a cookie of another host that is the host: its responses do not pass here.
    """
    is_theirs = one.kind == "cookie" and own is not None and not own.owns(one.host)
    tried = Subject("url", f"https://{one.host}/", one.host) if is_theirs else one
    example = Example(tried.text, tried.kind, tried.text, tried.host, (), policy.place)
    return one, tried, _outcomes(policy, bench, example)


def _deciding(bench: RuleTester, tried: Subject, outcomes: Outcomes) -> str:
    """Return the line that decides about one subject, also that of `neutral`."""
    verdict = next((v for _, o in outcomes if (v := _verdict_of(o)) and v.because), None)
    if verdict is not None:
        return _rule(verdict)
    return _silence(outcomes[0][1], bench.neutral(tried.text, tried.kind))


def _outcomes(policy: Policy, bench: RuleTester, example: Example) -> list[tuple[str, TestOutcome]]:
    return [(visitor, bench.outcome(example, visitor)) for visitor in visitors(policy)]


@dataclass(frozen=True, slots=True)
class _Explained:
    """What happens to a subject, by visitor; a cookie also where a script writes it."""

    subject: str
    kind: str
    outcomes: list[tuple[str, TestOutcome]]
    by_script: list[tuple[str, TestOutcome]]
    scripts: list[tuple[str, ScriptReading]]  # inline scripts of a page, with what was read from them
    text: str = ""
    reached: dict[str, list[tuple[str, TestOutcome]]] = field(default_factory=dict)  # by scripts, by host
    neutral: list[tuple[str, NeutralRule]] = field(default_factory=list)
    written: dict[str, list[tuple[str, TestOutcome]]] = field(default_factory=dict)  # by scripts, by name


def _explained(
    policy: Policy, subject: str, host: str | None, own: OwnHosts | None, *, title: str = ""
) -> _Explained:
    kind, text = ("html", subject) if title else what(subject)
    example = Example(subject, kind, text, host, (), policy.place)
    bench = RuleTester(policy, own)
    scripts = bench.scripts(text) if kind == "html" else []
    hosts = dict.fromkeys(name for script, _ in scripts for name in bench.reached(script))
    return _Explained(
        title or subject,
        kind,
        _outcomes(policy, bench, example),
        _written(policy, bench, example),
        scripts,
        text,
        {
            name: _outcomes(policy, bench, replace(example, kind="url", subject=f"https://{name}/"))
            for name in hosts
        },
        bench.neutral(text, kind),
        {
            f"{'cookie' if one.kind is WriteKind.COOKIE else 'key'} {one.name}": _outcomes(
                policy, bench, replace(example, kind=one.kind.value, subject=one.line)
            )
            for script, _ in scripts
            for one in writes(script)
        },
    )


def _report(found: _Explained) -> dict[str, Any]:
    """Return what was found as one JSON document."""
    report: dict[str, Any] = {
        "subject": found.subject,
        "kind": found.kind,
        "visitors": {visitor: _json(outcome) for visitor, outcome in found.outcomes},
    }
    if found.scripts:
        report["scripts"] = [
            {"kind": reading.kind.value, "why": reading.why, "script": script[:SHOWN]}
            for script, reading in found.scripts
        ]
    if found.reached:
        report["reached_by_scripts"] = {
            name: {visitor: _json(outcome) for visitor, outcome in outcomes}
            for name, outcomes in found.reached.items()
        }
    if found.written:
        report["written_by_scripts"] = {
            name: {visitor: _json(outcome) for visitor, outcome in outcomes}
            for name, outcomes in found.written.items()
        }
    if found.neutral:
        report["neutral"] = {name: rule.place.rule for name, rule in found.neutral}
    if found.by_script:
        report["by_scripts"] = {visitor: _json(outcome) for visitor, outcome in found.by_script}
    return report


def _print(policy: Policy, found: _Explained) -> None:
    """Print what was found: a table, the stops of the fence, what scripts may write, inline scripts."""
    subject, outcomes = found.subject, found.outcomes
    shown = subject if len(subject) <= SHOWN else subject[:SHOWN] + "…"
    out.print(Text(f"{shown}  ({found.kind})", style="bold"))
    out.print(_page(policy, found) if _many(outcomes) else _single(policy, found, outcomes))
    for name, rule in found.neutral:
        out.print(Text(f"{name} loads for everyone: {rule.place.rule} neutral ({rule.why})"))
    for line in _stops(outcomes):
        out.print(Text(line, style=STYLES.get("hold", "")))
    if found.by_script and [o.words for _, o in found.by_script] == [o.words for _, o in outcomes]:
        out.print(Text("The same where a script writes it (document.cookie)."))
    elif found.by_script:
        out.print(Text("written by a script (document.cookie)", style="bold"))
        out.print(_single(policy, found, found.by_script))
    for script, reading in found.scripts:
        begins = " ".join(script.split())[:SCRIPT_SHOWN]
        line = as_words(text_lines(found.text, script))
        out.print(Text(f"inline script {begins!r}{line}: {reading.kind.value} ({reading.why})"))
    for name, reached in found.reached.items():
        words = ", ".join(f"{visitor} {outcome.words}" for visitor, outcome in reached)
        out.print(Text(f"  its calls would reach {name}: {words}"))
    for name, written in found.written.items():
        words = ", ".join(f"{visitor} {outcome.words}" for visitor, outcome in written)
        out.print(Text(f"  inline scripts would write {name}: {words}"))


def _written(policy: Policy, bench: RuleTester, example: Example) -> list[tuple[str, TestOutcome]]:
    """Return what the guard does with a cookie where a script writes it; nothing where none can."""
    if example.kind != "cookie" or "httponly" in example.subject.partition(";")[2].lower():
        return []
    by_script = replace(example, kind="script_cookie")
    return [(visitor, bench.outcome(by_script, visitor)) for visitor in visitors(policy)]


def _stops(outcomes: list[tuple[str, TestOutcome]]) -> list[str]:
    """Return a line for each address that the filter keeps and the fence stops, with its visitors."""
    by_stop: dict[str, list[str]] = {}
    for visitor, outcome in outcomes:
        for stop in outcome.stops:
            by_stop.setdefault(str(stop), []).append(visitor)
    return [f"{', '.join(visitors)}: {stop}" for stop, visitors in by_stop.items()]


def visitors(policy: Policy) -> list[str]:
    """Return the states of consent: nothing, each purpose alone, everything."""
    switches = [p.id for p in policy.purposes if p.id != NECESSARY and policy.needs_consent(p.id)]
    return ["refused", *switches, "accepted"]


def _own(policy: Policy, host: str | None) -> OwnHosts | None:
    return own_hosts(policy, f"https://{host}/") if host else None


def _many(outcomes: list[tuple[str, TestOutcome]]) -> bool:
    return any(len(outcome.verdicts) > 1 for _, outcome in outcomes)


def _verdict_of(outcome: TestOutcome) -> Verdict | None:
    return outcome.verdicts[0] if outcome.verdicts else None


def _single(policy: Policy, found: _Explained, outcomes: list[tuple[str, TestOutcome]]) -> Table:
    """Return one row a visitor; a kept tag names the rule that would have held it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("visitor", "what happens", "rule", "provider", "still needs"):
        table.add_column(heading, no_wrap=heading == "rule")
    spoken = next((v for _, o in outcomes if (v := _verdict_of(o)) and v.because), None)
    for visitor, outcome in outcomes:
        verdict = _verdict_of(outcome)
        speaks = verdict if verdict and verdict.because else spoken
        rule = _rule(speaks) if speaks and speaks.because else _silence(outcome, found.neutral)
        needs = ", ".join(verdict.needs) if verdict else ""
        table.add_row(visitor, _styled(outcome.words), rule, _provider(policy, speaks), needs)
    return table


def _silence(outcome: TestOutcome, neutral: list[tuple[str, NeutralRule]]) -> str:
    if neutral:
        return f"{neutral[0][1].place.rule} neutral"
    notes = [verdict.note for verdict in outcome.verdicts if verdict.note]
    return notes[0] if notes else "no rule speaks of it"


def _provider(policy: Policy, verdict: Verdict | None) -> str:
    return _name(policy, verdict.provider) if verdict and verdict.provider else ""


def _name(policy: Policy, id_: str) -> str:
    """Return the name of a provider, or of a platform or known tracker of the catalogue."""
    found = policy.provider(id_)
    if found is None:
        found = next((one for one in policy.catalogue.platforms if one.id == id_), None)
    if found is not None:
        return found.name
    return next((one.name for one in policy.catalogue.trackers if one.id == id_), "")


def _page(policy: Policy, found: _Explained) -> Table:
    """Return one row a rule that touches the page, one column a visitor, and the lines of the page."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    outcomes = found.outcomes
    for heading in ("rule", "provider", *(visitor for visitor, _ in outcomes), "of the page"):
        table.add_column(heading)
    for key in sorted({_key(v) for _, o in outcomes for v in o.verdicts}):
        rule, provider = key
        cells = [_counted(v for v in outcome.verdicts if _key(v) == key) for _, outcome in outcomes]
        tags = {(v.element, v.host) for _, o in outcomes for v in o.verdicts if _key(v) == key}
        table.add_row(rule, _name(policy, provider), *cells, as_words(tag_lines(found.text, tags)).strip())
    return table


def _key(verdict: Verdict) -> tuple[str, str]:
    return _rule(verdict), verdict.provider or ""


def _rule(verdict: Verdict) -> str:
    """Return the place that decided; of what no provider declares also what it is."""
    if verdict.because is None:
        return f"{verdict.note or 'undeclared'} (by default)" if verdict.provider is None else ""
    return verdict.because.rule if verdict.provider else f"{verdict.because.rule} {verdict.note}".rstrip()


def _counted(verdicts: Iterable[Verdict]) -> Text:
    words = [verdict.does.value for verdict in verdicts]
    if not words:
        return _styled("keep")
    return _styled(words[0] if len(words) == 1 else f"{words[0]} x{len(words)}")


def _styled(words: str) -> Text:
    kind = "cap" if words.startswith("cap") else words.partition(" x")[0].partition(" and ")[0]
    return Text(words, style=STYLES.get(kind, ""))


def _json(outcome: TestOutcome) -> dict[str, Any]:
    return {
        "does": outcome.words,
        "fence": [str(stop) for stop in outcome.stops],
        "verdicts": [
            {
                "does": v.does.value,
                "rule": v.because.rule if v.because else None,
                "provider": v.provider,
                "needs": list(v.needs),
                "note": v.note,
            }
            for v in outcome.verdicts
        ],
    }
