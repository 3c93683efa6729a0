"""What `explain` was given: an address, a tag, a header line, a page, by what it looks like."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from proxy.commands.terminal import fail

HEADER = re.compile(r"([A-Za-z0-9-]+):\s++(.*)", re.DOTALL)
PAGE_ENDINGS = (".html", ".htm", ".xhtml", ".har")
"""Of files: no host ends so, and a path of the site is as well explained by its address."""


def what(subject: str) -> tuple[str, str]:
    """Return the kind of a subject and its text, by what it looks like."""
    if subject == "-":
        return "html", sys.stdin.buffer.read().decode("utf-8", "replace")
    if subject.lstrip().startswith("<"):
        return "html", subject
    if header := HEADER.match(subject):
        name, value = header.groups()
        kind = {"set-cookie": "cookie", "storage": "storage"}.get(name.lower())
        return (kind, value.strip()) if kind else ("header", subject)
    if "://" in subject.partition("=")[0] or subject.startswith("//"):
        return "url", subject
    if len(subject) < 4096 and Path(subject).is_file():
        return "html", Path(subject).read_bytes().decode("utf-8", "replace")
    if subject.lower().endswith(PAGE_ENDINGS):
        return fail(f"there is no file {subject}", 2)
    if subject.startswith("/"):
        return "request", subject
    if "=" in subject:
        return "cookie", subject
    if "." in subject and " " not in subject:
        return "url", f"https://{subject}"
    return fail(
        f"cannot tell what {subject!r} is: give an address, a tag, a Set-Cookie line, a path or a file", 2
    )
