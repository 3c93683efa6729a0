"""Small rules files to test with: a complete head, and one provider with the blocks given."""

from textwrap import indent

from proxy.policy.load import load_policy
from proxy.policy.model import Policy

HEAD = """\
policy:
  version: 2026-11-01
  page: https://example.com/cookies
  privacy: https://example.com/privacy
  contact: privacy@example.com
  ask_again_after: 6 months
purposes:
  necessary: { basis: legitimate interest }
  functional: { basis: consent }
  performance: { basis: consent }
"""


def text_of(**blocks: str) -> str:
    """Return a rules file; `cookies`, `tags`, ... go to its one provider, the rest to the top.

    Lines of a block that is a list stand without indentation, as they are read best.
    """
    of_provider = ("cookies", "tags", "requests", "storage", "connect", "relay", "enabled")
    top = "".join(
        f"{name}:\n{indent(block.strip(), '  ')}\n"
        for name, block in blocks.items()
        if name not in of_provider
    )
    below = "".join(
        f"    {name}:\n{indent(block.strip(), '      ')}\n"
        for name, block in blocks.items()
        if name in of_provider
    )
    return f"{HEAD}providers:\n  acme:\n    name: Acme\n{below}{top}"


def policy_of(**blocks: str) -> Policy:
    """Return the policy of such a file."""
    return load_policy(text_of(**blocks))
