"""Everything that a person can be told went wrong, as values (RFC 9457 problem documents).

Owns the slugs, titles and status codes; not the transport. A problem never carries a stack trace, a
statement of SQL or a secret.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

URN = "urn:stowage:problem:"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong value. `pointer` is a JSON pointer into the request's body (RFC 6901) or `?name`
    for a parameter of the query."""

    pointer: str
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    slug: str
    title: str
    status: int
    detail: str
    members: Mapping[str, object] = field(default_factory=dict[str, object])


class ProblemError(Exception):
    """A use-case was refused. Nothing was written unless the use-case's docstring says
    otherwise."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.slug}: {problem.detail}")
        self.problem = problem


def to_document(problem: Problem, instance: str | None = None) -> dict[str, object]:
    """The JSON object to send as `application/problem+json`."""
    document: dict[str, object] = {
        "type": URN + problem.slug,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    if instance is not None:
        document["instance"] = instance
    for name, value in problem.members.items():
        document.setdefault(name, value)
    return document


def bad_request(detail: str, slug: str = "bad-request") -> ProblemError:
    return ProblemError(Problem(slug, "Bad request", 400, detail))


def unauthorized(
    detail: str = "Send a valid API key as 'Authorization: Bearer KEY'; keys expire and can be "
    "revoked.",
) -> ProblemError:
    return ProblemError(Problem("unauthorized", "Unauthorized", 401, detail))


def forbidden(detail: str = "This API key's role may not do this.") -> ProblemError:
    return ProblemError(Problem("forbidden", "Forbidden", 403, detail))


def not_found(what: str) -> ProblemError:
    """`what` names the kind of thing, never whether another's exists: `version`, `app`."""
    return ProblemError(Problem("not-found", "Not found", 404, f"There is no such {what}."))


def conflict(slug: str, detail: str, **members: object) -> ProblemError:
    return ProblemError(Problem(slug, "Conflict", 409, detail, members))


def invalid(errors: Sequence[FieldError]) -> ProblemError:
    """All wrong values of a request in one answer: member `errors` lists `{pointer, detail}`."""
    listed = [{"pointer": error.pointer, "detail": error.detail} for error in errors]
    count = len(listed)
    detail = f"{count} value{'' if count == 1 else 's'} of the request cannot be accepted."
    return ProblemError(
        Problem("invalid-request", "Invalid request", 422, detail, {"errors": listed})
    )


def busy() -> ProblemError:
    """Compare-and-set lost too often; nothing was written."""
    return conflict("busy", "Other requests keep changing the same thing; try again.")


def unavailable(detail: str = "The platform could not finish this; try again.") -> ProblemError:
    return ProblemError(Problem("unavailable", "Service unavailable", 503, detail))
