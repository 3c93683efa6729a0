from pathlib import Path

import pytest

from proxy.errors import StartError
from proxy.records.store_address import read_store_address


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://ana:secret@db.example/proofs", "postgresql://ana:***@db.example/proofs"),
        (
            "postgresql://ana@db.example/proofs?sslmode=require",
            "postgresql://ana@db.example/proofs?sslmode=require",
        ),
        ("postgresql://db.example:5433/proofs", "postgresql://db.example:5433/proofs"),
        ("postgresql://ana:sec/r@et@db.example/proofs", "postgresql://ana:***@db.example/proofs"),
        (
            "postgresql:///proofs?host=/run/pg&password=secret&user=ana",
            "postgresql:///proofs?host=/run/pg&password=***&user=ana",
        ),
        ("sqlite:///proofs.db", "sqlite:///proofs.db"),
    ],
)
def test_the_name_of_a_store_shows_no_password(url, name):
    assert read_store_address(url, Path()).name == name


def test_a_file_counts_from_the_folder_unless_it_is_absolute():
    assert read_store_address("sqlite:///proofs.db", Path("/etc/here")).path == Path("/etc/here/proofs.db")
    assert read_store_address("sqlite:////var/lib/proofs.db", Path("/etc/here")).path == Path(
        "/var/lib/proofs.db"
    )


def test_options_are_read_and_unknown_ones_refused():
    found = read_store_address("sqlite:///proofs.db?mode=ro&max_page_count=60", Path("/"))

    assert (found.read_only, found.pages) == (True, "60")
    with pytest.raises(StartError, match="'cache' is unknown"):
        read_store_address("sqlite:///proofs.db?cache=shared", Path("/"))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_store_in_memory_is_refused(url):
    with pytest.raises(StartError, match="proves nothing"):
        read_store_address(url, Path("/"))
