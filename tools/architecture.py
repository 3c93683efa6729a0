"""Draw the pictures of docs/architecture.md anew from the imports: make picture.

Each picture is a Mermaid graph between two markers. An arrow means "imports", type-only imports counted; one
that follows from two others is left out, so that a reader sees the order and not each line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import grimp

PAGE = Path(__file__).resolve().parents[1] / "docs" / "architecture.md"

Edges = dict[str, set[str]]

_FLOOR = ("errors", "problems", "package_files", "subprocess_command", "build_digest")
_PURE = ("filter", "consent", "policy")


def _package(module: str) -> str | None:
    """Return the package that a module is drawn in."""
    _, *names = module.split(".")
    if names[:2] == ["route", "fast"]:
        return "route/fast"
    if not names:
        return None
    if names[0] == "__main__":
        return "cli"
    return "errors" if names[0] in _FLOOR else names[0]


def _part_of_filter(module: str) -> str | None:
    """Return the package within filter that a module is drawn in."""
    _, *names = module.split(".")
    return names[1] if names[0:1] == ["filter"] and names[2:] else None


def _module_of_route(module: str) -> str | None:
    """Return the module as it is drawn where the route is: its own ones, and what starts them."""
    _, *names = module.split(".")
    if names == ["process", "worker"]:
        return "process/worker"
    inside = names[1:] if names[0:1] == ["route"] else []
    return "/".join(inside) if inside != ["fast"] and inside else None


PICTURES: dict[str, Callable[[str], str | None]] = {
    "packages": _package,
    "filter": _part_of_filter,
    "route": _module_of_route,
}
"""By the name of its markers: which node stands for a module; None leaves it out."""


def edges_of(graph: grimp.ImportGraph, node_of: Callable[[str], str | None]) -> Edges:
    """Return which node imports which."""
    edges: Edges = {}
    for module in graph.modules:
        node = node_of(module)
        if node is None:
            continue
        imported = (node_of(other) for other in graph.find_modules_directly_imported_by(module))
        edges.setdefault(node, set()).update(other for other in imported if other not in (None, node))
    return edges


def reduced(edges: Edges) -> Edges:
    """Leave out each arrow that follows from two others. A circle among the nodes is an error."""
    reach: Edges = {}

    def reached(node: str, above: tuple[str, ...] = ()) -> set[str]:
        if node in above:
            raise ValueError(f"imports in a circle: {' -> '.join((*above, node))}")
        if node not in reach:
            reach[node] = edges[node].union(*(reached(other, (*above, node)) for other in edges[node]))
        return reach[node]

    return {
        node: others.difference(*(reached(other) for other in others))
        for node, others in sorted(edges.items())
    }


def mermaid(edges: Edges, marked: Iterable[str] = ()) -> str:
    """Return the graph as a Mermaid block, the same for the same imports."""
    lines = ["```mermaid", "graph TD"]
    lines += [f'  {_id(node)}["{node}"]' for node in edges]
    lines += [f"  {_id(node)} --> {_id(other)}" for node in edges for other in sorted(edges[node])]
    there = [_id(node) for node in marked if node in edges]
    if there:
        lines += ["  classDef pure stroke-dasharray: 4 3", f"  class {','.join(there)} pure"]
    return "\n".join([*lines, "```"])


def _id(node: str) -> str:
    return re.sub(r"\W", "_", node) + "_"  # a bare `end` or `graph` would be a keyword


def drawn(page: str) -> str:
    """Return the page with every picture as the imports are now."""
    graph = grimp.build_graph("proxy", cache_dir=None)
    for name, node_of in PICTURES.items():
        block = mermaid(reduced(edges_of(graph, node_of)), _PURE if name == "packages" else ())
        begin, end = f"<!-- picture {name} -->\n", "<!-- end -->"
        before, found, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"docs/architecture.md has no markers for the picture '{name}'")
        page = f"{before}{begin}{block}\n{end}{after}"
    return page


def main() -> None:
    """Write the page anew."""
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
