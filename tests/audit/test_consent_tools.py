"""Each known tool says where it shows itself and what to click, in selectors that a browser takes."""

import pytest

from proxy.audit.consent_tools import KNOWN_TOOLS
from proxy.catalogue.shipped import providers

IDS = [tool.name for tool in KNOWN_TOOLS]


@pytest.mark.parametrize("tool", KNOWN_TOOLS, ids=IDS)
def test_a_tool_has_something_that_shows_it_accepts_and_refuses(tool):
    assert tool.shown
    assert tool.accept
    assert tool.refuse
    assert tool.accept != tool.refuse


@pytest.mark.parametrize("tool", KNOWN_TOOLS, ids=IDS)
def test_every_selector_is_whole(tool):
    for selector in (tool.shown, *tool.accept, *tool.refuse, *tool.withdraw):
        assert selector.strip() == selector
        assert selector.count("[") == selector.count("]")
        assert selector.count("(") == selector.count(")")
        assert selector.count('"') % 2 == 0
        assert all(part.strip()[:1] in "#.[" for part in selector.split(","))


def test_no_two_tools_have_a_name_or_a_place_in_common():
    places = [part.strip() for tool in KNOWN_TOOLS for part in tool.shown.split(",")]

    assert len(set(IDS)) == len(IDS)
    assert len(set(places)) == len(places)


def test_tools_of_the_catalogue_can_be_decided_in():
    names = {one.name.lower().split()[0] for one in providers().values() if one.kind == "consent tool"}

    assert len(names & {name.lower().split()[0] for name in IDS}) >= 5
