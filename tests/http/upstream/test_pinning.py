"""Behind an upstream that signs in by connection nobody is greeted by another's name."""

import asyncio

import pytest

from proxy.http.upstream import pool
from proxy.http.upstream.balancer import UpstreamError, UpstreamRequest, Upstreams, UpstreamTimeouts
from proxy.http.upstream.pinning import Pinned, asks_to_sign_in, signs_in
from tests.support.guest import guest, ways
from tests.support.origin import CLOSE, HANG, Origin, ok, until
from tests.support.proxying import proxying, request


@pytest.fixture(autouse=True)
def _quick_sweep(monkeypatch):
    monkeypatch.setattr(pool, "TICK", 0.02)


class SignsIn:
    """Says who is signed in on a connection, and asks whoever is not: NTLM in two steps, Negotiate in one."""

    def __init__(self) -> None:
        self.names: dict[int, bytes] = {}
        self.challenged: set[int] = set()

    def __call__(self, seen) -> bytes:
        number = seen.connection
        scheme, _, word = b"".join(seen.get(b"authorization")).partition(b" ")
        if scheme == b"Negotiate":
            self.names[number] = word
        elif scheme == b"NTLM" and word == b"hello":
            self.challenged.add(number)
            return self.ask(b"NTLM challenge")
        elif scheme == b"NTLM" and number in self.challenged:
            self.names[number] = word
        if number not in self.names:
            return self.ask(b"Negotiate", b"NTLM")
        return ok(b"Hello " + self.names[number], b"Content-Type: text/plain")

    def ask(self, *challenges: bytes) -> bytes:
        lines = [b"WWW-Authenticate: " + challenge for challenge in challenges]
        return ok(b"Who are you?", b"Content-Type: text/plain", *lines, status=b"401 Unauthorized")


STRANGER = b"Who are you?"


async def ask(someone, *headers, target="/", method="GET", body=b"") -> bytes:
    answer = await someone.ask(request(target, *headers, method=method, body=body), method=method)
    return answer.partition(b"\r\n\r\n")[2]


async def sign_in(someone, name: str) -> bytes:
    """As browsers do by NTLM."""
    assert await ask(someone) == STRANGER
    assert await ask(someone, "Authorization: NTLM hello") == STRANGER
    return await ask(someone, f"Authorization: NTLM {name}")


async def test_two_visitors_who_take_turns_are_each_greeted_by_their_own_name(tmp_path):
    async with Origin(otherwise=SignsIn()) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        ann, bob, carl = await guest(proxy), await guest(proxy), await guest(proxy)
        for first, second in (("", ""), ("Authorization: NTLM hello", ""), ("", "Authorization: NTLM hello")):
            for someone, header in ((ann, first), (bob, second)):
                assert await ask(someone, *filter(None, [header])) == STRANGER
        assert await ask(bob, "Authorization: NTLM Bob") == b"Hello Bob"
        assert await ask(ann, "Authorization: NTLM hello") == STRANGER
        assert await ask(carl) == STRANGER
        assert await ask(ann, "Authorization: NTLM Ann") == b"Hello Ann"
        for _ in range(4):
            assert await ask(ann) == b"Hello Ann"
            assert await ask(carl) == STRANGER
            assert await ask(bob) == b"Hello Bob"
            assert await ask(await guest(proxy)) == STRANGER


async def test_who_signs_in_with_the_first_request_lends_their_name_to_nobody(tmp_path):
    async with Origin(otherwise=SignsIn()) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        ann = await guest(proxy)

        assert await ask(ann, "Authorization: Negotiate x") == b"Hello x"
        assert await ask(await guest(proxy)) == STRANGER
        assert await ask(ann) == b"Hello x"


async def test_the_connection_ends_with_the_visitors(tmp_path):
    async with Origin(otherwise=SignsIn()) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        ann = await guest(proxy)
        assert await sign_in(ann, "Ann") == b"Hello Ann"
        assert origin.open == 1

        ann.writer.close()
        await until(lambda: origin.open == 0)

        assert await ask(await guest(proxy)) == STRANGER


async def test_a_visitor_who_leaves_before_the_answer_leaves_no_name_behind(tmp_path):
    signs = SignsIn()
    answers = {b"/slow": lambda seen: [0.2, signs(seen)]}
    async with Origin(answers, otherwise=signs) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        ann = await guest(proxy)
        ann.writer.write(request("/slow", "Authorization: Negotiate Ann"))
        await until(lambda: origin.seen)
        ann.writer.close()

        assert await ask(await guest(proxy)) == STRANGER
        await until(lambda: origin.open == 1)


@pytest.mark.fast_path
async def test_who_is_signed_in_goes_the_ordinary_route_and_all_others_the_fast_path(tmp_path):
    signs = SignsIn()
    answers = {b"/free": ok(b"free", b"Content-Type: text/plain")}
    async with Origin(answers, otherwise=signs) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        went = ways(proxy, origin)
        ann, bob = await guest(proxy), await guest(proxy)
        await ask(ann, target="/free")
        await ask(ann, target="/free")
        assert went == ["ordinary", "fast"]
        assert await sign_in(ann, "Ann") == b"Hello Ann"  # asked for by a 401 on the fast path
        for _ in range(3):
            assert await ask(ann) == b"Hello Ann"
        await ask(bob, target="/free")  # it opens the connection that all share
        await ask(bob, target="/free")

        assert went == ["ordinary", "fast", "fast", *["ordinary"] * 6, "fast"]


