"""`/hostnames/`: the page on which a tenant manages its hostnames

The page holds nothing of any tenant and is the same for everybody: what it shows it asks of the
api, with the token behind the `#` of a link. Its files lie in `dashboard/hostnames/` beside
`functions/`, in a checkout as in a Worker.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from functions.core.conditions import parse_etags
from functions.core.tenant_links import PAGE_PATH
from functions.entrypoints.http_api.problem_answers import problem_answer, status_problem

router = APIRouter(include_in_schema=False)

FOLDER = Path(__file__).parents[3] / "dashboard" / "hostnames"
INDEX = "index.html"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # Asked for again each time, and answered 304: files of two deployments never meet on a page.
    "cache-control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class File:
    content: bytes
    media_type: str
    etag: str


@cache
def files() -> dict[str, File]:
    """All files of the page by name, read once."""
    found: dict[str, File] = {}
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in MEDIA_TYPES:
            content = path.read_bytes()
            etag = hashlib.sha256(content).hexdigest()[:32]
            found[path.name] = File(content, MEDIA_TYPES[path.suffix], etag)
    return found


@router.get(PAGE_PATH.rstrip("/"))
async def get_without_slash() -> Response:
    """A browser keeps what follows the `#`."""
    return RedirectResponse(PAGE_PATH, status_code=308)


@router.get(PAGE_PATH)
async def get_page(request: Request) -> Response:
    return _answer(request, INDEX)


@router.get(PAGE_PATH + "{name}")
async def get_file(request: Request, name: str) -> Response:
    return _answer(request, name)


def _answer(request: Request, name: str) -> Response:
    file = files().get(name)
    if file is None:
        return problem_answer(status_problem(404), request.url.path)
    headers = HEADERS | {"etag": f'"{file.etag}"'}
    if file.etag in parse_etags(request.headers.get("if-none-match")):
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers=headers, media_type=file.media_type)
