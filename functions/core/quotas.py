"""How much of the platform one developer may use: uploads at once, uploads a day, bytes kept.

Counted from the rows of versions, so no counter can disagree with what there is. Rules:
1. A version counts as an open upload while it is `uploading`: until it is completed, or the
   schedule gives it up.
2. An upload of the last 24 hours counts whatever became of it. Asking again for the same upload is
   no new one.
3. The bytes are the sizes of all versions that are not failed and that retention has not removed;
   an open upload counts with what it announced.
4. The insertion of a version carries its quotas as a condition, so requests at the same moment
   cannot pass together what each could pass alone.
"""

from typing import TYPE_CHECKING, cast

from functions.core.events import Guard
from functions.core.platform import DAY_MS
from functions.core.problems import Problem, ProblemError
from functions.ports.records import Records, Statement, Value

if TYPE_CHECKING:
    from functions.core.platform import Quotas

# CROSS JOIN, by which SQLite takes the developer's apps first: it would rather look through
# everybody's open uploads.
_OF_DEVELOPER = "FROM app CROSS JOIN version WHERE app.developer_id = ? AND version.app_id = app.id"
_OPEN = f"{_OF_DEVELOPER} AND version.status = 'uploading'"
_OF_DAY = f"{_OF_DEVELOPER} AND version.created_at > ?"
_KEPT = f"{_OF_DEVELOPER} AND version.status <> 'failed' AND version.deleted_at IS NULL"
_BYTES = f"SELECT coalesce(sum(version.size), 0) AS used {_KEPT}"


def guard(quotas: "Quotas", developer_id: str, size: int, now: int) -> Guard | None:
    """Holds while another upload of `size` bytes stays within the quotas; None where none is
    set."""
    conditions: list[str] = []
    parameters: list[Value] = []
    if quotas.open_uploads is not None:
        conditions.append(f"(SELECT count(*) {_OPEN}) < ?")
        parameters += [developer_id, quotas.open_uploads]
    if quotas.uploads_per_day is not None:
        conditions.append(f"(SELECT count(*) {_OF_DAY}) < ?")
        parameters += [developer_id, now - DAY_MS, quotas.uploads_per_day]
    if quotas.stored_bytes is not None:
        conditions.append(f"({_BYTES}) <= ?")
        parameters += [developer_id, quotas.stored_bytes - size]
    return Guard(" AND ".join(conditions), tuple(parameters)) if conditions else None


async def check(records: Records, quotas: "Quotas", developer_id: str, size: int, now: int) -> None:
    """Raises: ProblemError 413 `storage-quota-exceeded` where only removing something helps, 429
    `quota-exceeded` with the seconds after which there is room again."""
    if quotas.stored_bytes is not None:
        (row,) = await records.fetch(Statement(_BYTES, (developer_id,)))
        used = int(cast("int", row["used"]))
        if used + size > quotas.stored_bytes:
            raise _no_room(used, size, quotas.stored_bytes)
    if quotas.open_uploads is not None:
        counted = f"SELECT count(*) AS used, min(version.due_at) AS first {_OPEN}"
        (row,) = await records.fetch(Statement(counted, (developer_id,)))
        if cast("int", row["used"]) >= quotas.open_uploads:
            raise _exceeded(
                f"{row['used']} uploads are open, and {quotas.open_uploads} may be. Complete one "
                "of them, or let one expire.",
                quotas.open_uploads,
                cast("int", row["first"]) - now,
            )
    if quotas.uploads_per_day is not None:
        counted = f"SELECT count(*) AS used, min(version.created_at) AS first {_OF_DAY}"
        (row,) = await records.fetch(Statement(counted, (developer_id, now - DAY_MS)))
        if cast("int", row["used"]) >= quotas.uploads_per_day:
            raise _exceeded(
                f"{row['used']} uploads were made in 24 hours, and {quotas.uploads_per_day} may "
                "be.",
                quotas.uploads_per_day,
                cast("int", row["first"]) + DAY_MS - now,
            )


def _exceeded(detail: str, limit: int, wait_ms: int) -> ProblemError:
    seconds = max(1, -(-wait_ms // 1000))
    return ProblemError(
        Problem(
            "quota-exceeded",
            "Quota exceeded",
            429,
            f"{detail} There is room again in {seconds} s at the latest.",
            {"limit": limit, "retry_after_seconds": seconds},
        )
    )


def _no_room(used: int, size: int, limit: int) -> ProblemError:
    return ProblemError(
        Problem(
            "storage-quota-exceeded",
            "Content too large",
            413,
            f"The package has {size} bytes, but of the {limit} bytes that you may store, {used} "
            "are taken. Old versions make room when retention removes them; an operator can "
            "raise the quota.",
            {"limit": limit, "used": used},
        )
    )
