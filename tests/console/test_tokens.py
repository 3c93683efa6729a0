from proxy.config.types import ConsoleToken
from proxy.config.value_parsers import read_token_hash
from proxy.console.tokens import hash_of, new_token, owner_of


def known(*tokens):
    return [
        ConsoleToken(name=f"n{number}", roles=("view",), hash=hash_of(token, 10))
        for number, token in enumerate(tokens)
    ]


def test_a_token_is_known_by_its_hash_and_nobody_elses_is():
    mine, yours = new_token(), new_token()
    tokens = known(mine, yours)

    assert owner_of(mine, tokens).name == "n0"
    assert owner_of(yours, tokens).name == "n1"
    assert owner_of(new_token(), tokens) is None
    assert owner_of("", tokens) is None
    assert owner_of("\ud800", tokens) is None


def test_two_tokens_and_two_hashes_of_one_are_never_alike():
    token = new_token()

    assert new_token() != token
    assert len(token) >= 43
    assert hash_of(token) != hash_of(token)
    assert token not in hash_of(token)


def test_the_config_takes_what_is_made_here():
    made = hash_of(new_token())

    assert read_token_hash(made) == made
    assert made.startswith("scrypt$14$8$1$")
