"""The console's files on loopback as the proxy sends them, with figures that a test chooses."""

import contextlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from tests.shared import ROOT

FILES = ROOT / "proxy" / "console"
SAMPLES = ROOT / "tests" / "data" / "console"
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'"
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html; charset=utf-8"}


def sample(name: str):
    """Return one of the sample answers of the server."""
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


class Stage(ThreadingHTTPServer):
    """What is served."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200  # of the figures
        self.data = sample("data")
        self.records = {record["id"]: record for record in [sample("record")]}
        self.reload = sample("reload")
        self.reads = 0
        self.posts: list[tuple[str, dict[str, list[str]]]] = []

    @property
    def origin(self) -> str:
        """Where the console is."""
        return f"http://127.0.0.1:{self.server_port}"

    def well(self) -> None:
        """Mend what is not well in the sample."""
        self.data["rules"]["refused"] = None
        for site in self.data["sites"]:
            for upstream in site["upstreams"]:
                upstream["up"] = True

    def shorten(self, *, minutes: int = 5, rows: int = 12) -> None:
        """Keep few minutes, days and names of the sample."""
        told = self.data["minutes"]
        for place in (told, told["upstream_ms"], told["own_ms"]):
            place.update({name: kept[-minutes:] for name, kept in place.items() if isinstance(kept, list)})
        self.data["consent"] = self.data["consent"][-rows:]
        self.data["found"] = self.data["found"][:4]


class _Handler(BaseHTTPRequestHandler):
    server: Stage

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/console/data":
            self.server.reads += 1
            self.answer(self.server.status, json.dumps(self.server.data).encode(), "application/json")
        elif path.startswith("/console/files/"):
            self.file(FILES / "files" / Path(path).name)
        else:
            self.file(FILES / {"/console/": "page.html", "/console": "sign_in.html"}[path])

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"] or 0)).decode())
        self.server.posts.append((path, form))
        if path in {"/console/sign-in", "/console/sign-out"}:
            self.send_response(303)
            self.send_header("Location", "/console?failed" if path.endswith("in") else "/console")
            self.end_headers()
        elif path == "/console/record":
            found = self.server.records.get(form["receipt"][0])
            self.answer(200 if found else 404, json.dumps(found).encode(), "application/json")
        else:
            self.answer(200, json.dumps(self.server.reload).encode(), "application/json")

    def file(self, path: Path) -> None:
        """Send a file."""
        self.answer(200, path.read_bytes(), TYPES[path.suffix])

    def answer(self, status: int, body: bytes, kind: str) -> None:
        """Send a response as the console's server does."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving():
    """Serve while the block runs."""
    stage = Stage()
    thread = Thread(target=stage.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield stage
    finally:
        stage.shutdown()
        stage.server_close()
