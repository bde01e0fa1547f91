import json

import pytest

from functions.core import problems
from functions.core.problems import FieldError, ProblemError, to_document


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (problems.bad_request("x"), 400, "bad-request"),
        (problems.unauthorized(), 401, "unauthorized"),
        (problems.forbidden(), 403, "forbidden"),
        (problems.not_found("app"), 404, "not-found"),
        (problems.conflict("app-exists", "x"), 409, "app-exists"),
        (problems.busy(), 409, "busy"),
        (problems.invalid([FieldError("/a", "b")]), 422, "invalid-request"),
        (problems.unavailable(), 503, "unavailable"),
    ],
)
def test_a_problem_is_a_document_of_rfc_9457(error: ProblemError, status: int, slug: str) -> None:
    document = to_document(error.problem)
    assert document["type"] == f"urn:stowage:problem:{slug}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert "instance" not in document
    json.dumps(document)
    assert slug in str(error)


def test_all_wrong_values_are_members() -> None:
    error = problems.invalid([FieldError("/a", "one"), FieldError("/b", "two")])
    document = to_document(error.problem, "/v1/apps")
    assert document["detail"] == "2 values of the request cannot be accepted."
    assert document["instance"] == "/v1/apps"
    assert document["errors"] == [
        {"pointer": "/a", "detail": "one"},
        {"pointer": "/b", "detail": "two"},
    ]


def test_a_member_never_replaces_what_the_standard_names() -> None:
    error = problems.conflict("x", "detail", version_status="draft", **{"status": 200})
    document = to_document(error.problem)
    assert (document["status"], document["version_status"]) == (409, "draft")
