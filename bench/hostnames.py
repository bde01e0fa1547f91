"""Finding a host among 100,000: by the edge's own query, against a dict in memory and against a
scan of the table.

    python -m bench.hostnames

Checked before it is timed: the query reads no table from end to end (its plan says so), and finds
what the dict finds. SQLite is the engine of D1; the way to it over a network is not measured here.
"""

import asyncio
import itertools
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from typing import TypeVar

from bench.comparison import Work, compare, show
from functions.adapters.local.records import SqliteRecords
from functions.core.locations import Location, location_of
from functions.core.serving import host_statement, resolve_host
from functions.ports.records import Statement

T = TypeVar("T")

MANY, FEW = 100_000, 1_000
BUCKET = "bench-repositories"
LOOKUPS = 200
"""Of one turn."""


def name(number: int) -> str:
    return f"apt.customer-{number:06d}.example"


def identifier(kind: str, number: int) -> str:
    return f"019ce0b8-{kind}-7000-8000-{number:012x}"


def rows(count: int) -> Iterator[Statement]:
    """A tenant, a location and a hostname each, and for every tenth a name that was removed."""
    for number in range(count):
        tenant, location = identifier("0001", number), identifier("0002", number)
        yield Statement(
            "INSERT INTO tenant (id, name, created_at, revision) VALUES (?, 'T', 1, 1)", (tenant,)
        )
        yield Statement(
            "INSERT INTO location (id, tenant_id, s3_bucket, s3_prefix, created_at, revision)"
            " VALUES (?, ?, ?, ?, 1, 1)",
            (location, tenant, BUCKET, f"{location}/"),
        )
        for state, deleted_at in (("active", None), ("removed", 1))[: 1 + (number % 10 == 0)]:
            yield Statement(
                "INSERT INTO hostname (id, name, tenant_id, location_id, state, proven_at,"
                " created_at, deleted_at, revision) VALUES (?, ?, ?, ?, ?, 1, 1, ?, 1)",
                (f"{state}-{number}", name(number), tenant, location, state, deleted_at),
            )


async def filled(count: int) -> SqliteRecords:
    records = SqliteRecords()
    made = rows(count)
    while batch := list(itertools.islice(made, 5_000)):
        await records.batch(batch)
    return records


async def known(records: SqliteRecords) -> dict[str, str]:
    found = await records.fetch(
        Statement("SELECT name, location_id FROM hostname WHERE state = 'active'")
    )
    return {str(row["name"]): str(row["location_id"]) for row in found}


async def check(records: SqliteRecords, names: dict[str, str]) -> None:
    statement = host_statement(name(7))
    plan = await records.fetch(replace(statement, sql=f"EXPLAIN QUERY PLAN {statement.sql}"))
    steps = [str(row["detail"]) for row in plan]
    print("plan:", "; ".join(steps))
    if not steps or any(step.startswith("SCAN") for step in steps):
        raise SystemExit("the query reads a table from end to end")
    for host in (name(0), name(MANY // 2), name(MANY - 1)):
        location = await resolve_host(records, host, [BUCKET])
        if location is None or location.id != names[host]:
            raise SystemExit(f"{host} leads elsewhere")
    if await resolve_host(records, "nobody.example", [BUCKET]) is not None:
        raise SystemExit("an unknown host leads somewhere")


def lookups(records: SqliteRecords, count: int, *, by_index: bool = True) -> Work:
    hosts = itertools.cycle(name(number * 7919 % count) for number in range(count))

    async def scanned(host: str) -> Location:
        statement = host_statement(host)
        sql = statement.sql.replace("FROM hostname ", "FROM hostname NOT INDEXED ")
        found = await records.fetch(replace(statement, sql=sql))
        return location_of(found[0])

    async def turn() -> None:
        for host in itertools.islice(hosts, LOOKUPS):
            await (resolve_host(records, host, [BUCKET]) if by_index else scanned(host))

    return lambda: run(turn())


def in_memory(names: dict[str, str]) -> Work:
    hosts = itertools.cycle(names)

    async def turn() -> None:
        for host in itertools.islice(hosts, LOOKUPS):
            names[host]

    return lambda: run(turn())


_loop = asyncio.new_event_loop()


def run(work: Coroutine[None, None, T]) -> T:
    return _loop.run_until_complete(work)


def main() -> None:
    many, few = run(filled(MANY)), run(filled(FEW))
    names = run(known(many))
    run(check(many, names))
    ours = lookups(many, MANY)
    what = f"{LOOKUPS} lookups"
    show(
        [
            compare(what, (f"of {MANY:,} hosts", ours), ("a dict", in_memory(names))),
            compare(what, (f"of {MANY:,} hosts", ours), (f"of {FEW:,} hosts", lookups(few, FEW))),
            compare(
                what,
                (f"of {MANY:,} hosts", ours),
                (f"{LOOKUPS} scans", lookups(many, MANY, by_index=False)),
                rounds=3,
            ),
        ]
    )
    many.close()
    few.close()
    _loop.close()


if __name__ == "__main__":
    main()
