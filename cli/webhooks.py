"""The webhook commands: where a tenant is told of what happens to its hostnames."""

from typing import Annotated, cast
from urllib.parse import quote

import typer

from cli.paging import every_page
from cli.platform_api import Document
from cli.platform_command import Caller, for_tenant_or_operator

app = typer.Typer(
    no_args_is_help=True, help="Where a tenant is told of what happens to its hostnames."
)

_FACTS = ("url", "switched_off_at", "previous_secret_until", "created_at", "changed_at")
_DELIVERIES = ("created_at", "kind", "state", "attempts", "due_at", "problem", "notice_id")

Tenant = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's id.")]


@app.command(name="set")
@for_tenant_or_operator
def set_webhook(
    caller: Caller,
    tenant: Tenant,
    url: Annotated[str, typer.Argument(metavar="URL", help="https://...")],
) -> None:
    """Set the webhook, or switch it on again. A new URL gets a secret, which is shown once.

    Exit codes: 0 set, 1 failed, 2 wrong usage.
    """
    answer = caller.either().put(_path(tenant), {"url": url})
    _show_secret(caller, answer, f"Notices of tenant {tenant} go to {url}.")


@app.command()
@for_tenant_or_operator
def show(caller: Caller, tenant: Tenant) -> None:
    """Show the webhook, without its secret.

    Exit codes: 0 shown, 1 failed, 2 wrong usage.
    """
    answer = caller.either().get(_path(tenant))
    caller.terminal.document(answer)
    webhook = cast("Document", answer["webhook"])
    caller.terminal.table(("what", "value"), [[fact, _cell(webhook[fact])] for fact in _FACTS])


@app.command()
@for_tenant_or_operator
def rotate(caller: Caller, tenant: Tenant) -> None:
    """Make a new secret. The one before signs too for a day.

    Exit codes: 0 made, 1 failed, 2 wrong usage.
    """
    answer = caller.either().post(f"{_path(tenant)}/rotate")
    until = cast("Document", answer["webhook"])["previous_secret_until"]
    _show_secret(caller, answer, f"The secret before signs too until {until}.")


@app.command(name="test")
@for_tenant_or_operator
def send_test(caller: Caller, tenant: Tenant) -> None:
    """Send a test notice; `webhook deliveries` shows what became of it.

    Exit codes: 0 on its way, 1 failed, 2 wrong usage.
    """
    answer = caller.either().post(f"{_path(tenant)}/test")
    caller.terminal.document(answer)
    caller.terminal.result(f"Notice {answer['notice_id']} is on its way.")


@app.command()
@for_tenant_or_operator
def deliveries(
    caller: Caller,
    tenant: Annotated[
        str | None,
        typer.Argument(metavar="[TENANT]", help="Without one: the operator's own webhook."),
    ] = None,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Of thirty days, not only the last hundred.")
    ] = False,
) -> None:
    """List what was sent, the newest first, and what the receiver answered.

    Exit codes: 0 listed, 1 failed, 2 wrong usage.
    """
    if tenant is None:
        api, path = caller.operator(), "/v1/alert-webhook/deliveries"
    else:
        api, path = caller.either(), f"{_path(tenant)}/deliveries"
    if everything:
        found = every_page(api, path, "deliveries", cursor="before")
    else:
        found = cast("list[Document]", api.get(path)["deliveries"])
    caller.terminal.document({"deliveries": found})
    caller.terminal.table(
        _DELIVERIES, [[_cell(one[name]) for name in _DELIVERIES] for one in found]
    )


@app.command()
@for_tenant_or_operator
def remove(caller: Caller, tenant: Tenant) -> None:
    """Remove the webhook and its secret. Repeating it is fine.

    Exit codes: 0 removed, 1 failed, 2 wrong usage.
    """
    caller.either().delete(_path(tenant))
    caller.terminal.document({})
    caller.terminal.result(f"Tenant {tenant} has no webhook.")


def _path(tenant: str) -> str:
    return f"/v1/tenants/{quote(tenant, safe='')}/webhook"


def _show_secret(caller: Caller, answer: Document, said: str) -> None:
    caller.terminal.document(answer)
    if answer["secret"] is None:
        caller.terminal.result(said)
        return
    caller.terminal.result(str(answer["secret"]))
    caller.terminal.say(f"{said} The secret is shown this once.")


def _cell(value: object) -> str:
    return "-" if value is None else str(value)
