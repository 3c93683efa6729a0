"""Build the banner's scripts and style sheets with esbuild: make assets.

What proxy/banner/*.js and *.css say for readers stands in proxy/banner/built in few bytes, as it is shipped.
manifest.json there holds the hashes of both sides, esbuild's version and its options; tests compare them.

A source may be cut before esbuild sees it:
- `// only with WORD` or `// only without WORD` up to `// end`: one file is built for each set of words
  (guard.js, guard-domains.js, guard-keys.js, guard-domains-keys.js);
- `// for NAME` up to `// end`, or `@part NAME` in a style sheet: one file for each part (stubs-nothing.js).
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "proxy" / "banner"
BUILT = SOURCES / "built"
MANIFEST = "manifest.json"

ESBUILD = "0.28.2"
JS = ("--loader=js", "--minify-whitespace", "--minify-identifiers", "--target=es2021", "--charset=ascii")
"""Not --minify-syntax: it writes `&&` and `<`, and the same bytes stand in HTML and in XHTML."""
CSS = ("--loader=css", "--minify-whitespace", "--charset=ascii")

_ONLY = re.compile(r"// only (with|without) (\w+)\n(.*?)// end\n", re.DOTALL)
_FOR = re.compile(r"// for ([^\n:]+)(?::[^\n]*)?\n(.*?)// end\n", re.DOTALL)
_PART = re.compile(r"^@part (\w+)\n", re.MULTILINE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_PIECES = re.compile(  # of minified code: literals, brackets, words
    r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|(?<=[(,=:?!;{}])/(?:[^/\\[]|\\.|\[(?:[^\]\\]|\\.)*\])+/"
    r"|let\b ?|[\w$]+|.",
    re.DOTALL,
)
_UNSAFE = re.compile(r"[<&]|\]\]>|[^\x00-\x7f]")


def sources() -> list[Path]:
    """Return every file that is built."""
    folders = (SOURCES, SOURCES / "pages")
    return sorted(path for folder in folders for kind in ("js", "css") for path in folder.glob(f"*.{kind}"))


def pieces(name: str, text: str) -> dict[str, str]:
    """Return what is built from a source, by the names of the files."""
    stem, _, kind = name.rpartition(".")
    if kind == "css":
        _, *parts = _PART.split(_COMMENT.sub("", text))
        return {f"{stem}-{part}.css": rules for part, rules in zip(parts[::2], parts[1::2], strict=True)}
    if parts := _FOR.findall(text):
        return {f"{stem}-{part}.js": code for part, code in parts}
    words = sorted({found[2] for found in _ONLY.finditer(text)})
    sets = [chosen for size in range(len(words) + 1) for chosen in combinations(words, size)]
    return {"-".join((stem, *chosen)) + ".js": _with(text, chosen) for chosen in sets}


def _with(text: str, chosen: tuple[str, ...]) -> str:
    return _ONLY.sub(lambda part: part[3] if (part[2] in chosen) == (part[1] == "with") else "", text)


def minified(name: str, text: str, esbuild: Path) -> str:
    """Return a piece in few bytes; ValueError where it could not stand in HTML and XML alike."""
    options = JS if name.endswith(".js") else CSS
    command = [str(esbuild), *options, "--log-level=warning", "--log-limit=0"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode or done.stderr:
        raise ValueError(f"{name}: {done.stderr}")
    code = done.stdout.rstrip("\n")
    if name.endswith(".js"):
        code = joined(code)
    if found := _UNSAFE.search(code):
        raise ValueError(
            f"{name}: {code[max(0, found.start() - 30) : found.end() + 30]!r} is not the same in XML"
        )
    return code


def joined(code: str) -> str:
    """Return minified code with one `let` in place of several, one behind the other."""
    joins: list[str] = []
    lets, before = [False], ";"  # whether the last statement is a `let`, for each open bracket
    for piece in _PIECES.findall(code):
        word = piece.rstrip()
        if before in "{;}" and word == "let":
            if lets[-1] and before == ";":
                joins[-1], piece = ",", ""  # noqa: PLW2901
            lets[-1] = True
        elif before in "{;" or (before == "}" and word[:1].isalpha()):
            lets[-1] = lets[-1] and word == "}"
        if word in ("(", "[", "{"):
            lets.append(False)
        elif word in (")", "]", "}"):
            lets.pop()
        joins.append(piece)
        before = word
    return "".join(joins)


def build(esbuild: Path) -> dict[str, str]:
    """Return every built file by its name, the manifest among them."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sources()}
    built = {
        piece: minified(piece, code, esbuild)
        for name, text in texts.items()
        for piece, code in pieces(name, text).items()
    }
    told = manifest(texts, built)
    return {**built, MANIFEST: json.dumps(told, indent=2) + "\n"}


def manifest(texts: dict[str, str], built: dict[str, str]) -> dict[str, Any]:
    """Return what a build was made of, and what it made."""
    return {
        "esbuild": ESBUILD,
        "options": {"js": JS, "css": CSS},
        "sources": {name: _hash(text) for name, text in sorted(texts.items())},
        "built": {name: _hash(text) for name, text in sorted(built.items())},
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def installed(folder: Path) -> Path:
    """Return esbuild's program of the pinned version, brought from npm where it is not there yet."""
    program = folder / "node_modules" / "esbuild" / "bin" / "esbuild"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        options = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)]
        subprocess.run(["npm", "install", *options, f"esbuild@{ESBUILD}"], check=True)  # noqa: S603, S607
    return program


def main() -> None:
    """Write proxy/banner/built anew."""
    try:
        built = build(installed(ROOT / ".tests" / f"esbuild-{ESBUILD}"))
    except ValueError as error:
        sys.exit(str(error))
    BUILT.mkdir(exist_ok=True)
    for old in BUILT.iterdir():
        old.unlink()
    for name, text in built.items():
        (BUILT / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
