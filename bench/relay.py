"""What a request costs: CPU of the process tree per 1,000 requests, peers side by side in one interleaved run.

    python -m bench.relay [--rounds 3] [--seconds 2] [--workerd PATH] [--only '15k;100k;...']

Peers are pinned to core 0, the origin (nginx) and the load (wrk) to core 1. Of each peer's rounds the cheapest counts:
whatever else the machine does can only add. Compare figures of one run only. The caches are as shipped: `15k` and `100k` ask for one page
again and again (tags, scripts and injected bytes are remembered), `15k unique` for pages that were never seen (every
link, script and image address differs), `busy unique` for the beginning of the busiest real page, every address new each
time (from the corpus beside the clone; not asked for without it), `nothing` for 15 kB of JSON, which nobody rewrites, `nothing, CF-Ray` for the
same behind a CDN that gives every request a name, `nothing, new heads` with a field that nobody knows to be new each
time: what is remembered of heads is of no use there. `compiled` is ours with the filter compiled, once `make compiled`
has built it.

A page never seen costs more here than in a loop of its own, where it takes 0.2 s per 1,000: 0.37 s on a quiet machine. The origin,
which fills the marks in, shares its core with the load and is slower than the proxy. So the proxy waits: most
requests have a turn of the event loop to themselves, with its poll and its writes, where in a full loop 16 share one,
and what runs between two of them leaves cold caches. Measured in one hour on a busy machine: 0.17 s for a page
seen before, 0.46 for new ones from an origin that keeps up and sends each in one piece, 0.49 in six pieces, 0.58 from nginx
filling in marks; at one connection instead of 16 each costs 1.3 to 1.7 times as much.
"""

import argparse
import contextlib
import http.client
import json
import shutil
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench import own_cost
from bench.measure import Load, Running, cpu, fetch, forget_peak, free_port, memory
from bench.pages import HOSTS, busy_page, page
from bench.peers import PEERS, origin_server, workerd

CASES = {
    "15k": "/15k.html",
    "100k": "/100k.html",
    "15k unique": "/unique/15k.html",
    "busy unique": "/unique/busy.html",
    "nothing": "/15k.json",
    "nothing, CF-Ray": "/15k.json",
    "nothing, new heads": "/15k.json",
}
NEW = {"nothing, CF-Ray": "CF-Ray", "nothing, new heads": "X-Odd"}
"""The field that is never the same."""
GOALS = {  # (case, peer): how many times as cheap as that peer: must, goal
    ("15k", "mitmproxy"): (5, 10),
    ("15k", "workerd"): (1.5, 4),
    ("15k", "nginx+njs"): (0.5, 1.0),
    ("15k", "nginx+sub_filter"): (0.25, 0.5),
    ("15k unique", "mitmproxy"): (3, 3),
    ("15k unique", "workerd"): (1, 1),
    ("nothing", "nginx+sub_filter"): (0.55, 0.7),  # against its rewritten 15 kB page: the published goal
}


def write_pages(folder: Path) -> None:
    (folder / "unique").mkdir(parents=True)
    for name, size in (("15k", 15_000), ("100k", 100_000)):
        (folder / f"{name}.html").write_bytes(page(size))
    (folder / "unique" / "15k.html").write_bytes(page(13_500, unique=True))  # 15 kB once the marks are filled
    (folder / "unique" / "busy.html").write_bytes(busy_page() or b"")
    (folder / "15k.json").write_text(
        json.dumps({"rows": [[n, n * n, "x" * 20] for n in range(400)]})[:15_000]
    )
    with (folder / "big.bin").open("wb") as big:
        big.truncate(200_000_000)


def job_done(port: int) -> str:
    """What is left of the job, in short: live tags, cookies that should be gone, whether something was put in."""
    answer = fetch(port, "/15k.html")
    live = sum(answer.count(b' src="https://' + host.encode()) for host in HOSTS)
    held = answer.count(b"text/plain")  # ours leaves src where the type keeps a script from running
    cookies = sum(name in answer.split(b"\r\n\r\n")[0] for name in (b"_ga=", b"hubspotutk="))
    put_in = b".consent/" in answer
    return f"{max(0, live - held)}/{cookies}/{'y' if put_in else 'n'} {len(answer)} B"


