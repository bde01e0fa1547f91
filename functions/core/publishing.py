"""Publishing a location by generation: begin, offer the files page by page, publish, roll back.

Nothing of it shows until the location's generation names it: it can be given up at any point.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from functions.core import fields, publication_lists, purges, release_check, stored_files
from functions.core.access import Caller
from functions.core.catalog import GenerationManifest, GenerationPage
from functions.core.content_types import content_type_of
from functions.core.ids import is_id, new_id
from functions.core.platform import ATTEMPTS, DAY_MS
from functions.core.presign import Content, PresignedPut, PresignSettings, presign_put
from functions.core.problems import FieldError, ProblemError, busy, conflict, invalid, not_found
from functions.core.publication_lists import ListedFile
from functions.core.publication_records import (
    Publication,
    find_generation,
    find_publication,
    find_unfinished,
    insertion,
    is_swept_now,
    postpone,
    standing,
    switch,
)
from functions.core.repositories import Repository, get_repository
from functions.ports.clock import Clock
from functions.ports.entropy import Entropy
from functions.ports.object_store import ObjectInfo, ObjectStore
from functions.ports.queue import Queue
from functions.ports.records import ConflictError, Records

ABANDONED_MS = DAY_MS  # after the last page was offered; longer than any URL lives
MOST_NAMED = 20  # paths in one problem


@dataclass(frozen=True, slots=True)
class PublishDeps:
    records: Records
    clock: Clock
    entropy: Entropy
    queue: Queue
    stores: Mapping[str, ObjectStore]
    targets: Mapping[str, PresignSettings]
    """Both by the platform's name of each repository bucket; what PUTs are presigned with."""
    url_seconds: int
    grace_ms: int  # how long a generation is kept after it ceased to be current


@dataclass(frozen=True, slots=True)
class Offer:
    """What is to be put; then the page is offered again. Nothing: the page is complete."""

    missing: tuple[tuple[ListedFile, PresignedPut], ...]


async def begin(
    deps: PublishDeps,
    caller: Caller,
    repository_id: str,
    files_sha256: str,
    file_count: int,
    size: int,
) -> Publication:
    """A new publication; or that which an earlier attempt at the same list left, while the location
    still shows what it showed then; or what is published, where it has the same list.

    Raises: ProblemError 404, 422, 409 `sweep-under-way`, `busy`.
    """
    repository = await get_repository(deps.records, caller, repository_id)
    found = fields.Collector()
    found.sha256(files_sha256, "/files_sha256")
    found.integer(file_count, 1, publication_lists.MAX_FILES, "/file_count")
    found.integer(size, 0, fields.MAX_VERSION_CODE, "/bytes")
    found.check()
    for _ in range(ATTEMPTS):
        known = await _known(deps, repository.location_id, files_sha256)
        if known is not None:
            return known
        now = deps.clock.now_ms()
        seen = await standing(deps.records, repository.location_id)
        publication = Publication(
            id=new_id(deps.clock, deps.entropy),
            location_id=repository.location_id,
            number=0,
            state="preparing",
            base_generation=seen.generation,
            files_sha256=files_sha256,
            file_count=file_count,
            bytes=size,
            created_by=caller.actor,
            created_at=now,
            published_at=None,
            due_at=now + ABANDONED_MS,
        )
        try:
            await deps.records.batch([insertion(publication)])
        except ConflictError:
            if await is_swept_now(deps.records, repository.location_id):
                raise _sweeping() from None
            continue
        return await _get(deps.records, repository, publication.id)
    raise busy()


async def _known(deps: PublishDeps, location_id: str, files_sha256: str) -> Publication | None:
    seen = await standing(deps.records, location_id)
    if seen.generation is not None:
        current = await find_generation(deps.records, location_id, seen.generation)
        if current is not None and current.files_sha256 == files_sha256:
            return current
    return await find_unfinished(deps.records, location_id, files_sha256, seen.generation)


async def get_publication(
    records: Records, caller: Caller, repository_id: str, publication_id: str
) -> Publication:
    """Raises: ProblemError 404."""
    repository = await get_repository(records, caller, repository_id)
    return await _get(records, repository, publication_id)


