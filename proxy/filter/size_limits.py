"""How many bytes the filter holds of one thing before it decides without the rest.

Every size cap of the HTML filter stands here; what happens to a longer one is said where it is read.
"""

from typing import Final

KIB: Final = 1024

MAX_TAG: Final = 64 * KIB
"""A start tag; longer ones are read attribute by attribute."""

MAX_CODE_TAG: Final = 256 * KIB
"""A start tag that carries code: a script (data: addresses) or an iframe (srcdoc)."""

MAX_INLINE_SCRIPT: Final = 256 * KIB
"""The text of an inline script or style, held so that it is judged before its start tag leaves."""

MAX_TEXT_FOR_PLACEHOLDER: Final = 8000
"""The beginning of an inline script in which a placeholder looks for what it can show."""

MAX_TAIL: Final = 64 * KIB
"""What follows a `</body>` and waits for another one."""

MAX_DOCUMENT_DEPTH: Final = 8
"""How deep documents stand in attributes of one another (srcdoc, data:); a deeper one is held unread."""
