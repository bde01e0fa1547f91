"""The contract of `Records` over a real PostgreSQL, and the whole core on it: one schema and one
SQL for SQLite, D1 and PostgreSQL."""

import asyncio
from collections.abc import Iterator

import pytest

from functions.adapters.local.records import SqliteRecords
from functions.adapters.postgres.records import ATTEMPTS, PostgresRecords, numbered
from functions.core import events
from functions.ports.records import ConflictError, RecordsError, Statement
from tests.contracts.object_store import run
from tests.contracts.postgres import Postgres, running
from tests.contracts.records import RecordsContract, count, developer, rename
from tests.functions.core.test_query_plans import use_everything
from tests.functions.core.world import World

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("contracts in postgres")]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running() as server:
        yield server


@pytest.fixture
def records(postgres: Postgres) -> Iterator[PostgresRecords]:
    postgres.empty()
    records = PostgresRecords(postgres.connect)
    yield records
    records.close()


class TestPostgresRecords(RecordsContract):
    @pytest.fixture
    def records(self, records: PostgresRecords) -> PostgresRecords:
        return records


def test_the_whole_core_leaves_the_same_rows_as_on_sqlite(records: PostgresRecords) -> None:
    """Every statement of every use-case, from the first key to the last repository."""

    async def rows_after_everything(world: World) -> object:
        await use_everything(world)
        return await world.snapshot(), await world.rows("SELECT * FROM backup ORDER BY id")

    on_sqlite = World(records=SqliteRecords())
    expected = run(rows_after_everything(on_sqlite))
    on_sqlite.close()
    assert run(rows_after_everything(World(records=records))) == expected


def test_the_schema_has_the_tables_and_columns_of_sqlite(postgres: Postgres) -> None:
    columns = postgres.run(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' ORDER BY 1, 2"
    )
    sqlite = SqliteRecords()
    rows = run(
        sqlite.fetch(
            Statement(
                "SELECT m.name AS tab, p.name AS col FROM sqlite_master m,"
                " pragma_table_info(m.name) p WHERE m.type = 'table' ORDER BY 1, 2"
            )
        )
    )
    sqlite.close()
    assert columns == [(row["tab"], row["col"]) for row in rows]


def test_racing_batches_that_read_what_the_other_writes_act_as_if_one_after_another(
    records: PostgresRecords,
) -> None:
    """Write skew: each inserts only where it finds nothing. SERIALIZABLE and a repetition let one
    see the other's row, which no key would have done."""

    def if_none(number: int) -> Statement:
        return Statement(
            "INSERT INTO developer (id, name, created_at, revision)"
            " SELECT ?, 'only', 0, 1"
            " WHERE NOT EXISTS (SELECT 1 FROM developer WHERE name = 'only')",
            (f"d{number}",),
        )

    async def race() -> list[int]:
        changed = await asyncio.gather(*(records.batch([if_none(n)]) for n in range(4)))
        return sorted(one[0] for one in changed)

    for _ in range(5):
        assert run(race()) == [0, 0, 0, 1]
        run(records.batch([Statement("DELETE FROM developer")]))


def test_a_batch_that_is_always_rolled_back_for_others_is_no_conflict_and_leaves_nothing(
    postgres: Postgres, records: PostgresRecords
) -> None:
    postgres.run(
        "CREATE FUNCTION overtaken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM"
        " nextval('tries'); RAISE EXCEPTION 'overtaken' USING ERRCODE = '40001'; END $$;"
        "CREATE SEQUENCE tries;"
        "CREATE TRIGGER overtaken BEFORE INSERT ON developer"
        " FOR EACH ROW EXECUTE FUNCTION overtaken()"
    )
    try:
        with pytest.raises(RecordsError, match="rolled back") as caught:
            run(records.batch([developer(1)]))
        assert postgres.run("SELECT last_value FROM tries") == [(ATTEMPTS,)]
    finally:
        postgres.run(
            "DROP TRIGGER overtaken ON developer; DROP FUNCTION overtaken; DROP SEQUENCE tries"
        )
    assert not isinstance(caught.value, ConflictError)
    assert run(count(records, "developer")) == 0


def test_a_broken_connection_is_an_error_once_and_replaced(
    postgres: Postgres, records: PostgresRecords
) -> None:
    run(records.batch([developer(1)]))
    postgres.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = 'stowage' AND pid <> pg_backend_pid()"
    )
    with pytest.raises(RecordsError):
        run(records.batch([developer(2)]))
    assert run(count(records, "developer")) == 1
    run(records.batch([developer(2)]))
    assert run(count(records, "developer")) == 2


def test_a_server_that_is_not_there_is_an_error(postgres: Postgres) -> None:
    records = PostgresRecords(Postgres(postgres.socket.parent / "nobody").connect)
    with pytest.raises(RecordsError, match="cannot be reached"):
        run(records.fetch(Statement("SELECT 1 AS one")))
    records.close()


def test_many_calls_at_once_share_the_connections(records: PostgresRecords) -> None:
    async def scenario() -> None:
        await records.batch(
            [developer(1), events.created("developer-1", "developer", "test", "active", 1)]
        )
        won = 0
        for revision in range(1, 6):
            results = await asyncio.gather(
                *(records.batch(rename(revision, f"name {n}")) for n in range(24)),
                return_exceptions=True,
            )
            won += sum(not isinstance(result, BaseException) for result in results)
        assert won == 5
        assert await count(records, "event") == 6

    run(scenario())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("SELECT ? WHERE a = ?", "SELECT $1 WHERE a = $2"),
        (
            "SELECT '?''?', \"?\", ? -- ?\n, ? /* ? */",
            "SELECT '?''?', \"?\", $1 -- ?\n, $2 /* ? */",
        ),
        ("SELECT 1", "SELECT 1"),
    ],
)
def test_only_placeholders_are_numbered(given: str, expected: str) -> None:
    assert numbered(given) == expected
