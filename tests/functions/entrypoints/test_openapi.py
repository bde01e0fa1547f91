"""The OpenAPI document says what the api does."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.functions.entrypoints.world import ROOT_KEY, World

pytestmark = pytest.mark.anyio

ANONYMOUS = {
    "/v1/keys",
    "/.well-known/stowage-keys.json",
    "/v1/health",
    "/v1/schemas/manifest.json",
}


@pytest.fixture
async def document(world: World) -> dict[str, Any]:
    answer = await world.call("GET", "/openapi.json")
    assert answer.status_code == 200
    return answer.json()


async def test_it_is_openapi_3_1_with_every_endpoint(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    endpoints = {
        f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item
    }
    assert endpoints == {
        "POST /v1/developers",
        "POST /v1/tenants",
        "GET /v1/tenant",
        "POST /v1/tenants/{tenant_id}/links",
        "GET /v1/tenants/{tenant_id}/links",
        "DELETE /v1/tenants/{tenant_id}/links/{link_id}",
        "GET /v1/locations",
        "POST /v1/apps",
        "GET /v1/apps/{app_id}/icon",
        "PUT /v1/apps/{app_id}/icon",
        "DELETE /v1/apps/{app_id}/icon",
        "GET /v1/apps/{app_id}/screenshots",
        "POST /v1/apps/{app_id}/screenshots",
        "PUT /v1/apps/{app_id}/screenshots/order",
        "DELETE /v1/apps/{app_id}/screenshots/{number}",
        "POST /v1/apps/{app_id}/versions",
        "GET /v1/apps/{app_id}/versions",
        "GET /v1/apps/{app_id}/download",
        "GET /v1/versions/{version_id}",
        "POST /v1/versions/{version_id}/multipart",
        "GET /v1/versions/{version_id}/multipart",
        "DELETE /v1/versions/{version_id}/multipart",
        "POST /v1/versions/{version_id}/multipart/parts/{number}",
        "POST /v1/versions/{version_id}/complete",
        "POST /v1/versions/{version_id}/publish",
        "POST /v1/versions/{version_id}/reject",
        "POST /v1/versions/{version_id}/pull",
        "POST /v1/versions/{version_id}/restore",
        "POST /v1/versions/{version_id}/rollback",
        "GET /v1/purges",
        "GET /v1/retention",
        "GET /v1/reconcile",
        "POST /v1/reconcile",
        "GET /v1/tenants/{tenant_id}/webhook",
        "PUT /v1/tenants/{tenant_id}/webhook",
        "DELETE /v1/tenants/{tenant_id}/webhook",
        "POST /v1/tenants/{tenant_id}/webhook/rotate",
        "POST /v1/tenants/{tenant_id}/webhook/test",
        "GET /v1/tenants/{tenant_id}/webhook/deliveries",
        "GET /v1/alert-webhook/deliveries",
        "POST /v1/repositories",
        "POST /v1/hostnames",
        "GET /v1/hostnames",
        "GET /v1/hostnames/drift",
        "GET /v1/hostnames/{hostname_id}",
        "DELETE /v1/hostnames/{hostname_id}",
        "POST /v1/hostnames/{hostname_id}/check",
        "GET /v1/repositories",
        "GET /v1/repositories/{repository_id}",
        "POST /v1/repositories/{repository_id}/comparison",
        "GET /v1/repositories/{repository_id}/publications",
        "POST /v1/repositories/{repository_id}/publications",
        "GET /v1/repositories/{repository_id}/publications/{publication_id}",
        "POST /v1/repositories/{repository_id}/publications/{publication_id}/files",
        "POST /v1/repositories/{repository_id}/publications/{publication_id}/publish",
        "POST /v1/repositories/{repository_id}/rollback",
        "POST /v1/api-keys",
        "GET /v1/api-keys",
        "DELETE /v1/api-keys/{key_id}",
        "GET /v1/keys",
        "POST /v1/backups",
        "GET /v1/backups",
        "GET /v1/backups/{backup_id}",
        "GET /v1/apps/{app_id}/usage",
        "GET /v1/repositories/{repository_id}/usage",
        "GET /.well-known/stowage-keys.json",
        "PATCH /v1/apps/{app_id}",
        "GET /v1/apps/{app_id}/statement",
        "POST /v1/developer-keys",
        "GET /v1/developer-keys",
        "DELETE /v1/developer-keys/{key_id}",
        "GET /v1/schemas/manifest.json",
        "GET /v1/health",
    }


async def test_every_refusal_is_described_as_a_problem_document(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    schema = answer["content"]["application/problem+json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/ProblemDocument"}, path
    assert "HTTPValidationError" not in document["components"]["schemas"]


async def test_every_endpoint_but_the_public_ones_asks_for_a_bearer_key(
    document: dict[str, Any],
) -> None:
    assert document["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"
    for path, item in document["paths"].items():
        for operation in item.values():
            assert ("security" in operation) == (path not in ANONYMOUS)


async def test_its_schemas_are_schemas_and_every_reference_resolves(
    document: dict[str, Any],
) -> None:
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)

    named = re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(document))
    assert named
    assert set(named) <= set(schemas)


async def test_an_answer_and_a_problem_fit_their_schemas(
    world: World, document: dict[str, Any]
) -> None:
    made = await world.call("POST", "/v1/developers", {"name": "Ada"}, key=ROOT_KEY)
    refused = await world.call("POST", "/v1/developers", {"name": 1}, key=ROOT_KEY)
    components = {"components": document["components"]}
    for answer, name in ((made, "CreatedDeveloper"), (refused, "ProblemDocument")):
        schema = {"$ref": f"#/components/schemas/{name}", **components}
        validator: Any = Draft202012Validator(schema)
        assert list(validator.iter_errors(answer.json())) == [], name
