"""The pages every peer rewrites: 15 kB and 100 kB, five third-party tags each, words that do not repeat.

And the busiest beginning of a real page, from the corpus beside the clone, where there is one.
"""

import re
from collections import Counter
from random import Random

from tests.shared import SHARED

THIRD = (
    '<script async src="https://www.googletagmanager.com/gtag/js?id=G-12345"></script>',
    '<script async id="hs-script-loader" src="https://js.hs-scripts.com/12345.js"></script>',
    '<script src="https://js.hsforms.net/forms/v2.js"></script>',
    '<iframe src="https://calendly.com/callkom/demo" width="600" height="400" title="Appointment"></iframe>',
    '<script src="https://js.monitor.azure.com/scripts/b/ai.3.gbl.min.js"></script>',
)
HOSTS = (
    "www.googletagmanager.com",
    "js.hs-scripts.com",
    "js.hsforms.net",
    "calendly.com",
    "js.monitor.azure.com",
)
SYLLABLES = [
    "ka",
    "lo",
    "mi",
    "ter",
    "ver",
    "con",
    "sa",
    "pla",
    "nu",
    "ro",
    "den",
    "ti",
    "ge",
    "al",
    "be",
    "cu",
    "do",
    "ef",
    "ga",
    "ho",
    "il",
    "ju",
]
MARK = "@@"  # where the origin puts something else into every page, when it is to be unlike any before


def page(size: int, *, unique: bool = False) -> bytes:
    """A page of about that many bytes; `unique`: with a mark in every tag that could be remembered."""
    chance = Random(size)

    def words(count: int) -> str:
        return " ".join("".join(chance.choices(SYLLABLES, k=chance.randint(1, 4))) for _ in range(count))

    def link() -> str:
        return f"/{words(1)}/{words(1)}{'?v=' + MARK if unique else ''}"

    head = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f"<title>{words(5)}</title>",
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta name="description" content="{words(20)}">',
        *(f'<link rel="stylesheet" href="{link()}.css">' for _ in range(4)),
        *(f'<script src="{link()}.js" defer></script>' for _ in range(3)),
        f"<script>window.settings = {{ name: '{words(4)}', list: [{', '.join(str(n) for n in range(40))}] }};</script>",
        THIRD[0],
        THIRD[1],
        '</head>\n<body class="home page">\n<header><nav><ul>',
        *(f'<li class="menu-item menu-{n}"><a href="{link()}">{words(2)}</a></li>' for n in range(12)),
        "</ul></nav></header>\n<main>",
    ]
    tail = ["</main>", THIRD[4], f"<footer><p>{words(12)}</p></footer>\n</body>\n</html>\n"]
    parts, late = [], [THIRD[2], THIRD[3]]
    fixed = sum(map(len, head)) + sum(map(len, tail)) + len(head) + len(tail)
    while fixed + sum(map(len, parts)) + len(parts) < size:
        if late and sum(map(len, parts)) > (size - fixed) * (3 - len(late)) / 4:
            parts.append(late.pop(0))
        parts.append(
            f'<section id="{words(1)}"><h2 class="title is-{chance.randint(1, 6)}">{words(4)}</h2>\n'
            f'<p>{words(30)} <a href="{link()}" title="{words(2)}">{words(2)}</a> {words(12)}</p>\n'
            f'<div class="row"><img src="{link()}.webp" alt="{words(3)}" width="320" height="200" loading="lazy">'
            f"<ul>{''.join(f'<li>{words(3)}</li>' for _ in range(4))}</ul></div></section>"
        )
    return "\n".join(head + parts + late + tail).encode()


_ADDRESS = re.compile(
    rb"((?:src|href|srcset|data-src|content|action)=[\"'](?:(?:https?:)?//[^/\"'?#\s,]+)?/(?!/)[^\"'?#\s,]*?)(\.\w+)?(?=[\"'?#\s,])"
)
_LINKED = re.compile(rb"href=[\"']?https?://([a-z0-9.-]+)")


def busy_page(size: int = 15_000) -> bytes | None:
    """Return the beginning of the corpus page with the most scripts there, with a mark in every address.

    Its own addresses are those of callkom.io. None without the corpus.
    """
    pages = [path.read_bytes() for path in sorted((SHARED / "corpus" / "pages").glob("real-*.html"))]
    if not pages:
        return None
    whole = max(pages, key=lambda text: text.count(b"<script", 0, size))
    home, _ = Counter(_LINKED.findall(whole)).most_common(1)[0]
    found = whole[:size]
    found = found[: found.rindex(b"<")].replace(home, b"callkom.io")
    marked = _ADDRESS.sub(lambda match: match[1] + b"-" + MARK.encode() + (match[2] or b""), found)
    return marked + b"</script></style></head><body></body></html>"
