"""What every `Records` keeps, whatever lies behind it.

An adapter's suite is a subclass with the fixture `records`: a database with all migrations and no
rows.
"""

import asyncio

import pytest

from functions.core import events
from functions.ports.records import ConflictError, Records, RecordsError, Statement
from tests.contracts.object_store import run


def developer(number: int, name: str = "Ada") -> Statement:
    return Statement(
        "INSERT INTO developer (id, name, created_at, revision) VALUES (?, ?, ?, 1)",
        (f"developer-{number}", name, 1_790_000_000_000),
    )


def tenant(tenant_id: str) -> Statement:
    return Statement(
        "INSERT INTO tenant (id, name, created_at, revision) VALUES (?, 'T', 0, 1)", (tenant_id,)
    )


def location(location_id: str, tenant_id: str, bucket: str, prefix: str) -> Statement:
    return Statement(
        "INSERT INTO location (id, tenant_id, s3_bucket, s3_prefix, created_at, revision)"
        " VALUES (?, ?, ?, ?, 0, 1)",
        (location_id, tenant_id, bucket, prefix),
    )


def hostname(
    hostname_id: str, name: str, owner: str, location_id: str, proven: int | None
) -> Statement:
    return Statement(
        "INSERT INTO hostname (id, name, tenant_id, location_id, state, proven_at, created_at,"
        " revision) VALUES (?, ?, ?, ?, 'active', ?, 0, 1)",
        (hostname_id, name, owner, location_id, proven),
    )


def repository(repository_id: str, location_id: str, bucket: str, prefix: str) -> Statement:
    return Statement(
        "INSERT INTO debian_repository (id, location_id, s3_bucket, s3_prefix, distribution,"
        " created_at, revision) VALUES (?, ?, ?, ?, 'stable', 0, 1)",
        (repository_id, location_id, bucket, prefix),
    )


def version(version_id: str, status: str, object_key: str | None = None) -> Statement:
    return Statement(
        "INSERT INTO version (id, app_id, version_code, version_name, status, size, sha256,"
        " object_key, problems, created_at, updated_at, revision)"
        " VALUES (?, 'org.example', 1, '1.0', ?, 5, ?, ?, '[]', 0, 0, 1)",
        (version_id, status, "0" * 64, object_key),
    )


APP = Statement(
    "INSERT INTO app (id, developer_id, name, visibility, created_at, revision)"
    " VALUES ('org.example', 'developer-1', 'Example', 'public', 0, 1)"
)


async def count(records: Records, table: str) -> int:
    rows = await records.fetch(Statement(f"SELECT COUNT(*) AS n FROM {table}"))  # noqa: S608
    number = rows[0]["n"]
    assert isinstance(number, int)
    return number


def rename(revision: int, name: str) -> list[Statement]:
    change = events.Transition(
        "developer", "developer-1", revision, "test", "renamed", "active", "active", 5
    )
    return [change.event(), change.update({"name": name})]


