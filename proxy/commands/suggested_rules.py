"""`discover --suggest`: what the rules files lack, as blocks to paste at their end."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from proxy.commands.terminal import out, print_json
from proxy.seen.discovery import Discovery, SeenName
from proxy.seen.names import Kind
from proxy.seen.suggestions import Block, as_yaml, suggest
from proxy.snapshot.sites import Site

Texts = Callable[[Site], str]
"""The text of the rules file of a site."""

_TOP_KEYS = re.compile(r"^([a-z]+):", re.MULTILINE)


@dataclass(slots=True)
class _Missing:
    """What one rules file lacks, of all sites that share it."""

    keys: list[str]
    sites: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


def say_suggestions(found: Sequence[tuple[Site, Discovery]], texts: Texts, *, as_json: bool) -> None:
    """Print the blocks that each rules file lacks; what several sites have seen is said once."""
    files: dict[str, _Missing] = {}
    spoken: set[tuple[str, Kind, str, str]] = set()
    for site, one in found:
        file = site.policy.place.file
        missing = files.setdefault(file, _Missing(_TOP_KEYS.findall(texts(site))))
        missing.sites.append(site.name)
        left = _unspoken(site, one, spoken)
        missing.blocks += suggest(left, site.policy, site.own, site.name, [b.id for b in missing.blocks])
    if as_json:
        print_json([_row(block) for one in files.values() for block in one.blocks])
        return
    for file, missing in files.items():
        sites = ", ".join(missing.sites)
        if not missing.blocks:
            out.file.write(f"# {sites}: nothing was seen that no rule speaks of\n")
            continue
        out.file.write(f"# {sites}: {len(missing.blocks)} blocks, {_where(missing, file)}\n")
        out.file.write(as_yaml(missing.blocks, missing.keys[-1] if missing.keys else ""))


def _unspoken(site: Site, found: Discovery, spoken: set[tuple[str, Kind, str, str]]) -> Discovery:
    """Return what no site before it under the same rules has seen; cookies by domain."""

    def first(one: SeenName) -> bool:
        domain = (site.own.domain or site.name) if one.kind is Kind.COOKIE else ""
        key = (site.policy.place.file, one.kind, one.name, domain)
        return not (key in spoken or spoken.add(key))  # type: ignore[func-returns-value]

    return replace(
        found,
        undeclared=[one for one in found.undeclared if first(one)],
        presumed=[one for one in found.presumed if first(one)],
    )


def _where(missing: _Missing, file: str) -> str:
    """Return where the blocks belong: at the end, but for keys that the file has already, further up."""
    wanted = {"use" if block.used else "providers" for block in missing.blocks}
    above = sorted(key for key in wanted if key in missing.keys[:-1] and key != missing.keys[-1])
    if above:
        keys = " and ".join(f"`{key}:`" for key in above)
        return f"for {file}: what stands below {keys} here belongs below the {keys} that is there already"
    return f"for the end of {file}"


def _row(block: Block) -> dict[str, object]:
    return {
        "id": block.id,
        "use": block.used,
        "owner": block.owner,
        "names": block.names,
        "yaml": block.text,
    }
