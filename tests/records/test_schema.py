from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st

from proxy.consent.answer import How
from proxy.consent.record import ConsentRecord, content_of
from proxy.records.migrations import STEPS, VERSIONS
from proxy.records.migrations.run import scripts
from proxy.records.schema import CONTENT, metadata, record_of, row_of
from tests.records.answers import NOON, answer


async def test_the_migrations_make_exactly_the_tables_that_the_program_reads(store):
    def differences(connection):
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "version_table": VERSIONS}
        )
        return compare_metadata(context, metadata)

    async with store._database.writing() as connection:
        found = await connection.run_sync(differences)

    assert found == []


def test_the_steps_that_the_program_knows_are_those_that_alembic_finds():
    found = [script.revision for script in scripts().walk_revisions()]

    assert tuple(reversed(found)) == STEPS


def test_an_erasure_empties_everything_but_the_seals():
    kept = {"id", "time", "writer", "position", "digest", "link", "erased", "seal"}

    assert set(CONTENT) == set(metadata.tables["records"].columns.keys()) - kept


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    visitor=words,
    language=words,
    how=st.sampled_from(How),
    provider=st.none() | words,
    previous=st.none() | words,
)
def test_a_record_comes_back_from_its_row_as_it_was(visitor, language, how, provider, previous):
    content = content_of(answer(visitor, language=language, how=how, provider=provider), previous)
    record = ConsentRecord("id", NOON, "writer", 1, b"digest", b"link", content)

    assert record_of(row_of(record)) == record


def test_a_record_takes_less_than_a_kilobyte():
    record = ConsentRecord(
        "i" * 26, NOON, "w" * 12, 10**6, b"d" * 32, b"l" * 32, content_of(answer("v" * 32), "p" * 26)
    )

    assert sum(len(str(value)) for value in row_of(record).values()) < 1000
