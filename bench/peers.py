"""The peers of the relay bench: what runs, how it is set up, and the same job for each.

The job: neutralise the script and iframe addresses of five hosts, put one script before </head>, drop the cookies
_ga and hubspotutk. nginx + sub_filter knows only fixed strings and drops every cookie (it cannot tell them apart):
less work than ours. Ours does all of the product: rules, consent, fence, guard, banner, records open, logs on.
"""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.pages import HOSTS

REPOSITORY = Path(__file__).resolve().parents[1]
NJS = Path("/usr/lib/nginx/modules/ngx_http_js_module.so")


@dataclass
class Peer:
    name: str
    command: list[str]
    port: int
    why_not: str = ""  # said instead of figures when it cannot run here
    environment: dict[str, str] = field(default_factory=dict)


def ours(folder: Path, port: int, origin: int, mode: str = "enforce") -> Peer:
    rules = REPOSITORY / "rules.yaml"
    (folder / "config.yaml").write_text(
        f"listen: 127.0.0.1:{port}\n"
        f"sites:\n  - {{ hosts: [callkom.io], upstream: 'http://127.0.0.1:{origin}', mode: {mode} }}\n"
        "records: sqlite:///proofs.db\nlog: { requests: yes }\n"
    )
    command = [
        sys.executable,
        "-m",
        "proxy",
        "serve",
        "--config",
        str(folder / "config.yaml"),
        "--rules",
        str(rules),
    ]
    return Peer("consent-proxy", command, port)


def compiled(folder: Path, port: int, origin: int) -> Peer:
    """Ours with the filter compiled, where `make compiled` has built it."""
    package = REPOSITORY / ".compiled"
    peer = ours(folder, port, origin)
    peer.name, peer.environment = "compiled", {"PYTHONPATH": str(package)}
    if not package.exists():
        peer.why_not = "make compiled builds it"
    return peer


