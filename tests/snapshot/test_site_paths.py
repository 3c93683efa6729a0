"""Parts of a site, matched as its server will route."""

import pytest

from proxy.config.loading import load_config
from proxy.consent.decision import Ask, Decision
from proxy.errors import ConfigError
from proxy.snapshot.site_paths import WHOLE, SitePaths, routed_path

CONFIG = """
listen: 127.0.0.1:0
sites:
  - hosts: [callkom.io]
    upstream: http://127.0.0.1:9001
    paths:
      - { path: /wp-admin/preview, mode: observe }
      - { path: [/wp-admin, "/*/edit"], banner: no }
      - { path: /caf\u00e9/, banner: no, mode: observe }
"""
PATHS = SitePaths(load_config(CONFIG).sites[0].paths)


def part(path):
    found = PATHS.part(path)
    return ("" if found.banner else "no banner") + (" observed" if found.observes else "")


@pytest.mark.parametrize(
    ("path", "is_"),
    [
        (b"/wp-admin", "no banner"),
        (b"/wp-admin/", "no banner"),
        (b"/wp-admin/post.php", "no banner"),
        (b"/wp-admin/preview/1", " observed"),
        (b"/wp-administrator", ""),
        (b"/WP-ADMIN/", ""),
        (b"/blog/7/edit", "no banner"),
        (b"/edit", ""),
        (b"/%77p-admin/", "no banner"),
        (b"/x/../wp-admin/./y", "no banner"),
        (b"/wp-admin/../index.html", ""),
        (b"/wp-admin/..", ""),
        (b"/caf%C3%A9/x", "no banner observed"),
        (b"/caf\xc3\xa9/x", "no banner observed"),
        (b"/caf%C3%A9", ""),
    ],
)
def test_a_path_is_matched_decoded_once_with_its_dots_resolved(path, is_):
    assert part(path) == is_


@pytest.mark.parametrize(
    "path",
    [
        b"/wp-admin%2fx", b"/wp-admin/%2e%2e/index.html", b"/wp-admin/%2E/x", b"/wp-admin/..%2findex.html",
        b"/wp-admin\\..\\index.html", b"/wp-admin/%5c..%5cindex.html", b"/wp-admin/..;/index.html", b"/wp-admin;x=1",
        b"/wp-admin%3bx", b"//wp-admin/", b"/wp-admin//x", b"/%2577p-admin/", b"/wp-admin/%", b"/wp-admin/%zz",
        b"/wp-admin/%00", b"/../wp-admin/x", b"/x/../../wp-admin", b"/wp-admin/%3f", b"*", b"",
    ],
)  # fmt: skip
def test_what_servers_may_read_in_different_ways_is_no_part(path):
    assert routed_path(path) is None
    assert PATHS.part(path) is WHOLE


def test_where_nobody_is_asked_the_decision_stays_the_same_but_for_that():
    asked, answered = Decision(frozenset(), Ask.FIRST), Decision(frozenset(), Ask.NO)

    assert PATHS.part(b"/wp-admin").decision(asked) == Decision(frozenset(), Ask.OFF)
    assert PATHS.part(b"/wp-admin").decision(answered) is answered
    assert PATHS.part(b"/").decision(asked) is asked


@pytest.mark.parametrize("path", ["wp-admin", "/a%2fb", "/a?b", "//a", "/a;b"])
def test_a_path_that_could_not_match_is_a_fault_of_the_config(path):
    with pytest.raises(ConfigError, match="path"):
        load_config(CONFIG.replace('"/*/edit"', f'"{path}"'))