async def test_credentials_for_a_connection_never_take_the_fast_path(tmp_path):
    async with Origin(otherwise=ok(b"x", b"Content-Type: text/plain")) as origin:
        async with proxying(origin.url, folder=tmp_path) as proxy:
            went = ways(proxy, origin)
            for _ in range(3):
                await ask(await guest(proxy))  # for an idle connection
                await ask(await guest(proxy), "Authorization: Negotiate Ann")

            assert went[1::2] == ["ordinary"] * 3


async def test_visitors_of_a_proxy_before_us_are_told_apart_on_one_connection(tmp_path):
    more = "trusted_proxies: [127.0.0.1]"
    async with (
        Origin(otherwise=SignsIn()) as origin,
        proxying(origin.url, folder=tmp_path, more=more) as proxy,
    ):
        front, ann, bob = await guest(proxy), "X-Forwarded-For: 203.0.113.1", "X-Forwarded-For: 203.0.113.2"

        assert await ask(front, ann, "Authorization: Negotiate Ann") == b"Hello Ann"
        assert await ask(front, bob) == STRANGER
        assert await ask(front, ann) == b"Hello Ann"


async def test_of_several_upstreams_it_stays_with_the_one_where_it_signed_in(tmp_path):
    async with Origin(otherwise=SignsIn()) as one, Origin(otherwise=SignsIn()) as other:
        async with proxying(one.url, other.url, folder=tmp_path) as proxy:
            ann = await guest(proxy)
            assert await sign_in(ann, "Ann") == b"Hello Ann"
            for _ in range(4):
                assert await ask(ann) == b"Hello Ann"


