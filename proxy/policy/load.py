"""Loads rules.yaml: its text becomes a Policy, or an error with every problem."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pydantic import ValidationError

from proxy.errors import PolicyError
from proxy.policy import catalogue_schema, rule_values, rules_schema
from proxy.policy.actions import Action
from proxy.policy.durations import parse_date, parse_duration, parse_size
from proxy.policy.first_party import FIRST_PARTY
from proxy.policy.inline_test import KINDS, ExampleShape
from proxy.policy.model import (
    OWN,
    Basis,
    Catalogue,
    CatalogueBlock,
    CookieRule,
    Duration,
    Example,
    HeaderRule,
    InlineText,
    NeutralRule,
    Policy,
    Provider,
    Purpose,
    RelayRule,
    RequestRule,
    StorageRule,
    TagRule,
    Undeclared,
)
from proxy.policy.rehome import rehome
from proxy.policy.stand_in_schema import ReplyShape
from proxy.policy.stand_ins import Reply, ReplyKind, StandIn, constant, of_table
from proxy.policy.used_providers import UsedProvider, used_providers, with_use_as_mapping
from proxy.policy.validation_messages import problems_of
from proxy.policy.yaml_source import Mapping, Node, Step, Text, locate, read
from proxy.problems import Place, Problem

__all__ = ["load_policy", "rehome"]


def load_policy(text: str, file: str = "rules.yaml", catalogue: Catalogue | None = None) -> Policy:
    """Return the policy in rules.yaml; raise PolicyError with every problem it has.

    The catalogue (proxy.catalogue reads it) is about names that the rules do not declare.
    """
    tree, problems = read(text, file)
    if tree is None:
        raise PolicyError(problems)
    known = catalogue or Catalogue()
    tree, doubled = with_use_as_mapping(tree)
    problems += doubled
    context = {"purposes": _purpose_ids(tree), "catalogue": tuple(one.id for one in known.blocks)}
    try:
        rules = rules_schema.RulesShape.model_validate(tree.plain(), context=context, by_alias=True)
    except ValidationError as error:
        raise PolicyError(sorted([*problems, *problems_of(error, tree, rules_schema.RulesShape)])) from None
    if problems:
        raise PolicyError(sorted(problems))
    policy = _Builder(tree, rules, used_providers(tree, rules, known)).policy(text, known)
    if wrong := list(_former_ids_in_use(policy)):
        raise PolicyError(sorted(wrong))
    return policy


def _former_ids_in_use(policy: Policy) -> Iterator[Problem]:
    """Yield a fault for each `was:` that names what is there, or what another one claims."""
    for kind, all_ in (("purposes", policy.purposes), ("providers", policy.providers)):
        today = {one.id for one in all_}
        known = {one.id: one.place for one in all_}
        for one in all_:
            for word in one.was:
                if word in known:
                    whose = "is an id of today" if word in today else "another 'was' names as well"
                    text = (
                        f"{kind}.{one.id}.was names '{word}', which {whose} (line {known[word].line}):"
                        " write only ids that are gone, each once"
                    )
                    yield Problem(one.place, text)
                known.setdefault(word, one.place)


def _purpose_ids(tree: Node) -> tuple[str, ...]:
    """Return the ids under `purposes:`, so that every other line can be held to them."""
    purposes, path = locate(tree, ["purposes"])
    if not path or not isinstance(purposes, Mapping):
        return ()
    return tuple(key.value for key, _ in purposes.entries)


class _Builder:
    """Builds the model from validated blocks, each with its place in the file."""

    def __init__(
        self, tree: Node, rules: rules_schema.RulesShape, used: tuple[UsedProvider, ...] = ()
    ) -> None:
        self._tree = tree
        self._rules = rules
        self._used = used

    def policy(self, text: str, catalogue: Catalogue) -> Policy:
        """Return the policy."""
        head, until = self._rules.policy, self._rules.undeclared.presume_until
        whole = _with_blocks(text, [catalogue.block(one.id) for one in self._used])
        return Policy(
            version=head.version,
            page=head.page,
            privacy=head.privacy,
            contact=head.contact,
            ask_again_after=_duration(head.ask_again_after),
            purposes=tuple(
                Purpose(id_, Basis(purpose.basis), self._place("purposes", id_), purpose.was, purpose.signals)
                for id_, purpose in self._rules.purposes.items()
            ),
            providers=(
                *(provider_of(self._tree, ("providers", id_), p) for id_, p in self._rules.providers.items()),
                *(_used(one) for one in self._used),
            ),
            undeclared_cookies=Undeclared(self._rules.undeclared.cookies),
            undeclared_tags=Undeclared(self._rules.undeclared.tags),
            neutral=tuple(
                NeutralRule(rule.from_, rule.why, self._place("neutral", at), rule.transfers)
                for at, rule in enumerate(self._rules.neutral)
            ),
            headers=tuple(
                HeaderRule(rule.name, rule.purpose, self._place("headers", at))
                for at, rule in enumerate(self._rules.headers)
            ),
            examples=(
                *(example for at, one in enumerate(self._rules.tests) for example in self._examples(at, one)),
                *(example for one in self._used for example in one.examples),
            ),
            digest=hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:16],
            place=self._tree.place,
            text=whole,
            undeclared_cookies_place=self._written("undeclared", "cookies"),
            undeclared_tags_place=self._written("undeclared", "tags"),
            presume_until=parse_date(until) if until is not None else None,
            catalogue=replace(catalogue, blocks=()),  # what is used is in the policy
            undeclared_webrtc=Undeclared(self._rules.undeclared.webrtc),
        )

    def _written(self, *steps: str) -> Place | None:
        """Return where a key stands that need not, or None."""
        _, path = locate(self._tree, steps)
        return self._place(*steps) if path == steps else None

    def _place(self, *steps: Step) -> Place:
        return place_of(self._tree, *steps)

    def _examples(self, at: int, block: ExampleShape) -> Iterator[Example]:
        """Yield one example for each thing the block tries."""
        kind = next(kind for kind in KINDS if getattr(block, kind) is not None)
        expect = tuple(
            (visitor, expected, self._place("tests", at, "expect", visitor))
            for visitor, expected in block.expect.items()
        )
        for subject in getattr(block, kind):
            yield Example(block.it, kind, subject, block.host, expect, self._place("tests", at))


def _used(one: UsedProvider) -> Provider:
    """Return a provider of the catalogue; its rules stand in the catalogue's file, it where it is used."""
    around = Mapping(one.tree.place, ((Text(one.tree.place, one.id), one.tree),))
    return provider_of(around, (one.id,), one.shape)


