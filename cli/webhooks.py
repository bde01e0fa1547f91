"""The webhook commands: where a tenant is told of what happens to its hostnames."""

from typing import Annotated, cast
from urllib.parse import quote

import typer

from cli import options
from cli.api_keys import ApiUrl, OperatorKey, operator_api, stack_api_url
from cli.options import Scope
from cli.paging import every_page
from cli.platform_api import Document, PlatformApi
from cli.project import LOCAL_STACK

app = typer.Typer(
    no_args_is_help=True, help="Where a tenant is told of what happens to its hostnames."
)

_FACTS = ("url", "switched_off_at", "previous_secret_until", "created_at", "changed_at")
_DELIVERIES = ("created_at", "kind", "state", "attempts", "due_at", "problem", "notice_id")

Tenant = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's id.")]
TenantKey = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="STOWAGE_KEY",
        help="Better set STOWAGE_KEY: arguments are visible to every user of the machine. The "
        "tenant's API key; without it, the operator's serves.",
    ),
]


@app.command(name="set")
def set_webhook(
    tenant: Tenant,
    url: Annotated[str, typer.Argument(metavar="URL", help="https://...")],
    key: TenantKey = None,
    operator_key: OperatorKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_json: options.Json = False,
) -> None:
    """Set the webhook, or switch it on again. A new URL gets a secret, which is shown once.

    Exit codes: 0 set, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    answer = _api(scope, api_url, key, operator_key).put(_path(tenant), {"url": url})
    _show_secret(scope, answer, f"Notices of tenant {tenant} go to {url}.")


@app.command()
def show(
    tenant: Tenant,
    key: TenantKey = None,
    operator_key: OperatorKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_json: options.Json = False,
) -> None:
    """Show the webhook, without its secret.

    Exit codes: 0 shown, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    answer = _api(scope, api_url, key, operator_key).get(_path(tenant))
    scope.terminal.document(answer)
    webhook = cast("Document", answer["webhook"])
    scope.terminal.table(("what", "value"), [[fact, _cell(webhook[fact])] for fact in _FACTS])


@app.command()
def rotate(
    tenant: Tenant,
    key: TenantKey = None,
    operator_key: OperatorKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_json: options.Json = False,
) -> None:
    """Make a new secret. The one before signs too for a day.

    Exit codes: 0 made, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    answer = _api(scope, api_url, key, operator_key).post(f"{_path(tenant)}/rotate")
    until = cast("Document", answer["webhook"])["previous_secret_until"]
    _show_secret(scope, answer, f"The secret before signs too until {until}.")


@app.command(name="test")
def send_test(
    tenant: Tenant,
    key: TenantKey = None,
    operator_key: OperatorKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_json: options.Json = False,
) -> None:
    """Send a test notice; `webhook deliveries` shows what became of it.

    Exit codes: 0 on its way, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    answer = _api(scope, api_url, key, operator_key).post(f"{_path(tenant)}/test")
    scope.terminal.document(answer)
    scope.terminal.result(f"Notice {answer['notice_id']} is on its way.")


@app.command()
def deliveries(
    tenant: Annotated[
        str | None,
        typer.Argument(metavar="[TENANT]", help="Without one: the operator's own webhook."),
    ] = None,
    key: TenantKey = None,
    operator_key: OperatorKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Of thirty days, not only the last hundred.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """List what was sent, the newest first, and what the receiver answered.

    Exit codes: 0 listed, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    if tenant is None:
        api, path = operator_api(scope, api_url, operator_key), "/v1/alert-webhook/deliveries"
    else:
        api, path = _api(scope, api_url, key, operator_key), f"{_path(tenant)}/deliveries"
    if everything:
        found = every_page(api, path, "deliveries", cursor="before")
    else:
        found = cast("list[Document]", api.get(path)["deliveries"])
    scope.terminal.document({"deliveries": found})
    scope.terminal.table(_DELIVERIES, [[_cell(one[name]) for name in _DELIVERIES] for one in found])


@app.command()
def remove(
    tenant: Tenant,
    key: TenantKey = None,
    operator_key: OperatorKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    as_json: options.Json = False,
) -> None:
    """Remove the webhook and its secret. Repeating it is fine.

    Exit codes: 0 removed, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    _api(scope, api_url, key, operator_key).delete(_path(tenant))
    scope.terminal.document({})
    scope.terminal.result(f"Tenant {tenant} has no webhook.")


def _api(
    scope: Scope, api_url: str | None, key: str | None, operator_key: str | None
) -> PlatformApi:
    """Called as the tenant where its key was given, else as an operator."""
    if key:
        return PlatformApi(api_url or stack_api_url(scope), key)
    return operator_api(scope, api_url, operator_key)


def _path(tenant: str) -> str:
    return f"/v1/tenants/{quote(tenant, safe='')}/webhook"


def _show_secret(scope: Scope, answer: Document, said: str) -> None:
    scope.terminal.document(answer)
    if answer["secret"] is None:
        scope.terminal.result(said)
        return
    scope.terminal.result(str(answer["secret"]))
    scope.terminal.say(f"{said} The secret is shown this once.")


def _cell(value: object) -> str:
    return "-" if value is None else str(value)
