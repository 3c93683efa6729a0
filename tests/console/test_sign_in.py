import asyncio

import pytest

from proxy.config.types import ConsoleToken
from proxy.console.sign_in import FAILURES, MOST_WAITING, SignIn, TooManyError
from proxy.console.tokens import hash_of, new_token

TOKEN = new_token()
TOKENS = [ConsoleToken(name="ops", roles=("view",), hash=hash_of(TOKEN, 10))]


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


async def test_failures_are_forgotten_one_by_one_as_their_minute_ends():
    clock = Clock()
    sign_in = SignIn(TOKENS, clock)
    for _ in range(FAILURES):
        assert await sign_in.owner("wrong") is None
        clock.now += 1

    with pytest.raises(TooManyError) as caught:
        await sign_in.owner(TOKEN)
    assert caught.value.seconds == 55
    clock.now += 55
    assert await sign_in.owner("wrong") is None
    with pytest.raises(TooManyError):
        await sign_in.owner(TOKEN)


async def test_who_signs_in_counts_as_no_failure():
    sign_in = SignIn(TOKENS, Clock())
    for _ in range(2 * FAILURES):
        assert (await sign_in.owner(TOKEN)).name == "ops"


async def test_few_wait_for_their_turn_and_the_rest_are_sent_away_at_once():
    sign_in = SignIn(TOKENS, Clock())
    crowd = await asyncio.gather(
        *(sign_in.owner(TOKEN) for _ in range(3 * MOST_WAITING)), return_exceptions=True
    )

    assert sum(isinstance(one, TooManyError) for one in crowd) == 2 * MOST_WAITING
    assert (await sign_in.owner(TOKEN)).name == "ops"
