"""What is no page is fenced too: in a frame it is a realm of the site's, and a script becomes a worker."""

import io
import time
import wave

import pytest
from aiohttp import web

from tests.patience import until

pytestmark = pytest.mark.e2e

UNDECLARED, GRANTED = "tracker.example", "www.googletagmanager.com"
WORKER = """
const asks = to => fetch(to, { mode: "no-cors" }).catch(() => 0).then(() => "done");
if (self.document) window.ran = 1;
onmessage = event => asks(event.data).then(postMessage);
onconnect = ({ ports: [port] }) => { port.onmessage = event => asks(event.data).then(end => port.postMessage(end)); };
"""
PAGE = """<!doctype html><html lang="en"><head><title>Realms</title><script src="/work.js"></script><script>
const after = (wait, what) => Promise.race([what, new Promise(end => setTimeout(end, wait, "late"))]);
const framed = (path, to) => after(4000, new Promise(end => {
  const frame = document.createElement("iframe");
  frame.onload = () => {
    const realm = frame.contentWindow;
    try { new realm.Image().src = to + "?image"; realm.fetch(to + "?fetch", { mode: "no-cors" }).catch(() => 0).then(() => end("done")); }
    catch (apart) { end("apart"); }
  };
  frame.src = path; document.body.append(frame);
}));
const worked = (path, to, shared) => after(4000, new Promise(end => {
  let worker;
  try { worker = shared ? new SharedWorker(path, String(Math.random())) : new Worker(path); } catch (refused) { return end("refused"); }
  const port = shared ? worker.port : worker;
  worker.onerror = () => end("broken"); port.onmessage = event => end(event.data); port.postMessage(to);
}));
</script></head><body><h1>Realms</h1></body></html>"""


