"""The letter that answers a request for access: all that is kept of one visitor's choices, to print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.banner.markup import Markup, fill, joined
from proxy.banner.pages.page_shell import Shell, facts, link, proof
from proxy.banner.words import Words
from proxy.policy.model import Duration


def letter(
    shell: Shell,
    words: Words,
    receipts: Sequence[Mapping[str, Any]],
    *,
    visitor: str,
    keep: Duration,
    now: int,
) -> bytes:
    """Return the letter as a page; `receipts` are all of that visitor's, oldest first."""
    say, policy = words.say, shell.policy
    names = {provider.id: provider.name for provider in policy.providers}
    said = [
        ("visitor", visitor),
        ("why", say("letter.why_text")),
        ("kept", say("letter.kept_text")),
        ("who", say("letter.who_text")),
        ("long", say("letter.long_text", period=words.duration(keep))),
    ]
    content = fill(
        "letter",
        made=say(
            "letter.made", date=words.date(now), contact=link(f"mailto:{policy.contact}", policy.contact)
        ),
        text=say("letter.text", site=receipts[-1]["site"]),
        facts=facts(words, "letter", said),
        choices=words.plain("letter.choices"),
        proofs=joined((proof(words, one, names=names) for one in receipts), Markup("<hr/>")),
        rights_title=words.plain("letter.rights"),
        rights=say("letter.rights_text", contact=policy.contact, manage=words.plain("buttons.manage")),
        links=joined(
            (
                link(address, words.plain(key))
                for address, key in ((policy.page, "banner.policy"), (policy.privacy, "banner.privacy"))
            ),
            " ",
        ),
    )
    return shell.page(words, title=words.plain("letter.title"), content=content, host=receipts[-1]["site"])
