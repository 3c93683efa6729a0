import base64
import hashlib
import re
import shutil
import subprocess

import pytest

from proxy.banner.assets import LAYER, css_hash, script, source, style
from proxy.banner.page_head import page_code
from proxy.config.banner_colours import Look, Theme

ALL = ("base", "buttons", "text", "banner", "notice", "link", "placeholder")


def test_every_declaration_is_important_and_in_the_first_layer():
    """Only so no style sheet of a site reaches in: the earliest layer's !important beats all others."""
    text = style(ALL, Look())
    inner = text.removeprefix(f"@layer {LAYER}{{").removesuffix("}")
    declarations = [each for block in re.findall(r"\{([^{}]*)\}", inner) for each in block.split(";")]

    assert text.startswith(f"@layer {LAYER}{{")
    assert [each for each in declarations if not each.endswith("!important")] == []
    assert text.count("{") == text.count("}")


def test_our_own_pages_need_no_armour():
    text = style(("base", "page"), Look(), layered=False)

    assert "!important" not in text
    assert "@layer" not in text


@pytest.mark.parametrize(
    "text", [style(ALL, Look()), page_code(asks=True), page_code(asks=False), script("stubs.js")]
)
def test_what_goes_inline_reads_the_same_in_html_and_xml(text):
    assert re.findall(r"[<&]|\]\]>", text) == []
    assert text.isascii()


def test_the_hash_is_the_one_browsers_compute():
    assert css_hash("a") == "sha256-" + base64.b64encode(hashlib.sha256(b"a").digest()).decode()


def test_only_variables_in_use_are_sent():
    assert "--cc-soft" not in style(("base", "link"), Look())
    assert "--cc-soft" in style(("base", "placeholder"), Look())


def test_a_fixed_theme_has_no_other():
    assert "prefers-color-scheme" not in style(ALL, Look(Theme.DARK))
    assert "color-scheme:dark" in style(ALL, Look(Theme.DARK))


def test_every_variable_used_is_set():
    text = style((*ALL, "page"), Look())

    assert set(re.findall(r"var\(--cc-(\w+)\)", text)) <= set(re.findall(r"--cc-(\w+):", text))


@pytest.mark.parametrize("name", ["ahead.js", "banner.js", "guard.js", "stubs.js"])
def test_sources_keep_their_own_rules(name):
    code = re.sub(r"//[^\n]*", "", source(name))

    assert re.findall(r"[<&`']", code) == []


@pytest.mark.parametrize("code", [page_code(asks=True), page_code(asks=False), script("stubs.js")])
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
