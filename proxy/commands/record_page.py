"""Records as pages: the question as the visitor saw it, and the letter that answers a request for access."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from proxy.banner.markup import Markup, escape, joined
from proxy.banner.pages.page_shell import Shell
from proxy.banner.render import Renderer
from proxy.banner.word_files import load_languages
from proxy.banner.words import DEFAULT, Languages, Words
from proxy.catalogue.shipped import shipped_catalogue
from proxy.config.banner_colours import Look, build_look
from proxy.config.types import Config
from proxy.consent.answer import Answer, Surface
from proxy.consent.decision import Ask, Decision
from proxy.consent.record import ConsentRecord, Content, Receipt, Shown
from proxy.errors import PolicyError
from proxy.policy.durations import parse_duration
from proxy.policy.load import load_policy
from proxy.policy.model import DAY, Duration
from proxy.policy.scope import Pair, Scope
from proxy.process.read_files import for_configured_hosts
from proxy.records import display
from proxy.snapshot.sites import own_hosts

_TABLE = ("category", "names", "domains", "provider", "why", "basis", "lasts")

_SILENT = (Ask.NO, Ask.OFF)


def record_page(
    config: Config, record: ConsentRecord, shown: Shown, previous: ConsentRecord | None, program: str
) -> bytes:
    """Return the record with banner and panel as that visitor saw them, drawn from what was kept.

    PolicyError where this program cannot read the rules of then any more.
    """
    kept = record.content
    assert kept is not None, "an erased record has no page"
    wording = _object(shown.wording)
    words = _words(wording, kept.language)
    renderer = _renderer(config, shown, wording, words, kept.site)
    earlier = previous.content if previous is not None else None
    decision = _decision(renderer, kept, earlier, previous.time // 1000 if previous is not None else 0)
    parts = [_facts(display.record_page(record, shown)), _note(wording, program, kept, previous)]
    if kept.declared_by is None:
        parts += _question(renderer, words, decision, kept.site)
    if shown.policy:
        parts.append(_table(_object(shown.policy), kept.policy_version))
    english = load_languages()[DEFAULT]
    shell = Shell.of(renderer.policy, Look(), config.consent.path)
    title = f"Record {record.id}"
    return shell.page(english, title=title, content=joined(parts), wide=True, host=kept.site)


def _question(renderer: Renderer, words: Words, decision: Decision, host: str) -> list[Markup]:
    """Return banner and panel as they stood before the answer."""
    parts = []
    if decision.ask not in _SILENT:
        parts.append(_frame("The banner", renderer.question(words, decision), 520))
    panel = renderer.panel(words, decision, back="/", host=host)
    return [*parts, _frame("The panel, as it stood before the answer", panel, 900)]


def letter_page(
    config: Config, records: Sequence[ConsentRecord], shown: Shown, now: int, visitor: str
) -> bytes:
    """Return the letter about these records of one visitor, oldest first, in the language of the newest."""
    newest = records[-1].content
    assert newest is not None, "an erased record is in no letter"
    wording = _object(shown.wording)
    words = _words(wording, newest.language, today=True)
    renderer = _renderer(config, shown, wording, words, newest.site)
    receipts = [Receipt(record).to_json() for record in records]
    return renderer.letter(words, receipts, visitor=visitor, keep=_period(config.records.keep), now=now)


def _object(text: str) -> Mapping[str, Any]:
    """Return what a kept text says; nothing where it is not kept."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _words(wording: Mapping[str, Any], code: str, *, today: bool = False) -> Words:
    """Return the words of then; what this program says and that one did not, in today's words.

    `today`: the words of today first, for what is written today.
    """
    now = load_languages().choose(page=code)
    then = {key: text for key, text in wording.items() if isinstance(text, str)}
    of = {**then, **now.of} if today else {**now.of, **then}
    return Words(code, of, wording.get("phrases") or now.phrases, now.plurals)


def _renderer(config: Config, shown: Shown, wording: Mapping[str, Any], words: Words, host: str) -> Renderer:
    policy = for_configured_hosts(load_policy(shown.rules, "rules.yaml", shipped_catalogue()), config)
    look = build_look(**wording["look"]) if "look" in wording else config.banner.look()
    languages = Languages({words.code: words}, default=words.code)
    consent = config.consent
    site = next((one for one in config.sites if host in one.hosts), config.sites[0])
    own = own_hosts(config, site)
    return Renderer(policy, languages, look, own=own, path=consent.path, cookie=consent.cookie)


