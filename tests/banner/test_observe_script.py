"""The page script that observes, run with made objects of a page: what its one report names."""

import json
import shutil
import subprocess

import pytest

from proxy.seen.known_names import name_hash
from proxy.seen.names import Kind, kept_name
from tests.shared import ROOT

PAGE = """
const [source, known, hosts, keys, lines] = JSON.parse(require("fs").readFileSync(0, "utf8"));
const ends = {}, sent = [];
class Document { get cookie() { return "" } set cookie(line) {} }; class Storage { setItem() {} };
const document = Object.assign(new Document(), { currentScript: { dataset: { known }, src: "" }, addEventListener() {} });
const performance = { getEntriesByType: () => hosts.map(host => ({ name: `https://${host}/x`, initiatorType: "script" })) };
const globals = {
  self: { localStorage: Object.fromEntries(keys.map(key => [key, 1])), sessionStorage: {} }, Document, Storage, document,
  performance, location: { host: "callkom.io", pathname: "/shop" }, addEventListener: (name, ends_) => ends[name] = ends_,
  navigator: { sendBeacon: (to, body) => sent.push(JSON.parse(body)) }, URL: class extends URL {},
};
new Function(...Object.keys(globals), source)(...Object.values(globals));
for (const line of lines) document.cookie = line;
ends.pagehide();
console.log(JSON.stringify(sent));
"""


def reported(*hosts, keys=(), known=()):
    """Return the names that the script reports of a page that loaded from these hosts."""
    return {name for _, name, _, _ in seen(*hosts, keys=keys, known=known)}


def seen(*hosts, keys=(), known=(), lines=()):
    """Return all that the script reports: kind, name, element or life, writer."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    source = (ROOT / "proxy/banner/observe.js").read_text("utf-8").replace("REPORTS", '"/reports"')
    told = json.dumps([source, " ".join(name_hash(*one) for one in known), hosts, keys, lines])
    done = subprocess.run([node, "-e", PAGE], input=told, capture_output=True, text=True, check=True)
    return [tuple(row) for one in json.loads(done.stdout) for row in one["seen"]]


def test_a_host_is_reported_whole_whatever_digits_it_has():
    hosts = {
        "d111111abcdef8.cloudfront.net",
        "cdn12345.vendor.example",
        "o447951.ingest.sentry.io",
        "192.0.2.1",
    }

    assert reported(*hosts) == hosts
    assert all(kept_name(Kind.HOST, host) for host in hosts)


def test_what_looks_like_an_id_leaves_a_key_masked():
    assert reported(keys=["visit_1234567", "theme"]) == {"visit_*", "theme"}


@pytest.mark.parametrize("host", ["d111111abcdef8.cloudfront.net", "0123456789abcdef.ads.vendor.example"])
def test_a_host_that_is_known_is_not_reported_again(host):
    known = [("host", kept_name(Kind.HOST, host)), ("key", "visit_*")]

    assert reported(host, keys=["visit_1234567"], known=known) == set()


def test_a_cookie_of_a_script_is_reported_with_its_life_and_a_deletion_is_not():
    lines = [
        "a=1",
        " b = 2 ; path=/ ; Max-Age=86400",
        "c=3; expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "d=4; expires=Wed, 01 Jan 2200 00:00:00 GMT; max-age=60",
        "e=5; max-age=0",
        "f=6; max-age=soon",
    ]
    found = {name: life for kind, name, life, _ in seen(lines=lines) if kind == "cookie"}

    assert found == {"a": "session", "b": "86400", "d": "60", "f": "session"}
