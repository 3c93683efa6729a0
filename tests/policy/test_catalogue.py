"""Files of the catalogue: blocks as rules.yaml has them, and what is wrong with one."""

import pytest

from proxy.errors import PolicyError
from proxy.policy.catalogue import load_catalogue

PLATFORM = """
wiki:
  name: Wiki
  cookies:
    - { name: [sid, "sidC#"], domain: self, purpose: necessary, lasts: 1 day, why: Sign-in }
"""


def test_a_platform_is_a_provider_whose_cookies_are_the_sites_own():
    (wiki,) = load_catalogue({"wiki.yaml": PLATFORM}, {}).platforms

    assert (wiki.id, wiki.name, wiki.place.line) == ("wiki", "Wiki", 2)
    (row,) = wiki.cookies
    assert row.names == ("sid", *(f"sidC{n}" for n in range(10)))
    assert row.domains == ("self",)
    assert (row.place.file, row.place.line) == ("wiki.yaml", 5)


def test_a_tracker_is_a_list_of_names():
    (spy,) = load_catalogue({}, {"t.yaml": 'spy: { name: Spy, cookies: ["spy_*"], storage: spy }'}).trackers

    assert (spy.name, spy.cookies, spy.storage, spy.place.line) == ("Spy", ("spy_*",), ("spy",), 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (PLATFORM.replace("domain: self", "domain: .example.com"), "domain"),
        (PLATFORM.replace("lasts: 1 day", "lasts: soon"), "no duration"),
        (PLATFORM.replace("name: Wiki", "nam: Wiki"), "no key 'nam'"),
        ("wiki: {", "wiki"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_line(text, told):
    with pytest.raises(PolicyError) as error:
        load_catalogue({"wiki.yaml": text}, {})

    assert any(told in str(problem) for problem in error.value.problems) or told == "wiki"
    assert all(problem.place.file == "wiki.yaml" for problem in error.value.problems)