class RecordsContract:
    def test_values_come_back_as_they_were_written(self, records: Records) -> None:
        async def scenario() -> None:
            assert list(await records.batch([developer(1, "Ä'\"; --\n🙂")])) == [1]
            rows = await records.fetch(
                Statement("SELECT * FROM developer WHERE name = ?", ("Ä'\"; --\n🙂",))
            )
            assert [dict(row) for row in rows] == [
                {
                    "id": "developer-1",
                    "name": "Ä'\"; --\n🙂",
                    "created_at": 1_790_000_000_000,
                    "deleted_at": None,
                    "revision": 1,
                }
            ]
            assert isinstance(rows[0]["created_at"], int)

        run(scenario())

    def test_integers_stay_exact_up_to_the_largest_version_code(self, records: Records) -> None:
        async def scenario() -> None:
            largest = 2**53 - 1
            insert = Statement(
                "INSERT INTO developer (id, name, created_at, revision) VALUES ('d', 'n', ?, 1)",
                (largest,),
            )
            await records.batch([insert])
            rows = await records.fetch(Statement("SELECT created_at FROM developer"))
            assert rows[0]["created_at"] == largest

        run(scenario())

    def test_a_query_without_rows_is_empty(self, records: Records) -> None:
        rows = run(records.fetch(Statement("SELECT * FROM developer WHERE id = ?", ("none",))))
        assert list(rows) == []

    def test_a_batch_counts_the_rows_of_each_statement(self, records: Records) -> None:
        async def scenario() -> None:
            changed = await records.batch(
                [
                    developer(1),
                    developer(2),
                    Statement("UPDATE developer SET name = 'Bea'"),
                    Statement("UPDATE developer SET name = 'Cy' WHERE id = ?", ("none",)),
                    Statement("DELETE FROM developer WHERE id = ?", ("developer-2",)),
                ]
            )
            assert list(changed) == [1, 1, 2, 0, 1]

        run(scenario())

    def test_a_conflict_undoes_the_whole_batch(self, records: Records) -> None:
        async def scenario() -> None:
            with pytest.raises(ConflictError):
                await records.batch([developer(1), developer(2), developer(1)])
            assert await count(records, "developer") == 0

        run(scenario())

    def test_a_wrong_statement_undoes_the_whole_batch(self, records: Records) -> None:
        async def scenario() -> None:
            with pytest.raises(RecordsError) as caught:
                await records.batch([developer(1), Statement("UPDATE nothing SET x = 1")])
            assert not isinstance(caught.value, ConflictError)
            assert await count(records, "developer") == 0
            with pytest.raises(RecordsError):
                await records.fetch(Statement("SELECT * FROM nothing"))

        run(scenario())

    @pytest.mark.parametrize(
        "statement",
        [
            pytest.param(
                Statement("INSERT INTO developer (id, created_at, revision) VALUES ('d', 0, 1)"),
                id="not null",
            ),
            pytest.param(
                Statement(
                    "INSERT INTO developer (id, name, created_at, revision) VALUES ('d', 'n', 0, 0)"
                ),
                id="check",
            ),
            pytest.param(APP, id="foreign key"),
        ],
    )
    def test_each_kind_of_constraint_is_a_conflict(
        self, records: Records, statement: Statement
    ) -> None:
        with pytest.raises(ConflictError):
            run(records.batch([statement]))

    def test_a_transition_writes_its_event_and_moves_the_revision(self, records: Records) -> None:
        async def scenario() -> None:
            await records.batch(
                [developer(1), events.created("developer-1", "developer", "test", "active", 1)]
            )
            assert list(await records.batch(rename(1, "Bea"))) == [1, 1]
            rows = await records.fetch(Statement("SELECT seq, reason FROM event ORDER BY seq"))
            assert [dict(row) for row in rows] == [
                {"seq": 1, "reason": "created"},
                {"seq": 2, "reason": "renamed"},
            ]
            rows = await records.fetch(Statement("SELECT name, revision FROM developer"))
            assert dict(rows[0]) == {"name": "Bea", "revision": 2}

        run(scenario())

    def test_two_racing_transitions_leave_one_event(self, records: Records) -> None:
        async def scenario() -> None:
            await records.batch(
                [developer(1), events.created("developer-1", "developer", "test", "active", 1)]
            )
            results = await asyncio.gather(
                *(records.batch(rename(1, f"name {number}")) for number in range(6)),
                return_exceptions=True,
            )
            lost = [result for result in results if isinstance(result, BaseException)]
            assert len(lost) == 5
            assert all(isinstance(result, ConflictError) for result in lost)
            assert await count(records, "event") == 2

        run(scenario())

    def test_a_transition_from_a_revision_that_is_over_writes_nothing(
        self, records: Records
    ) -> None:
        async def scenario() -> None:
            await records.batch(
                [developer(1), events.created("developer-1", "developer", "test", "active", 1)]
            )
            await records.batch(rename(1, "Bea"))
            for stale in (1, 3):
                with pytest.raises(ConflictError):
                    await records.batch([*rename(stale, "late"), developer(2)])
            assert await count(records, "event") == 2
            assert await count(records, "developer") == 1

        run(scenario())

    def test_a_guard_that_does_not_hold_aborts_the_batch(self, records: Records) -> None:
        async def scenario() -> None:
            await records.batch(
                [developer(1), events.created("developer-1", "developer", "test", "active", 1)]
            )
            change = events.Transition(
                "developer", "developer-1", 1, "test", "r", "a", "b", 5,
                events.Guard("name = ?", ("Somebody else",)),
            )  # fmt: skip
            with pytest.raises(ConflictError):
                await records.batch([developer(2), change.event(), change.update({})])
            assert await count(records, "developer") == 1

        run(scenario())

    def test_a_version_code_is_free_again_only_after_a_failure_without_promotion(
        self, records: Records
    ) -> None:
        async def scenario() -> None:
            await records.batch([developer(1), APP, version("v1", "failed")])
            await records.batch([version("v2", "failed"), version("v3", "uploading")])
            with pytest.raises(ConflictError):
                await records.batch([version("v4", "uploading")])
            await records.batch(
                [
                    Statement(
                        "UPDATE version SET status = 'failed', object_key = 'k' WHERE id = 'v3'"
                    )
                ]
            )
            with pytest.raises(ConflictError):
                await records.batch([version("v5", "uploading")])

        run(scenario())

    def test_a_hostname_is_unique_among_the_proven(self, records: Records) -> None:
        async def scenario() -> None:
            await records.batch(
                [
                    tenant("t1"),
                    tenant("t2"),
                    location("l1", "t1", "b", "l1/"),
                    location("l2", "t2", "b", "l2/"),
                    hostname("h1", "a.example", "t1", "l1", None),
                    hostname("h2", "a.example", "t2", "l2", 7),
                ]
            )
            with pytest.raises(ConflictError):
                await records.batch(
                    [Statement("UPDATE hostname SET proven_at = 8 WHERE id = 'h1'")]
                )
            await records.batch(
                [
                    Statement("UPDATE hostname SET deleted_at = 9 WHERE id = 'h2'"),
                    Statement("UPDATE hostname SET proven_at = 8 WHERE id = 'h1'"),
                ]
            )

        run(scenario())

    def test_a_hostname_leads_to_a_location_of_its_own_tenant_only(self, records: Records) -> None:
        async def scenario() -> None:
            await records.batch([tenant("t1"), tenant("t2"), location("l1", "t1", "b", "l1/")])
            with pytest.raises(ConflictError):
                await records.batch([hostname("h", "a.example", "t2", "l1", 7)])

        run(scenario())

    def test_a_repository_has_the_pair_of_its_location(self, records: Records) -> None:
        async def scenario() -> None:
            await records.batch([tenant("t1"), location("l1", "t1", "b", "l1/")])
            for bucket, prefix in (("packages", "l1/"), ("b", ""), ("b", "l2/")):
                with pytest.raises(ConflictError):
                    await records.batch([repository("r", "l1", bucket, prefix)])
            await records.batch([repository("r", "l1", "b", "l1/")])
            with pytest.raises(ConflictError):
                await records.batch([repository("r2", "l1", "b", "l1/")])

        run(scenario())

    @pytest.mark.parametrize("prefix", ["l1", "l2/", "/", "l1/x/", "../"])
    def test_a_prefix_is_empty_or_the_id_of_its_location(
        self, records: Records, prefix: str
    ) -> None:
        async def scenario() -> None:
            with pytest.raises(ConflictError):
                await records.batch([tenant("t1"), location("l1", "t1", "b", prefix)])

        run(scenario())