def interleave(peers: dict[str, Running], rounds: int, seconds: float, cases: list[str]) -> dict:
    cost: dict[tuple[str, str], list[float]] = {}
    failed: dict[str, int] = {}
    for name in cases:
        for _ in range(rounds):
            for peer, running in peers.items():
                before = cpu(running.pid)
                load = Load(
                    running.peer.port,
                    CASES[name],
                    connections=16,
                    seconds=seconds,
                    core=1,
                    new=NEW.get(name),
                )
                failed[peer] = failed.get(peer, 0) + load.failed
                if load.requests:
                    cost.setdefault((name, peer), []).append(
                        (cpu(running.pid) - before) / load.requests * 1000
                    )
    return {"cost": {key: min(values) for key, values in cost.items()}, "failed": failed}


def print_costs(found: dict, peers: list[str], cases: list[str]) -> None:
    cost = found["cost"]
    print(
        f"\nCPU seconds per 1,000 requests (x: how many times as cheap consent-proxy is), 16 connections\n{'':18}"
        + "".join(f"{c:>20}" for c in cases)
    )
    for peer in peers:
        cells = []
        for case in cases:
            ours, theirs = cost.get((case, "consent-proxy")), cost.get((case, peer))
            cells.append(f"{theirs:.4f}  x{theirs / ours:6.2f}" if ours and theirs else "-")
        print(
            f"{peer:18}"
            + "".join(f"{cell:>20}" for cell in cells)
            + (f"   {found['failed'][peer]} failed" if found["failed"].get(peer) else "")
        )
    print()
    for (case, peer), (must, goal) in GOALS.items():
        theirs = cost.get(("15k" if case == "nothing" else case, peer))
        ours = cost.get((case, "consent-proxy"))
        if ours and theirs:
            ratio = theirs / ours
            word = "goal reached" if ratio >= goal else "must reached" if ratio >= must else "MISSED"
            print(f"{case:12} against {peer:18} x{ratio:6.2f}   must {must}, goal {goal}: {word}")


def latency(ours: Running, origin: Running, seconds: float) -> None:
    medians = {}
    for _ in range(3):
        for name, running in (("direct", origin), ("ours", ours)):
            load = Load(running.peer.port, "/15k.html", connections=1, seconds=seconds, core=1)
            medians.setdefault(name, []).append(load.median)
    added = statistics.median(medians["ours"]) - statistics.median(medians["direct"])
    print(f"\nadded median at one connection: {added:.2f} ms (goal 0.3)")


def big(ours: Running, idle: float) -> None:
    high = memory(ours.pid, "VmHWM")
    forget_peak(ours.pid)
    before, rest = cpu(ours.pid), memory(ours.pid)
    with socket.create_connection(("127.0.0.1", ours.peer.port)) as one:
        one.sendall(b"GET /big.bin HTTP/1.1\r\nHost: callkom.io\r\nConnection: close\r\n\r\n")
        got = 0
        while piece := one.recv(2**20):
            got += len(piece)
    print(
        f"200 MB: {got} bytes, {(cpu(ours.pid) - before) / (got / 1e9):.2f} CPU s/GB (goal 0.6), "
        f"RSS {rest:.0f} MB before, peak {memory(ours.pid, 'VmHWM'):.0f} MB (goal 64)"
    )
    print(f"RSS {idle:.0f} MB after the start, {high:.0f} MB at the peak of all loads above")
    rest = memory(ours.pid)
    with socket.create_connection(("127.0.0.1", ours.peer.port)) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        one.sendall(b"GET /big.bin HTTP/1.1\r\nHost: callkom.io\r\nConnection: close\r\n\r\n")
        one.recv(2**20)
        time.sleep(2)
        print(f"a reader that stops: +{memory(ours.pid) - rest:.1f} MB (goal 4)")


