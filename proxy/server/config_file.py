"""From the text of a config file to a Config, or to every problem in it, each with its place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from proxy.errors import ConfigError
from proxy.policy.source import Listing, Mapping, Node, Place, Problem, Step, Text, locate, read, spell
from proxy.server import config as nouns
from proxy.server.config import Config
from proxy.server.keys import consent_domain, is_public

_PARTS: dict[tuple[str, ...], type[BaseModel]] = {
    (): Config,
    ("tls",): nouns.Tls,
    ("sites",): nouns.SiteConfig,
    ("sites", "undeclared"): nouns.SiteUndeclared,
    ("consent",): nouns.ConsentConfig,
    ("records",): nouns.RecordsConfig,
    ("timeouts",): nouns.Timeouts,
    ("limits",): nouns.Limits,
    ("log",): nouns.LogConfig,
}


def read_config(path: Path) -> Config:
    """Return the config in a file, whose relative paths count from its folder."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(
            [Problem(Place(path.name, 1), f"is not UTF-8 (byte {error.start}); save it as UTF-8")]
        ) from None
    except OSError as error:
        problem = Problem(
            Place(str(path), 1), f"cannot be read ({error.strerror}); name another with --config"
        )
        raise ConfigError([problem]) from error
    return load_config(text, path.name, path.resolve().parent)


def load_config(text: str, file: str = "config.yaml", folder: Path = Path()) -> Config:
    """Return the config, or raise ConfigError with every problem at once."""
    node, problems = read(text, file)
    if node is None or problems:
        raise ConfigError(sorted(problems))
    if not isinstance(node.plain(), dict):
        raise ConfigError([Problem(node.place, "is no config: write keys such as 'listen:' and 'sites:'")])
    try:
        config = Config.model_validate(node.plain()).at(folder)
    except ValidationError as error:
        raise ConfigError(sorted(_problems(node, error.errors()))) from None
    if faults := list(_contradictions(config, node)):
        raise ConfigError(sorted(faults))
    return config


def _problems(root: Node, errors: Sequence[ErrorDetails]) -> Iterable[Problem]:
    """Yield each fault; a list that only seems short because its items are faulty is none."""
    places = [error["loc"] for error in errors]
    for error in errors:
        loc = error["loc"]
        inner = any(other[: len(loc)] == loc and len(other) > len(loc) for other in places)
        if error["type"] != "too_short" or not inner:
            yield _problem(root, error)


def _problem(root: Node, error: ErrorDetails) -> Problem:
    """Return one fault as a sentence at its place."""
    steps: Sequence[Step] = error["loc"]
    node, taken = locate(root, steps)
    where = spell(taken)
    context = error.get("ctx", {})
    if error["type"] == "extra_forbidden":
        return _unknown_key(root, steps)
    if error["type"] == "missing":
        has = f"{where} has" if where else "the file has"
        return Problem(node.place, f"{has} no '{steps[-1]}'{_example(steps)}")
    if error["type"] == "value_error":
        return Problem(node.place, f"{where} {context.get('error', error['msg'])}")
    found = (
        f"'{node.value}'" if isinstance(node, Text) else "a list" if isinstance(node, Listing) else "a block"
    )
    return Problem(node.place, f"{where} {_words(error, found, context)}")


def _words(error: ErrorDetails, found: str, context: dict[str, Any]) -> str:
    """Return what is wrong and the way out, for faults that pydantic finds by itself."""
    match error["type"]:
        case "enum" | "literal_error":
            known = re.findall(r"'([^']*)'", str(context["expected"]))
            return f"is {found}{_close(found.strip(chr(39)), known)}"
        case "string_pattern_mismatch":
            return f"is {found}; {_PATTERNS[str(error['loc'][-1])]}"
        case "greater_than_equal":
            return f"is {found}; {context['ge']} is the least"
        case "less_than_equal":
            return f"is {found}; {context['le']} is the most"
        case kind:
            return _SIMPLE.get(kind, "is {found}: " + error["msg"]).format(found=found)


