"""Which `type` of a script makes a browser, or a lazy loader, run it."""

from __future__ import annotations

import re
from collections.abc import Mapping

_INERT = re.compile(
    r"[a-z]++/(?:[a-z0-9.-]++\+)?+json|text/(?:html|template|x-template|x-jquery-tmpl|ng-template|markdown"
    r"|x-handlebars(?:-template)?+|x-mustache|x-underscore|x-magento-template|x-magento-init|x-component"
    r"|x-tmpl|x-tmpl-mustache|x-kendo-template|vnd\.[a-z.-]++|xml|css|csv)"
    r"|math/[a-z =]++|x-shader/.++",
    re.DOTALL,
)
_RUNS = frozenset({"", "module", "text/javascript", "application/javascript"})


def is_inert(type_: str) -> bool:
    """True when no browser and no known lazy loader runs a script of this type."""
    return type_ not in _RUNS and _INERT.fullmatch(type_.partition(";")[0].rstrip()) is not None


def script_type(values: Mapping[str, str]) -> str:
    """Return the `type` of a script as a browser compares it, lower-case."""
    return values.get("type", "").strip().lower()