def after_choices(ours: Running, count: int = 1000) -> None:
    before = memory(ours.pid)
    one = http.client.HTTPConnection("127.0.0.1", ours.peer.port)
    headers = {"Host": "callkom.io", "Content-Type": "application/x-www-form-urlencoded"}
    for _ in range(count):
        one.request("POST", "/.consent/choice", "choice=accept&return=/", headers)
        answer = one.getresponse()
        answer.read()
        assert answer.status == 303, answer.status
    one.close()
    print(f"RSS {memory(ours.pid):.0f} MB after {count:,} choices ({before:.0f} before them)")


def pausing_origin() -> int:
    """An origin that sends half a page, then waits for a second."""
    listener = socket.create_server(("127.0.0.1", 0))

    text = page(15_000)

    def answer(one: socket.socket) -> None:
        with one, contextlib.suppress(OSError):
            one.recv(65536)
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(text)
            one.sendall(head + text[:7000])
            time.sleep(1)
            one.sendall(text[7000:])

    def serve() -> None:
        while True:
            one, _ = listener.accept()
            threading.Thread(target=answer, args=(one,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def first_chunk(folder: Path) -> None:
    folder.mkdir()
    running = Running(PEERS["consent-proxy"](folder, free_port(), pausing_origin()), folder, 0)
    try:
        running.wait()
        times = []
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", running.peer.port)) as one:
                one.sendall(
                    b"GET / HTTP/1.1\r\nHost: callkom.io\r\nSec-Fetch-Dest: document\r\nConnection: close\r\n\r\n"
                )
                began = time.perf_counter()
                got = b""
                while b"</title>" not in got:
                    got += one.recv(65536)
                times.append((time.perf_counter() - began) * 1000)
        print(f"first chunk of a page whose origin pauses: {statistics.median(times):.1f} ms (goal 10)")
    finally:
        running.stop()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--workerd", default=shutil.which("workerd"))
    parser.add_argument(
        "--peers", default="", help="only these, comma separated (consent-proxy is always there)"
    )
    parser.add_argument("--only", default=";".join(CASES), help="only these cases, semicolons between them")
    options = parser.parse_args()
    cases = [case for case in CASES if case in options.only.split(";")]
    if busy_page() is None:
        cases = [case for case in cases if case != "busy unique"]
    wanted = {"consent-proxy", *options.peers.split(",")} if options.peers else None
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        write_pages(folder / "files")
        (folder / "origin").mkdir()
        origin = Running(
            origin_server(folder / "origin", free_port(), folder / "files"), folder / "origin", 1
        )
        running: dict[str, Running] = {}
        idle = 0.0
        try:
            origin.wait()
            makers = dict(PEERS, workerd=lambda f, p, o: workerd(f, p, o, options.workerd))
            for name, make in makers.items():
                if wanted and name not in wanted:
                    continue
                (folder / name).mkdir()
                peer = make(folder / name, free_port(), origin.peer.port)
                if peer.why_not:
                    print(f"{name}: not measured, {peer.why_not}")
                    continue
                running[name] = Running(peer, folder / name, 0)
                running[name].wait()
                if name in ("consent-proxy", "compiled"):
                    rest = memory(running[name].pid)
                    idle = rest if name == "consent-proxy" else idle
                    print(f"{name:18} RSS {rest:.0f} MB at rest")
                print(f"{name:18} tags left/cookies left/put in: {job_done(peer.port)}", flush=True)
            found = interleave(running, options.rounds, options.seconds, cases)
            print_costs(found, list(running), cases)
            latency(running["consent-proxy"], origin, options.seconds)
            big(running["consent-proxy"], idle)
            after_choices(running["consent-proxy"])
            first_chunk(folder / "pausing")
            own_cost.main()
        finally:
            for one in (*running.values(), origin):
                one.stop()


if __name__ == "__main__":
    sys.exit(main())
