"""One address that names several servers: each is asked, and who is gone holds nobody up."""

import asyncio

import pytest

from proxy.errors import StartError
from proxy.records import postgresql_servers
from proxy.records.postgresql import check_address
from proxy.records.postgresql_servers import first_to_connect, server_name, servers

WRITES = "target_session_attrs=read-write"


@pytest.mark.parametrize(
    ("url", "each"),
    [
        ("postgresql://a:b@db/x?ssl=require", ["postgresql://a:b@db/x?sslmode=require"]),
        (
            "postgresql://db/x?sslmode=verify-full&a=b%20c",
            ["postgresql://db/x?sslmode=verify-full&a=b+c"],
        ),
        ("postgresql://db/x", ["postgresql://db/x"]),
        (
            "postgresql://ana:s,e@db1:5433,db2/x",
            [f"postgresql://ana:s,e@db1:5433/x?{WRITES}", f"postgresql://ana:s,e@db2/x?{WRITES}"],
        ),
        (
            "postgresql://[::1],[::2]:5433/x?target_session_attrs=any",
            [
                "postgresql://[::1]/x?target_session_attrs=any",
                "postgresql://[::2]:5433/x?target_session_attrs=any",
            ],
        ),
        (
            "postgresql://ana@/x?host=/run/a,/run/b&port=5433,5434",
            [
                f"postgresql://ana@/x?host=%2Frun%2Fa&port=5433&{WRITES}",
                f"postgresql://ana@/x?host=%2Frun%2Fb&port=5434&{WRITES}",
            ],
        ),
        (
            "postgresql://db1,db2/x?port=5433",
            [f"postgresql://db1/x?port=5433&{WRITES}", f"postgresql://db2/x?port=5433&{WRITES}"],
        ),
    ],
)
def test_each_server_has_an_address_of_its_own_and_of_several_one_that_takes_writes_is_wanted(url, each):
    assert servers(url) == each


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("postgresql://ana:secret@db1:5433/x", "db1:5433"),
        ("postgresql://ana@/x?host=/run/a&port=5434&password=secret", "/run/a:5434"),
        ("postgresql:///x", "localhost"),
    ],
)
def test_a_server_is_named_without_user_and_password(address, name):
    assert server_name(address) == name


@pytest.mark.parametrize("url", ["postgresql://db1,[db2/x", "postgresql://db1,db2/x?sslmode=perhaps"])
async def test_a_list_that_can_never_work_is_a_fault_of_the_config(url):
    with pytest.raises(StartError, match="the address of the store cannot be used"):
        await check_address(url)


async def test_a_list_that_may_work_is_none():
    await check_address("postgresql://db1:5433,db2:5434/x")


class Answers:
    """Servers by address: a value, an error, or None: nothing is ever heard."""

    def __init__(self, **answers):
        self.answers, self.asked, self.dropped = answers, [], []

    async def connect(self, address):
        self.asked.append(address)
        answer = self.answers[address]
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def first(self):
        return await first_to_connect([*self.answers], self.connect, self.dropped.append)


async def test_the_first_server_that_will_have_us_is_taken_and_the_others_are_not_asked():
    answers = Answers(a="primary", b="other")

    assert await answers.first() == "primary"
    assert answers.asked == ["a"]


async def test_a_server_that_refuses_is_followed_by_the_next_at_once(monkeypatch):
    monkeypatch.setattr(postgresql_servers, "HEAD_START", 60)
    answers = Answers(a=ConnectionRefusedError("gone"), b="primary")

    assert await answers.first() == "primary"


async def test_a_machine_that_says_nothing_does_not_hide_the_new_primary(monkeypatch):
    monkeypatch.setattr(postgresql_servers, "HEAD_START", 0.01)

    assert await Answers(a=None, b="primary").first() == "primary"


async def test_where_none_will_have_us_each_reason_is_kept():
    refused = await Answers(a=ConnectionError("gone"), b=TimeoutError("late")).first()

    assert {address: str(error) for address, error in refused.items()} == {"a": "gone", "b": "late"}


async def test_an_address_that_can_never_be_used_ends_the_search():
    with pytest.raises(ValueError, match="no port"):
        await Answers(a=ValueError("no port"), b="primary").first()


async def test_a_connection_that_comes_too_late_is_let_go(monkeypatch):
    monkeypatch.setattr(postgresql_servers, "HEAD_START", 0.01)
    dropped = []

    async def connect(address):
        try:
            await asyncio.sleep(60 if address == "slow" else 0)
        except asyncio.CancelledError:
            return "late"
        return "primary"

    assert await first_to_connect(["slow", "quick"], connect, dropped.append) == "primary"
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert dropped == ["late"]
