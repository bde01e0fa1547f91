"""The keys commands: API keys of the platform, made with the root operator key."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from cli import options
from cli.failures import UsageFailure
from cli.local_cloud import LocalCloud
from cli.options import Scope
from cli.paging import every_page
from cli.platform_api import Document, PlatformApi
from cli.project import LOCAL_STACK
from cli.target import nothing_deployed, read_target

app = typer.Typer(no_args_is_help=True, help="Create, list and revoke API keys (operators only).")

ApiUrl = Annotated[
    str | None,
    typer.Option("--api-url", envvar="STOWAGE_API_URL", help="The API, if not that of the stack."),
]
OperatorKey = Annotated[
    str | None,
    typer.Option(
        "--operator-key",
        envvar="STOWAGE_OPERATOR_KEY",
        help="Better set STOWAGE_OPERATOR_KEY: arguments are visible to every user of the machine. "
        "An operator's key; for dev the root operator key of the cloud folder.",
    ),
]


def _key(whose: str) -> Any:
    """One option, for whoever owns what the command is about."""
    return typer.Option(
        "--key",
        envvar="STOWAGE_KEY",
        help=f"Better set STOWAGE_KEY: arguments are visible to every user of the machine. {whose}",
    )


DeveloperKey = Annotated[str | None, _key("A developer's API key.")]
TenantKey = Annotated[str | None, _key("A tenant's API key; without one, the operator's is used.")]
OwnerKey = Annotated[
    str | None,
    _key(
        "The API key of whose it is, a developer or a tenant; without one, the operator's is used."
    ),
]
AsOperator = Annotated[
    bool, typer.Option("--as-operator", help="With the operator's key, though there is another.")
]


class Role(StrEnum):
    """Whose key it is."""

    operator = "operator"
    developer = "developer"
    tenant = "tenant"


@app.command()
def create(
    role: Annotated[Role, typer.Option("--role", help="Whose key it is.")],
    subject: Annotated[
        str | None,
        typer.Option("--subject", help="The id of the developer or tenant it speaks for."),
    ] = None,
    expires_at: Annotated[
        str | None,
        typer.Option("--expires-at", help="When it ends, as 2026-12-31T00:00:00Z; else never."),
    ] = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    api_url: ApiUrl = None,
    operator_key: OperatorKey = None,
    *,
    as_json: options.Json = False,
) -> None:
    """Create a key. It is shown once and kept nowhere.

    Exit codes: 0 created, 1 failed, 2 wrong usage.
    """
    if (subject is None) != (role is Role.operator):
        reason = (
            "speaks for the platform, so it has no --subject" if subject else "needs --subject ID"
        )
        raise UsageFailure(f"A key of role {role.value} {reason}.")
    body: Document = {"role": role.value}
    body |= {"subject_id": subject} if subject else {}
    body |= {"expires_at": expires_at} if expires_at else {}
    scope = options.scope(home, stack, as_json=as_json)
    answer = operator_api(scope, api_url, operator_key).post("/v1/api-keys", body)
    scope.terminal.document(answer)
    scope.terminal.result(str(answer["key"]))
    scope.terminal.say("It is shown this once; only its hash is stored.")


@app.command(name="list")
def list_keys(
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    api_url: ApiUrl = None,
    operator_key: OperatorKey = None,
    *,
    as_json: options.Json = False,
) -> None:
    """List all keys, without their secrets.

    Exit codes: 0 listed, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    keys = every_page(operator_api(scope, api_url, operator_key), "/v1/api-keys", "api_keys")
    scope.terminal.document({"api_keys": keys})
    columns = ["id", "role", "subject_id", "created_at", "expires_at", "revoked_at"]
    scope.terminal.table(columns, [[str(key.get(name) or "-") for name in columns] for key in keys])


@app.command()
def revoke(
    key_id: Annotated[
        str, typer.Argument(metavar="ID", help="The key's id, as `keys list` shows it.")
    ],
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    api_url: ApiUrl = None,
    operator_key: OperatorKey = None,
    *,
    as_json: options.Json = False,
) -> None:
    """Revoke a key, at once and for good. Repeating it is fine.

    Exit codes: 0 revoked, 1 failed, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    answer = operator_api(scope, api_url, operator_key).delete(f"/v1/api-keys/{key_id}")
    scope.terminal.document(answer)
    scope.terminal.result(f"Key {key_id} is revoked.")


def operator_api(scope: Scope, api_url: str | None, operator_key: str | None) -> PlatformApi:
    """The API of the scope's stack, called as an operator."""
    key, url = operator_key, api_url
    if scope.is_local:
        # First: where nothing is deployed, there is no key to be read either.
        url = url or stack_api_url(scope)
    if not key and scope.is_local:
        key = LocalCloud(scope.project, scope.home).credentials().root_operator_key
    if not key:
        raise UsageFailure(
            f"Stack {scope.stack} needs an operator's key: set STOWAGE_OPERATOR_KEY, or give "
            "--operator-key. `stowage init` printed the root operator key when the stack was made."
        )
    return PlatformApi(url or stack_api_url(scope), key)


def developer_api(scope: Scope, api_url: str | None, key: str | None) -> PlatformApi:
    """The API of the scope's stack, called as a developer."""
    if not key:
        raise UsageFailure(
            "A developer's API key is needed: set STOWAGE_KEY, or give --key. `POST "
            "/v1/developers` makes one."
        )
    return PlatformApi(api_url or stack_api_url(scope), key)


def owner_api(
    scope: Scope, api_url: str | None, key: str | None, operator_key: str | None
) -> PlatformApi:
    """The API of the scope's stack, called as the developer or tenant whose key is given, else as
    an operator."""
    if key:
        return PlatformApi(api_url or stack_api_url(scope), key)
    return operator_api(scope, api_url, operator_key)


def stack_api_url(scope: Scope) -> str:
    """Where the API of the scope's stack is reached."""
    if scope.is_local:
        local = LocalCloud(scope.project, scope.home)
        if not local.state_file.has_outputs():
            raise nothing_deployed(scope)
        return local.url("api")
    found = read_target(scope).engine.outputs().get("api_url")
    if found is None:
        raise UsageFailure(
            f"Stack {scope.stack} has no output api_url: is it deployed? Else give --api-url."
        )
    return str(found.value)