def _paper() -> str:
    """Return a PDF of one page that says something."""
    text = "BT /F1 36 Tf 20 100 Td (Hello paper) Tj ET"
    page = "/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>"
    things = (
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Count 1/Kids[3 0 R]>>",
        f"<</Type/Page{page}>>",
        f"<</Length {len(text)}>>stream\n{text}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    written, places = "%PDF-1.4\n", []
    for number, thing in enumerate(things, 1):
        places.append(f"{len(written):010} 00000 n \n")
        written += f"{number} 0 obj{thing}endobj\n"
    table = "xref\n0 6\n0000000000 65535 f \n" + "".join(places)
    return f"{written}{table}trailer<</Root 1 0 R/Size 6>>\nstartxref\n{len(written)}\n%%EOF\n"


def _sound() -> str:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(bytes(range(256)) * 200)
    return buffer.getvalue().decode("latin-1")


SVG = '<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>'
KEPT = {"Cache-Control": "public, max-age=3600"}
FILES = {
    "/data.json": ("application/json", '{"a": 1}'),
    "/notes.txt": ("text/plain", "notes"),
    "/style.css": ("text/css", "p { color: red }"),
    "/work.js": ("text/javascript", WORKER),
    "/saved.js": ("text/javascript", WORKER),
    "/drawing.svg": ("image/svg+xml", SVG),
    "/feed.xml": ("application/rss+xml", '<rss version="2.0"><channel/></rss>'),
    "/dot.gif": ("image/gif", "GIF89a\x01\x00\x01\x00\x00\x00\x00;"),
    "/gone.json": ("application/json", '{"gone": 1}'),
    "/paper.pdf": ("application/pdf", _paper()),
    "/sound.wav": ("audio/wav", _sound()),
    "/nosuch": ("text/plain", "no such page"),
}
FRAMES = [
    "/data.json",
    "/notes.txt",
    "/style.css",
    "/work.js",
    "/drawing.svg",
    "/feed.xml",
    "/dot.gif",
    "/gone.json",
    "/nosuch",
]
OURS = [
    "/.consent/state",
    "/.consent/policy.json",
    "/.well-known/gpc.json",
    "/.consent/nothing.js",
    "/%00",
    "/" + "x" * 20_000,
]


async def site(request: web.BaseRequest) -> web.StreamResponse:
    type_, text = FILES.get(request.path, ("text/html", PAGE))
    headers = dict(KEPT)
    if request.path == "/saved.js":
        headers["Content-Disposition"] = "attachment"
    if type_ == "text/html":
        headers = {}
    status = 404 if request.path in ("/gone.json", "/nosuch") else 200
    return web.Response(body=text.encode("latin-1"), content_type=type_, headers=headers, status=status)


def frames(person, path: str, host: str) -> None:
    person.evaluates(f"framed({path!r}, 'https://{host}{path[:20]}')")


def works(person, path: str, host: str, *, shared: bool = False) -> str:
    return person.evaluates(f"worked({path!r}, 'https://{host}{path}', {str(shared).lower()})")


def withdraws(person) -> None:
    person.clicks("link", "Manage my cookies")
    person.clicks("button", "Refuse all")
    person.goes("/")


def reached(providers, *hosts: str) -> list:
    time.sleep(0.5)
    return [hit for hit in providers.hits if hit[0] in hosts]


def test_without_us_every_file_in_a_frame_is_a_realm_that_reaches_anybody(comes, bare, providers):
    person = comes(port=bare)
    person.goes("/")
    for path in ("/data.json", "/notes.txt", "/work.js", "/gone.json"):
        frames(person, path, UNDECLARED)
        assert until(lambda path=path: any(hit[1] == path for hit in providers.hits)), path
    for shared in (False, True):
        assert works(person, "/work.js", f"w{shared}.example".lower(), shared=shared) == "done"
    assert until(lambda: {"wfalse.example", "wtrue.example"} <= providers.hosts())


def test_no_file_of_the_site_in_a_frame_reaches_anybody(comes, fenced, providers):
    person = comes(port=fenced)
    person.goes("/")
    for path in FRAMES:
        frames(person, path, UNDECLARED)
        frames(person, path, GRANTED)

    assert reached(providers, UNDECLARED, GRANTED) == []


def test_no_answer_of_ours_in_a_frame_reaches_anybody(comes, fenced, providers):
    person = comes(port=fenced)
    person.goes("/")
    for path in OURS:
        frames(person, path, UNDECLARED)

    assert reached(providers, UNDECLARED) == []


def test_a_copy_kept_while_all_was_granted_is_fenced_as_frame_and_as_worker_after_withdrawal(
    comes, fenced, providers
):
    person = comes(port=fenced)
    person.goes("/")
    person.clicks("button", "Accept all")
    for path in FRAMES:
        frames(person, path, UNDECLARED)
    assert works(person, "/work.js", UNDECLARED) == "done"
    withdraws(person)
    providers.forget()
    for path in FRAMES:
        frames(person, path, GRANTED)
    for path in ("/work.js", "/saved.js"):
        for shared in (False, True):
            works(person, path, GRANTED, shared=shared)

    assert reached(providers, UNDECLARED, GRANTED) == []


def test_a_worker_asked_for_as_one_reaches_who_was_granted(comes, fenced, providers):
    person = comes(port=fenced)
    person.goes("/.consent/")
    person.clicks("button", "Accept all")
    person.goes("/")
    providers.forget()

    assert works(person, "/saved.js", GRANTED) == "done"
    assert until(lambda: providers.reached(GRANTED))


def test_a_worker_made_of_a_data_address_starts_nowhere_and_one_of_a_blob_is_fenced(comes, fenced, providers):
    person = comes(port=fenced)
    person.goes("/")
    for address in (
        "'data:text/javascript,' + encodeURIComponent(CODE)",
        "URL.createObjectURL(new Blob([CODE]))",
    ):
        code = repr(WORKER.replace("\n", " "))
        person.evaluates(f"worked(({address.replace('CODE', code)}), 'https://{UNDECLARED}/w')")

    assert reached(providers, UNDECLARED) == []


@pytest.mark.parametrize("comes", ["chromium", "firefox"], indirect=True)
def test_a_paper_looks_as_it_does_without_us(comes, fenced, bare, tmp_path):
    pictures = []
    for port in (bare, fenced):
        person, picture = comes(port=port), tmp_path / f"{port}.png"
        person.goes("/paper.pdf")
        time.sleep(2)
        person.picture(picture)
        pictures.append(picture.read_bytes())

    assert pictures[0] == pictures[1]


@pytest.mark.parametrize("comes", ["chromium", "firefox"], indirect=True)
def test_a_sound_opens_as_it_does_without_us(comes, fenced, bare):
    opened, heard = [], "document.querySelector('audio, video')?.readyState > 0"
    for port in (bare, fenced):
        person = comes(port=port)
        try:
            person.goes("/sound.wav")
        except person.lost:  # some save it
            opened.append("saved")
            continue
        opened.append(until(lambda person=person: person.evaluates(heard)))

    assert opened[0] == opened[1]