def _with_blocks(text: str, blocks: Sequence[CatalogueBlock | None]) -> str:
    """Return the rules as they are kept with proofs: what `use:` means stands below as comments."""
    more = (f"\n{one.file}\n{one.text}" for one in blocks if one is not None)
    return text + "".join("".join(f"# {line}\n" for line in block.splitlines()) for block in more)


def place_of(tree: Node, *steps: Step) -> Place:
    """Return where the thing on that path begins; for an id: where the id stands."""
    node, path = locate(tree, steps)
    assert path == steps
    if isinstance(steps[-1], str):
        above, _ = locate(tree, steps[:-1])
        key = above.key(steps[-1]) if isinstance(above, Mapping) else None
        return key.place if key is not None else node.place
    return node.place


def provider_of(tree: Node, at: tuple[str, ...], block: rules_schema.ProviderShape) -> Provider:
    """Return the provider whose block stands on that path; its last step is the provider's id."""
    id_ = at[-1]

    def place(*steps: Step) -> Place:
        return place_of(tree, *at, *steps)

    advanced = block.consent_mode == "advanced"  # its scripts load and report, under any name
    tags = (_tag(id_, tag, place("tags", n), keeps=advanced) for n, tag in enumerate(block.tags))
    requests = [
        (_request(id_, rule, place("requests", n)), rule)
        for n, rule in enumerate(block.requests)
        if rule.like is None or not advanced
    ]
    return Provider(
        id=id_,
        name=block.name,
        place=place(),
        cookies=tuple(_cookie(id_, row, place("cookies", n)) for n, row in enumerate(block.cookies)),
        tags=(*tags, *(_like_tag(rule, shape.like) for rule, shape in requests if shape.like is not None)),
        requests=tuple(rule for rule, _ in requests),
        storage=tuple(
            StorageRule(id_, rule.key, rule.purpose, place("storage", n))
            for n, rule in enumerate(block.storage)
        ),
        connect=tuple(host for host in block.connect if rule_values.webrtc_server(host) is None),
        webrtc=tuple(host for word in block.connect if (host := rule_values.webrtc_server(word)) is not None),
        relay=_relay(block.relay, place("relay")) if block.relay else None,
        privacy=block.privacy,
        country=block.country,
        transfers=block.transfers,
        enabled=block.enabled == "yes",
        was=block.was,
        signals=tuple(block.signals.items()),
        advanced=advanced,
    )