_SIMPLE = {
    "model_type": "is {found}; a block of 'key: value' lines belongs here",
    "model_attributes_type": "is {found}; a block of 'key: value' lines belongs here",
    "tuple_type": "is {found}; a list belongs here, each item after '- '",
    "string_type": "is {found}; one word belongs here",
    "path_type": "is {found}; the name of a file belongs here",
    "int_parsing": "is {found}; a whole number belongs here",
    "int_type": "is {found}; a whole number belongs here",
    "too_short": "is empty; at least one belongs here",
}
_PATTERNS = {
    "path": "write one folder such as /.consent/, beginning and ending with '/'",
    "cookie": "a cookie name here is made of letters, digits, '_' and '-'",
    "health": "write a path such as /health",
}


def _unknown_key(root: Node, steps: Sequence[Step]) -> Problem:
    parent, _ = locate(root, steps[:-1])
    key = parent.key(steps[-1]) if isinstance(parent, Mapping) else None
    names = tuple(step for step in steps[:-1] if isinstance(step, str))
    known = list(_PARTS[names].model_fields)
    return Problem(
        key.place if key else parent.place, f"{spell(steps)} is not known here{_close(str(steps[-1]), known)}"
    )


def _example(steps: Sequence[Step]) -> str:
    examples = {
        "listen": "; write where visitors come in, such as listen: 127.0.0.1:8080",
        "sites": '; write `- { hosts: callkom.io, upstream: "http://127.0.0.1:9001" }` under it',
        "upstream": '; write the server that answers, such as upstream: "http://127.0.0.1:9001"',
        "hosts": "; write the names visitors ask for, such as hosts: [callkom.io, www.callkom.io]",
        "certificate": "; write the file with the certificate and its chain",
        "key": "; write the file with the private key",
    }
    return examples.get(str(steps[-1]), "")


def _close(word: str, known: Sequence[str]) -> str:
    """Return the way out for a word nobody knows."""
    near = difflib.get_close_matches(word, known, 1, 0.6)
    return f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(known)}"


def _contradictions(config: Config, root: Node) -> Iterable[Problem]:
    """Yield what each part allows and the whole does not."""

    def at(*steps: Step, text: str) -> Problem:
        node, taken = locate(root, steps)
        return Problem(node.place, f"{spell(taken)} {text}")

    seen: dict[str, int] = {}
    for number, site in enumerate(config.sites):
        for index, host in enumerate(site.hosts):
            if host in seen:
                text = (
                    f"is '{host}', which sites[{seen[host]}] already answers for; a host belongs to one site"
                )
                yield at("sites", number, "hosts", index, text=text)
            seen.setdefault(host, number)
    yield from _consent_faults(config, at)
    if config.redirect and config.tls is None and not config.trusted_proxies and not config.cloudflare:
        yield at(
            "redirect",
            text="sends visitors to https, but there is no 'tls' and no trusted proxy to answer there",
        )
    public = {str(address) for address in (*config.listen, *config.redirect)}
    if config.admin is not None and str(config.admin) in public:
        yield at(
            "admin",
            text=f"is {config.admin}, which visitors use; health and figures need an address of their own",
        )


def _consent_faults(config: Config, at: Any) -> Iterable[Problem]:
    domain = config.consent.domain
    if domain is not None and is_public(domain):
        yield at(
            "consent",
            "domain",
            text=f"is '{domain}', under which strangers have names too; no browser takes such a cookie",
        )
    elif domain is not None:
        for number, site in enumerate(config.sites):
            for host in site.hosts:
                if host != domain and not host.endswith(f".{domain}"):
                    yield at(
                        "consent",
                        "domain",
                        text=f"is '{domain}', but sites[{number}] has the host '{host}' outside it",
                    )
    if config.consent.stands_for is not None and consent_domain(config) is None:
        text = "needs a domain that all hosts share (consent.domain), and these hosts share none"
        yield at("consent", "stands_for", text=text)
