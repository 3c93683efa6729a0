"""Where a word stands in a file, what is wrong there, and the YAML reader that knows.

Everything is read as text: `on`, `no`, `1.10` and dates mean themselves. Aliases, anchors,
tags, duplicate keys and keys that are no text are refused (threats T42).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml

from proxy.policy import yaml_hints
from proxy.problems import Place, Problem

MAX_BYTES = 1_000_000
"""A rules file for a large site has some 50 kB; past a megabyte it is an accident or an attack."""

MAX_DEPTH = 20
"""rules.yaml needs 6 levels."""


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar, as written."""

    place: Place
    value: str

    def plain(self) -> object:
        """Return it without places."""
        return self.value


@dataclass(frozen=True, slots=True)
class Listing:
    """A sequence."""

    place: Place
    items: tuple[Node, ...]

    def plain(self) -> object:
        """Return it without places."""
        return [item.plain() for item in self.items]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping in the order of the file; every key is text and occurs once."""

    place: Place
    entries: tuple[tuple[Text, Node], ...]

    def plain(self) -> object:
        """Return it without places."""
        return {key.value: node.plain() for key, node in self.entries}

    def key(self, name: object) -> Text | None:
        """Return the key as written, or None."""
        return next((key for key, _ in self.entries if key.value == name), None)

    def value(self, name: object) -> Node | None:
        """Return what stands under that key, or None."""
        return next((node for key, node in self.entries if key.value == name), None)


Node = Text | Listing | Mapping

Step = str | int


def locate(node: Node, steps: Sequence[Step]) -> tuple[Node, tuple[Step, ...]]:
    """Return the deepest node on that path, and the steps that led there."""
    taken: list[Step] = []
    for step in steps:
        below: Node | None = None
        if isinstance(node, Mapping):
            below = node.value(step)
        elif isinstance(node, Listing) and isinstance(step, int) and step < len(node.items):
            below = node.items[step]
        if below is None:
            break
        node = below
        taken.append(step)
    return node, tuple(taken)


def spell(steps: Sequence[Step]) -> str:
    """Return the path as authors read it: `providers.hubspot.cookies[2].purpose`."""
    words = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return words.removeprefix(".")


class YamlFault(Exception):
    """Reading cannot go on past this problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def read(text: str, file: str) -> tuple[Node | None, list[Problem]]:
    """Return the file as nodes with places, and everything that YAML itself forbids.

    The node is None where the problems leave nothing to go on with.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return None, [Problem(Place(file, 1), "is larger than 1 MB; such a file is not read")]
    composer = _Composer(text, file)
    try:
        node = composer.document()
    except YamlFault as fault:
        return None, [*composer.problems, fault.problem]
    return node, composer.problems


class _Composer:
    """Builds nodes from PyYAML's events: no implicit type is ever looked up."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._events = self._guarded()
        self._last: yaml.Event | None = None
        self.problems: list[Problem] = []

    def document(self) -> Node | None:
        """Return the only document of the file."""
        node: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if node is not None:
                    text = "a second document begins here ('---'); a file holds one"
                    raise YamlFault(Problem(self._place(event), text))
            elif isinstance(event, yaml.NodeEvent):
                node = self._node(event, 1)
        if node is None:
            raise YamlFault(Problem(Place(self._file, 1), "the file is empty"))
        return node

    def _guarded(self) -> Iterator[yaml.Event]:
        """Pass the events on; syntax errors become problems with a way out."""
        try:
            for event in yaml.parse(self._text, Loader=yaml.SafeLoader):
                self._last = event
                yield event
        except yaml.MarkedYAMLError as error:
            raise YamlFault(self._syntax(error)) from None
        except yaml.reader.ReaderError as error:
            before = self._text[: error.position]
            line = before.count("\n") + 1
            column = len(before) - (before.rfind("\n") + 1) + 1
            text = f"the character U+{ord(self._text[error.position]):04X} may not stand in YAML"
            raise YamlFault(Problem(Place(self._file, line, column), text)) from None

    def _place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        assert mark is not None  # PyYAML's own parser always says where
        return Place(self._file, mark.line + 1, mark.column + 1)

    def _node(self, event: yaml.Event, depth: int) -> Node:
        place = self._place(event)
        if depth > MAX_DEPTH:
            raise YamlFault(Problem(place, f"is nested deeper than {MAX_DEPTH} levels"))
        if isinstance(event, yaml.AliasEvent):
            self._note(place, yaml_hints.alias(event.anchor or ""))
            return Text(place, f"*{event.anchor}")
        anchor: str | None = getattr(event, "anchor", None)
        tag: str | None = getattr(event, "tag", None)
        if anchor is not None:
            self._note(place, yaml_hints.anchor(anchor))
        if tag is not None:
            self._note(place, yaml_hints.tag(tag))
        if isinstance(event, yaml.ScalarEvent):
            return Text(place, event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._listing(place, depth)
        return self._mapping(place, depth)

    def _listing(self, place: Place, depth: int) -> Listing:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return Listing(place, tuple(items))

    def _mapping(self, place: Place, depth: int) -> Mapping:
        entries: dict[str, tuple[Text, Node]] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            node = self._node(next(self._events), depth + 1)
            if not isinstance(key, Text) or not key.value:
                self._note(key.place, "this key is no text; a key is a word followed by ':'")
            elif key.value in entries:
                first = entries[key.value][0].place
                self._note(
                    key.place,
                    f"the key '{key.value}' is here twice: first in line {first.line}; keep one of them",
                )
            else:
                entries[key.value] = (key, node)
        return Mapping(place, tuple(entries.values()))

    def _note(self, place: Place, text: str) -> None:
        self.problems.append(Problem(place, text))

    def _syntax(self, error: yaml.MarkedYAMLError) -> Problem:
        context, problem = error.context or "", error.problem or ""
        mark = error.problem_mark or error.context_mark
        if error.context_mark is not None and context in yaml_hints.BEGUN_EARLIER:
            mark = error.context_mark
        line, column = (mark.line, mark.column) if mark is not None else (0, 0)
        lines = self._text.splitlines()
        if problem == yaml_hints.NO_KEY_HERE and (deeper := yaml_hints.deeper(lines, line)):
            return Problem(Place(self._file, line + 1, deeper[0]), deeper[1])
        if problem == yaml_hints.NO_KEY_HERE and (bare := yaml_hints.without_colon(lines, line)):
            return Problem(Place(self._file, bare[0], bare[1]), bare[2])
        if problem == yaml_hints.NO_KEY_HERE and (bare := yaml_hints.without_dash(lines, line)):
            return Problem(Place(self._file, bare[0], bare[1]), bare[2])
        rest = lines[line][column:] if line < len(lines) else ""
        quoted = self._quoted_up_to(line, column)
        if quoted is not None and rest[:1] not in ",:]}" and not rest[0].isspace():
            text = yaml_hints.quotes_too_far(quoted.style or "", rest, line + 1)
            return Problem(self._place(quoted), text)
        return Problem(Place(self._file, line + 1, column + 1), yaml_hints.syntax(context, problem, rest))

    def _quoted_up_to(self, line: int, column: int) -> yaml.ScalarEvent | None:
        """Return the text in quotes that was read last, if it ends here."""
        last = self._last
        if not isinstance(last, yaml.ScalarEvent) or last.style not in ("'", '"') or last.end_mark is None:
            return None
        return last if (last.end_mark.line, last.end_mark.column) == (line, column) else None
