"""Days of usage, summed up by the jobs: written again without harm, and never half."""

from collections.abc import Iterator

import pytest

from functions.adapters.local.usage import MemoryUsageQueries
from functions.core import usage_queries
from functions.core.platform import DAY_MS
from functions.core.usage_runs import UsageDeps, sum_up
from functions.ports.usage import UsageQueryError, UsageRow
from tests.contracts.object_store import run
from tests.functions.core.world import World

DATASET = "usage_test"
TABLES: list[UsageRow] = [{"dataset": "another"}, {"dataset": DATASET}]
UNKNOWN = "01900000-0000-7000-8000-00000000dead"


class Usage:
    """A world with some versions, and what Analytics Engine will answer."""

    def __init__(self) -> None:
        self.world = World()
        self.queries = MemoryUsageQueries()
        self.deps = UsageDeps(self.world.records, self.queries, DATASET, self.world.clock)
        self.versions = run(self._versions())
        self.today = self.world.clock.now_ms() // DAY_MS * DAY_MS

    async def _versions(self) -> list[str]:
        caller = await self.world.developer()
        await self.world.app(caller)
        return [(await self.world.published(caller, code)).id for code in (1, 2)]

    def answers(self, *downloads: UsageRow) -> None:
        self.queries.answers += [TABLES, list(downloads), []]

    def row(
        self, version_id: str, downloads: str | float | None, day: int | None = None
    ) -> UsageRow:
        at = self.today if day is None else day
        return {
            "version_id": version_id,
            "day": at // 1000,
            "downloads": downloads,
            "sent_bytes": 12.0,
        }

    def rows(self) -> list[tuple[object, ...]]:
        found = run(self.world.rows("SELECT * FROM download_count ORDER BY version_id, day"))
        return [tuple(row.values()) for row in found]


@pytest.fixture
def usage() -> Iterator[Usage]:
    usage = Usage()
    yield usage
    usage.world.close()


def test_a_day_is_written_again_without_being_counted_twice(usage: Usage) -> None:
    first, second = usage.versions
    yesterday = usage.today - DAY_MS
    for count in ("3", "3", "4"):
        usage.answers(usage.row(first, count), usage.row(second, 1, yesterday))
        report = run(sum_up(usage.deps))
        assert (report.versions, report.errors) == (2, ())
    expected = [(first, usage.today, 4, 12), (second, yesterday, 1, 12)]
    assert usage.rows() == sorted(expected)


def test_today_and_yesterday_are_asked_for_and_older_days_stay(usage: Usage) -> None:
    usage.answers(usage.row(usage.versions[0], "9"))
    run(sum_up(usage.deps))
    usage.world.clock.advance(milliseconds=3 * DAY_MS)
    usage.answers()
    run(sum_up(usage.deps))
    assert [row[2] for row in usage.rows()] == [9]
    asked = usage.queries.asked[-1]
    since = (usage.today + 2 * DAY_MS) // 1000
    assert f"timestamp >= toDateTime({since})" in asked
    assert f"timestamp < toDateTime({since + 2 * 86_400})" in asked


def test_what_the_database_does_not_know_is_left_out_and_the_rest_is_written(usage: Usage) -> None:
    usage.answers(
        usage.row(UNKNOWN, "5"), usage.row("no id", "5"), usage.row(usage.versions[0], "1")
    )
    assert run(sum_up(usage.deps)).errors == ()
    assert [row[0] for row in usage.rows()] == [usage.versions[0]]


def test_many_rows_are_written_in_statements_that_d1_takes(usage: Usage) -> None:
    days = [usage.today - day * DAY_MS for day in range(70)]
    usage.answers(*(usage.row(one, 1, day) for one in usage.versions for day in days))
    assert run(sum_up(usage.deps)).versions == 140
    assert len(usage.rows()) == 140


def test_nothing_is_asked_of_a_dataset_that_no_request_has_made(usage: Usage) -> None:
    usage.queries.answers += [[{"dataset": "another"}]]
    report = run(sum_up(usage.deps))
    assert (report.versions, report.locations, report.errors) == (0, 0, ())
    assert usage.queries.asked == [usage_queries.TABLES]


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_query_that_fails_is_reported_and_holds_up_nothing_else(
    usage: Usage, failing: int
) -> None:
    answers: list[list[UsageRow] | UsageQueryError] = [
        TABLES, [usage.row(usage.versions[0], "3")], [],
    ]  # fmt: skip
    answers[failing] = UsageQueryError("the query was refused with 503")
    usage.queries.answers += answers
    report = run(sum_up(usage.deps))
    assert report.errors == ("the query was refused with 503",)
    assert len(usage.rows()) == (1 if failing == 2 else 0)


@pytest.mark.parametrize("count", [None, "many", "1e999", "-1", -1.0, "nan"])
def test_an_answer_that_is_no_number_is_reported_and_writes_nothing(
    usage: Usage, count: str | float | None
) -> None:
    usage.answers(usage.row(usage.versions[0], count))
    assert len(run(sum_up(usage.deps)).errors) == 1
    assert usage.rows() == []


def test_more_rows_than_are_asked_for_are_said_to_be_missing(
    usage: Usage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_queries, "MOST_ROWS", 2)
    usage.answers(*(usage.row(one, 1) for one in usage.versions))
    (error,) = run(sum_up(usage.deps)).errors
    assert "more than 2 rows" in error
    assert len(usage.rows()) == 2


def test_every_sum_counts_a_point_as_often_as_its_sampling_says() -> None:
    for asking in (usage_queries.downloads, usage_queries.locations):
        sql = asking(DATASET, 0, DAY_MS)
        sums = sql.split("SUM(")[1:]
        assert sums
        assert all("_sample_interval" in part.split(" AS ")[0] for part in sums)
        assert "COUNT(" not in sql.upper()
