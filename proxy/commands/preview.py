"""`consent-proxy preview`: banner, panel, placeholders and cookie table of a rules file, without a site.

The real proxy runs before a page made of the rules' own tests; editing the file shows at the next load.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from proxy.banner.word_files import load_languages
from proxy.commands.beside import is_free, serve_beside
from proxy.commands.terminal import fail, out, print_problems, read_policy
from proxy.errors import FaultsError
from proxy.filter.inline_tests import RuleTester
from proxy.package_files import bundled
from proxy.policy.hosts import registrable
from proxy.policy.model import Policy

if TYPE_CHECKING:
    from aiohttp import web

HOST = "preview.localhost"
"""Browsers resolve it to this machine."""

_STYLE = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}"


def preview(
    rules: Annotated[Path | None, typer.Argument(help="rules.yaml (default: the shipped one).")] = None,
    languages: Annotated[
        Path | None, typer.Option("--languages", "-l", help="A folder of words, as in the config.")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the preview.")] = 8090,
) -> None:
    """Show what visitors will see of a rules file: open the address it prints, end with Ctrl-C."""
    from proxy.process.worker_lifecycle import run_here  # noqa: PLC0415 - a second of imports

    path = (rules or bundled("rules.yaml")).resolve()
    policy = read_policy(path)
    folder = languages.resolve() if languages else None
    codes = {code: words.direction for code, words in sorted(load_languages(folder).all.items())}
    with tempfile.TemporaryDirectory(prefix="consent-preview-") as state:
        config = Path(state) / "preview.yaml"
        config.write_text(_config(policy, port, _start_site(policy, codes), folder), encoding="utf-8")
        out.print(f"http://{HOST}:{port}/en/ - other languages: {', '.join(codes)} (end with Ctrl-C)")
        try:
            run_here(config, path)
        except FaultsError as error:
            print_problems(error.problems)
            raise typer.Exit(1) from None


def _config(policy: Policy, port: int, site: int, languages: Path | None) -> str:
    """Return a config for this machine alone."""
    if not is_free(port):
        fail(f"port {port} is taken; choose another with --port")
    host = urlsplit(policy.page).hostname or ""
    words = f"languages: {languages}\n" if languages else ""
    return (
        f"listen: 127.0.0.1:{port}\n"
        f"sites: [{{ hosts: [{HOST}], upstream: 'http://127.0.0.1:{site}' }}]\n"
        f"records: sqlite:///proofs.db\nconsent: {{ stands_for: {registrable(host) or host} }}\n{words}"
    )


def samples(policy: Policy) -> dict[str, list[str]]:
    """Return markup of the rules' tests for which who refused gets a placeholder, by provider."""
    tester, found = RuleTester(policy), dict[str, list[str]]()
    for example in policy.examples:
        if example.kind != "html":
            continue
        outcome = tester.outcome(example, "refused")
        if outcome.words == "replace" and (provider := outcome.verdicts[0].provider):
            found.setdefault(provider, []).append(example.subject)
    return found


def page(policy: Policy, language: str, codes: Collection[str], direction: str = "ltr") -> str:
    """Return the page that the preview shows in a language."""
    links = [f'<a href="/{code}/" hreflang="{code}">{code}</a>' for code in codes]
    links += ['<a href="/.consent/">panel</a>', '<a href="/.consent/policy">cookie table</a>']
    parts = []
    for provider, markup in samples(policy).items():
        named = policy.provider(provider)
        parts.append(f"<h2>{escape(named.name if named else provider)}</h2>\n" + "\n".join(markup))
    said = "\n".join(parts) or "<p>No test of these rules has markup that is replaced.</p>"
    return (
        f'<!doctype html>\n<html lang="{language}" dir="{direction}"><head><meta charset="utf-8">'
        "<title>Preview</title>"
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n'
        f"<body><h1>Preview of version {escape(policy.version)}</h1>\n<p>{' · '.join(links)}</p>\n"
        f"{said}\n</body></html>\n"
    )


def _start_site(policy: Policy, codes: Mapping[str, str]) -> int:
    """Serve the page in each language, beside the proxy; return its port."""
    from aiohttp import web  # noqa: PLC0415

    async def answer(request: web.Request) -> web.Response:
        language = request.path.strip("/") or "en"
        if language not in codes:
            return web.Response(status=404, text="no such language")
        return web.Response(text=page(policy, language, codes, codes[language]), content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    return serve_beside(app)
