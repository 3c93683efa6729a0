"""What the site's server is told of its visitor's consent: signed, and never a visitor's own word."""

import shutil
import subprocess
import time

import pytest

from proxy.config.loading import load_config
from proxy.config.signing_key import load_upstream_key
from proxy.consent.upstream_header import UpstreamHeader
from proxy.errors import ConfigError
from tests.route.test_relay import accept
from tests.shared import ROOT
from tests.support.origin import Origin
from tests.support.proxying import config_text, proxying

TOLD = "consent: { upstream_header: X-Consent }"
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
PLAIN = {b"/": [JSON + b"Cache-Control: public, max-age=60\r\n\r\n{}"]}


def told(seen):
    return [value for name, value in seen.headers if name.lower().replace(b"_", b"-") == b"x-consent"]


async def test_each_request_says_what_its_visitor_agreed_to(tmp_path):
    async with Origin(PLAIN) as origin, proxying(origin.url, folder=tmp_path, more=TOLD) as proxy:
        cookie = await accept(proxy, b"functional", b"performance")
        await proxy.ask("/")
        await proxy.ask("/", f"Cookie: {cookie}")
        await proxy.ask("/", f"Cookie: {cookie}")
        config = load_config(config_text(origin.url, more=TOLD), folder=tmp_path)
        nobody, somebody, again = map(told, origin.seen[-3:])
        header = UpstreamHeader(b"X-Consent", load_upstream_key(config))

    now = int(time.time())
    expected = {header.value("callkom.io", ["functional", "performance"], at) for at in (now, now - 60)}
    assert len(nobody) == 1
    assert b"; purposes=; until=" in nobody[0]
    assert set(somebody) | set(again) <= expected


@pytest.mark.parametrize("site", ["", "    mode: observe\n"], ids=["enforced", "observed"])
async def test_a_visitors_field_of_that_name_never_arrives(tmp_path, site):
    lies = ["X-Consent: v=1; purposes=performance", "x-CONSENT: a", "X_Consent: b"]
    async with Origin(PLAIN) as origin, proxying(origin.url, folder=tmp_path, more=TOLD, site=site) as proxy:
        for _ in range(3):
            await proxy.ask("/", *lies)
        seen = [told(one) for one in origin.seen[-3:]]

    assert all(len(one) == (0 if site else 1) for one in seen)
    assert all(b"purposes=; until=" in value for one in seen for value in one)


async def test_without_the_key_such_a_field_is_anybodys(tmp_path):
    async with Origin(PLAIN) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        await proxy.ask("/", "X-Consent: mine")
        seen = told(origin.seen[-1])

    assert seen == [b"mine"]


async def test_a_response_that_depends_on_it_is_private(tmp_path):
    answers = {
        b"/own": [JSON + b"Cache-Control: public, s-maxage=60\r\nVary: Accept, x-consent\r\n\r\n{}"],
        b"/all": [JSON + b"Cache-Control: public, max-age=60\r\nVary: Accept\r\n\r\n{}"],
    }
    async with Origin(answers) as origin, proxying(origin.url, folder=tmp_path, more=TOLD) as proxy:
        own, everybodys = await proxy.ask("/own"), await proxy.ask("/all")

    assert own.one(b"Cache-Control").startswith(b"private")
    assert b"public" not in own.one(b"Cache-Control")
    assert {word.strip().lower() for word in own.one(b"Vary").split(b",")} >= {b"accept", b"cookie"}
    assert b"consent" not in own.one(b"Vary").lower()
    assert b"public" in everybodys.one(b"Cache-Control")


def test_a_value_is_good_for_one_to_two_minutes():
    header = UpstreamHeader(b"X-Consent", b"k" * 32)
    untils = {
        int(header.value("a", [], now).split(b"until=")[1].split(b";")[0]) - now for now in range(600, 700)
    }

    assert min(untils) >= 60
    assert max(untils) <= 120


@pytest.mark.parametrize("name", ["Cookie", "X-Forwarded-For", "x consent", "Sec-GPC", "X_Consent"])
def test_a_name_that_means_something_else_is_refused(tmp_path, name):
    more = f"consent: {{ upstream_header: '{name}' }}"

    with pytest.raises(ConfigError, match="write a name of its own"):
        load_config(config_text("http://127.0.0.1:1", more=more), folder=tmp_path)


# The code of docs/signals.md, in three languages

KEY = b"0123456789abcdef" * 2


def block(language):
    text = (ROOT / "docs" / "signals.md").read_text(encoding="utf-8")
    part = text.partition("### On each request")[2].partition("\n## ")[0]
    return part.partition(f"```{language}\n")[2].partition("```")[0]


RUNS = {
    "python": (
        "python3",
        "-c",
        'import sys\nprint(" ".join(granted(sys.argv[1], sys.argv[2], sys.argv[3])))',
    ),
    "php": ("php", "-r", 'echo implode(" ", granted($argv[1], $argv[2], $argv[3])), "\\n";'),
    "js": ("node", "-e", "console.log(granted(...process.argv.slice(1)).join(' '))"),
}


@pytest.mark.parametrize("language", RUNS)
def test_the_code_that_verifies_it_believes_what_is_ours_and_fresh_and_nothing_else(language):
    program, flag, call = RUNS[language]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    header, now = UpstreamHeader(b"X-Consent", KEY), int(time.time())
    good = header.value("callkom.io", ["performance", "functional"], now).decode()
    separator = ["--"] if program == "php" else []

    def said(value, site="callkom.io", key=None):
        code = block(language) + "\n" + call
        ran = subprocess.run(
            [program, flag, code, *separator, value, site, key or KEY.decode()],
            check=False,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.split()

    assert said(good) == ["functional", "performance"]
    assert said(header.value("callkom.io", [], now).decode()) == []
    assert said(header.value("callkom.io", ["performance"], now - 200).decode()) == []
    for forged in (
        good.replace("functional", "marketing"),
        good[:-1] + "g",
        "",
        "v=1",
        good.partition("; sig=")[0],
    ):
        assert said(forged) == []
    assert said(good, site="other.example") == []
    assert said(good, key="another key of sixteen") == []
