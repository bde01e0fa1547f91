"""The control plane as an ASGI application."""

from collections.abc import Callable
from typing import Any, cast

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from functions.entrypoints.http_api import (
    api_keys,
    app_icons,
    app_screenshots,
    apps,
    backups,
    developer_keys,
    developers,
    downloads,
    health,
    hostname_page,
    hostnames,
    locations,
    multipart,
    platform_keys,
    publications,
    repositories,
    schemas,
    tenant_links,
    tenants,
    upkeep,
    usage,
    version_changes,
    versions,
    webhooks,
)
from functions.entrypoints.http_api.bodies import JSON, BodyRule, rule_of
from functions.entrypoints.http_api.door import Door
from functions.entrypoints.http_api.problem_answers import handle_problems
from functions.entrypoints.http_api.services import Services
from functions.entrypoints.http_api.values import ProblemDocument

ROUTERS = tuple(
    module.router
    for module in (
        developers,
        developer_keys,
        apps,
        app_icons,
        app_screenshots,
        versions,
        multipart,
        version_changes,
        downloads,
        tenants,
        tenant_links,
        locations,
        webhooks,
        repositories,
        hostnames,
        publications,
        api_keys,
        platform_keys,
        backups,
        usage,
        schemas,
        upkeep,
        health,
        hostname_page,
    )
)
OPENAPI = "/openapi.json"


def application(services: Callable[[], Services]) -> ASGIApp:
    """`services` is asked at each request that needs them, so that a mistake in the settings shows
    as an answer and `/v1/health` works without any."""
    app = FastAPI(
        title="Stowage",
        version="1",
        summary="Storage and delivery of packages and of hosted package repositories",
        openapi_url=OPENAPI,
        docs_url=None,  # the pages would load their scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    app.state.services = services
    for router in ROUTERS:
        app.include_router(router)
    handle_problems(app)
    _describe_problems(app)
    return Door(app, allowed_methods, body_rule)


def allowed_methods(path: str) -> frozenset[str]:
    if path == OPENAPI:
        return frozenset({"GET"})
    return frozenset(
        method
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and route.path_regex.match(path)
        for method in route.methods or ()
    )


def body_rule(method: str, path: str) -> BodyRule:
    for router in ROUTERS:
        for route in router.routes:
            if not isinstance(route, APIRoute) or method not in (route.methods or ()):
                continue
            if route.path_regex.match(path):
                return rule_of(route.openapi_extra)
    return JSON


def _describe_problems(app: FastAPI) -> None:
    """The endpoints refer to the schema of problem documents, which none of them returns; and none
    returns the framework's own description of a wrong value."""
    build = app.openapi

    def described() -> dict[str, Any]:
        document = build()
        schemas = cast("dict[str, Any]", document["components"]["schemas"])
        if ProblemDocument.__name__ in schemas:
            return document
        schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[ProblemDocument.__name__] = schema
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for item in document["paths"].values():
            for operation in item.values():
                _drop_framework_refusal(operation["responses"])
        return document

    app.openapi = described


def _drop_framework_refusal(responses: dict[str, Any]) -> None:
    if "application/json" in responses.get("422", {}).get("content", {}):
        del responses["422"]
