"""The tenants commands: links by which a tenant manages its hostnames in a browser."""

from typing import Annotated
from urllib.parse import quote

import typer

from cli.paging import every_page
from cli.platform_command import Caller, for_tenants
from functions.core.tenant_links import LONGEST_SECONDS, USUAL_SECONDS

app = typer.Typer(no_args_is_help=True, help="Give tenants links to their page of hostnames.")

Tenant = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's id.")]

_DAY = 24 * 3600
_COLUMNS = ("id", "created_at", "expires_at", "revoked_at")


@app.command()
@for_tenants
def link(
    caller: Caller,
    tenant: Tenant,
    days: Annotated[
        int,
        typer.Option("--days", min=1, max=LONGEST_SECONDS // _DAY, help="How long it works."),
    ] = USUAL_SECONDS // _DAY,
) -> None:
    """Make a link to the tenant's page of hostnames. It is shown once and kept nowhere; whoever has
    it may do with the tenant's hostnames what the tenant may.

    Exit codes: 0 made, 1 failed, 2 wrong usage.
    """
    api = caller.either()
    answer = api.post(_links(tenant), {"expires_in_seconds": days * _DAY})
    caller.terminal.document(answer)
    caller.terminal.result(str(answer["url"]))
    caller.terminal.say(
        f"It works until {answer['expires_at']}, or until `stowage tenants unlink {tenant} "
        f"{answer['id']}`."
    )


@app.command()
@for_tenants
def links(caller: Caller, tenant: Tenant) -> None:
    """List the tenant's links, without their secrets; also those that have ended.

    Exit codes: 0 listed, 1 failed, 2 wrong usage.
    """
    api = caller.either()
    found = every_page(api, _links(tenant), "links")
    caller.terminal.document({"links": found})
    caller.terminal.table(_COLUMNS, [[str(one[name] or "-") for name in _COLUMNS] for one in found])


@app.command()
@for_tenants
def unlink(
    caller: Caller,
    tenant: Tenant,
    link_id: Annotated[str, typer.Argument(metavar="LINK", help="The link's id.")],
) -> None:
    """Revoke a link, at once and for good. Repeating it is fine.

    Exit codes: 0 revoked, 1 failed, 2 wrong usage.
    """
    api = caller.either()
    api.delete(f"{_links(tenant)}/{quote(link_id, safe='')}")
    caller.terminal.document({"revoked": link_id})
    caller.terminal.result(f"Link {link_id} is revoked.")


def _links(tenant: str) -> str:
    return f"/v1/tenants/{quote(tenant, safe='')}/links"
