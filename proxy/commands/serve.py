"""`consent-proxy serve`: the proxy itself, until it is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from proxy.commands.terminal import fail, print_problems
from proxy.errors import FaultsError, RulesTestsError
from proxy.package_files import bundled
from proxy.process.rules_tests import RulesTests


def serve(
    config: Annotated[Path, typer.Option("--config", "-c", help="Where it runs: the config file.")],
    rules: Annotated[
        Path | None,
        typer.Option(
            "--rules", "-r", help="What may run and be stored: rules.yaml (default: the shipped one)."
        ),
    ] = None,
    rules_tests: Annotated[
        RulesTests,
        typer.Option(help="Rules whose own tests fail: `refuse` to start with them, or `warn` and start."),
    ] = RulesTests.REFUSE,
) -> None:
    """Run the proxy. SIGTERM drains and ends it, SIGHUP reads rules and config again."""
    from proxy.process.start import run  # noqa: PLC0415 - a second of imports that `explain` can do without

    try:
        run(config, rules or bundled("rules.yaml"), rules_tests)
    except RulesTestsError as error:
        print_problems(error.problems)
        fail("the rules' own tests fail; mend the rules or the tests, or start with --rules-tests warn")
    except FaultsError as error:
        print_problems(error.problems)
        raise typer.Exit(1) from None
