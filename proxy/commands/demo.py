"""`consent-proxy demo`: the proxy in front of the bundled site, on an embedded default."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from proxy.commands.beside import is_free, serve_beside
from proxy.commands.terminal import fail, out, print_problems
from proxy.demo.played import HOSTS, certificate, played_providers, played_tls
from proxy.demo.rules import demo_rules
from proxy.errors import FaultsError
from proxy.package_files import bundled

SITE_PORT = 9001
"""Where config/local.yaml expects the site."""

ADMIN_PORT = 9100
"""Where config/local.yaml puts health and figures."""

WALK = (
    ("callkom.localhost", "/", "home: Google Analytics, Tag Manager, HubSpot's loader"),
    ("callkom.localhost", "/contact", "HubSpot forms, maps"),
    ("callkom.localhost", "/booking", "Calendly, HubSpot meetings"),
    ("callkom.localhost", "/news", "a player, posts, share buttons"),
    ("callkom.localhost", "/checkout", "Stripe: necessary, so it loads for everybody"),
    ("app.callkom.localhost", "/", "the application, with Application Insights"),
    ("callkom.localhost", "/fr/", "the same in French"),
    ("callkom.localhost", "/.consent/", "the panel behind “Manage my cookies”"),
)


def demo(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the proxy.")] = 8080,
    folder: Annotated[Path, typer.Option(help="Where the demo keeps its key and its proofs.")] = Path(
        "demo-state"
    ),
    rules: Annotated[
        Path | None, typer.Option("--rules", "-r", help="Try your own rules.yaml on the demo site.")
    ] = None,
) -> None:
    """Run the proxy in front of the bundled demo site and print the addresses to open."""
    from proxy.process.worker_lifecycle import run_here  # noqa: PLC0415 - a second of imports that `explain` can do without

    site, providers = _start_site()
    config, chosen = _settle(folder, port, site, rules, providers=providers)
    table = Table(title="Open one of these (end with Ctrl-C)", title_justify="left", box=None, pad_edge=False)
    table.add_column("address", style="bold cyan", no_wrap=True)
    table.add_column("what it carries")
    for host, path, what in WALK:
        table.add_row(f"http://{host}:{port}{path}", what)
    out.print(table)
    try:
        run_here(config, chosen)
    except FaultsError as error:
        print_problems(error.problems)
        raise typer.Exit(1) from None


def _settle(
    folder: Path, port: int, site: int, rules: Path | None, *, providers: int | None = None
) -> tuple[Path, Path]:
    """Return a config and rules in the demo's own folder; the shipped ones may lie where nobody can write.

    `providers` is the port where those of relayed forms are played.
    """
    if not is_free(port):
        fail(f"port {port} is taken; choose another with --port")
    text = bundled("local.yaml").read_text(encoding="utf-8")
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{port}").replace(
        f"127.0.0.1:{SITE_PORT}", f"127.0.0.1:{site}"
    )
    if not is_free(ADMIN_PORT):  # another demo, or a node exporter: health then has no address here
        text = "\n".join(line for line in text.split("\n") if not line.startswith("admin:"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if providers is not None:
            (folder / "played.pem").write_text(certificate(), encoding="ascii")
            hosts = ", ".join(f"{host}: '127.0.0.1:{providers}'" for host in HOSTS)
            text += f"\nrelay: {{ resolve: {{ {hosts} }}, ca: played.pem }}   # played by the demo\n"
        config = folder / "local.yaml"
        config.write_text(text, encoding="utf-8")
        if rules is None:
            rules = folder / "rules.yaml"
            rules.write_text(demo_rules(bundled("rules.yaml").read_text(encoding="utf-8")), encoding="utf-8")
    except OSError as error:
        fail(f"cannot write to {folder} ({error.strerror}); name another folder with --folder")
    return config, rules


def _start_site() -> tuple[int, int]:
    """Serve the demo site and its played providers as neighbours of the proxy; return their ports."""
    from proxy.demo.site import demo_site  # noqa: PLC0415

    return serve_beside(demo_site(plays=True)), serve_beside(played_providers(), played_tls())