async def offer_files(
    deps: PublishDeps,
    caller: Caller,
    repository_id: str,
    publication_id: str,
    page: int,
    files: Sequence[ListedFile],
) -> Offer:
    """One page of the list (`publication_lists`): where to put what is missing. Where nothing is,
    the page is kept as complete. Repeating it is fine.

    Raises: ProblemError 404, 422, 409 `publication-closed`, `immutable-file-differs`.
    """
    repository = await get_repository(deps.records, caller, repository_id)
    publication = await _get(deps.records, repository, publication_id)
    if publication.state == "published":
        return Offer(())
    found = fields.Collector()
    found.integer(page, 0, publication_lists.page_count(publication.file_count) - 1, "/page")
    found.check()
    publication_lists.check_page(files, repository.s3_prefix, publication.number)
    # Before anything is looked for, so that nothing is swept that was found.
    if not await postpone(deps.records, publication_id, deps.clock.now_ms() + ABANDONED_MS):
        raise _closed()
    store = deps.stores[repository.s3_bucket]
    compared = await stored_files.compare(store, repository.s3_prefix, publication.number, files)
    _refuse(compared)
    if not compared.missing:
        await _keep_page(store, repository.s3_prefix, publication.number, page, files)
    return Offer(
        tuple((file, _presigned(deps, repository, publication, file)) for file in compared.missing)
    )


async def compare_files(
    deps: PublishDeps, caller: Caller, repository_id: str, files: Sequence[ListedFile]
) -> stored_files.Comparison:
    """How files differ from what the location shows now. Nothing is written.

    Raises: ProblemError 404, 422.
    """
    repository = await get_repository(deps.records, caller, repository_id)
    publication_lists.check_page(files, repository.s3_prefix, repository.generation or 1)
    store = deps.stores[repository.s3_bucket]
    return await stored_files.compare(store, repository.s3_prefix, repository.generation, files)


async def publish(
    deps: PublishDeps,
    caller: Caller,
    repository_id: str,
    publication_id: str,
    expected_generation: int | None,
) -> Publication:
    """Makes a complete publication what readers see, if they still see `expected_generation`.
    Repeating it while it is current changes nothing.

    Raises: ProblemError 404, 422 for a list that contradicts itself, 409 `publication-overtaken`,
    `publication-incomplete`, `publication-closed`, `busy`.
    """
    repository = await get_repository(deps.records, caller, repository_id)
    publication = await _get(deps.records, repository, publication_id)
    seen = await standing(deps.records, repository.location_id)
    if publication.state == "published" and seen.generation == publication.number:
        return publication
    if seen.generation != expected_generation:
        raise _overtaken(seen.generation)
    if publication.state != "preparing":
        raise _closed()
    store = deps.stores[repository.s3_bucket]
    files = await read_list(store, repository.s3_prefix, publication)
    if files is None:
        raise conflict(
            "publication-incomplete",
            "Not every page of the list was offered until nothing of it was missing, or the list "
            "is another than that which was announced. Offer all pages again.",
        )
    publication_lists.check_whole(files)
    await _check_releases(store, repository.s3_prefix, publication.number, files)
    manifest = publication_lists.manifest_text(publication.number, files)
    await _put(store, GenerationManifest(repository.s3_prefix, publication.number), manifest)
    return await _switch(deps, caller, publication, expected_generation)


async def roll_back(
    deps: PublishDeps, caller: Caller, repository_id: str, generation: int
) -> Publication:
    """Readers see an earlier (or later) generation that is still kept. Repeating it changes
    nothing.

    Raises: ProblemError 404, 409 `generation-unavailable`, `busy`.
    """
    repository = await get_repository(deps.records, caller, repository_id)
    for _ in range(ATTEMPTS):
        target = await find_generation(deps.records, repository.location_id, generation)
        if target is None or target.state != "published":
            raise conflict(
                "generation-unavailable",
                f"There is no published generation {generation} that is still kept; list the "
                "repository's publications.",
            )
        seen = await standing(deps.records, repository.location_id)
        if seen.generation == generation:
            return target
        now = deps.clock.now_ms()
        try:
            await deps.records.batch(switch(seen, target, caller.actor, now, deps.grace_ms))
        except ConflictError:
            continue
        await purges.announce(deps.queue)
        return replace(target, due_at=None)
    raise busy()


async def _switch(
    deps: PublishDeps, caller: Caller, publication: Publication, expected: int | None
) -> Publication:
    for _ in range(ATTEMPTS):
        seen = await standing(deps.records, publication.location_id)
        if seen.generation != expected:
            break
        now = deps.clock.now_ms()
        try:
            await deps.records.batch(switch(seen, publication, caller.actor, now, deps.grace_ms))
        except ConflictError:
            # Another publish, a sweep that took it as abandoned, or another change of the location.
            continue
        await purges.announce(deps.queue)
        return replace(publication, state="published", published_at=now, due_at=None)
    found = await find_generation(deps.records, publication.location_id, publication.number)
    seen = await standing(deps.records, publication.location_id)
    if found is not None and found.state == "published" and seen.generation == found.number:
        return found
    if seen.generation != expected:
        raise _overtaken(seen.generation)
    raise _closed() if found is None or found.state != "preparing" else busy()


