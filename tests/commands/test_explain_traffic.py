"""`explain` of whole pages as they are served, saved, or recorded by a browser."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.commands.running import run
from tests.commands.test_explain import line_of

PAGE = """<!doctype html>
<html><head>
<script src="https://js.hs-scripts.com/1.js"></script>
<link rel=stylesheet href="https://fonts.googleapis.com/css2?family=Inter">
<script>
var agent = "https://cdn.a-very-long-name-of-a-vendor-that-fits-into-no-column.example/agent.js"; load(agent);
</script>
</head><body>
<img src="https://px.strangers.example/p.gif">
<img src="https://px.strangers.example/q.gif">
</body></html>
"""
LONG = "cdn.a-very-long-name-of-a-vendor-that-fits-into-no-column.example"


class Site(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Set-Cookie", "_ga=1; Max-Age=63072000; Path=/")
        self.send_header("Link", "<https://js.hs-scripts.com/1.js>; rel=preload; as=script")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def address():
    server = HTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def har(tmp_path):
    entries = [
        {
            "request": {"url": "https://callkom.io/?secret=1"},
            "response": {
                "content": {"mimeType": "text/html", "text": PAGE},
                "headers": [{"name": "Set-Cookie", "value": "_ga=1; Max-Age=9\nPHPSESSID=1; HttpOnly"}],
            },
        },
        {"request": {"url": "https://px.strangers.example/p.gif?id=7"}, "response": {}},
        {"request": {"url": "https://[broken"}, "response": None},
        "nonsense",
    ]
    path = tmp_path / "visit.har"
    path.write_text(json.dumps({"log": {"entries": entries}}))
    return path


def test_a_page_is_told_with_its_lines_its_neutral_hosts_and_what_scripts_would_reach(tmp_path):
    path = tmp_path / "page.html"
    path.write_text(PAGE)
    said = run("explain", str(path)).stdout
    told = json.loads(run("explain", str(path), "--json").stdout)

    assert next(line for line in said.splitlines() if "HubSpot" in line).rstrip().endswith("line 3")
    assert next(line for line in said.splitlines() if "px.strangers" in line).rstrip().endswith("lines 9, 10")
    assert (
        f"fonts.googleapis.com loads for everyone: rules.yaml:{line_of('fonts.googleapis.com, fonts')} neutral"
        in said
    )
    assert "line 6: the site's own code" in said
    assert f"its calls would reach {LONG}: refused hold" in said
    assert told["reached_by_scripts"][LONG]["accepted"]["does"] == "hold"
    assert list(told["neutral"]) == ["fonts.googleapis.com"]


def test_a_neutral_address_names_the_line_that_lets_it_load():
    said = run("explain", "https://fonts.gstatic.com/s/inter.woff2").stdout

    assert f"rules.yaml:{line_of('fonts.googleapis.com, fonts')} neutral" in said
    assert "no rule speaks of it" not in said


def test_live_fetches_a_page_and_judges_it_with_its_cookies_and_headers(address):
    said = run("explain", "--live", address)
    told = json.loads(run("explain", "--live", address, "--host", "callkom.io", "--json").stdout)
    traffic = {(one["kind"], one["subject"].partition("=")[0]): one["visitors"] for one in told["traffic"]}

    assert said.returncode == 0
    assert f"{address}  (200)" in said.stdout
    assert traffic["cookie", "_ga"]["refused"]["does"] == "drop"
    assert traffic["header", "Link: <https://js.hs-scripts.com/1.js>; rel"]["refused"]["does"] == "drop"
    assert told["page"]["visitors"]["accepted"]["verdicts"]


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/", "ftp://example.com/", "no address"])
def test_what_cannot_be_fetched_is_a_sentence(address):
    said = run("explain", "--live", address)

    assert said.returncode in (1, 2)
    assert "consent-proxy: " in said.stderr


def test_a_har_file_is_judged_address_by_address_without_queries(har):
    said = run("explain", str(har)).stdout
    told = json.loads(run("explain", str(har), "--json").stdout)

    assert [(one["kind"], one["subject"]) for one in told["traffic"]] == [
        ("url", "https://callkom.io/"),
        ("cookie", "_ga=*; Max-Age=9"),
        ("cookie", "PHPSESSID=*; HttpOnly"),
        ("url", "https://px.strangers.example/p.gif"),
    ]
    assert "secret" not in said
    assert "line 3" in said


def test_live_finds_names_below_localhost_on_this_machine_and_says_where_there_is_no_page(address):
    port = address.rpartition(":")[2].partition("/")[0]
    told = run("explain", f"http://shop.localhost:{port}/", "--live")

    assert (told.returncode, told.stderr) == (0, "")
    assert f"http://shop.localhost:{port}/" in told.stdout


@pytest.mark.parametrize("text", ["{}", '{"log": 1}', '{"log": {"entries": 5}}', '{"a', "\x00\x01"])
def test_a_har_file_that_is_none_is_a_sentence(tmp_path, text):
    path = tmp_path / "odd.har"
    path.write_text(text)
    told = run("explain", str(path))

    assert (told.returncode, told.stdout) == (1, "")
    assert "is no HAR file" in told.stderr


def test_a_cookie_of_another_host_is_told_by_that_host_since_its_responses_do_not_pass_here(tmp_path):
    sets = [{"name": "Set-Cookie", "value": "tp=1; Max-Age=31536000"}]
    entries = [
        {
            "request": {"url": "https://callkom.io/"},
            "response": {"content": {"mimeType": "text/html", "text": PAGE}},
        },
        {"request": {"url": "https://js.hs-scripts.com/1.js"}, "response": {"headers": sets}},
    ]
    path = tmp_path / "visit.har"
    path.write_text(json.dumps({"log": {"entries": entries}}))
    (row,) = (
        row
        for row in json.loads(run("explain", str(path), "--json").stdout)["traffic"]
        if row["kind"] == "cookie"
    )

    assert (row["host"], row["visitors"]["refused"]["does"], row["visitors"]["accepted"]["does"]) == (
        "js.hs-scripts.com",
        "hold",
        "keep",
    )
    assert "of js.hs-scripts.com" in run("explain", str(path)).stdout


def test_a_link_header_names_the_line_that_decides():
    line = "Link: <https://js.hs-scripts.com/1.js>; rel=preload; as=script"
    said = json.loads(run("explain", line, "--json").stdout)["visitors"]

    assert said["refused"]["does"] == "drop"
    assert said["refused"]["verdicts"][0]["rule"].startswith("rules.yaml:")
    assert said["refused"]["verdicts"][0]["needs"] == ["performance"]
    assert said["accepted"]["does"] == "keep"


def test_a_file_of_that_name_that_holds_something_else_is_read_as_a_page(tmp_path):
    path = tmp_path / "odd.har"
    path.write_text(PAGE)

    assert "HubSpot" in run("explain", str(path)).stdout


STATES = ["refused", "functional", "performance", "accepted"]


def written(folder):
    return {state: (folder / f"report-{state}.html").read_text("utf-8") for state in STATES}


def test_html_is_a_page_for_each_state_that_loads_nothing(tmp_path, har):
    said = run("explain", str(har), "--html", str(tmp_path / "report.html"))
    pages = written(tmp_path)

    assert [line.rpartition("/")[2] for line in said.stdout.splitlines()] == [
        f"report-{state}.html" for state in STATES
    ]
    assert '<td data-of="what happens" class="held">drop</td>' in pages["refused"]
    assert (
        '<li class="on">&lt;script src=&quot;https://js.hs-scripts.com/1.js&quot;&gt;&lt;/script&gt;</li>'
        in pages["refused"]
    )
    assert '<li class="on">&lt;script' not in pages["accepted"]
    assert "_ga=*; Max-Age=9" in pages["refused"]
    for page in pages.values():
        assert "default-src 'none'" in page
        assert "<script" not in page
        assert "<img" not in page


def test_what_a_site_says_is_text_in_the_page(tmp_path):
    path = tmp_path / "<img src=x onerror=alert(1)>.html"
    path.write_text(PAGE.replace("agent.js", "a.js\x1b]0;title\x07") + "</ol><script>alert(1)</script>")
    run("explain", str(path), "--html", str(tmp_path / "report.html"))

    for page in written(tmp_path).values():
        assert "<script" not in page
        assert "<img" not in page
        assert "\x1b" not in page


def test_a_single_subject_gets_its_pages_too(tmp_path):
    run("explain", "https://js.hs-scripts.com/1.js", "--html", str(tmp_path / "report.html"))

    assert ">hold</td>" in written(tmp_path)["refused"]
    assert ">keep</td>" in written(tmp_path)["accepted"]


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path):
    said = run("explain", "js.stripe.com", "--html", str(tmp_path / "none" / "report.html"))

    assert said.returncode == 1
    assert "cannot be written" in said.stderr
