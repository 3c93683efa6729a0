"""The shape of rules.yaml: its keys, what each may say, and why a rule may be refused."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from proxy.policy import rule_values
from proxy.policy.checked_value import fault
from proxy.policy.durations import parse_duration
from proxy.policy.inline_test import ExampleShape
from proxy.policy.model import NECESSARY
from proxy.policy.rule_values import Shape
from proxy.policy.signals import EVENT, GOOGLE, WORDS
from proxy.policy.stand_in_schema import StandInTable

CATALOGUE_PURPOSES = (NECESSARY, "functional", "performance", "social", "marketing")
"""The purposes that blocks of the catalogue name; `use:` may give each another name."""

DATA_LONGEST = 761 * 86_400
"""25 months: the longest that data of an exempt measurement may be kept."""

ASK_AGAIN_LONGEST = 183 * 86_400
"""The policy promises to ask again "at most every 6 months"; half a year is 183 days at most."""


def _ask_again(word: str) -> str:
    lasts = parse_duration(word)
    if lasts is not None and (lasts.seconds is None or lasts.seconds > ASK_AGAIN_LONGEST):
        raise fault(f"is '{word}'; visitors are asked again after 6 months at most")
    return word


class PolicyShape(Shape):
    """`policy:` the published policy this file makes true."""

    version: rule_values.Version = Field(description="Shown to visitors, kept in every proof of consent.")
    page: rule_values.Address = Field(description="Where the cookie policy is published.")
    privacy: rule_values.Address = Field(description="Where the privacy policy is published.")
    contact: rule_values.Filled = Field(description="Where visitors write to: an e-mail address.")
    ask_again_after: Annotated[rule_values.Lasts, AfterValidator(_ask_again)] = Field(
        description="When an answer expires: 6 months at most."
    )


_WAS = "Ids that it had before: who was asked then is not asked again because of the new one."


_SIGNALS = "What providers are told by it: docs/signals.md lists the words."


def _signal(word: str) -> str:
    if word not in WORDS and not EVENT.fullmatch(word):
        near = (
            rule_values.meant(word, GOOGLE)
            or rule_values.meant(word, WORDS)
            or "; docs/signals.md lists the words, or write 'event:name'"
        )
        raise fault(f"is '{word}', which nobody listens to{near}")
    return word


Signal = Annotated[str, AfterValidator(_signal)]
SignalWords = Annotated[tuple[Signal, ...], *rule_values.MANY]


def _signal_table(value: Any) -> Any:
    words = [value] if isinstance(value, str) else value
    return (
        dict.fromkeys(words) if isinstance(words, list) and all(isinstance(w, str) for w in words) else words
    )


SignalTable = Annotated[
    dict[Signal, rule_values.PurposeId | None],
    BeforeValidator(_signal_table),
    WithJsonSchema(
        {
            "anyOf": [
                *rule_values.ONE_OR_MANY["anyOf"],
                {"type": "object", "additionalProperties": {"type": "string"}},
            ]
        }
    ),
]


def _data_kept(word: str) -> str:
    lasts = parse_duration(word)
    if lasts is not None and (lasts.seconds is None or lasts.seconds > DATA_LONGEST):
        raise fault(f"is '{word}'; the exemption allows 25 months at most")
    return word


class ConditionsShape(Shape):
    """`conditions:` what the author states of an audience measurement that is exempt."""

    one_site: Literal["yes"] = Field(description="It measures this site for its publisher alone.")
    cross_site: Literal["no"] = Field(description="It follows nobody elsewhere, and joins no other data.")
    renewed: Literal["no"] = Field(description="Trackers end after 13 months; visits do not prolong them.")
    data: Annotated[rule_values.Lasts, AfterValidator(_data_kept)] = Field(
        description="How long what was measured is kept: 25 months at most."
    )


class PurposeShape(Shape):
    """`purposes:` one by id; `necessary` is always on and has no switch."""

    basis: Literal["legitimate interest", "consent", "exempt"] = Field(
        description="Legal basis (GDPR art. 6); exempt: audience measurement, on until somebody objects."
    )
    conditions: ConditionsShape | None = Field(
        default=None, description="Of 'basis: exempt': what its author states."
    )
    was: rule_values.FormerIds = Field(default=(), description=_WAS)
    signals: SignalWords = Field(default=(), description=_SIGNALS)

    @model_validator(mode="after")
    def _is_founded(self) -> Self:
        if self.basis == "exempt" and self.conditions is None:
            raise fault(
                "says 'basis: exempt' and not its conditions: conditions: { one_site: yes, cross_site: no,"
                " renewed: no, data: 25 months }; where they cannot be stated, it needs 'basis: consent'"
            )
        if self.basis != "exempt" and self.conditions is not None:
            raise fault("states conditions, which belong to 'basis: exempt'")
        return self


class UndeclaredShape(Shape):
    """`undeclared:` what happens to what no rule speaks of."""

    cookies: Literal["presume", "drop", "keep"] = Field(
        default="presume",
        description="presume: what looks like a sign-in passes until somebody has looked, and is reported.",
    )
    presume_until: rule_values.Date | None = Field(
        default=None, description="The last day on which cookies are presumed necessary: 2027-01-31."
    )
    tags: Literal["hold", "keep"] = "hold"
    webrtc: Literal["hold", "keep"] = Field(
        default="keep", description="STUN and TURN servers that no rule declares: reported, and kept or not."
    )

    @model_validator(mode="after")
    def _presumes(self) -> Self:
        if self.presume_until is not None and self.cookies != "presume":
            raise fault(f"has 'presume_until' and says 'cookies: {self.cookies}', which presumes nothing")
        return self


class NeutralShape(Shape):
    """`neutral:` a third party that may load for everyone because it stores nothing."""

    from_: rule_values.ThirdHosts = Field(alias="from", description="Hosts, with their subdomains.")
    why: rule_values.Filled = Field(description="What it is, and since when it is known to store nothing.")
    transfers: rule_values.Filled | None = Field(
        default=None,
        description="Where its owner sits, and what covers the transfer of the visitor's address.",
    )


class HeaderShape(Shape):
    """`headers:` response headers taken away unless their purpose is granted."""

    name: rule_values.Words = Field(description="Names of response headers.")
    purpose: rule_values.PurposeId | None = Field(default=None, description="Without one: always taken away.")


class CookieShape(Shape):
    """`cookies:` a row of the published table."""

    name: rule_values.CookieNames = Field(description="Names, or patterns with *: [_ga, _ga_*].")
    domain: rule_values.Domains = Field(description="A leading dot covers the subdomains: .callkom.io")
    purpose: rule_values.PurposeId
    lasts: rule_values.Lasts = Field(description="As published: 6 months, 30 min, Session, up to 13 months.")
    why: rule_values.Filled = Field(description="What it is for, as published.")
    note: rule_values.Filled | None = Field(
        default=None, description="What the published table adds to the category in brackets: payment."
    )
    unpublished: rule_values.Filled | None = Field(
        default=None, description="Why this row is not in the published table (yet)."
    )


class TextShape(Shape):
    """`text:` literal words in an inline script."""

    all: rule_values.Literals | None = Field(default=None, description="Every one of these.")
    any: rule_values.Literals | None = Field(default=None, description="At least one of these.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.all is None and self.any is None:
            raise fault("says nothing; give it 'all', 'any', or plain text")
        return self


def _text(value: Any) -> Any:
    return {"all": value} if isinstance(value, (str, list)) else value


_TEXT_SCHEMA = {
    "anyOf": [
        *rule_values.ONE_OR_MANY["anyOf"],
        {
            "type": "object",
            "properties": {"all": rule_values.ONE_OR_MANY, "any": rule_values.ONE_OR_MANY},
            "additionalProperties": False,
        },
    ]
}


class TagShape(Shape):
    """`tags:` an element that may run only for its purposes; all given conditions must hold."""

    from_: rule_values.Hosts | None = Field(
        default=None, alias="from", description="Hosts, subdomains included; 'self': the site's own."
    )
    path: rule_values.Paths | None = Field(
        default=None, description="Pattern for path and query: /gtm.js?id=*"
    )
    element: rule_values.Elements | None = Field(default=None, description="script, iframe, img, ...")
    id: rule_values.Globs | None = Field(default=None, description="Ids, or patterns with *.")
    class_: rule_values.Globs | None = Field(default=None, alias="class", description="One of the classes.")
    attribute: rule_values.Attributes | None = Field(
        default=None, description="An attribute, or attributes with a pattern for each value."
    )
    text: Annotated[TextShape | None, BeforeValidator(_text), WithJsonSchema(_TEXT_SCHEMA)] = Field(
        default=None, description="Words in an inline script: all of a list, or {any: [...]}."
    )
    purpose: rule_values.Purposes = Field(description="One, or a list: then all of them are needed.")
    do: Literal["hold", "replace", "remove", "keep", "relay", "never"] = Field(
        default="hold", description="Without its purposes; never: held for everybody, whatever was granted."
    )
    with_: Literal["link", "nothing"] = Field(
        default="link", alias="with", description="What stands in its place when it is replaced."
    )
    link: rule_values.Address | None = Field(
        default=None,
        description="The provider's page, not the tag's; a * in it is what the first * of path stands for.",
    )
    stand_in: StandInTable | None = Field(
        default=None,
        description="What answers the site's own calls of it while it is refused: a name of the list in "
        "docs/stand-ins.md, or functions and the constant each returns or calls back with.",
    )
    fenced: Literal["yes", "no"] = Field(
        default="yes",
        description="no: known that scripts can load this, on a host that is open for everyone.",
    )

    @model_validator(mode="after")
    def _is_narrow(self) -> Self:
        given = (self.from_, self.path, self.id, self.class_, self.attribute, self.text)
        if not any(given) and not self.element:
            raise fault(
                "matches nothing: it needs 'from', 'path', 'id', 'class', 'attribute', 'element' or 'text'"
            )
        if not any(given) and self.element:
            plain = [name for name in self.element if "-" not in name]
            if plain:
                raise fault(
                    f"matches every <{plain[0]}> of the site, its own too; add 'from', 'id' or 'class'"
                )
        if self.do == "never" and self.purpose != (NECESSARY,):
            raise fault("says 'do: never', which nobody is asked about: its purpose is 'necessary'")
        if self.text and self.attribute and any(name.startswith("on") for name in self.attribute):
            name = next(name for name in self.attribute if name.startswith("on"))
            raise fault(
                f"asks for 'text' of an inline script and for '{name}'; write the words as "
                f'attribute: {{ {name}: "*...*" }}'
            )
        return self


class RequestShape(Shape):
    """`requests:` first-party addresses that collect for a provider."""

    path: rule_values.Paths | None = None
    like: Literal["google-analytics", "google-tag-manager", "hubspot"] | None = Field(
        default=None,
        description="Instead of 'path': its tags under our own name, by their address and how they begin.",
    )
    host: rule_values.ThirdHosts | None = Field(default=None, description="Hosts of ours; without: all.")
    purpose: rule_values.Purposes

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if (self.path is None) == (self.like is None):
            raise fault("needs either 'path' or 'like'")
        return self


class StorageShape(Shape):
    """`storage:` keys of localStorage and sessionStorage."""

    key: rule_values.Globs
    purpose: rule_values.PurposeId


class RelayShape(Shape):
    """`relay:` the only addresses that our form relay may fetch."""

    host: rule_values.ThirdHosts
    path: rule_values.Paths
    method: tuple[Literal["GET", "POST"], ...] = ("GET", "POST")
    max_body: rule_values.Size = "64 kB"
    per_minute: rule_values.Count = "60"
    pass_on: tuple[Literal["Origin", "Referer", "User-Agent"], ...] = ()


class ProviderKeys(Shape):
    """What a provider's block and an override of the catalogue's have in common."""

    enabled: Literal["yes", "no"] = Field(
        default="yes", description="no: the block stays, visitors are not asked, nothing of it runs."
    )
    cookies: tuple[CookieShape, ...] = ()
    tags: tuple[TagShape, ...] = ()
    requests: tuple[RequestShape, ...] = ()
    storage: tuple[StorageShape, ...] = ()
    connect: tuple[Annotated[str, AfterValidator(rule_values.connect_host)], ...] = Field(
        default=(),
        description="More hosts that its code talks to once granted; `stun:host`, `turn:host` for WebRTC.",
    )
    relay: RelayShape | None = None
    was: rule_values.FormerIds = Field(default=(), description=_WAS)
    signals: SignalTable = Field(
        default={},
        description=f"{_SIGNALS} A list: once all of it is granted; {{ word: purpose }}: that purpose.",
    )
    consent_mode: Literal["basic", "advanced"] = Field(
        default="basic",
        description="advanced: its scripts load before consent and send pings; Google's Consent Mode alone.",
    )
    privacy: rule_values.Address | None = Field(default=None, description="Its privacy notice.")
    country: rule_values.Filled | None = Field(
        default=None, description="Where the recipient is established."
    )
    transfers: rule_values.Filled | None = Field(default=None, description="Safeguards outside the EU.")


class ProviderShape(ProviderKeys):
    """`providers:` a third party, or the site itself, that stores or loads something."""

    name: rule_values.Filled = Field(description="As the published table names it.")

    @model_validator(mode="after")
    def _relays_where_it_may(self) -> Self:
        for at, tag in enumerate(self.tags):
            if tag.do == "relay" and self.relay is None:
                raise fault(f"says 'do: relay' in tags[{at}] and has no 'relay:' that allows it")
        return self


def _purpose_table(value: Any) -> Any:
    return {"*": value} if isinstance(value, str) else value


def _known_from(table: dict[str, str]) -> dict[str, str]:
    for word in table:
        if word != "*" and word not in CATALOGUE_PURPOSES:
            near = rule_values.meant(word, CATALOGUE_PURPOSES)
            listed = rule_values.listed(CATALOGUE_PURPOSES)
            raise fault(f"moves '{word}', which is no purpose of the catalogue{near or f'; it has {listed}'}")
    return table


_PURPOSE_TABLE_SCHEMA = {
    "anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}]
}


class UseShape(ProviderKeys):
    """`use:` what is different here from the catalogue's block; a key given replaces the block's."""

    name: rule_values.Filled | None = Field(default=None, description="As the published table names it.")
    purpose: (
        Annotated[
            dict[str, rule_values.PurposeId],
            BeforeValidator(_purpose_table),
            AfterValidator(_known_from),
            WithJsonSchema(_PURPOSE_TABLE_SCHEMA),
        ]
        | None
    ) = Field(
        default=None,
        description="The purpose for all of it that needs consent, or one for each of the block's: "
        "{ performance: statistics }.",
    )
    domain: rule_values.Domains | None = Field(
        default=None,
        description="Where its cookies of the site's own are; default: the policy page's domain.",
    )


def _known_block(word: str, info: ValidationInfo) -> str:
    known: tuple[str, ...] | None = (info.context or {}).get("catalogue")
    if known is not None and word not in known:
        near = rule_values.meant(word, known) or "; `consent-proxy catalogue list` names all"
        raise fault(f"is no provider of the catalogue{near}")
    return word


Used = dict[Annotated[str, AfterValidator(_known_block)], UseShape]


def _knows_necessary(purposes: dict[str, PurposeShape]) -> dict[str, PurposeShape]:
    necessary = purposes.get(NECESSARY)
    if necessary is None:
        near = get_close_matches(NECESSARY, purposes, n=1)
        meant = f"; is '{near[0]}' meant to be it?" if near else ""
        raise fault(f"has no 'necessary', the purpose of what works without consent{meant}")
    if necessary.basis != "legitimate interest":
        raise fault("makes 'necessary' depend on consent; its basis is 'legitimate interest'")
    return purposes


class RulesShape(Shape):
    """rules.yaml: what may run and be stored, and for whom."""

    policy: PolicyShape
    purposes: Annotated[dict[rule_values.Id, PurposeShape], AfterValidator(_knows_necessary)] = Field(
        description="What visitors agree to, in the order they read it."
    )
    undeclared: UndeclaredShape = UndeclaredShape()
    neutral: tuple[NeutralShape, ...] = ()
    headers: tuple[HeaderShape, ...] = ()
    use: Used = Field(
        default={}, description="Providers of the catalogue, by name; `name: { key: ... }` changes one."
    )
    providers: dict[rule_values.Id, ProviderShape] = Field(default={})
    tests: tuple[ExampleShape, ...] = ()


def json_schema() -> dict[str, Any]:
    """Return the JSON schema with which editors complete and check rules.yaml."""
    schema = RulesShape.model_json_schema(by_alias=True)
    changed = schema["properties"]["use"].pop("additionalProperties")  # written as a list of names
    schema["properties"]["use"] |= {
        "type": "array",
        "items": {"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": changed}]},
        "default": [],
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
