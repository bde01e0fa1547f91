"""The verify command: whether a file is the package that its statement signs; works offline."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.console import Terminal
from cli.failures import Failure, UsageFailure
from cli.package_file import read_package
from cli.signature_checks import Check, Keys, check_developer, check_package, check_platform
from cli.signing_key import read_public_key
from functions.core.statements import parse, read_signed_statement

_MAX_BYTES = 1024 * 1024

File = Annotated[Path, typer.Argument(metavar="FILE", help="The package.", dir_okay=False)]
StatementFile = Annotated[
    Path | None,
    typer.Option(
        "--statement",
        help="The package's statement.json, or a saved answer of /v1/apps/APP/download; by default "
        "statement.json beside FILE.",
        dir_okay=False,
    ),
]
KeysFile = Annotated[
    Path | None,
    typer.Option(
        "--keys",
        help="The platform's public keys, saved from /.well-known/stowage-keys.json.",
        dir_okay=False,
    ),
]
DeveloperPublicKey = Annotated[
    list[str] | None,
    typer.Option(
        "--developer-key",
        metavar="KEY",
        help="A public key of the developer, as you have it from them: base64, or a file with that "
        "or with PEM. With several, one of them must have signed.",
    ),
]


def verify(
    file: File,
    statement: StatementFile = None,
    keys: KeysFile = None,
    developer_key: DeveloperPublicKey = None,
    *,
    as_json: options.Json = False,
) -> None:
    """Check a package's size, SHA-256 and signatures, without asking any server.

    At least one of --keys and --developer-key is needed: a statement by itself proves nothing.

    Exit codes: 0 everything that was asked for holds, 1 something does not, 2 wrong usage.
    """
    terminal = options.scope(None, as_json=as_json).terminal
    if keys is None and not developer_key:
        raise UsageFailure(
            "Give --keys, --developer-key or both: without a public key that you trust, nobody can "
            "tell who wrote the statement."
        )
    trusted = None if keys is None else Keys(_json(keys))
    pinned = [read_public_key(text) for text in developer_key or ()]
    package = read_package(file)
    place = statement or file.with_name("statement.json")
    try:
        signed = read_signed_statement(_json(place))
        named = parse(signed.statement)
    except ValueError as error:
        raise Failure(f"{place} is no statement of a package: {error}.") from error
    checks = check_package(named, package)
    if trusted is not None:
        checks.append(check_platform(signed, trusted, datetime.now(UTC)))
    checks += check_developer(signed, pinned)
    is_verified = all(check.ok for check in checks)
    terminal.document(
        {
            "verified": is_verified,
            "file": str(file),
            "package": {
                "developer_id": named.developer_id,
                "app_id": named.app_id,
                "version_code": named.version_code,
                "size": named.size,
                "sha256": named.sha256,
            },
            "checks": [
                {"check": check.name, "ok": check.ok, "detail": check.detail} for check in checks
            ],
        }
    )
    _show(terminal, checks)
    if not is_verified:
        raise Failure(f"{file} is not what the statement says, or not signed as it should be.")
    terminal.result(
        f"{file} is version {named.version_code} of {named.app_id}, of developer "
        f"{named.developer_id}."
    )


def _show(terminal: Terminal, checks: list[Check]) -> None:
    for check in checks:
        terminal.result(f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {check.detail}")


def _json(path: Path) -> object:
    try:
        with path.open("rb") as file:
            return json.loads(file.read(_MAX_BYTES))
    except OSError as error:
        raise UsageFailure(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise UsageFailure(f"{path} is no JSON: {error}.") from error
