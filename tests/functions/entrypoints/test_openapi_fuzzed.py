"""The OpenAPI document under schemathesis: whatever is asked, each answer is one that the document
describes, and none is a 5xx.

The ids in a path are half of the time those of things that exist, or nothing behind the door would
ever be reached.
"""

import asyncio
import hashlib
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import booleans
from schemathesis.specs.openapi import checks

from functions.core.platform import Limits
from tests.functions.entrypoints.world import ROOT_KEY, World

EXAMPLES = 25
"""Of each operation, and for each caller."""
NOT_OURS: list[Any] = [
    # Takes every key that it did not make itself for an invalid one.
    cast("Any", checks).ignored_auth,
    # The core keeps rules that a schema cannot say (a tenant that exists, no space at the end), and
    # says which one was broken.
    cast("Any", checks).positive_data_acceptance,
]
DIGEST = hashlib.sha256(b"package").hexdigest()


class Filled:
    """A world with one of everything, and the keys of those it belongs to."""

    def __init__(self) -> None:
        self.world = World()
        self.world.change(limits=Limits(multipart_threshold_bytes=1))
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
            case.validate_response(case.call(headers=headers), excluded_checks=NOT_OURS)

    every_answer_is_described()
