"""The signing-keys commands: the Ed25519 keys with which a developer signs packages."""

from pathlib import Path
from typing import Annotated, cast
from urllib.parse import quote

import typer

from cli import options
from cli.failures import Failure
from cli.platform_api import Document, PlatformApi
from cli.platform_command import Caller, for_developers, for_either
from cli.signing_key import generate as generate_key
from cli.signing_key import read_signing_key

app = typer.Typer(
    no_args_is_help=True, help="Make, register, list and revoke a developer's signing keys."
)

PATH = "/v1/developer-keys"
_MAX_PAGES = 1000
_COLUMNS = ["id", "name", "public_key", "created_at", "revoked_at"]

KeyFile = Annotated[
    Path, typer.Argument(metavar="KEYFILE", help="The private key.", dir_okay=False)
]


@app.command()
def generate(file: KeyFile, *, as_json: options.Json = False) -> None:
    """Make a key: PEM in a new file that only you may read.

    Exit codes: 0 made, 2 wrong usage, 3 the file is there.
    """
    key = generate_key(file)
    terminal = options.scope(None, as_json=as_json).terminal
    terminal.document({"file": str(file), "public_key": key.public_key})
    terminal.result(key.public_key)
    terminal.say(f"The private key is in {file}. Now: stowage signing-keys register {file}")


@app.command()
@for_developers
def register(
    caller: Caller,
    file: KeyFile,
    name: Annotated[str | None, typer.Option("--name", help="For people.")] = None,
) -> None:
    """Tell the platform the public half of a key. Repeating it is fine.

    Exit codes: 0 registered, 1 failed, 2 wrong usage.
    """
    signing_key = read_signing_key(file, caller.terminal.say)
    body: Document = {"public_key": signing_key.public_key}
    body |= {"name": name} if name else {}
    answer = caller.developer().post(PATH, body)
    caller.terminal.document(answer)
    made = cast("Document", answer["developer_key"])
    caller.terminal.result(f"Key {made['id']} is registered.")


@app.command(name="list")
@for_either
def list_keys(
    caller: Caller,
    developer: Annotated[
        str | None,
        typer.Option("--developer", help="Another developer's id; needs an operator's key."),
    ] = None,
) -> None:
    """List the registered keys.

    Exit codes: 0 listed, 1 failed, 2 wrong usage.
    """
    if developer is None:
        keys = registered(caller.developer())
    else:
        keys = registered(caller.operator(), developer)
    caller.terminal.document({"developer_keys": keys})
    caller.terminal.table(
        _COLUMNS, [[str(one.get(name) or "-") for name in _COLUMNS] for one in keys]
    )


@app.command()
@for_developers
def revoke(
    caller: Caller,
    key_id: Annotated[
        str, typer.Argument(metavar="ID", help="The key's id, as `signing-keys list` shows it.")
    ],
) -> None:
    """Revoke a key for good: no new version is taken with it. Repeating it is fine.

    Exit codes: 0 revoked, 1 failed, 2 wrong usage.
    """
    answer = caller.developer().delete(f"{PATH}/{quote(key_id, safe='')}")
    caller.terminal.document(answer)
    caller.terminal.result(f"Key {key_id} is revoked.")


@app.command()
@for_developers
def require(
    caller: Caller,
    app_id: options.AppId,
    *,
    off: Annotated[bool, typer.Option("--off", help="Take unsigned versions again.")] = False,
) -> None:
    """Have the platform take only signed versions of an app. Repeating it is fine.

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """
    answer = caller.developer().call(
        "PATCH", f"/v1/apps/{quote(app_id, safe='')}", {"require_signature": not off}
    )
    caller.terminal.document(answer)
    what = "takes unsigned versions again" if off else "takes signed versions only"
    caller.terminal.result(f"App {app_id} {what}.")


def registered(api: PlatformApi, developer: str | None = None) -> list[Document]:
    """The keys of every page."""
    found: list[Document] = []
    asked = f"developer_id={quote(developer, safe='')}&" if developer else ""
    after = ""
    for _ in range(_MAX_PAGES):
        answer = api.get(f"{PATH}?{asked}after={after}")
        found += cast("list[Document]", answer["developer_keys"])
        if not answer.get("next"):
            break
        after = quote(str(answer["next"]), safe="")
    return found


def registered_as(api: PlatformApi, public_key: str) -> Document:
    """The caller's key with this public half.

    Raises:
        Failure: it is not registered, or revoked.
    """
    for key in registered(api):
        if key.get("public_key") != public_key:
            continue
        if key.get("revoked_at"):
            raise Failure(
                f"Key {key['id']} was revoked. Make another one: `stowage signing-keys generate` "
                "and `register`."
            )
        return key
    raise Failure(
        "The platform does not know this key as yours: stowage signing-keys register KEYFILE"
    )
