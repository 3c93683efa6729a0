"""For commands that are given a config: the rules of its sites, each from the file that the site names."""

from __future__ import annotations

from pathlib import Path

import typer

from proxy.commands.terminal import fail, print_problems, read_text
from proxy.config.loading import read_config
from proxy.config.policies import Policies, rules_files
from proxy.config.types import Config, SiteConfig
from proxy.errors import FaultsError, PolicyError
from proxy.package_files import bundled
from proxy.process import read_files


def read_settings(path: Path) -> Config:
    """Return the config in a file, or print every problem and end with 1."""
    try:
        return read_config(path)
    except FaultsError as error:
        print_problems(error.problems)
        raise typer.Exit(1) from None


def read_policies(config: Config, rules: Path | None) -> Policies:
    """Return the policies of all sites of a config, or print every problem and end with 1."""
    given = rules or bundled("rules.yaml")
    if None in rules_files(config, given):
        read_text(given, "rules file")
    try:
        return read_files.read_policies(config, given)
    except PolicyError as error:
        print_problems(error.problems)
        raise typer.Exit(1) from None


def site_with(config: Config, host: str) -> SiteConfig:
    """Return the site that has this host, or end with 2."""
    found = next((site for site in config.sites if host in site.hosts), None)
    return found or fail(f"no site of the config has the host {host!r}", 2)
