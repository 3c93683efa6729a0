"""An alert as its receiver reads it: JSON, or a message of Slack or Teams in which names stay text."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Any, Literal

from proxy.seen.alert_store import Alert

Format = Literal["json", "slack", "teams"]

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+.!|<>~-])")
_BROKEN = "\u200b"
"""A space without width behind `@`: nobody is called by a name."""


def payload(alert: Alert, format_: Format) -> bytes:
    """Return the body of the request that tells of an alert."""
    document: dict[str, Any]
    match format_:
        case "json":
            document = {
                "id": alert.id,
                "time": alert.created,
                "event": "alert_raised",
                "site": alert.site,
                "count": alert.facts["count"],
                "names": alert.facts["names"],
            }
        case "slack":
            document = {"text": "\n".join(map(_slack, _lines(alert))), "link_names": 0, "unfurl_links": False}
        case "teams":
            blocks = [{"type": "TextBlock", "wrap": True, "text": _teams(line)} for line in _lines(alert)]
            card = {"type": "AdaptiveCard", "version": "1.4", "body": blocks}
            kind = "application/vnd.microsoft.card.adaptive"
            document = {"type": "message", "attachments": [{"contentType": kind, "content": card}]}
    return json.dumps(document, ensure_ascii=True).encode("ascii")


def signature(secret: bytes, id_: str, moment: int, body: bytes) -> str:
    """Return the HMAC over id, time and body that proves whose alert it is."""
    told = b"%b.%d.%b" % (id_.encode(), moment, body)
    return "sha256=" + hmac.new(secret, told, hashlib.sha256).hexdigest()


def _lines(alert: Alert) -> list[str]:
    names, count = alert.facts["names"], alert.facts["count"]
    lines = [f"{alert.site}: {count} new name{'s' * (count != 1)} that no rule speaks of"]
    for one in names:
        where = f" on {one['path']}" if one.get("path") else ""
        elements = ", ".join(one.get("elements", ()))
        lines.append(f"{one['kind']} {one['name']} ({elements or one['evidence']}){where}")
    if count > len(names):
        lines.append(f"and {count - len(names)} more: consent-proxy discover")
    return lines


def _slack(line: str) -> str:
    escaped = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([*_~`@])", rf"\1{_BROKEN}", escaped)


def _teams(line: str) -> str:
    return _MARKDOWN.sub(r"\\\1", line).replace("@", f"@{_BROKEN}")
