"""The usual cases of raw text, without a change of state: complete, and nothing to do.

Whatever is not usual answers 0 and goes the slow way, which decides the same.
"""

from __future__ import annotations

import re

from proxy.filter.rules.judged_tag import Follow, JudgedTag
from proxy.filter.size_limits import MAX_INLINE_SCRIPT
from proxy.filter.tags.document_context import Reader
from proxy.filter.tags.start_tag import judged_inline
from proxy.filter.verdict import Verdict

_SCRIPT_END = re.compile(rb"</[sS][cC][rR][iI][pP][tT](?=[ \t\n\f\r/>])")
_STYLE_END = re.compile(rb"</[sS][tT][yY][lL][eE](?=[ \t\n\f\r/>])")


_NOTHING, _SCRIPT, _INLINE, _STYLE, _RAW = (
    Follow.NOTHING,
    Follow.SCRIPT,
    Follow.INLINE,
    Follow.STYLE,
    Follow.RAW_TEXT,
)  # to look up a member of an enum takes ten times as long


def ends(judged: JudgedTag, raw: bytes, data: bytes, at: int) -> bool:
    """True when a tag is only to be written otherwise: nothing but its end tag follows, or no text."""
    follow = judged.follow
    if judged.removes:
        return False
    if follow is _NOTHING:
        return judged.swaps
    if follow is _SCRIPT:
        return data.startswith(b"</script>", at)
    return follow is _RAW and _is_empty_frame(raw, data, at)


def _is_empty_frame(raw: bytes, data: bytes, at: int) -> bool:
    return data.startswith(b"</iframe>", at) and raw[:7].lower() == b"<iframe"  # no end of a title


def passed(reader: Reader, judged: JudgedTag, raw: bytes, data: bytes, at: int) -> int:
    """Return where the text of an element ends that passes as it is, or 0."""
    if judged.out is not None or judged.also:
        return 0
    follow = judged.follow
    if follow is _SCRIPT:
        return at if data.startswith(b"</script>", at) else max(0, script_end(data, at))
    if follow is _INLINE:
        end = script_end(data, at)
        if end < 0 or end - at > MAX_INLINE_SCRIPT:
            return 0
        return end if judged_inline(reader, raw, judged.values, data[at:end]) is None else 0
    if follow is _STYLE:
        return _filtered(reader, data, at)
    return at if follow is _RAW and _is_empty_frame(raw, data, at) else 0


def script_end(data: bytes, at: int) -> int:
    """Return where a script ends that has no `<!--` in it, or -1."""
    match = _SCRIPT_END.search(data, at)
    if match is None or data.find(b"<!--", at, match.start()) >= 0:
        return -1
    return match.start()


def _filtered(reader: Reader, data: bytes, at: int) -> int:
    match = _STYLE_END.search(data, at)
    if match is None or match.start() - at > MAX_INLINE_SCRIPT or reader.base:
        return 0
    text = data[at : match.start()]
    passes = reader.judge.styles.get(text)
    if passes is None:
        refused: list[Verdict] = []
        reader.without_refused(text.decode("latin-1"), refused)
        passes = not refused
        reader.judge.styles.keep_known(text, passes)
    return match.start() if passes else 0
