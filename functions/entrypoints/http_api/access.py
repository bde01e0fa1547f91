"""Who calls: the dependencies through which endpoints get their services and their caller.

They run before the body is validated, so that a caller learns nothing of an endpoint that is not
for its role.
"""

from collections.abc import Awaitable
from typing import Annotated, cast

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from functions.core import access, rate_limits, tenant_links
from functions.core.access import Caller
from functions.core.problems import ProblemError
from functions.entrypoints.http_api.services import Services

BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="apiKey",
    description="An API key of Stowage: `stw_...`.",
)


async def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services())


Platform = Annotated[Services, Depends(_services)]
# Declares the scheme in the OpenAPI document; the header itself is read by the core.
_Declared = Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)]


async def _caller(request: Request, services: Platform, _: _Declared) -> Caller:
    return await _counted(
        request,
        services,
        access.authenticate(
            services.records,
            services.clock,
            services.root_key_hashes,
            request.headers.get("authorization"),
        ),
    )


async def _key_or_link(request: Request, services: Platform, declared: _Declared) -> Caller:
    authorization = request.headers.get("authorization", "")
    if not tenant_links.is_token(authorization):
        return await _caller(request, services, declared)
    link = tenant_links.authenticate(
        services.records, services.clock, services.tenant_link_keys, authorization
    )
    return await _counted(request, services, link)


async def _counted(
    request: Request, services: Services, authentication: Awaitable[Caller]
) -> Caller:
    try:
        caller = await authentication
    except ProblemError:
        await _count_address(request, services)
        raise
    await rate_limits.count(services.key_limiter, caller.key_id)
    return caller


async def _count_address(request: Request, services: Services) -> None:
    address = None if request.client is None else request.client.host
    await rate_limits.count(services.address_limiter, rate_limits.address_key(address))


AnyCaller = Annotated[Caller, Depends(_caller)]
HostnameCaller = Annotated[Caller, Depends(_key_or_link)]
"""Whoever has a key, or a tenant with a link. Only endpoints about the tenant's own hostnames use
it: to all others a link's token is no key."""


async def _anonymous_or_caller(
    request: Request, services: Platform, declared: _Declared
) -> Caller | None:
    if "authorization" not in request.headers:
        await _count_address(request, services)
        return None
    return await _caller(request, services, declared)


async def _operator(caller: AnyCaller) -> Caller:
    access.require_operator(caller)
    return caller


async def _developer(caller: AnyCaller) -> Caller:
    access.require_developer(caller)
    return caller


OptionalCaller = Annotated[Caller | None, Depends(_anonymous_or_caller)]
Operator = Annotated[Caller, Depends(_operator)]
Developer = Annotated[Caller, Depends(_developer)]
