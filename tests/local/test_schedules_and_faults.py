"""The clock of cron triggers, and planned faults."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.data_plane import DataPlaneError
from local.fault_board import FaultBoard
from local.home import CloudError
from local.schedules import Schedules
from local.world import World

CALL = ("jobs", "DB", "batch")
PLAN: dict[str, Any] = {"worker": "jobs", "binding": "DB", "method": "batch", "action": "fail"}


class Handlers:
    """Plays the Workers' scheduled handlers."""

    def __init__(self, folder: Path, *crons: str) -> None:
        self.world = World(folder / "world.json")
        self.runs: list[tuple[str, str, int]] = []
        self.outcome: dict[str, Any] = {"outcome": "ok"}
        self.world.put("Worker", "w", {"_id": "w", "name": "jobs"})
        self.world.put("WorkerVersion", "v", {"_id": "v", "_worker": "w"})
        deployment = {"scriptName": "jobs", "versions": [{"versionId": "v"}]}
        self.world.put("WorkersDeployment", "d", deployment)
        schedules = [{"cron": cron} for cron in crons]
        trigger = {"scriptName": "jobs", "schedules": schedules}
        self.world.put("WorkersCronTrigger", "jobs", trigger)
        self.schedules = Schedules(self.world, self.run, lambda: datetime(2026, 1, 1, tzinfo=UTC))

    async def run(self, worker: str, cron: str, at: int) -> dict[str, Any]:
        self.runs.append((worker, cron, at))
        if "error" in self.outcome:
            raise DataPlaneError(self.outcome["error"])
        return self.outcome


@pytest.mark.parametrize(
    ("minute", "crons"),
    [
        (datetime(2026, 1, 1, 0, 5, 30, tzinfo=UTC), ["*/5 * * * *"]),
        (datetime(2026, 1, 1, 0, 6, 0, tzinfo=UTC), []),
        (datetime(2026, 1, 1, 3, 0, 1, tzinfo=UTC), ["*/5 * * * *", "0 3 * * *"]),
    ],
)
def test_schedules_are_due_in_their_minute_utc(
    tmp_path: Path, minute: datetime, crons: list[str]
) -> None:
    handlers = Handlers(tmp_path, "*/5 * * * *", "0 3 * * *")
    assert [cron for _, cron in handlers.schedules.due(minute)] == crons


def test_a_worker_that_is_not_deployed_is_not_run(tmp_path: Path) -> None:
    handlers = Handlers(tmp_path, "* * * * *")
    handlers.world.remove("WorkersDeployment", "d")
    assert handlers.schedules.due(datetime(2026, 1, 1, tzinfo=UTC)) == []


def test_a_trigger_by_hand_runs_each_schedule_once_and_tells_the_outcome(tmp_path: Path) -> None:
    handlers = Handlers(tmp_path, "*/5 * * * *", "0 3 * * *")
    runs = asyncio.run(handlers.schedules.trigger("jobs"))
    assert [run["outcome"] for run in runs] == ["ok", "ok"]
    milliseconds = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
    assert handlers.runs[0] == ("jobs", "*/5 * * * *", milliseconds)
    assert len(handlers.schedules.recent) == 2


def test_a_run_that_reached_nobody_is_told_and_raises_nothing(tmp_path: Path) -> None:
    handlers = Handlers(tmp_path, "* * * * *")
    handlers.outcome = {"error": "workerd does not answer"}
    (run,) = asyncio.run(handlers.schedules.trigger(None))
    assert run["outcome"] == "unreachable"
    assert run["error"] == "workerd does not answer"


def test_triggering_a_worker_without_schedules_says_so(tmp_path: Path) -> None:
    with pytest.raises(CloudError, match="edge has no cron trigger"):
        asyncio.run(Handlers(tmp_path).schedules.trigger("edge"))


def test_the_nth_call_and_those_after_it_meet_the_fault() -> None:
    board = FaultBoard()
    board.plan(PLAN | {"nth": 2, "count": 2})
    assert [board.next(CALL, False) for _ in range(4)] == ["none", "fail", "fail", "none"]
    assert board.describe()["faults"][0]["met"] == 2
    assert board.describe()["calls"] == [
        {"worker": "jobs", "binding": "DB", "method": "batch", "count": 4}
    ]


def test_other_calls_do_not_count_and_a_star_means_any() -> None:
    board = FaultBoard()
    board.plan(PLAN | {"binding": "*", "action": "drop"})
    assert board.next(("edge", "DB", "batch"), False) == "none"
    assert board.next(("jobs", "DB", "exec"), False) == "none"
    assert board.next(("jobs", "UPLOADS", "batch"), False) == "drop"


def test_a_held_call_waits_until_it_is_released() -> None:
    board = FaultBoard()
    board.plan(PLAN | {"action": "hold"})
    assert board.next(CALL, False) == "hold"
    assert board.next(CALL, True) == "hold"
    assert board.describe()["held"][0]["count"] == 1
    board.release()
    assert board.next(CALL, True) == "none"
    assert board.describe()["held"] == []
    assert board.next(CALL, False) == "none"


def test_clearing_lets_held_calls_go_on() -> None:
    board = FaultBoard()
    board.plan(PLAN | {"action": "hold"})
    board.next(CALL, False)
    board.clear()
    assert board.next(CALL, True) == "none"
    assert board.describe() == {"faults": [], "held": [], "calls": []}


@pytest.mark.parametrize("wrong", [{"action": "explode"}, {"nth": 0}, {"count": "two"}])
def test_a_wrong_plan_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"action is one of|whole numbers"):
        FaultBoard().plan(PLAN | wrong)
