"""The tenants commands: links by which a tenant manages its hostnames in a browser."""

from typing import Annotated
from urllib.parse import quote

import typer

from cli import options
from cli.api_keys import ApiUrl, AsOperator, OperatorKey, TenantKey, tenant_api
from cli.paging import every_page
from cli.project import LOCAL_STACK
from functions.core.tenant_links import LONGEST_SECONDS, USUAL_SECONDS

app = typer.Typer(no_args_is_help=True, help="Give tenants links to their page of hostnames.")

Tenant = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's id.")]

_DAY = 24 * 3600
_COLUMNS = ("id", "created_at", "expires_at", "revoked_at")


@app.command()
def link(
    tenant: Tenant,
    days: Annotated[
        int,
        typer.Option("--days", min=1, max=LONGEST_SECONDS // _DAY, help="How long it works."),
    ] = USUAL_SECONDS // _DAY,
    key: TenantKey = None,
    operator_key: OperatorKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_operator: AsOperator = False,
    as_json: options.Json = False,
) -> None:
    """Make a link to the tenant's page of hostnames. It is shown once and kept nowhere; whoever has
    it may do with the tenant's hostnames what the tenant may.

    Exit codes: 0 made, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    api = tenant_api(scope, api_url, None if as_operator else key, operator_key)
    answer = api.post(_links(tenant), {"expires_in_seconds": days * _DAY})
    scope.terminal.document(answer)
    scope.terminal.result(str(answer["url"]))
    scope.terminal.say(
        f"It works until {answer['expires_at']}, or until `stowage tenants unlink {tenant} "
        f"{answer['id']}`."
    )


@app.command()
def links(
    tenant: Tenant,
    key: TenantKey = None,
    operator_key: OperatorKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_operator: AsOperator = False,
    as_json: options.Json = False,
) -> None:
    """List the tenant's links, without their secrets; also those that have ended.

    Exit codes: 0 listed, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    api = tenant_api(scope, api_url, None if as_operator else key, operator_key)
    found = every_page(api, _links(tenant), "links")
    scope.terminal.document({"links": found})
    scope.terminal.table(_COLUMNS, [[str(one[name] or "-") for name in _COLUMNS] for one in found])


@app.command()
def unlink(
    tenant: Tenant,
    link_id: Annotated[str, typer.Argument(metavar="LINK", help="The link's id.")],
    key: TenantKey = None,
    operator_key: OperatorKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_operator: AsOperator = False,
    as_json: options.Json = False,
) -> None:
    """Revoke a link, at once and for good. Repeating it is fine.

    Exit codes: 0 revoked, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    api = tenant_api(scope, api_url, None if as_operator else key, operator_key)
    api.delete(f"{_links(tenant)}/{quote(link_id, safe='')}")
    scope.terminal.document({"revoked": link_id})
    scope.terminal.result(f"Link {link_id} is revoked.")


def _links(tenant: str) -> str:
    return f"/v1/tenants/{quote(tenant, safe='')}/links"
