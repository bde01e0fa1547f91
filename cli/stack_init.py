"""The init command: the stack file of a real deployment, with new keys in it, encrypted."""

import os
import re
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
import yaml

from cli import credentials, options
from cli.engine import Engine
from cli.engine_environment import real_environment
from cli.failures import Refusal, UsageFailure
from cli.project import LOCAL_STACK, NAME
from cli.stack_config import full_key
from cli.target import find_cli
from local.home import write_private

_STACK_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_HEX32 = re.compile(r"[0-9a-f]{32}")
_HOSTNAME = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")

StackName = Annotated[
    str, typer.Argument(metavar="NAME", help="The new stack's name, for instance prod.")
]
Zone = Annotated[str | None, typer.Option("--zone", help="The zone that Stowage has to itself.")]
AccountId = Annotated[str | None, typer.Option("--account-id", help="32 hex digits.")]
ZoneId = Annotated[str | None, typer.Option("--zone-id", help="32 hex digits.")]
Location = Annotated[
    str | None, typer.Option("--location", help="Where buckets lie: weur, eeur, enam ...")
]
SingleTenant = Annotated[
    bool, typer.Option("--single-tenant", help="One tenant only, whose prefix is empty.")
]

_HEAD = """\
# Stack {stack}, written by `stowage init`. Plain values may be edited; Pulumi.example.yaml explains
# every setting. What is secret is encrypted with your passphrase: without it, nobody can read it.
"""


def init(
    name: StackName,
    zone: Zone = None,
    account_id: AccountId = None,
    zone_id: ZoneId = None,
    location: Location = None,
    *,
    single_tenant: SingleTenant = False,
    as_json: options.Json = False,
) -> None:
    """Make the stack file of a real deployment, with new keys. Asks for what is not given.

    The keys are encrypted with your passphrase (PULUMI_CONFIG_PASSPHRASE or
    PULUMI_CONFIG_PASSPHRASE_FILE; else it is asked for). The root operator key is printed once and
    kept nowhere.

    Exit codes: 0 written, 1 failed, 2 wrong usage, 3 refused because the file exists.
    """
    scope = options.scope(None, name, as_json=as_json)
    path = scope.project.stack_file(name)
    _check_name(name)
    if path.exists():
        raise Refusal(
            f"{path} exists and was not touched. Choose another name, or move it away first."
        )
    settings = {
        "accountId": _asked(
            "Cloudflare account id", account_id, _HEX32, "--account-id", "32 lower-case hex digits"
        ),
        "zoneId": _asked(
            "Cloudflare zone id", zone_id, _HEX32, "--zone-id", "32 lower-case hex digits"
        ),
        "zone": _asked("Zone", zone, _HOSTNAME, "--zone", "a host name such as example.com"),
    }
    made = credentials.generate()
    plain: dict[str, object] = {
        **settings,
        "platformKeys": [dict(key) for key in made.platform_keys],
    }
    plain |= {"location": location} if location else {}
    plain |= {"multiTenant": False} if single_tenant else {}
    cli = find_cli(scope)
    with _scratch_backend(_passphrase()) as variables, tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / path.name
        environment = real_environment(scope.project, cli, Path(sys.executable)) | variables
        engine = Engine(scope.project, cli, name, draft, environment, _nothing)
        salt = engine.create_stack("") or ""
        draft.write_text(stack_text(name, plain, salt), encoding="utf-8")
        engine.encrypt({full_key(key): text for key, text in made.secret_settings().items()})
        write_private(path, draft.read_text(encoding="utf-8"))
    path.chmod(0o644)
    scope.terminal.document(
        {"stack": name, "file": str(path), "root_operator_key": made.root_operator_key}
    )
    scope.terminal.result(f"Wrote {path}. Commit it: what is secret in it is encrypted.")
    scope.terminal.result(
        "The root operator key, shown this once and kept nowhere; put it in a safe place:"
    )
    scope.terminal.result(f"  {made.root_operator_key}")
    scope.terminal.result(
        "Next: export CLOUDFLARE_API_TOKEN, and PULUMI_CONFIG_PASSPHRASE (or "
        "PULUMI_CONFIG_PASSPHRASE_FILE) with the passphrase that encrypted the file, log in to "
        f"your backend (`pulumi login`), and `stowage up --stack {name}`."
    )


def stack_text(stack: str, plain: Mapping[str, object], salt: str) -> str:
    """The stack file before its secrets are added."""
    config = {full_key(key): value for key, value in plain.items()}
    document = {"encryptionsalt": salt, "config": config}
    return _HEAD.format(stack=stack) + yaml.safe_dump(document, sort_keys=False, width=1000)


def _check_name(name: str) -> None:
    if name == LOCAL_STACK:
        raise UsageFailure(
            f"{LOCAL_STACK} is the local stack, which needs no init: run `stowage up`."
        )
    if name == "example" or not _STACK_NAME.fullmatch(name):
        raise UsageFailure(
            f"{name!r} cannot be a stack's name: use lower-case letters, digits and hyphens, and "
            "not `example`."
        )


def _asked(what: str, given: str | None, form: re.Pattern[str], flag: str, meaning: str) -> str:
    """A setting from its option, or from the person at the terminal."""
    value = given
    if value is None:
        if not sys.stdin.isatty():
            raise UsageFailure(f"{flag} is missing, and there is no terminal to ask at.")
        value = str(typer.prompt(what))
    value = value.strip().lower()
    if not form.fullmatch(value):
        raise UsageFailure(f"{flag} {value}: it must be {meaning}.")
    return value


def _passphrase() -> dict[str, str]:
    """The variables by which Pulumi finds the operator's passphrase."""
    for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"):
        if os.environ.get(name):
            return {name: os.environ[name]}
    if not sys.stdin.isatty():
        raise UsageFailure(
            "A passphrase is needed to encrypt the keys: set PULUMI_CONFIG_PASSPHRASE or "
            "PULUMI_CONFIG_PASSPHRASE_FILE."
        )
    text = str(
        typer.prompt(
            "Passphrase for the stack's secrets", hide_input=True, confirmation_prompt=True
        )
    )
    return {"PULUMI_CONFIG_PASSPHRASE": text}


@contextmanager
def _scratch_backend(passphrase: Mapping[str, str]) -> Generator[dict[str, str]]:
    """A backend that lives as long as the encryption does: the operator's own is not needed before
    the first `up`."""
    with tempfile.TemporaryDirectory(prefix=f"{NAME}-init-") as folder:
        yield {
            **passphrase,
            "PULUMI_BACKEND_URL": f"file://{folder}",
            "PULUMI_HOME": folder,
        }


def _nothing() -> None:
    """The program of an engine that only encrypts."""
