"""`consent-proxy languages new`: a language file to fill in, ordered and with the English text beside."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from proxy.banner.formats import formats
from proxy.banner.missing_words import policy_texts
from proxy.banner.word_files import PLURALS, SHIPPED, plural_forms, shipped
from proxy.banner.words import DEFAULT
from proxy.commands.terminal import fail, read_policy
from proxy.package_files import bundled

languages_app = typer.Typer(help="Languages of banner, panel and placeholders.", no_args_is_help=True)

_CODE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")
_LINE = re.compile(r"( *)([A-Za-z0-9_-]+):(.*)")
_ABOUT = ("language", "direction")
_QUOTED = re.compile(r"""(: |:$| #|\n|^[{\["'&*!|>%@`#,?-]|^$)""")


@languages_app.callback()
def _group() -> None:
    """Languages of banner, panel and placeholders."""


@languages_app.command()
def new(
    code: Annotated[str, typer.Argument(help="Its code: de, pt-br.")],
    into: Annotated[
        Path | None, typer.Option("--into", help="The folder that the config names under `languages`.")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option("--rules", "-r", help="rules.yaml (default: the shipped one).")
    ] = None,
) -> None:
    """Write a language file to fill in: in order, the English text above each line that is translated."""
    name = code.lower()
    if not _CODE.fullmatch(name):
        raise typer.BadParameter(f"'{code}' is no code of a language; write one such as de or pt-br")
    texts = sorted(policy_texts(read_policy(rules or bundled("rules.yaml"))))
    text = "\n".join(_lines(name, texts)) + "\n"
    if into is None:
        sys.stdout.write(text)
        return
    path = into / f"{name}.yaml"
    if path.exists():
        fail(f"{path} is there already; it is left as it is")
    try:
        into.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}")
    sys.stdout.write(f"{path}\n")


def _lines(code: str, texts: list[str]) -> Iterator[str]:
    about = {key: text for key, text in formats(code)[0].items() if key in _ABOUT}
    known, phrases, _ = shipped().get(code, ({}, {}, ()))
    yield f"# Words of visitors in '{code}'. Write what follows the colon; {{words}} in braces are filled in."
    yield "# What is left out here is said in the shipped words of that language, else in English."
    yield ""
    names: list[str] = []
    for line in (SHIPPED / f"{DEFAULT}.yaml").read_text(encoding="utf-8").splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            if not line and names:
                yield ""
            continue
        indent, name, rest = found[1], found[2], found[3].strip()
        if name == "phrases":
            break
        names, rest = [*names[: len(indent) // 2], name], rest.partition(" #")[0].strip()
        group = ".".join(names[:-1])
        for form in _forms(group, name, code):
            key = f"{group}.{form}" if group else form
            yield from _word(indent, key, rest, known.get(key, ("",))[0] or about.get(key, ""))
    yield "# What the rules say in their own words."
    yield "phrases:"
    for said in texts:
        yield f"  {_quoted(said)}: {_quoted(phrases.get(said, said))}"


def _forms(group: str, name: str, code: str) -> tuple[str, ...]:
    """Return the names of a line: English's `other` stands for the plural forms of the language."""
    if group not in PLURALS or name == "none":
        return (name,)
    return plural_forms(code) if name == "other" else ()


def _word(indent: str, key: str, english: str, known: str) -> Iterator[str]:
    """Give one line, above it the English text where another stands in it."""
    if not english or key == "confirmed":
        yield f"{indent}{key.rpartition('.')[2]}:{' no' if english else ''}"
        return
    if known and key not in _ABOUT:
        yield f"{indent}# {english}"
    yield f"{indent}{key.rpartition('.')[2]}: {_quoted(known) if known else english}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if _QUOTED.search(text) else text
