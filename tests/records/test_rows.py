"""A record comes back from its row as it was, and the statements name every column."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.consent.answer import How, Surface
from proxy.consent.decision import Ask
from proxy.consent.record import ConsentRecord, content_of
from proxy.records.rows import COLUMNS, CONTENT, record_of, values_of
from proxy.records.schema import metadata
from tests.records.answers import NOON, answer

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def test_the_statements_name_the_columns_of_the_table_in_its_order():
    assert tuple(column.name for column in metadata.tables["records"].columns) == COLUMNS


def test_an_erasure_empties_everything_but_the_seals():
    kept = {"id", "time", "writer", "position", "digest", "link", "erased", "seal"}

    assert set(CONTENT) == set(metadata.tables["records"].columns.keys()) - kept


@given(
    visitor=words,
    language=words,
    how=st.sampled_from(How),
    control=st.none() | st.sampled_from(How),
    withdrawn=st.frozensets(words),
    asked=st.none() | st.sampled_from(Ask),
    surface=st.none() | st.sampled_from(Surface),
    declared_by=st.none() | words,
    declared_at=st.none() | st.integers(0, 2**32),
    provider=st.none() | words,
    previous=st.none() | words,
)
def test_a_record_comes_back_from_its_row_as_it_was(visitor, previous, **fields):
    content = content_of(answer(visitor, **fields), previous)
    record = ConsentRecord("id", NOON, "writer", 1, b"digest", b"link", content)

    row = dict(zip(COLUMNS, values_of(record), strict=True))

    assert record_of(row) == record


def test_a_record_takes_less_than_a_kilobyte():
    record = ConsentRecord(
        "i" * 26, NOON, "w" * 12, 10**6, b"d" * 32, b"l" * 32, content_of(answer("v" * 32), "p" * 26)
    )

    assert sum(len(str(value)) for value in values_of(record)) < 1000
