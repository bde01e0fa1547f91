"""docs/access.md shows the tables that the end-to-end tests keep, and what each Worker holds."""

from pathlib import Path

import pytest

from infra import program
from tests.access_table import API, API_ROLES, EDGE, HOSTS, asked_table, held_table
from tests.infra.deployed import bindings, deployed
from tests.infra.engine import Engine
from tests.infra.project import a_small_project

PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text(encoding="utf-8")
WORKERS = ("edge", "api", "jobs")
# Text that is no secret is how a Worker is configured, not what it may do.
KINDS = {
    "r2_bucket": "bucket",
    "d1": "database",
    "queue": "queue",
    "images": "image service",
    "ratelimit": "rate limiter",
    "analytics_engine": "usage dataset",
    "secret_text": "secret",
}


def section(title: str) -> list[str]:
    """The lines of the table in a section of the page."""
    text = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return [line for line in text.splitlines() if line.startswith("|")]


@pytest.mark.parametrize(
    ("title", "table"),
    [
        ("By the api", asked_table(API, API_ROLES)),
        ("By the edge", asked_table(EDGE, HOSTS)),
        ("By S3", held_table()),
    ],
)
def test_the_page_shows_the_table_that_is_tested(title: str, table: list[str]) -> None:
    assert section(title) == table


def test_the_page_says_what_each_worker_is_bound_to(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "PROJECT", a_small_project(tmp_path))
    deployed(engine)
    held = {worker: bindings(engine, worker) for worker in WORKERS}
    lines = {
        f"| {KINDS[one['type']]} | `{name}` | "
        + " | ".join("yes" if name in held[worker] else "-" for worker in WORKERS)
        + " |"
        for found in held.values()
        for name, one in found.items()
        if one["type"] in KINDS
    }
    head = ["| kind | binding | edge | api | jobs |", "| --- | --- | --- | --- | --- |"]
    assert section("By a Worker") == [*head, *sorted(lines)]
