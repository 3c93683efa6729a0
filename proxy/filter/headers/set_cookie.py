"""One Set-Cookie line as browsers read it: RFC 6265bis section 5.6, with its dates.

Own parser: those at hand follow the grammar for servers, while a browser stores what
that grammar forbids, and every difference is a way past the filter (threats T19-T23).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_PAIR = 4096  # RFC 6265bis 5.6 step 6: name and value together
MAX_ATTRIBUTE = 1024  # RFC 6265bis 5.6, "if the attribute-value is longer": ignored

CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")  # RFC 6265bis 5.6 step 1; a tab may stand
WSP = b" \t"


@dataclass(frozen=True, slots=True)
class SetCookie:
    """What a browser makes of a line. Bytes are latin-1 code points; None is "not given".

    `max_age` and `expires` (seconds since 1970) are those that count: the last valid
    one of each. `domain` is lower-case without its leading dot.
    """

    name: str
    value: str
    domain: str | None = None
    path: str | None = None
    max_age: int | None = None
    expires: int | None = None
    secure: bool = False
    httponly: bool = False
    samesite: str | None = None
    partitioned: bool = False

    def lifetime(self, now: int) -> int | None:
        """Return how many seconds it lives from now (0 or less: a deletion), None for a session."""
        if self.max_age is not None:  # RFC 6265bis 5.7 step 7: Max-Age outranks Expires
            return self.max_age
        return None if self.expires is None else self.expires - now

    @property
    def sent_as(self) -> str:
        """The name under which servers will find it in Cookie.

        A nameless cookie travels as its bare value: `=_ga=1` is `_ga=1` there (T19).
        """
        return self.name or self.value.partition("=")[0].strip(" \t")


def parse_set_cookie(line: bytes) -> SetCookie | None:
    """Return what a browser stores for this line, None where it ignores the line.

    What depends on where the line came from (Domain that does not match, prefixes,
    Secure over http) is not judged here.
    """
    if CONTROL.search(line):
        return None
    pair, _, rest = line.partition(b";")
    name, value = _pair(pair)
    if not (name or value) or len(name) + len(value) > MAX_PAIR:
        return None
    found = _attributes(rest) if rest else {}
    domain, path, same = found.get("domain"), found.get("path"), found.get("samesite")
    return SetCookie(
        name=name.decode("latin-1"),
        value=value.decode("latin-1"),
        domain=domain.removeprefix(".").lower() or None if domain else None,
        path=path if path and path.startswith("/") else None,
        max_age=_max_age(found.get("max-age")),
        expires=_expires(found.get("expires")),
        secure="secure" in found,
        httponly="httponly" in found,
        samesite=SAME_SITE.get(same.lower()) if same else None,
        partitioned="partitioned" in found,
    )


SAME_SITE = {"strict": "Strict", "lax": "Lax", "none": "None"}


def _pair(pair: bytes) -> tuple[bytes, bytes]:
    """Return name and value; a pair without `=` is a nameless cookie (RFC 6265bis 5.6 step 4)."""
    name, equals, value = pair.partition(b"=")
    if not equals:
        return b"", name.strip(WSP)
    return name.strip(WSP), value.strip(WSP)


def attribute(segment: bytes) -> tuple[bytes, bytes]:
    """Return name (lower-case) and value of one attribute between semicolons."""
    name, _, value = segment.partition(b"=")
    return name.strip(WSP).lower(), value.strip(WSP)


def _attributes(rest: bytes) -> dict[str, str]:
    """Return the attributes by lower-case name: of several valid ones the last counts."""
    found: dict[str, str] = {}
    for segment in rest.split(b";"):
        name, value = attribute(segment)
        if len(value) > MAX_ATTRIBUTE or (name in TIMES and not TIMES[name](value)):
            continue
        found[name.decode("latin-1")] = value.decode("latin-1")
    return found


def is_max_age(value: bytes) -> bool:
    """True for what browsers take as a number of seconds (RFC 6265bis 5.6.2)."""
    return re.fullmatch(rb"-?[0-9]+", value) is not None


def is_date(value: bytes) -> bool:
    """True for what browsers take as a date."""
    return parse_date(value.decode("latin-1")) is not None


TIMES = {b"max-age": is_max_age, b"expires": is_date}


def _max_age(value: str | None) -> int | None:
    return None if value is None else int(value)


def _expires(value: str | None) -> int | None:
    return None if value is None else parse_date(value)


# --- dates: RFC 6265bis 5.1.1 -----------------------------------------------------------

TOKEN = re.compile(r"[^\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\D|$)", re.ASCII)
DAY_OF_MONTH = re.compile(r"(\d{1,2})(?:\D|$)", re.ASCII)
MONTH = re.compile(r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)", re.IGNORECASE)
YEAR = re.compile(r"(\d{2,4})(?:\D|$)", re.ASCII)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed")  # 1 January 1970 was a Thursday


def parse_date(text: str) -> int | None:
    """Return the seconds since 1970 of a cookie date, None where it is not one."""
    clock = day = month = year = None
    for token in TOKEN.findall(text):
        if clock is None and (found := TIME.match(token)):
            clock = tuple(map(int, found.groups()))
        elif day is None and (found := DAY_OF_MONTH.match(token)):
            day = int(found[1])
        elif month is None and (found := MONTH.match(token)):
            month = MONTHS.index(found[1].lower()) + 1
        elif year is None and (found := YEAR.match(token)):
            year = _full_year(int(found[1]))
    if clock is None or day is None or month is None or year is None:
        return None
    hour, minute, second = clock
    if not (1 <= day <= _days_in(year, month) and hour < 24 and minute < 60 and second < 60 and year > 1600):
        return None
    return (days_since_1970(year, month, day) * 24 + hour) * 3600 + minute * 60 + second


def format_date(moment: int) -> str:
    """Return a moment as HTTP writes dates: `Mon, 23 Nov 2026 10:00:00 GMT`."""
    days, seconds = divmod(moment, 86_400)
    year, month, day = _civil(days)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{WEEKDAYS[days % 7]}, {day:02} {MONTHS[month - 1].title()} {year:04} {clock} GMT"


def cap(line: bytes, limit: int | None, now: int) -> bytes:
    """Return the line with that life (None: a session); only Max-Age and Expires are touched."""
    pair, *attributes = line.split(b";")
    kept = [pair]
    if limit is None:
        kept += [a for a in attributes if attribute(a)[0] not in LIFETIMES]
        return b";".join(kept)
    texts = {b"max-age": b"%d" % limit, b"expires": format_date(now + limit).encode("ascii")}
    missing = dict(texts)
    for segment in attributes:
        name = attribute(segment)[0]
        if name in texts:
            kept.append(segment.partition(b"=")[0].rstrip() + b"=" + texts[name])
            missing.pop(name, None)
        else:
            kept.append(segment)
    kept += [LIFETIMES[name] + b"=" + text for name, text in missing.items()]
    return b";".join(kept)


LIFETIMES = {b"max-age": b" Max-Age", b"expires": b" Expires"}


def _full_year(year: int) -> int:
    if year < 70:
        return year + 2000
    return year + 1900 if year < 100 else year


def _days_in(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def days_since_1970(year: int, month: int, day: int) -> int:
    """Return the number of days from 1 January 1970 to that date of our calendar.

    Years are counted from March, so that the leap day is the last of its year, in cycles
    of 400 years (146,097 days).
    """
    year -= month < 3
    cycle, of_cycle = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return cycle * 146_097 + of_cycle * 365 + of_cycle // 4 - of_cycle // 100 + of_year - 719_468


def _civil(days: int) -> tuple[int, int, int]:
    """Return year, month and day of a number of days since 1 January 1970."""
    cycle, of_cycle = divmod(days + 719_468, 146_097)
    year = (of_cycle - of_cycle // 1_460 + of_cycle // 36_524 - of_cycle // 146_096) // 365
    of_year = of_cycle - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return cycle * 400 + year + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1
