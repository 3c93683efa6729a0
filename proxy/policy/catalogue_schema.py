"""The shape of the catalogue's files: platforms, providers, trackers; blocks as in rules.yaml, and more."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from proxy.policy import rule_values
from proxy.policy.inline_test import ExampleShape
from proxy.policy.rule_values import Shape
from proxy.policy.rules_schema import CookieShape, ProviderShape


class PlatformCookieShape(CookieShape):
    """A row of a platform: its cookies are the site's own, whatever its hosts are called."""

    by_scripts: Literal["yes", "no"] = "no"

    domain: Annotated[tuple[Literal["self"], ...], BeforeValidator(lambda word: [word])] = ("self",)


class PlatformShape(ProviderShape):
    """A file of the catalogue: a platform on which sites are built, or that stands before them."""

    cookies: tuple[PlatformCookieShape, ...] = ()


class CheckedShape(Shape):
    """`checked:` when and how somebody looked whether a block of the catalogue is still true."""

    on: rule_values.Date
    how: Literal["read", "seen running"]
    at: rule_values.Words = Field(description="Addresses of what was read, or of the page that was run.")


class CatalogueCookieShape(CookieShape):
    """A row of the catalogue's block; the domain `self` is the site's own."""

    domain: Annotated[tuple[rule_values.OwnOrDomain, ...], *rule_values.MANY]


class CatalogueShape(ProviderShape):
    """A file of the catalogue's providers: a block as under `providers:`, and what is known of it."""

    kind: rule_values.Filled = Field(description="What it is: analytics, chat, player, ...")
    checked: CheckedShape
    shares: tuple[rule_values.Id, ...] = Field(
        default=(), description="Providers whose hosts it shares, told apart by paths."
    )
    note: rule_values.Filled | None = Field(default=None, description="What its user should know.")
    cookies: tuple[CatalogueCookieShape, ...] = ()
    tests: tuple[ExampleShape, ...] = ()


class TrackerShape(Shape):
    """A known tracker: what it keeps on a site's own hosts."""

    name: rule_values.Filled
    cookies: rule_values.Globs = ()
    storage: rule_values.Globs = ()
