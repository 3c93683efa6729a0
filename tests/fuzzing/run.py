"""Look for bytes that break a law: python -m tests.fuzzing.run [--minutes 60] [--law NAME].

Each law gets its share of the time from Atheris, which follows the branches that an input takes through
proxy/. What reached new ones goes, cut to as few and as short inputs as reach them all, to tests/data/fuzz,
where every run of the tests meets it. An input that breaks a law is printed, kept, and ends the run with 1.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.filter.test_laws import PIECES
from tests.fuzzing.kept import keep, kept
from tests.fuzzing.laws import LAWS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".tests" / "fuzz"
LONGEST = 400
"""Bytes of an input: what a reader does with more of the same other tests ask."""
MOST = 250
"""Inputs that are kept for a law."""

_CHILD = """#!{python}
import sys, atheris
with atheris.instrument_imports(include=["proxy"]):
    from tests.fuzzing.laws import LAWS
atheris.Setup(sys.argv, LAWS[{law!r}])
atheris.Fuzz()
"""

WORDS: dict[str, Sequence[str]] = {
    "response_heads": (
        "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "Content-Length: ", "Transfer-Encoding: chunked\r\n\r\n",
        "Connection: close\r\n", "Set-Cookie: a=1\r\n", "Content-Type: text/html\r\n", "\r\n\r\n", "0\r\n\r\n", "5\r\nhello\r\n",
    ),
    "cookie_headers": (
        "_ga=1", "session=2; ", "consent_callkom=", "; ", "=_ga=1", " \t", "__Host-x=1", "_ga_test", "tk=", "language=", "user=1", "visit",
    ),
    "set_cookies": (
        "_ga=1", "; Max-Age=", "; Expires=", "Wed, 21 Oct 2037 07:28:00 GMT", "; Domain=.example.com", "; Path=/", "; Secure",
        "; HttpOnly", "; SameSite=Lax", "; Partitioned", "=", "__Secure-a=1", "session=1", "bot=1", "__Host-b=1", "tk=1", "-1",
        "; Domain=elsewhere.com", "consent_callkom=",
    ),
    "consent_cookies": ("AQQAawQOoFEpJDBjOWI4ZjdlLTVkNGMtNGIzYS05MjgxLTcwNmY1ZTRkM2MyYgoyMDI2LTExLTAxAQabhzxQyA8Vc8cuisHqb9Cy2L4fR43P6w4L7-Srx2ShkATBltJP1rJ9BmLNP78", "AQ", "AAAA", "_-", ";", "=="),
    "documents": PIECES,
    "policies": (
        "default-src ", "script-src ", "script-src-elem ", "style-src ", "connect-src ", "frame-src ", "form-action ", "'self'",
        "'none'", "'unsafe-inline'", "'strict-dynamic'", "'nonce-abc'", "sandbox allow-scripts", "https:", "*.callkom.io", ";", ",",
        "require-trusted-types-for 'script'", "\n",
    ),
    "own_addresses": (
        "choice", "policy", "state", "records/", "files/", "report", "once", "?language=fr", "choice=accept&return=/", "a\n",
        "consent_callkom=", "text/html", "application/json", "..%2f", "functional=on", "%00", "erase",
    ),
}  # fmt: skip
"""Words of each reader's language, and the first inputs."""


def fuzz(law: str, seconds: float) -> str:
    """Fuzz one law for so long, keep what was learnt, and return what broke it: nothing where nothing did."""
    corpus, least, faults = (FOLDER / law / name for name in ("corpus", "least", "faults"))
    shutil.rmtree(FOLDER / law, ignore_errors=True)
    for folder in (corpus, least, faults):
        folder.mkdir(parents=True)
    for number, data in enumerate([*kept(law), *(word.encode() for word in WORDS[law])]):
        (corpus / f"{number}").write_bytes(data)
    words = FOLDER / law / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS[law]), "ascii")
    common = [f"-max_len={LONGEST}", f"-artifact_prefix={faults}/", "-print_final_stats=1", "-timeout=30"]
    found = _atheris(law, [f"-dict={words}", f"-max_total_time={int(seconds)}", *common, str(corpus)])
    _atheris(law, ["-merge=1", *common, str(least), str(corpus)])
    broken = [path.read_bytes() for path in sorted(faults.iterdir())]
    inputs = sorted((path.read_bytes() for path in least.iterdir()), key=lambda data: (len(data), data))
    keep(law, [*broken, *inputs[:MOST]])
    runs = [line.split()[-1] for line in found.splitlines() if "number_of_executed_units" in line]
    print(f"{law}: {runs or '?'} inputs, {len(inputs)} reach all, {len(broken)} break it", flush=True)
    return "".join(f"{law}: {data!a}\n" for data in broken) + (found[-3000:] if broken else "")


def _escaped(word: str) -> str:
    """Return a word as dictionaries of libFuzzer write it."""
    return "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\x{b:02x}" for b in word.encode())


def _atheris(law: str, options: list[str]) -> str:
    program = FOLDER / law / "fuzz.py"
    program.write_text(_CHILD.format(python=sys.executable, law=law), "utf-8")
    program.chmod(0o700)  # a merge starts it once more by its name
    command = [str(program), *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, check=False, text=True, errors="replace"
    )
    return done.stdout + done.stderr


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz every law, two at a time, and return 1 where one was broken."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzzing.run", description=__doc__.split("\n", 1)[0]
    )
    parser.add_argument("--minutes", type=float, default=60, help="how long in all (default 60)")
    parser.add_argument("--law", choices=LAWS, action="append", help="this law only")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many at a time")
    options = parser.parse_args(arguments)
    laws = options.law or list(LAWS)
    seconds = options.minutes * 60 * options.processes / max(len(laws), options.processes)
    with ThreadPoolExecutor(options.processes) as pool:
        broken = "".join(pool.map(lambda law: fuzz(law, seconds), laws))
    print(broken or "no law was broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