async def test_a_form_goes_on_the_connection_that_is_signed_in_however_long_it_was_idle(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(pool, "YOUNG", -1.0)
    async with Origin(otherwise=SignsIn()) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        ann = await guest(proxy)
        assert await sign_in(ann, "Ann") == b"Hello Ann"

        assert await ask(ann, method="POST", body=b"a=1") == b"Hello Ann"


async def test_what_signs_in_a_request_shares_connections_as_before(tmp_path):
    challenge = ok(b"x", b'WWW-Authenticate: Basic realm="Nego"', status=b"401 Unauthorized")
    async with Origin(otherwise=challenge) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        for credentials in ("Basic QTpi", "Bearer ntlm", "Digest username=nego"):
            await ask(await guest(proxy), f"Authorization: {credentials}")

        assert origin.connections == 1


@pytest.mark.parametrize(
    ("value", "by_connection"),
    [
        (b"NTLM", True),
        (b"ntlm TlRMTVNTUAAB", True),
        (b"Negotiate YII", True),
        (b"Nego2", True),
        (b"Kerberos", True),
        (b'Basic realm="x", NTLM', True),
        (b'Basic realm="x" ,\tNegotiate', True),
        (b'Basic realm="NTLM"', False),
        (b"Bearer nego", False),
        (b"", False),
    ],
)
def test_schemes_that_sign_in_a_connection_are_known(value, by_connection):
    assert signs_in([b"Basic", value]) is by_connection
    assert asks_to_sign_in({b"www-authenticate": [value]}) is by_connection
    assert asks_to_sign_in({b"proxy-authenticate": [value]}) is by_connection


# -- the pool --------------------------------------------------------------------------------------------


async def fetch(upstreams, pinned, target=b"/", *fields) -> bytes:
    asked = UpstreamRequest(b"GET", target, [(b"Host", b"a"), *fields], pinned=pinned, visitor="203.0.113.1")
    upstream_response = await upstreams.fetch(asked)
    body = b""
    while piece := await upstream_response.read():
        body += piece
    return body


def negotiate(name: bytes) -> tuple[bytes, bytes]:
    return (b"Authorization", b"Negotiate " + name)


async def test_pinned_connections_take_nobodys_place_and_have_a_limit_of_their_own():
    async with Origin(otherwise=SignsIn()) as origin:
        upstreams = Upstreams([origin.url], limit=2, timeouts=UpstreamTimeouts(queue=0.1))
        visitors = [Pinned() for _ in range(5)]
        for number, visitor in enumerate(visitors):
            await fetch(upstreams, visitor, b"/", negotiate(b"%d" % number))

        assert await fetch(upstreams, visitors[4]) == b"Hello 4"
        assert await fetch(upstreams, visitors[3]) == b"Hello 3"
        assert await asyncio.gather(fetch(upstreams, visitors[0]), fetch(upstreams, None)) == [STRANGER] * 2
        assert upstreams.snapshot()[0].connections <= 4
        await upstreams.close()


async def test_without_a_visitor_of_its_own_a_connection_that_signed_in_ends():
    async with Origin(otherwise=SignsIn()) as origin:
        upstreams = Upstreams([origin.url])
        await fetch(upstreams, None, b"/", negotiate(b"Ann"))

        assert await fetch(upstreams, None) == STRANGER
        await until(lambda: origin.open == 0)
        await upstreams.close()


async def test_to_be_asked_who_one_is_pins_a_connection_already():
    async with Origin(otherwise=SignsIn()) as origin:
        upstreams, ann, bob = Upstreams([origin.url]), Pinned(), Pinned()
        for visitor in (ann, bob, ann, bob):
            assert await fetch(upstreams, visitor) == STRANGER

        assert [seen.connection for seen in origin.seen] == [1, 2, 1, 2]
        await upstreams.close()


async def test_what_signs_in_for_a_visitor_who_has_gone_ends():
    async with Origin(otherwise=SignsIn()) as origin:
        upstreams, ann = Upstreams([origin.url]), Pinned()
        ann.end()
        await fetch(upstreams, ann, b"/", negotiate(b"Ann"))

        await until(lambda: origin.open == 0)
        await upstreams.close()


async def test_a_pinned_connection_that_the_upstream_closed_is_opened_anew():
    signs = SignsIn()
    async with Origin({b"/bye": lambda seen: [signs(seen), CLOSE]}, otherwise=signs) as origin:
        upstreams, ann = Upstreams([origin.url]), Pinned()
        await fetch(upstreams, ann, b"/bye", negotiate(b"Ann"))
        await until(lambda: origin.open == 0)

        assert await fetch(upstreams, ann, b"/", negotiate(b"Ann")) == b"Hello Ann"
        assert await fetch(upstreams, ann) == b"Hello Ann"
        await upstreams.close()


async def test_deadlines_hold_on_pinned_connections_too():
    async with Origin({b"/never": [HANG]}, otherwise=SignsIn()) as origin:
        upstreams, ann = Upstreams([origin.url], timeouts=UpstreamTimeouts(first_byte=0.1)), Pinned()
        await fetch(upstreams, ann, b"/", negotiate(b"Ann"))
        with pytest.raises(UpstreamError) as caught:
            await fetch(upstreams, ann, b"/never")

        assert caught.value.status == 504
        assert origin.connections == 1
        await upstreams.close()


async def test_pinned_connections_end_with_an_upstream_that_is_no_longer_configured():
    async with Origin(otherwise=SignsIn()) as origin:
        upstreams, ann = Upstreams([origin.url]), Pinned()
        await fetch(upstreams, ann, b"/", negotiate(b"Ann"))

        await upstreams.retire()
        await until(lambda: origin.open == 0)
        await upstreams.close()


class GreetsAndReads(SignsIn):
    """Says who sent which bytes, each time after another while."""

    def __call__(self, seen) -> list:
        pause = (seen.connection * 7 + len(self.names) * 3 + len(seen.body)) % 5 / 500
        answer = super().__call__(seen)
        if b" 401 " not in answer[:20] and seen.body:
            answer = ok(self.names[seen.connection] + b" sent " + seen.body, b"Content-Type: text/plain")
        return [pause, answer]


async def visit(proxy, name: str) -> list[bytes]:
    """Sign in twice on one connection, with forms and pages behind each; return what was not as it should be."""
    someone, wrong = await guest(proxy), []
    for turn in range(2):
        who = f"{name}{turn}"
        steps = [("", "GET", b""), ("NTLM hello", "GET", b""), (f"NTLM {who}", "POST", b"")]
        for number, (word, method, body) in enumerate(steps):
            got = await ask(someone, *([f"Authorization: {word}"] if word else []), method=method, body=body)
            last = (
                f"Hello {name}0".encode() if turn and not number else STRANGER
            )  # greeted by the name before
            expected = f"Hello {who}".encode() if number == 2 else last
            wrong += [got] if got != expected else []
        for size in (1, 3_000, 200_000, 0):
            body = name.encode() * size
            got = await ask(someone, method="POST" if body else "GET", body=body)
            expected = f"{who} sent ".encode() + body if body else f"Hello {who}".encode()
            wrong += [got[:60]] if got != expected else []
    someone.writer.close()
    return wrong


async def test_eight_visitors_at_once_each_sign_in_and_send_forms_under_their_own_name(tmp_path):
    async with Origin(otherwise=GreetsAndReads()) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        strangers = [await guest(proxy) for _ in range(3)]
        visits = asyncio.gather(*(visit(proxy, name) for name in "abcdefgh"))
        greeted = [await ask(stranger) for stranger in strangers]
        wrong = await visits
        for stranger in strangers:
            stranger.writer.close()

        assert wrong == [[]] * 8
        assert greeted == [STRANGER] * 3
        await until(lambda: pinned(proxy) == 0)  # their connections ended with them
        for _ in range(8):
            assert await ask(await guest(proxy)) == STRANGER


def pinned(proxy) -> int:
    """How many upstream connections belong to one visitor each."""
    return sum(len(one._pinned) for one in proxy.server.snapshot.upstreams["callkom.io"]._pools)
