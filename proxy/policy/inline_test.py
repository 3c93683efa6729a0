"""The shape of one test in rules.yaml: what is tried, and what each visitor gets."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from proxy.policy import rule_values
from proxy.policy.checked_value import fault
from proxy.policy.durations import parse_duration
from proxy.policy.model import NECESSARY
from proxy.policy.rule_values import Shape, listed, meant

KINDS = ("html", "cookie", "script_cookie", "storage", "url", "request", "header")

VERDICTS = {
    "html": ("keep", "hold", "replace", "remove"),
    "url": ("keep", "hold", "replace", "remove"),
    "cookie": ("keep", "drop", "cap to 6 months"),
    "script_cookie": ("keep", "drop", "cap to 6 months"),
    "storage": ("keep", "drop"),
    "request": ("keep", "answer 204"),
    "header": ("keep", "drop"),
}


def _visitor(word: str, info: ValidationInfo) -> str:
    known: tuple[str, ...] = (info.context or {}).get("purposes", ())
    if word in ("refused", "accepted") or not known:
        return word
    for part in word.split("+"):
        if part not in known or part == NECESSARY:
            visitors = ("refused", "accepted", *(p for p in known if p != NECESSARY))
            near = meant(part, visitors) or f"; a visitor is {listed(visitors)}, or several joined by '+'"
            raise fault(f"is no visitor{near}")
    return word


def _verdict(word: str, info: ValidationInfo) -> str:
    kind = next((kind for kind in KINDS if info.data.get(kind) is not None), None)
    if kind is None:
        return word
    text = word.removeprefix("cap to ")
    if kind in ("cookie", "script_cookie") and text != word:
        if parse_duration(text) is None:
            raise fault(f"is '{word}', and '{text}' is no duration")
        return word
    if word not in VERDICTS[kind]:
        near = meant(word, VERDICTS[kind])
        raise fault(f"is '{word}'{near or f'; a {kind} test expects {listed(VERDICTS[kind])}'}")
    return word


class ExampleShape(Shape):
    """`tests:` what each visitor gets, tried on the real filter; a list tries each of its items."""

    it: rule_values.Filled = Field(description="A sentence: holds GA4 until performance is granted.")
    html: rule_values.Words | None = Field(default=None, description="Markup with the tag.")
    cookie: rule_values.Words | None = Field(default=None, description="A Set-Cookie line.")
    script_cookie: rule_values.Words | None = Field(
        default=None, description="What a script assigns to document.cookie."
    )
    storage: rule_values.Words | None = Field(
        default=None, description="A key that a script writes to localStorage or sessionStorage."
    )
    url: rule_values.Words | None = Field(default=None, description="The address of a script.")
    request: rule_values.Words | None = Field(default=None, description="A path asked of the site.")
    header: rule_values.Words | None = Field(default=None, description="A response header: 'Name: value'.")
    host: rule_values.Filled | None = Field(
        default=None, description="The host of the page; default: policy.page's."
    )
    expect: dict[Annotated[str, AfterValidator(_visitor)], Annotated[str, AfterValidator(_verdict)]] = Field(
        description="For each visitor: keep, hold, replace, remove, drop, cap to ..., answer 204."
    )

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if not given:
            raise fault(f"tries nothing; give it {listed([repr(kind) for kind in KINDS])}")
        if len(given) > 1:
            raise fault(f"tries '{given[0]}' and '{given[1]}'; one test tries one thing")
        if not self.expect:
            raise fault("expects nothing; say what a visitor gets: expect: { refused: hold }")
        return self
