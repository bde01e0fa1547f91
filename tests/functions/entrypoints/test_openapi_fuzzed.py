"""The OpenAPI document under schemathesis: whatever is asked, each answer is one that the document
describes, and none is a 5xx.

The ids in a path are half of the time those of things that exist, or nothing behind the door would
ever be reached.
"""

import asyncio
import hashlib
from collections.abc import Collection, Mapping
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import booleans
from schemathesis.specs.openapi import checks

from functions.core.platform import Limits
from functions.setting_values import MAX_PUT
from tests.functions.entrypoints.world import ROOT_KEY, World

EXAMPLES = 25
"""Of each operation, and for each caller."""
# Takes every key that it did not make itself for an invalid one.
NOT_OURS: list[Any] = [cast("Any", checks).ignored_auth]
ACCEPTANCE: Any = cast("Any", checks).positive_data_acceptance
NOT_SAID: Mapping[str, Collection[str]] = {
    # The key that a developer's signature names must be one of its own, and the signature good.
    # 1.0 is an integer to JSON Schema; the api takes numbers as they were meant or not at all.
    "POST /v1/apps/{app_id}/versions": {
        "/signature",
        "/signing_key_id",
        "/size",
        "/version_code",
    },
    # Things that must exist.
    "GET /v1/developer-keys": {"?developer_id"},
    "POST /v1/api-keys": {"/subject_id", "/expires_at"},
    "POST /v1/repositories": {"/tenant_id", "/s3_bucket", "/s3_prefix"},
    "GET /v1/locations": {"?tenant_id"},
    # Numbers again.
    "POST /v1/tenants/{tenant_id}/links": {"/expires_in_seconds"},
    # Who asks decides whether it must be there; what IDNA takes is a table.
    "POST /v1/hostnames": {"/tenant_id", "/name"},
    # It must be no address of the platform's own or of a private network.
    "PUT /v1/tenants/{tenant_id}/webhook": {"/url"},
}
"""What may be wrong with a request that a schema finds good, by operation: no schema says it."""
PICTURES = {"PUT /v1/apps/{app_id}/icon", "POST /v1/apps/{app_id}/screenshots"}
"""Nor does one say what makes bytes a picture, and how large that must be."""
DIGEST = hashlib.sha256(b"package").hexdigest()


class Filled:
    """A world with one of everything, and the keys of those it belongs to."""

    def __init__(self) -> None:
        self.world = World()
        # The most that any stack takes, which is what the document can say.
        limits = Limits(max_package_bytes=MAX_PUT, multipart_threshold_bytes=1)
        self.world.change(limits=limits)
        self.known: dict[str, str] = {}
        self.keys: list[str] = [ROOT_KEY]
        asyncio.run(self._fill())

    async def _fill(self) -> None:
        world = self.world
        developer = await world.made("/v1/developers", {"name": "Ada"})
        tenant = await world.made("/v1/tenants", {"name": "Acme"})
        app = {"app_id": "org.example.app", "name": "An app", "visibility": "public"}
        await world.made("/v1/apps", app, developer["key"])
        declared = {"version_code": 1, "version_name": "1", "size": 7, "sha256": DIGEST}
        version = await world.made("/v1/apps/org.example.app/versions", declared, developer["key"])
        key = await world.made("/v1/api-keys", {"role": "operator"})
        self.keys.append(developer["key"])
        self.known = {
            "app_id": "org.example.app",
            "version_id": version["version"]["id"],
            "number": "1",
            "key_id": key["api_key"]["id"],
            "tenant_id": tenant["tenant_id"],
            "developer_id": developer["developer_id"],
        }


@pytest.mark.thorough
def test_every_answer_is_one_that_the_document_describes() -> None:
    filled = Filled()
    load: Any = schemathesis.openapi.from_asgi
    schema = load("/openapi.json", filled.world.application)
    operations: list[Any] = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 10
    for operation in operations:
        fuzz(operation, filled)


def fuzz(operation: Any, filled: Filled) -> None:
    @given(case=operation.as_strategy(), is_known=booleans())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    def every_answer_is_described(case: Any, is_known: bool) -> None:
        for name in list[str](case.path_parameters or ()):
            if is_known and name in filled.known:
                case.path_parameters[name] = filled.known[name]
        for key in (*filled.keys, None):
            headers = {} if key is None else {"authorization": f"Bearer {key}"}
            answer = case.call(headers=headers)
            excluded = [*NOT_OURS, *([ACCEPTANCE] if is_not_said(operation.label, answer) else [])]
            case.validate_response(answer, excluded_checks=excluded)

    every_answer_is_described()


def is_not_said(operation: str, answer: Any) -> bool:
    """Whether a refusal is for a reason that the document cannot give."""
    if answer.status_code != 422:
        return False
    problem = answer.json()
    if operation in PICTURES:
        return problem["type"].startswith("urn:stowage:problem:image-")
    wrong = {one["pointer"] for one in problem["errors"]}
    return wrong <= set(NOT_SAID.get(operation, ()))
