"""OneTrust: the groups in `OptanonConsent`, the time of the answer in `OptanonAlertBoxClosed`."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from proxy.consent.tools.tool_answer import (
    MAX_NAMES,
    Cookies,
    Reading,
    Silence,
    is_credible,
    moment_of,
    of_switches,
    text_of,
)

CONSENT, CLOSED = "OptanonConsent", "OptanonAlertBoxClosed"
_GROUP = re.compile(r"([\w-]{1,64}):([01])", re.ASCII)
_ALWAYS = "C0001"
_FIELDS = 64


def read_onetrust(cookies: Cookies, now: int) -> Reading:
    """Return the answer in `groups=C0001:1,C0002:0`.

    The groups are written on the first page already, with defaults: without the other cookie nobody has
    answered. `datestamp` is the time of the last page, not of the answer.
    """
    consent, closed = cookies.get(CONSENT), cookies.get(CLOSED)
    if not consent or closed is None:
        return Silence.OPEN
    try:
        pairs = parse_qsl(consent, keep_blank_values=True, max_num_fields=_FIELDS, errors="strict")
    except ValueError:
        return Silence.UNREADABLE
    fields = dict(pairs)
    groups = [_GROUP.fullmatch(piece) for piece in fields.get("groups", "").split(",", MAX_NAMES)]
    table = {one[1]: one[2] == "1" for one in groups if one is not None}
    at = moment_of(text_of(closed))
    doubled = len(fields) != len(pairs) or len(table) != len(groups)
    if doubled or at is None or not is_credible(at, now):
        return Silence.UNREADABLE
    if fields.get("AwaitingReconsent") == "true":  # it asks again
        return Silence.OPEN
    table.pop(_ALWAYS, None)
    return of_switches(table, at)
