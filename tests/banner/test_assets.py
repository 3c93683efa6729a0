import base64
import hashlib
import json
import re
import shutil
import subprocess

import pytest

from proxy.banner.assets import DARK, LAYER, css_hash, guard, style
from proxy.banner.page_head import page_code
from proxy.banner.provider_signals import stubs
from proxy.config.banner_colours import Look, Theme
from proxy.filter.headers.guard_table import GuardTable, WebrtcServers
from proxy.policy.stand_ins import STAND_INS
from tools.assets import BUILT, MANIFEST, manifest, pieces, sources

SCRIPTS = [
    page_code(asks=True),
    page_code(asks=False),
    stubs(list(STAND_INS)),
    guard(GuardTable((("aa", "x", 0, None),), False, "kk", "/r")),
    guard(GuardTable((("aa", "", 0, None),), False, "", "/r")),
]
ALL = ("base", "buttons", "text", "banner", "notice", "link", "placeholder")


def test_every_declaration_is_important_and_in_the_first_layer():
    """Only so no style sheet of a site reaches in: the earliest layer's !important beats all others."""
    text = style(ALL, Look())
    inner = text.replace(f"@layer {LAYER}{{", "")
    declarations = [each for block in re.findall(r"\{([^{}]*)\}", inner) for each in block.split(";")]

    assert text.startswith(f"@layer {LAYER}{{")
    plain = [each for each in declarations if not each.endswith("!important")]
    assert plain == ["--cc: none"], "only in key frames, where it would be ignored"
    assert text.count("{") == text.count("}")


def test_our_own_pages_need_no_armour():
    text = style(("base", "page"), Look(), layered=False)

    assert "!important" not in text
    assert "@layer" not in text


@pytest.mark.parametrize("text", [style(ALL, Look()), style((*ALL, "page"), Look(), layered=False), *SCRIPTS])
def test_what_goes_inline_reads_the_same_in_html_and_xml(text):
    assert re.findall(r"[<&]|\]\]>", text) == []
    assert text.isascii()


def test_the_hash_is_the_one_browsers_compute():
    assert css_hash("a") == "sha256-" + base64.b64encode(hashlib.sha256(b"a").digest()).decode()


def test_only_variables_in_use_are_sent():
    assert "--cc-line" not in style(("base", "link"), Look())
    assert "--cc-line" in style(("base", "placeholder"), Look())


def test_a_fixed_theme_has_no_other():
    assert DARK not in style(ALL, Look(Theme.DARK))
    assert DARK in style(ALL, Look())
    assert "color-scheme:dark" in style(ALL, Look(Theme.DARK))


def test_every_variable_used_is_set():
    text = style((*ALL, "page"), Look())

    assert set(re.findall(r"var\(--cc-(\w+)\)", text)) <= set(re.findall(r"--cc-(\w+):", text))


def test_what_ships_was_built_from_the_sources_as_they_are():
    """Nobody who changes a script has to have npm to be told; `make assets` builds."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sources()}
    built = {path.name: path.read_text(encoding="utf-8") for path in BUILT.iterdir()}
    told = json.loads(built.pop(MANIFEST))
    there = json.loads(json.dumps(manifest(texts, built)))

    assert told == there, (
        "a source, its build or the options changed: run make assets (python -m tools.assets)"
    )
    assert sorted(built) == sorted(piece for name, text in texts.items() for piece in pieces(name, text))


def test_the_guard_carries_no_part_that_its_table_does_not_need():
    whole = guard(GuardTable((("aa", "x", 0, None),), False, "kk", "/r"))
    least = guard(GuardTable((("aa", "", 0, None),), False, "", "/r"))

    assert "localStorage" in whole
    assert "domain\\s" in whole
    assert "localStorage" not in least
    assert "domain\\s" not in least


def test_the_guard_is_called_with_its_table():
    servers = WebrtcServers(("stun.example",), (), holds_undeclared=True)
    called = guard(GuardTable((("aa", "", 0, None),), True, "", "/r", webrtc=servers)).rpartition("})(")[2]

    assert called.startswith('[[/^(aa);/,0]],1,0,"/r","\\u003cscript\\u003etry{parent.callkomGuard(self)}')
    assert called.endswith(",[/^(.*\\.)?(stun\\.example)$/,/(?!)/,1]);")


def test_nothing_is_left_of_the_words_that_stand_for_arguments():
    words = r"\b(?:TABLE|NAMES|QUEUE|PATH|FILE|HOSTS|MADE_FOR)\b"

    assert [found for code in SCRIPTS for found in re.findall(words, code)] == []


@pytest.mark.parametrize("code", SCRIPTS)
def test_what_is_left_of_a_script_is_a_script(code):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; the browser walks run these scripts too")
    told = subprocess.run(
        [node, "--check", "-"],
        input=code,
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 0, told.stderr
