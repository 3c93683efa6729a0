"""How many bytes the filter holds of one thing before it decides without the rest.

Every size cap of the HTML filter stands here; what happens to a longer one is said where it is read.
"""

KIB = 1024

MAX_TAG = 64 * KIB
"""A start tag; longer ones are read attribute by attribute."""

MAX_CODE_TAG = 256 * KIB
"""A start tag that carries code: a script (data: addresses) or an iframe (srcdoc)."""

MAX_INLINE_SCRIPT = 256 * KIB
"""The text of an inline script or style, held so that it is judged before its start tag leaves."""

MAX_TEXT_FOR_PLACEHOLDER = 8000
"""The beginning of an inline script in which a placeholder looks for what it can show."""

MAX_TAIL = 64 * KIB
"""What follows a `</body>` and waits for another one."""

MAX_DOCUMENT_DEPTH = 8
"""How deep documents stand in attributes of one another (srcdoc, data:); a deeper one is held unread."""
