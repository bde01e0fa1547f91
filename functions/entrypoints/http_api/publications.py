"""`/v1/repositories/{id}/publications`: publishing by generation"""

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response, status
from pydantic import Field

from functions.core import publication_lists, publication_records, publishing
from functions.core.publication_lists import ListedFile
from functions.core.repositories import get_repository
from functions.entrypoints.http_api.access import AnyCaller, Platform
from functions.entrypoints.http_api.bodies import at_most
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Answer, Body, Time

router = APIRouter(tags=["publications"], route_class=JsonRoute)

PAGE = 100
PAGE_BODY = at_most(2 * 1024 * 1024)
"""A page of files with the longest paths that there are."""


class NewPublication(Body):
    files_sha256: str
    """The SHA-256 of the whole list: a line `{sha256} {size} {path}` for each file, in the order of
    lists."""
    file_count: int
    bytes: int
    """Of all files together."""


class File(Body):
    path: str = Field(max_length=1024)
    size: int
    sha256: str

    def listed(self) -> ListedFile:
        return ListedFile(self.path, self.size, self.sha256)


class Files(Body):
    files: list[File] = Field(max_length=publication_lists.PAGE_FILES)
    """In the order of lists: first what never changes (packages, `pool/`, `by-hash/`), then the
    index files, each by the bytes of the path."""


class Page(Files):
    page: int
    """From 0; every page but the last holds 500 files."""


class Publication(Answer):
    id: str
    generation: int
    state: Literal["preparing", "published", "abandoned", "swept"]
    base_generation: int | None
    files_sha256: str
    file_count: int
    bytes: int
    created_by: str
    created_at: Time
    published_at: Time | None
    due_at: Time | None
    """When it counts as abandoned, or may be swept."""


class OnePublication(Answer):
    publication: Publication


class PublicationList(Answer):
    generation: int | None
    """What readers see; null: the location is served plainly."""
    publications: list[Publication]
    """The newest first."""
    next: str | None
    """Give it as `after` to get the next page; None on the last one."""


class Put(Answer):
    path: str
    method: str
    url: str
    headers: dict[str, str]
    """Must be sent exactly."""
    expires_at: Time


class Offer(Answer):
    missing: list[Put]
    """Empty: the page is complete."""


class Comparison(Answer):
    """By path."""

    missing: list[str]
    changed: list[str]
    """Index files that differ from those that readers see."""
    differing: list[str]
    """Files that never change and lie there with other bytes: a publish would be refused."""


class Expectation(Body):
    expected_generation: int | None
    """What readers saw when the publication was begun: its `base_generation`."""


class Target(Body):
    generation: int


@router.post(
    "/v1/repositories/{repository_id}/publications",
    status_code=status.HTTP_201_CREATED,
    summary="Begin a publication, or take up the one that was begun with the same list",
    responses=documented(401, 403, 404, 409, 422),
)
async def post_publication(
    repository_id: str,
    caller: AnyCaller,
    services: Platform,
    body: NewPublication,
    response: Response,
) -> OnePublication:
    made = await publishing.begin(
        services.publishing, caller, repository_id, body.files_sha256, body.file_count, body.bytes
    )
    if made.state != "preparing":
        response.status_code = status.HTTP_200_OK
    return OnePublication(publication=_answer(made))


@router.get(
    "/v1/repositories/{repository_id}/publications",
    summary="List the publications of a repository's location",
    responses=documented(401, 403, 404, 422),
)
async def get_publications(
    repository_id: str,
    caller: AnyCaller,
    services: Platform,
    after: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> PublicationList:
    repository = await get_repository(services.records, caller, repository_id)
    page = await publication_records.list_publications(
        services.records, repository.location_id, before=after, limit=PAGE
    )
    return PublicationList(
        generation=repository.generation,
        publications=[_answer(one) for one in page],
        next=str(page[-1].number) if len(page) == PAGE else None,
    )


@router.get(
    "/v1/repositories/{repository_id}/publications/{publication_id}",
    summary="Show a publication",
    responses=documented(401, 403, 404),
)
async def get_publication(
    repository_id: str, publication_id: str, caller: AnyCaller, services: Platform
) -> OnePublication:
    found = await publishing.get_publication(
        services.records, caller, repository_id, publication_id
    )
    return OnePublication(publication=_answer(found))


@router.post(
    "/v1/repositories/{repository_id}/publications/{publication_id}/files",
    summary="Offer a page of the list, and learn where to put what is missing",
    responses=documented(401, 403, 404, 409, 422),
    openapi_extra=PAGE_BODY,
)
async def post_files(
    repository_id: str, publication_id: str, caller: AnyCaller, services: Platform, body: Page
) -> Offer:
    files = [file.listed() for file in body.files]
    offer = await publishing.offer_files(
        services.publishing, caller, repository_id, publication_id, body.page, files
    )
    return Offer(
        missing=[
            Put(
                path=file.path,
                method=put.method,
                url=put.url,
                headers=dict(put.headers),
                expires_at=put.expires_at,
            )
            for file, put in offer.missing
        ]
    )


@router.post(
    "/v1/repositories/{repository_id}/publications/{publication_id}/publish",
    summary="Make a complete publication what readers see",
    responses=documented(401, 403, 404, 409, 422),
)
async def post_publish(
    repository_id: str,
    publication_id: str,
    caller: AnyCaller,
    services: Platform,
    body: Expectation,
) -> OnePublication:
    published = await publishing.publish(
        services.publishing, caller, repository_id, publication_id, body.expected_generation
    )
    return OnePublication(publication=_answer(published))


@router.post(
    "/v1/repositories/{repository_id}/comparison",
    summary="How a page of files differs from what readers see; nothing is written",
    responses=documented(401, 403, 404, 422),
    openapi_extra=PAGE_BODY,
)
async def post_comparison(
    repository_id: str, caller: AnyCaller, services: Platform, body: Files
) -> Comparison:
    files = [file.listed() for file in body.files]
    found = await publishing.compare_files(services.publishing, caller, repository_id, files)
    return Comparison(
        missing=[file.path for file in found.missing],
        changed=[file.path for file in found.differing if not file.is_immutable],
        differing=[file.path for file in found.differing if file.is_immutable],
    )


@router.post(
    "/v1/repositories/{repository_id}/rollback",
    summary="Make an earlier generation what readers see",
    responses=documented(401, 403, 404, 409, 422),
)
async def post_rollback(
    repository_id: str, caller: AnyCaller, services: Platform, body: Target
) -> OnePublication:
    shown = await publishing.roll_back(services.publishing, caller, repository_id, body.generation)
    return OnePublication(publication=_answer(shown))


def _answer(publication: publication_records.Publication) -> Publication:
    members = asdict(publication)
    del members["location_id"]
    members["generation"] = members.pop("number")
    return Publication.model_validate(members)