def _duration(text: str) -> Duration:
    found = parse_duration(text)
    assert found is not None  # the shape has refused what is none
    return found


def _cookie(provider: str, row: rules_schema.CookieShape, place: Place) -> CookieRule:
    return CookieRule(
        provider=provider,
        names=row.name,
        domains=row.domain,
        purpose=row.purpose,
        lasts=_duration(row.lasts),
        why=row.why,
        place=place,
        note=row.note,
        unpublished=row.unpublished,
        by_scripts=isinstance(row, catalogue_schema.PlatformCookieShape) and row.by_scripts == "yes",
    )


def _request(provider: str, rule: rules_schema.RequestShape, place: Place) -> RequestRule:
    hosts, purposes = rule.host or (), rule.purpose
    if rule.like is None:
        return RequestRule(provider, rule.path or (), hosts, purposes, place)
    like = FIRST_PARTY[rule.like]
    return RequestRule(provider, (*like.loads, *like.collects), hosts, purposes, place, like.replies)


def _like_tag(rule: RequestRule, like: str) -> TagRule:
    """Return the rule that holds as tags what `like:` knows."""
    return TagRule(rule.provider, rule.purposes, rule.place, rule.hosts or (OWN,), FIRST_PARTY[like].loads)


def _tag(provider: str, tag: rules_schema.TagShape, place: Place, *, keeps: bool) -> TagRule:
    text = None
    if tag.text is not None:
        text = InlineText(all=tag.text.all or (), any=tag.text.any or ())
    return TagRule(
        provider=provider,
        purposes=tag.purpose,
        place=place,
        hosts=tag.from_ or (),
        paths=tag.path or (),
        elements=tag.element or (),
        ids=tag.id or (),
        classes=tag.class_ or (),
        attributes=tuple((tag.attribute or {}).items()),
        text=text,
        do=Action.KEEP if keeps and tag.do == "hold" else Action(tag.do),
        with_=tag.with_,
        link=tag.link,
        stand_in=_stand_in(provider, tag.stand_in or {}),
        fenced=tag.fenced == "yes",
    )


def _stand_in(provider: str, table: dict[str, ReplyShape | None]) -> str | StandIn | None:
    replies = {name: _reply(reply) for name, reply in table.items() if reply is not None}
    return of_table(provider, replies) if replies else next(iter(table), None)


def _reply(reply: ReplyShape) -> Reply:
    if reply.returns is not None:
        return Reply(ReplyKind.RETURNS, constant(reply.returns))
    return Reply(ReplyKind.CALLS_BACK, constant(reply.calls_back or ""))


def _relay(rule: rules_schema.RelayShape, place: Place) -> RelayRule:
    return RelayRule(
        hosts=rule.host,
        paths=rule.path,
        methods=rule.method,
        max_body=parse_size(rule.max_body) or 0,
        per_minute=int(rule.per_minute),
        pass_on=rule.pass_on,
        place=place,
    )