def _nginx(
    folder: Path, port: int, location: str, *, top: str = "", http: str = "", origin: int = 0
) -> list[str]:
    upstream = f"upstream origin {{ server 127.0.0.1:{origin}; keepalive 64; }}" if origin else ""
    (folder / "nginx.conf").write_text(
        f"""{top}
        daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
        events {{ worker_connections 2048; }}
        http {{
          access_log off; keepalive_requests 1000000; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
          fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
          types {{ text/html html; application/json json; application/octet-stream bin; }}
          sendfile on; tcp_nopush on; {upstream} {http}
          server {{ listen 127.0.0.1:{port} backlog=4096; {location} }}
        }}"""
    )
    return ["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)]


_PROXY = 'proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host callkom.io;'


def origin_server(folder: Path, port: int, files: Path) -> Peer:
    """nginx with the pages; under /unique/ each answer is unlike any before."""
    cookies = 'add_header Set-Cookie "_ga=GA1.1; Path=/"; add_header Set-Cookie "hubspotutk=1; Path=/"; add_header Set-Cookie "session=1; Path=/; HttpOnly";'
    location = (
        f"root {files}; {cookies} location / {{ }} "
        f"location /unique/ {{ alias {files}/unique/; sub_filter_once off; sub_filter '@@' $request_id; }}"
    )
    return Peer("origin", _nginx(folder, port, location), port)


def nginx_plain(folder: Path, port: int, origin: int) -> Peer:
    return Peer("nginx", _nginx(folder, port, f"location / {{ {_PROXY} }}", origin=origin), port)


def nginx_sub(folder: Path, port: int, origin: int) -> Peer:
    subs = "".join(f"""sub_filter 'src="https://{host}' 'data-src="https://{host}'; """ for host in HOSTS)
    location = f"""location / {{ {_PROXY} proxy_set_header Accept-Encoding ""; proxy_hide_header Set-Cookie;
        sub_filter_once off; {subs} sub_filter '</head>' '<script src="/.consent/b.js"></script></head>'; }}"""
    return Peer("nginx+sub_filter", _nginx(folder, port, location, origin=origin), port)


def nginx_njs(folder: Path, port: int, origin: int) -> Peer:
    hosts = "|".join(host.replace(".", "\\.") for host in HOSTS)
    (folder / "job.js").write_text(
        f"""const tags = /src="https:\\/\\/(?:{hosts})/g;
        function head(r) {{
          delete r.headersOut['Content-Length'];
          r.headersOut['Set-Cookie'] = (r.headersOut['Set-Cookie'] || []).filter(c => !/^(_ga|hubspotutk)/.test(c));
        }}
        let page = '';  // of this request alone: each has a machine of its own
        function body(r, data, flags) {{
          page += data;
          if (flags.last) {{
            r.sendBuffer(page.replace(tags, m => 'data-' + m)
              .replace('</head>', '<script src="/.consent/b.js"></script></head>'), flags);
          }}
        }}
        export default {{ head, body }};"""
    )
    location = f'location / {{ {_PROXY} proxy_set_header Accept-Encoding ""; js_header_filter job.head; js_body_filter job.body; }}'
    command = _nginx(
        folder,
        port,
        location,
        top=f"load_module {NJS};",
        http=f"js_path {folder}; js_import job from job.js;",
        origin=origin,
    )
    return Peer("nginx+njs", command, port, "" if NJS.exists() else "the njs module is not installed")


def mitmproxy(folder: Path, port: int, origin: int) -> Peer:
    (folder / "job.py").write_text(
        f"""import re
TAGS = re.compile(rb'src="(?=https://(?:{"|".join(host.replace(".", "[.]") for host in HOSTS)}))')
DROP = re.compile('(_ga|hubspotutk)')
def response(flow):
    if flow.response.headers.get("content-type", "").startswith("text/html"):
        page = TAGS.sub(b'data-src="', flow.response.content)
        flow.response.content = page.replace(b"</head>", b'<script src="/.consent/b.js"></script></head>', 1)
    kept = [c for c in flow.response.headers.get_all("set-cookie") if not DROP.match(c)]
    flow.response.headers.set_all("set-cookie", kept)
"""
    )
    found = shutil.which("mitmdump", path=str(Path(sys.executable).parent)) or shutil.which("mitmdump")
    command = [
        found or "mitmdump", "-q", "--mode", f"reverse:http://127.0.0.1:{origin}", "--listen-host", "127.0.0.1", "-p",
        str(port), "-s", str(folder / "job.py"), "--set", f"confdir={folder}", "--set", "keep_host_header=true",
    ]  # fmt: skip
    return Peer("mitmproxy", command, port, "" if found else "mitmdump is not installed")


def workerd(folder: Path, port: int, origin: int, program: str | None) -> Peer:
    tests = " ".join(f"'{host}'," for host in HOSTS)
    (folder / "job.js").write_text(
        f"""const hosts = new Set([{tests}]);
        const tags = {{ element(e) {{
          const src = e.getAttribute('src');
          if (!src) return;
          try {{ if (hosts.has(new URL(src, 'https://callkom.io/').host)) {{ e.setAttribute('data-src', src); e.removeAttribute('src'); }} }} catch {{}}
        }} }};
        const head = {{ element(e) {{ e.append('<script src="/.consent/b.js"></script>', {{ html: true }}); }} }};
        export default {{ async fetch(request, env) {{
          const answer = await env.origin.fetch(request);
          const headers = new Headers(answer.headers);
          const cookies = headers.getSetCookie().filter(c => !/^(_ga|hubspotutk)/.test(c));
          headers.delete('Set-Cookie');
          for (const c of cookies) headers.append('Set-Cookie', c);
          const page = new Response(answer.body, {{ status: answer.status, headers }});
          if (!(headers.get('content-type') || '').startsWith('text/html')) return page;
          return new HTMLRewriter().on('script', tags).on('iframe', tags).on('head', head).transform(page);
        }} }};"""
    )
    (folder / "config.capnp").write_text(
        f"""using Workerd = import "/workerd/workerd.capnp";
        const config :Workerd.Config = (
          services = [
            (name = "main", worker = (modules = [(name = "job.js", esModule = embed "job.js")],
              compatibilityDate = "2024-09-01", bindings = [(name = "origin", service = "origin")])),
            (name = "origin", external = (address = "127.0.0.1:{origin}", http = ())) ],
          sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "main")]);"""
    )
    missing = "" if program else "give its path with --workerd (npm install workerd)"
    return Peer("workerd", [program or "workerd", "serve", str(folder / "config.capnp")], port, missing)


PEERS: dict[str, Callable[[Path, int, int], Peer]] = {
    "consent-proxy": ours,
    "compiled": compiled,
    "nginx": nginx_plain,
    "nginx+sub_filter": nginx_sub,
    "nginx+njs": nginx_njs,
    "mitmproxy": mitmproxy,
}
