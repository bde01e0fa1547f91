"""`/v1/backups`: backups of the database, which the jobs make; their content is not served here."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from functions.core import backup_records
from functions.core.backup_records import BackupReason, BackupStatus
from functions.entrypoints.http_api.access import Operator, Platform
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Answer, Time

router = APIRouter(tags=["backups"], route_class=JsonRoute)

PAGE = 100


class Backup(Answer):
    id: str
    status: BackupStatus
    reason: BackupReason
    """`found`: it lay in the bucket, and the database, which was restored, did not know it."""
    actor: str
    requested_at: Time
    started_at: Time | None
    finished_at: Time | None
    object_key: str | None
    """Of the dump in the backups bucket."""
    size: int | None
    """Of the dump, compressed."""
    sha256: str | None
    row_count: int | None
    """Rows of all tables."""
    problem: str | None
    """Why it failed."""


class OneBackup(Answer):
    backup: Backup


class BackupList(Answer):
    backups: list[Backup]
    next: str | None
    """Give it as `before` to get the next page; None on the last one."""


@router.post(
    "/v1/backups",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Ask the jobs for a backup of the database",
    responses=documented(401, 403, 404, 409),
)
async def post_backup(caller: Operator, services: Platform) -> OneBackup:
    """One that waits already is answered again."""
    requested = await backup_records.request_backup(
        services.records, services.clock, services.entropy, caller.actor, "request"
    )
    await backup_records.announce(services.queue)
    return OneBackup(backup=_backup(requested))


@router.get(
    "/v1/backups",
    summary="The backups whose objects are kept, and failed ones, the newest first",
    responses=documented(401, 403, 404, 422),
)
async def get_backups(
    _: Operator, services: Platform, before: Annotated[str | None, Query(max_length=64)] = None
) -> BackupList:
    page = await backup_records.list_backups(services.records, before=before, limit=PAGE)
    more = len(page) == PAGE
    return BackupList(backups=[_backup(one) for one in page], next=page[-1].id if more else None)


@router.get("/v1/backups/{backup_id}", summary="One backup", responses=documented(401, 403, 404))
async def get_backup(_: Operator, services: Platform, backup_id: str) -> OneBackup:
    return OneBackup(backup=_backup(await backup_records.get_backup(services.records, backup_id)))


def _backup(of: backup_records.Backup) -> Backup:
    return Backup(
        id=of.id,
        status=of.status,
        reason=of.reason,
        actor=of.actor,
        requested_at=of.requested_at,
        started_at=of.started_at,
        finished_at=of.finished_at,
        object_key=of.object_key,
        size=of.size,
        sha256=of.sha256,
        row_count=of.row_count,
        problem=of.problem,
    )
