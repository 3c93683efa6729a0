"""Fast path for raw text: complete in this chunk and unchanged, so no state is entered.

Returns 0 or False for everything else; the careful path (element_stream.py) decides the
same.
"""

from __future__ import annotations

import re

from proxy.filter.rules.judged_tag import ContentModel, JudgedTag
from proxy.filter.size_limits import MAX_INLINE_SCRIPT
from proxy.filter.tags.document_context import DocumentContext
from proxy.filter.tags.start_tag import judge_inline_script
from proxy.filter.verdict import Verdict

_SCRIPT_END = re.compile(rb"</[sS][cC][rR][iI][pP][tT](?=[ \t\n\f\r/>])")
_STYLE_END = re.compile(rb"</[sS][tT][yY][lL][eE](?=[ \t\n\f\r/>])")


_NOTHING, _SCRIPT, _INLINE, _STYLE, _RAW = (
    ContentModel.NOTHING,
    ContentModel.SCRIPT,
    ContentModel.INLINE,
    ContentModel.STYLE,
    ContentModel.RAW_TEXT,
)  # a global is ten times faster than the look-up of an enum member


def is_rewrite(judged: JudgedTag, raw: bytes, data: bytes, at: int) -> bool:
    """True when only the tag itself is rewritten: no text behind it has to be read."""
    content_model = judged.content_model
    if judged.removes:
        return False
    if content_model is _NOTHING:
        return judged.only_rewritten
    if content_model is _SCRIPT:
        return data.startswith(b"</script>", at)
    return content_model is _RAW and _is_empty_frame(raw, data, at)


def _is_empty_frame(raw: bytes, data: bytes, at: int) -> bool:
    return data.startswith(b"</iframe>", at) and raw[:7].lower() == b"<iframe"  # and not the text of a title


def skipped_to(context: DocumentContext, judged: JudgedTag, raw: bytes, data: bytes, at: int) -> int:
    """Return where the text of an element ends that passes unchanged, or 0."""
    if judged.out is not None or judged.inner:
        return 0
    content_model = judged.content_model
    if content_model is _SCRIPT:
        return at if data.startswith(b"</script>", at) else max(0, script_end(data, at))
    if content_model is _INLINE:
        end = script_end(data, at)
        if end < 0 or end - at > MAX_INLINE_SCRIPT:
            return 0
        return end if judge_inline_script(context, raw, judged.values, data[at:end]) is None else 0
    if content_model is _STYLE:
        return _filtered(context, data, at)
    return at if content_model is _RAW and _is_empty_frame(raw, data, at) else 0


def script_end(data: bytes, at: int) -> int:
    """Return where a script ends that has no `<!--` in it, or -1."""
    match = _SCRIPT_END.search(data, at)
    if match is None or data.find(b"<!--", at, match.start()) >= 0:
        return -1
    return match.start()


def _filtered(context: DocumentContext, data: bytes, at: int) -> int:
    match = _STYLE_END.search(data, at)
    if match is None or match.start() - at > MAX_INLINE_SCRIPT or context.base:
        return 0
    text = data[at : match.start()]
    passes = context.judge.styles.get(text)
    if passes is None:
        refused: list[Verdict] = []
        context.without_refused(text.decode("latin-1"), refused)
        passes = not refused
        context.judge.styles.store_repeated(text, passes)
    return match.start() if passes else 0