async def read_list(
    store: ObjectStore, s3_prefix: str, publication: Publication
) -> list[ListedFile] | None:
    """The files of a publication; None where its pages are not all there, or are others than were
    announced.

    Raises: ObjectStoreError.
    """
    files: list[ListedFile] = []
    count = publication_lists.page_count(publication.file_count)
    for start in range(0, count, stored_files.AT_ONCE):
        numbers = range(start, min(start + stored_files.AT_ONCE, count))
        kinds = [GenerationPage(s3_prefix, publication.number, number) for number in numbers]
        contents = await asyncio.gather(*(read_object(store, kind.key) for kind in kinds))
        for content in contents:
            if content is None:
                return None
            files += publication_lists.read_page(content)
    same = publication_lists.digest(files) == publication.files_sha256
    return files if same and len(files) == publication.file_count else None


async def read_object(store: ObjectStore, key: str) -> bytes | None:
    found = await store.get(key)
    if found is None or isinstance(found, ObjectInfo):
        return None
    return b"".join([chunk async for chunk in found.body])


async def _check_releases(
    store: ObjectStore, s3_prefix: str, number: int, files: Sequence[ListedFile]
) -> None:
    by_path = {file.path: file for file in files}
    errors: list[FieldError] = []
    for release in release_check.releases(files):
        if release.size > release_check.MAX_BYTES:
            errors.append(FieldError("/files", f"'{release.path}' is too large to be read"))
            continue
        content = await read_object(store, release.key(s3_prefix, number))
        if content is None or hashlib.sha256(content).hexdigest() != release.sha256:
            raise _incomplete_index(release.path)
        wrong = release_check.contradictions(release, content, by_path)
        errors += [FieldError("/files", one) for one in wrong]
    if errors:
        raise invalid(errors[: publication_lists.MOST_PROBLEMS])


async def _keep_page(
    store: ObjectStore, s3_prefix: str, number: int, page: int, files: Sequence[ListedFile]
) -> None:
    await _put(store, GenerationPage(s3_prefix, number, page), publication_lists.page_text(files))


async def _put(
    store: ObjectStore, kind: GenerationPage | GenerationManifest, content: bytes
) -> None:
    await store.put(
        kind.key,
        content,
        length=len(content),
        content_type=kind.content_type,
        cache_control=kind.cache_control,
        sha256=hashlib.sha256(content).hexdigest(),
        create_only=False,
    )


def _presigned(
    deps: PublishDeps, repository: Repository, publication: Publication, file: ListedFile
) -> PresignedPut:
    content = Content(file.size, file.sha256, content_type_of(file.path))
    key = file.key(repository.s3_prefix, publication.number)
    target = deps.targets[repository.s3_bucket]
    return presign_put(target, key, content, deps.clock.now_ms(), deps.url_seconds)


async def _get(records: Records, repository: Repository, publication_id: str) -> Publication:
    found = None
    if is_id(publication_id):
        found = await find_publication(records, repository.location_id, publication_id)
    if found is None:
        raise not_found("publication")
    return found


def _refuse(compared: stored_files.Comparison) -> None:
    if compared.differing:
        paths = [file.path for file in compared.differing]
        raise conflict(
            "immutable-file-differs",
            f"{len(paths)} of the files lie there with other bytes, and what was published under a "
            "name is never replaced: give each changed file a new name (a package, a new version).",
            paths=paths[:MOST_NAMED],
        )
    if compared.obstructed:
        detail = "is a folder of files that lie there, or lies in what is a file there"
        raise invalid(
            [
                FieldError("/files", f"'{path}' {detail}")
                for path in compared.obstructed[:MOST_NAMED]
            ]
        )


def _overtaken(generation: int | None) -> ProblemError:
    return conflict(
        "publication-overtaken",
        "The location shows another generation than this publication was made for: another publish "
        "or a rollback was faster. Nothing of this one shows; publish again on top of what is "
        "there now.",
        generation=generation,
    )


def _closed() -> ProblemError:
    return conflict(
        "publication-closed",
        "The publication is over: it was published before, or given up after a day without a call. "
        "Begin it again.",
    )


def _sweeping() -> ProblemError:
    return conflict(
        "sweep-under-way",
        "An old generation of the location is just being deleted; try again in some minutes.",
    )


def _incomplete_index(path: str) -> ProblemError:
    return conflict(
        "publication-incomplete",
        f"'{path}' does not lie in the generation with the bytes that were announced. Offer all "
        "pages again.",
    )
