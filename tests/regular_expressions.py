"""Which repeats of a regular expression can be matched in more than one way: found by structure, not by trying.

Backtracking is exponential where a repeat stands in a repeat and what either takes overlaps, polynomial where
two repeats behind one another do. What gives nothing back (`*+`, `(?>...)`) is looked at by itself.
"""

import re
from re import _constants as op
from re import _parser

LEAST = 300
"""Repeats up to so often are bounded: what they cost does not grow with the input."""

_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT)
_CLASSES = {
    op.CATEGORY_DIGIT: r"\d", op.CATEGORY_NOT_DIGIT: r"\D", op.CATEGORY_SPACE: r"\s",
    op.CATEGORY_NOT_SPACE: r"\S", op.CATEGORY_WORD: r"\w", op.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip
ALL = frozenset(range(256))

Chars = frozenset[int]


def faults(pattern: re.Pattern) -> list[str]:
    """Return what of this pattern could be matched in more than one way."""
    flags = pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags
    return list(dict.fromkeys(_Walk(flags).sequence(_parser.parse(pattern.pattern, flags & ~re.DEBUG))))


def retries(pattern: re.Pattern) -> bool:
    """True where a search tries a repeat again from each place inside it: it begins the pattern, and more has to follow."""
    flags = pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags
    return _Walk(flags).begins_again(list(_parser.parse(pattern.pattern, flags & ~re.DEBUG)))


class _Walk:
    def __init__(self, flags: int) -> None:
        self.ignores_case = bool(flags & re.IGNORECASE)
        self.any_line = bool(flags & re.DOTALL)

    # -- what a part takes ---------------------------------------------------------------------------------

    def first(self, items) -> tuple[Chars, bool]:
        """Return with which characters a sequence may begin, and whether it may be empty."""
        found: Chars = frozenset()
        for item in items:
            chars, empty = self.first_of(item)
            found |= chars
            if not empty:
                return found, False
        return found, True

    def first_of(self, item) -> tuple[Chars, bool]:
        kind, value = item
        if kind in (op.ASSERT, op.ASSERT_NOT, op.AT, op.FAILURE):
            return frozenset(), True
        if kind in (*_REPEATS, op.POSSESSIVE_REPEAT):
            chars, empty = self.first(value[2])
            return chars, empty or value[0] == 0
        if kind is op.BRANCH:
            each = [self.first(branch) for branch in value[1]]
            return frozenset().union(*(chars for chars, _ in each)), any(empty for _, empty in each)
        if kind is op.SUBPATTERN:
            return self.first(value[3])
        if kind is op.ATOMIC_GROUP:
            return self.first(value)
        if kind is op.GROUPREF:
            return ALL, True
        return self.one(item), False

    def alphabet(self, items) -> Chars:
        """Return every character that a sequence may take."""
        return frozenset().union(*(self.alphabet_of(item) for item in items))

    def alphabet_of(self, item) -> Chars:
        kind, value = item
        if kind in (op.ASSERT, op.ASSERT_NOT, op.AT, op.FAILURE):
            return frozenset()
        if kind in (*_REPEATS, op.POSSESSIVE_REPEAT):
            return self.alphabet(value[2])
        if kind is op.BRANCH:
            return frozenset().union(*(self.alphabet(branch) for branch in value[1]))
        if kind is op.SUBPATTERN:
            return self.alphabet(value[3])
        if kind is op.ATOMIC_GROUP:
            return self.alphabet(value)
        return ALL if kind is op.GROUPREF else self.one(item)

    def one(self, item) -> Chars:
        kind, value = item
        if kind is op.LITERAL:
            return self.cased({value})
        if kind is op.NOT_LITERAL:
            return ALL - self.cased({value})
        if kind is op.ANY:
            return ALL if self.any_line else ALL - {10}
        assert kind is op.IN, kind
        negated = value[0][0] is op.NEGATE
        chars: set[int] = set()
        for part, of in value:
            if part is op.LITERAL:
                chars.add(of)
            elif part is op.RANGE:
                chars |= set(range(of[0], min(of[1], 255) + 1))
            elif part is op.CATEGORY:
                chars |= {code for code in ALL if re.match(_CLASSES[of], chr(code))}
        found = self.cased(chars)
        return ALL - found if negated else found

    def cased(self, codes) -> Chars:
        codes = {min(code, 255) for code in codes}
        if self.ignores_case:
            codes |= {
                ord(other)
                for code in codes
                for other in (chr(code).lower(), chr(code).upper())
                if len(other) == 1 and ord(other) < 256
            }
        return frozenset(codes)

    def begins_again(self, items) -> bool:
        for at, (kind, value) in enumerate(items):
            rest = items[at + 1 :]
            if kind is op.BRANCH:
                return any(self.begins_again([*branch, *rest]) for branch in value[1])
            if kind in (op.SUBPATTERN, op.ATOMIC_GROUP):
                return self.begins_again([*(value[3] if kind is op.SUBPATTERN else value), *rest])
            if kind not in (*_REPEATS, op.POSSESSIVE_REPEAT):
                return False  # an assertion, or something that has to be there first
            if value[1] is op.MAXREPEAT and any(
                part[0] in (op.AT, op.ASSERT, op.ASSERT_NOT) or not self.first_of(part)[1] for part in rest
            ):
                return True
            if value[0] > 0:
                return False
        return False

    # -- what is wrong -------------------------------------------------------------------------------------

    def sequence(self, items):
        items = list(items)
        for at, item in enumerate(items):
            yield from self.inside(item)
            if self.grows(item):
                yield from self.behind(item, items[at + 1 :])

    def inside(self, item):
        kind, value = item
        if kind in (*_REPEATS, op.POSSESSIVE_REPEAT):
            yield from self.sequence(value[2])
            if self.grows(item):
                yield from self.repeated(list(value[2]))
        elif kind is op.BRANCH:
            for branch in value[1]:
                yield from self.sequence(branch)
        elif kind is op.SUBPATTERN:
            yield from self.sequence(value[3])
        elif kind is op.ATOMIC_GROUP:
            yield from self.sequence(value)
        elif kind in (op.ASSERT, op.ASSERT_NOT):
            yield from self.sequence(value[1])

    def grows(self, item) -> bool:
        """True for a repeat without bound that gives back."""
        return (item[0] in _REPEATS and item[1][1] is op.MAXREPEAT) or (
            item[0] in _REPEATS and item[1][1] > LEAST
        )

    def behind(self, item, rest):
        """Yield a fault where another repeat behind this one may take what this one took."""
        took = self.alphabet(item[1][2])
        for other in rest:
            chars, empty = self.first_of(other)
            many = [part for part in self.repeats(other) if self.alphabet_of(part) & took]
            if many and chars & took:
                yield f"repeats {self.show(took)} behind one another"
                return
            if not empty and not chars & took:
                return

    def repeats(self, item):
        """Yield the repeats without bound in an item, those that give nothing back too."""
        kind, value = item
        if kind in (*_REPEATS, op.POSSESSIVE_REPEAT):
            if value[1] is op.MAXREPEAT or value[1] > LEAST:
                yield item
            for part in value[2]:
                yield from self.repeats(part)
        elif kind is op.BRANCH:
            for branch in value[1]:
                for part in branch:
                    yield from self.repeats(part)
        elif kind in (op.SUBPATTERN, op.ATOMIC_GROUP):
            for part in value[3] if kind is op.SUBPATTERN else value:
                yield from self.repeats(part)

    def repeated(self, body):
        """Yield a fault where rounds of a repeat can be told apart in more than one way."""
        start, _ = self.first(body)
        while len(body) == 1 and body[0][0] is op.SUBPATTERN:
            body = list(body[0][1][3])
        branches = (
            [list(branch) for branch in body[0][1][1]]
            if len(body) == 1 and body[0][0] is op.BRANCH
            else [body]
        )
        begins = [self.first(branch)[0] for branch in branches]
        for at, one in enumerate(begins):
            if any(one & other for other in begins[at + 1 :]):
                yield f"branches that begin alike ({self.show(one)}) in a repeat"
        for branch in branches:
            for at, item in enumerate(branch):
                if not self.grows(item):
                    continue
                follows, empty = self.first(branch[at + 1 :])
                if empty:
                    follows |= start
                if follows & self.alphabet(item[1][2]):
                    yield f"a repeat of {self.show(self.alphabet(item[1][2]))} at the end of a repeat"

    def show(self, chars: Chars) -> str:
        shown = "".join(chr(code) for code in sorted(chars) if 32 < code < 127)
        return f"[{shown[:12]}]" if len(chars) < 200 else "nearly all"