def _decision(renderer: Renderer, kept: Content, earlier: Content | None, at: int) -> Decision:
    """Return the decision that held before the answer: what the panel showed as the choice of then."""
    ask = kept.asked or (Ask.NO if earlier is not None else Ask.FIRST)
    signal = ask is Ask.SIGNAL
    if earlier is None:
        return Decision(frozenset(), Ask.FIRST if ask in _SILENT else ask, signal=signal)
    asked = Scope(frozenset(Pair(purpose, one) for purpose, names in earlier.scope.items() for one in names))
    answer = Answer(earlier.visitor, at, frozenset(earlier.granted), asked, earlier.policy_version)
    if ask in (Ask.FIRST, Ask.EXPIRED, Ask.SIGNAL):
        return Decision(frozenset(), ask, answer if ask is Ask.EXPIRED else None, signal=signal)
    new = renderer.scope.missing_from(asked)
    return Decision(answer.grants() & renderer.scope.pairs, ask, answer, new)


def _facts(text: str) -> Markup:
    facts = text.partition("\n\nAsked for")[0]
    return Markup(f'<section class="cd"><pre>{escape(facts)}</pre></section>')


def _note(wording: Mapping[str, Any], program: str, kept: Content, previous: ConsentRecord | None) -> Markup:
    """Return what is not exactly as it was, in words."""
    if kept.declared_by is not None:
        told = f"Declared {display.declared(kept)}. There is no banner of ours to draw."
        return Markup(f"<p>{escape(told)}</p>")
    doubts = []
    if wording.get("program") != program:
        then = wording.get("program") or "an unknown version"
        doubts.append(
            f"Recorded by version {then} of the program, drawn by {program}: the layout may differ."
        )
    if "look" not in wording:
        doubts.append("Colours were not kept then; these are today's.")
    if kept.surface is Surface.PLACEHOLDER:
        doubts.append(f"The answer was given on a placeholder of {kept.provider}, not on the banner.")
    if kept.previous and (previous is None or previous.content is None):
        doubts.append("The answer before this one is not kept any more: the panel shows none.")
    if not doubts:
        doubts.append(f"Words, order, colours and layout are those of the record (version {program}).")
    return joined(Markup(f"<p>{escape(doubt)}</p>") for doubt in doubts)


def _frame(title: str, page: bytes, height: int) -> Markup:
    """Return a page in a frame in which nothing runs, nothing is sent, and no style of ours reaches it."""
    source = escape(str(page.decode()))
    style = f"display:block;width:100%;height:{height}px;border:0;background:#fff"
    return Markup(
        f'<section class="cd"><h2>{escape(title)}</h2>'
        f'<iframe sandbox="" title="{escape(title)}" style="{style}" srcdoc="{source}"></iframe></section>'
    )


def _table(policy: Mapping[str, Any], version: str) -> Markup:
    rows = policy.get("cookies", ())
    head = joined(Markup(f'<th scope="col">{name}</th>') for name in _TABLE)
    body = joined(
        Markup(f"<tr>{joined(Markup(f'<td>{escape(_cell(row.get(name)))}</td>') for name in _TABLE)}</tr>")
        for row in rows
    )
    return Markup(
        f'<section class="cd"><details><summary><b>The cookie table, version {escape(version)}</b>'
        f"<span>{len(rows)} rows</span></summary><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></details></section>"
    )


def _cell(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


def _period(seconds: int) -> Duration:
    """Return how long records are kept, in the largest unit that says it exactly."""
    for unit in ("year", "month"):
        for count in range(1, 121):
            found = parse_duration(f"{count} {unit}s")
            if found is not None and found.seconds == seconds:
                return found
    return Duration(f"{max(1, seconds // DAY)} days", seconds)


def no_page(record: str, error: PolicyError) -> str:
    """Return why a record cannot be drawn, in one sentence."""
    first = next(iter(error.problems), None)
    why = f" ({first.text})" if first is not None else ""
    return f"the rules that record {record} was made under cannot be read by this program{why}"
