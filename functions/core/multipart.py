"""A package in parts: begun, gone on with from what the storage has, given up, put together.

The storage knows which parts arrived; the row only names the upload there and the size of its
parts. Repeating anything after a kill converges:

1. An upload in parts is begun at the storage, then written to the row by compare-and-set. Who loses
   that race aborts its own; one that no row came to name is aborted by the schedule
   (`core.stale_parts`).
2. The row goes on naming it after its end. Where the storage has forgotten it, either its object is
   there or it was aborted, and then another one is begun in its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from functions.core import access
from functions.core.part_plan import PartPlan, plan_parts
from functions.core.platform import ATTEMPTS
from functions.core.problems import busy, conflict, not_found
from functions.core.renewal import renew
from functions.core.version_records import Upload, Version, find_upload, get_version
from functions.ports.multipart_store import Part, PartsRefusedError, UploadNotFoundError
from functions.ports.object_store import ObjectInfo, ObjectReader, PreconditionFailedError
from functions.ports.records import Records, Statement

if TYPE_CHECKING:
    from functions.core.platform import Limits
    from functions.ports.clock import Clock
    from functions.ports.multipart_store import MultipartStore


@dataclass(frozen=True, slots=True)
class MultipartDeps:
    records: Records
    uploads: ObjectReader
    parts: "MultipartStore"
    """The uploads bucket of the active storage."""
    clock: "Clock"
    limits: "Limits"


@dataclass(frozen=True, slots=True)
class Multipart:
    """An upload in parts that is under way."""

    upload: Upload
    plan: PartPlan
    received: tuple[Part, ...] = ()
    """Those of the plan that arrived with their exact size, by number."""

    @property
    def missing(self) -> list[int]:
        there = {part.number for part in self.received}
        return [number for number in self.plan.numbers if number not in there]


def offered(size: int, limits: "Limits") -> PartPlan | None:
    """The parts in which a package of this size may come; None where it is too small for that."""
    return plan_parts(size) if size > limits.multipart_threshold_bytes else None


async def begin(
    deps: MultipartDeps, caller: access.Caller, version_id: str
) -> tuple[Multipart, bool]:
    """The upload in parts with more time, and whether it was begun now.

    Raises: ProblemError 404/403, 409 `upload-over`, 409 `upload-arrived` where the whole package
    is there already, 409 `multipart-not-offered`.
    """
    for _ in range(ATTEMPTS):
        version, upload = await _waiting(deps, caller, version_id)
        under_way = await _under_way(deps, upload)
        plan = under_way.plan if under_way else await _beginnable(deps, upload)
        renewed = await renew(deps.records, deps.clock.now_ms(), deps.limits, version, upload)
        if renewed is None:
            continue
        if under_way is not None:
            return replace(under_way, upload=renewed[1]), False
        begun = await _create(deps, renewed[1], plan)
        if begun is not None:
            return Multipart(begun, plan), True
    raise busy()


async def renew_part(
    deps: MultipartDeps, caller: access.Caller, version_id: str, number: int
) -> Multipart:
    """The upload with more time, for another URL of this part. The storage is not asked, so what
    was received is not told.

    Raises: ProblemError 404/403, 409 `upload-over`, 409 `multipart-not-begun`.
    """
    for _ in range(ATTEMPTS):
        version, upload = await _waiting(deps, caller, version_id)
        if upload.part_size is None:
            raise conflict(
                "multipart-not-begun",
                f"No upload in parts was begun. Begin it with POST {_address(version_id)}.",
            )
        plan = PartPlan(upload.size, upload.part_size)
        if number not in plan.numbers:
            raise not_found("part")
        renewed = await renew(deps.records, deps.clock.now_ms(), deps.limits, version, upload)
        if renewed is not None:
            return Multipart(renewed[1], plan)
    raise busy()


async def look(deps: MultipartDeps, caller: access.Caller, version_id: str) -> Multipart:
    """What has arrived so far, for the version's developer and for operators.

    Raises: ProblemError 404, also where none is under way.
    """
    await get_version(deps.records, caller, version_id)
    upload = await find_upload(deps.records, version_id)
    under_way = None if upload is None else await _under_way(deps, upload)
    if under_way is None:
        raise not_found("upload in parts")
    return under_way


async def abort(deps: MultipartDeps, caller: access.Caller, version_id: str) -> None:
    """Frees the parts. Where there are none (any more) it is a success, too; the version goes on
    waiting for its package.

    Raises: ProblemError 404/403.
    """
    access.require_developer(caller)
    await get_version(deps.records, caller, version_id)
    upload = await find_upload(deps.records, version_id)
    if upload is not None and upload.multipart_id is not None:
        await deps.parts.abort_multipart(upload.object_key, upload.multipart_id)


async def assemble(
    uploads: ObjectReader, parts: "MultipartStore", upload: Upload
) -> ObjectInfo | None:
    """Makes the object of the parts, unless it lies there by now; None where no upload in parts was
    begun.

    Raises: ProblemError 409 `upload-parts-missing`, 409 `multipart-gone`.
    """
    if upload.multipart_id is None or upload.part_size is None:
        return None
    key, multipart_id = upload.object_key, upload.multipart_id
    plan = PartPlan(upload.size, upload.part_size)
    try:
        received = _fitting(plan, await parts.list_parts(key, multipart_id))
        missing = Multipart(upload, plan, received).missing
        if missing:
            raise conflict(
                "upload-parts-missing",
                f"Of {plan.count} parts {len(missing)} did not arrive with their exact size. POST "
                f"{_address(upload.version_id)} gives URLs for them.",
                missing=missing,
                part_count=plan.count,
            )
        return await parts.complete_multipart(key, multipart_id, received)
    except (UploadNotFoundError, PreconditionFailedError):
        # It was completed before, or the whole package came by the single PUT.
        info = await uploads.head(key)
    except PartsRefusedError as error:
        # One was replaced since they were listed.
        raise busy() from error
    if info is None:
        raise conflict(
            "multipart-gone",
            "The upload in parts was aborted, and its parts are gone. Begin anew with POST "
            f"{_address(upload.version_id)}, or send the whole package to the upload URL.",
        )
    return info


async def _waiting(
    deps: MultipartDeps, caller: access.Caller, version_id: str
) -> tuple[Version, Upload]:
    access.require_developer(caller)
    version = await get_version(deps.records, caller, version_id)
    upload = await find_upload(deps.records, version_id)
    if upload is None:
        raise not_found("version")
    if version.status != "uploading":
        raise conflict(
            "upload-over",
            f"The version is {version.status} and waits for no upload.",
            version_status=version.status,
        )
    return version, upload


async def _under_way(deps: MultipartDeps, upload: Upload) -> Multipart | None:
    if upload.multipart_id is None or upload.part_size is None:
        return None
    try:
        parts = await deps.parts.list_parts(upload.object_key, upload.multipart_id)
    except UploadNotFoundError:
        return None
    plan = PartPlan(upload.size, upload.part_size)
    return Multipart(upload, plan, _fitting(plan, parts))


def _fitting(plan: PartPlan, parts: Sequence[Part]) -> tuple[Part, ...]:
    """Some storages keep what arrived of a part that was cut off: that one is to come again."""
    return tuple(
        part
        for part in parts
        if part.number in plan.numbers and part.size == plan.length(part.number)
    )


async def _beginnable(deps: MultipartDeps, upload: Upload) -> PartPlan:
    plan = offered(upload.size, deps.limits)
    if plan is None:
        raise conflict(
            "multipart-not-offered",
            f"A package of {upload.size} bytes goes by the single PUT; parts are for more than "
            f"{deps.limits.multipart_threshold_bytes}.",
        )
    if await deps.uploads.head(upload.object_key) is not None:
        raise conflict(
            "upload-arrived",
            "The package is there already. Complete the version with POST "
            f"/v1/versions/{upload.version_id}/complete.",
        )
    return plan


async def _create(deps: MultipartDeps, upload: Upload, plan: PartPlan) -> Upload | None:
    """None where another request was faster."""
    multipart_id = await deps.parts.create_multipart(
        upload.object_key, content_type=upload.content_type
    )
    changed = await deps.records.batch(
        [
            Statement(
                "UPDATE upload SET multipart_id = ?, part_size = ?"
                " WHERE id = ? AND COALESCE(multipart_id, '') = ? AND EXISTS"
                " (SELECT 1 FROM version WHERE id = ? AND status = 'uploading')",
                (
                    multipart_id,
                    plan.part_size,
                    upload.id,
                    upload.multipart_id or "",
                    upload.version_id,
                ),
            )
        ]
    )
    if list(changed) != [1]:
        await deps.parts.abort_multipart(upload.object_key, multipart_id)
        return None
    return replace(upload, multipart_id=multipart_id, part_size=plan.part_size)


def _address(version_id: str) -> str:
    return f"/v1/versions/{version_id}/multipart"
