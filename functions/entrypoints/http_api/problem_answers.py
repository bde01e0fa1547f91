"""Every refusal and failure as a problem document (RFC 9457)."""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from functions.core.problems import (
    FieldError,
    Problem,
    ProblemError,
    bad_request,
    invalid,
    to_document,
    unavailable,
)
from functions.ports.images import ImageProcessorError
from functions.ports.object_store import ObjectStoreError
from functions.ports.queue import QueueError
from functions.ports.records import RecordsError

log = logging.getLogger("stowage.api")

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = "5"
SCHEMA = "#/components/schemas/ProblemDocument"

TITLES = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Content too large",
    415: "Unsupported media type",
    422: "Invalid request",
    429: "Too many requests",
    500: "Internal error",
    503: "Service unavailable",
}
SLUGS = {
    404: ("not-found", "There is nothing at this address."),
    405: ("method-not-allowed", "This address does not take this method; see the Allow header."),
}


class BodyRefusedError(HTTPException):
    """A body of the wrong size or type, raised while it is read. The framework hands nothing else
    through that is raised there."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.status, problem.detail)
        self.problem = problem


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an endpoint for the OpenAPI document: the given statuses, and those that
    every endpoint with a body or a database can answer."""
    content = {MEDIA_TYPE: {"schema": {"$ref": SCHEMA}}}
    with_body = (400, 413, 415) if 422 in statuses else ()
    # Whoever is asked for a key is counted.
    counted = (429,) if 401 in statuses else ()
    listed = sorted({*statuses, *with_body, *counted, 500, 503})
    return {status: {"description": TITLES[status], "content": content} for status in listed}


def problem_answer(
    problem: Problem, path: str, headers: Mapping[str, str] | None = None
) -> Response:
    extra = dict(headers or {})
    if problem.status == 401:
        extra["www-authenticate"] = 'Bearer realm="stowage"'
    if problem.status == 503:
        extra["retry-after"] = RETRY_SECONDS
    if problem.status == 429:
        extra["retry-after"] = str(problem.members["retry_after_seconds"])
    return Response(
        json.dumps(to_document(problem, path), ensure_ascii=False, separators=(",", ":")),
        status_code=problem.status,
        headers=extra,
        media_type=MEDIA_TYPE,
    )


def status_problem(status: int) -> Problem:
    """The problem behind a bare status code of the framework."""
    slug, detail = SLUGS.get(status, ("bad-request", "The request cannot be read."))
    return Problem(slug, TITLES.get(status, "Bad request"), status, detail)


def internal_problem() -> Problem:
    return Problem(
        "internal-error",
        TITLES[500],
        500,
        "Something went wrong on our side; it has been logged. Try again later.",
    )


def handle_problems(app: FastAPI) -> None:
    app.add_exception_handler(ProblemError, _refused)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _bare_status)
    for failure in (RecordsError, ObjectStoreError, QueueError, ImageProcessorError):
        app.add_exception_handler(failure, _not_available)
    app.add_exception_handler(Exception, _unexpected)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101  (the handler's registration says so)
    return problem_answer(error.problem, request.url.path)


async def _not_valid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found: Sequence[Mapping[str, Any]] = error.errors()
    return problem_answer(_problem_of(found), request.url.path)


async def _bare_status(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    problem = (
        error.problem if isinstance(error, BodyRefusedError) else status_problem(error.status_code)
    )
    return problem_answer(problem, request.url.path, error.headers)


async def _not_available(request: Request, error: Exception) -> Response:
    log.error("%s %s: %s", request.method, request.url.path, error, exc_info=error)
    return problem_answer(unavailable().problem, request.url.path)


async def _unexpected(request: Request, _: Exception) -> Response:
    """The exception goes on to the application's door, which logs it."""
    return problem_answer(internal_problem(), request.url.path)


def _problem_of(found: Sequence[Mapping[str, Any]]) -> Problem:
    first = found[0]
    if first["type"] == "json_invalid":
        detail = f"The body is not well-formed JSON: {first['ctx']['error']}."
        return bad_request(detail, "malformed-json").problem
    if first["type"] == "missing" and tuple(first["loc"]) == ("body",):
        return bad_request("Send a JSON object as the body.", "body-missing").problem
    return invalid([_field_error(item) for item in found]).problem


def _field_error(item: Mapping[str, Any]) -> FieldError:
    where, *members = item["loc"]
    detail = str(item["msg"])
    if where == "query":
        return FieldError("?" + "/".join(str(member) for member in members), detail)
    escaped = (str(member).replace("~", "~0").replace("/", "~1") for member in members)
    return FieldError("".join("/" + member for member in escaped), detail)
