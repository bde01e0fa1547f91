"""The push command: one package from a file to a validated version."""

import shlex
import time
from pathlib import Path
from typing import Annotated, cast

import typer

from cli import options
from cli.api_keys import ApiUrl, DeveloperKey, developer_api
from cli.console import Terminal
from cli.failures import Failure, UsageFailure
from cli.package_file import PackageFile, read_package
from cli.part_upload import send_parts
from cli.platform_api import Document, PlatformApi, ProblemFailure
from cli.project import LOCAL_STACK
from cli.signing_key import SigningKey, read_signing_key
from cli.signing_keys import registered_as
from cli.upload import send
from functions.core.statements import PackageStatement

_POLL_SECONDS = 1.0
_DONE = frozenset({"draft", "published", "failed", "rejected"})
_GOING_ON = frozenset({"validating", "draft", "published"})
"""The states of a version that the same package need not be sent for again."""

File = Annotated[Path, typer.Argument(metavar="FILE", help="The package.", dir_okay=False)]
App = Annotated[
    str | None, typer.Option("--app", help="The app's id; by default the manifest's id.")
]
VersionCode = Annotated[
    int | None,
    typer.Option("--version-code", min=1, help="By default the manifest's version_code."),
]
VersionName = Annotated[
    str | None, typer.Option("--version-name", help="By default the manifest's version.")
]
SignWith = Annotated[
    Path | None,
    typer.Option(
        "--sign-with",
        metavar="KEYFILE",
        help="Sign the package with this registered key (`stowage signing-keys`).",
        dir_okay=False,
    ),
]
Publish = Annotated[bool, typer.Option("--publish", help="Publish the version once it is valid.")]
Threads = Annotated[
    int, typer.Option("--threads", min=1, max=32, help="How many parts are sent at a time.")
]
NoMultipart = Annotated[
    bool,
    typer.Option("--no-multipart", help="Send the package by one request, whatever its size."),
]
Timeout = Annotated[
    int, typer.Option("--timeout", min=1, help="Seconds to wait for the validation.")
]


def push(
    file: File,
    app: App = None,
    version_code: VersionCode = None,
    version_name: VersionName = None,
    sign_with: SignWith = None,
    key: DeveloperKey = None,
    api_url: ApiUrl = None,
    home: options.Home = None,
    stack: options.Stack = LOCAL_STACK,
    *,
    publish: Publish = False,
    threads: Threads = 4,
    no_multipart: NoMultipart = False,
    timeout: Timeout = 300,
    as_json: options.Json = False,
) -> None:
    """Send a package, wait until it is validated, and publish it if asked to.

    A large package goes in parts. Running it again after it broke off takes up the same upload and
    sends the parts that are missing; after that, it goes on from what the version is.

    Exit codes: 0 the version is valid, 1 it failed or something did not answer, 2 wrong usage.
    """
    scope = options.scope(home, stack, as_json=as_json)
    api = developer_api(scope, api_url, key)
    package = read_package(file)
    request = version_request(package, app, version_code, version_name)
    terminal = scope.terminal
    if sign_with is not None:
        request |= _signature(api, read_signing_key(sign_with, terminal.say), request)
    app_id = request.pop("app_id")
    try:
        answer = api.post(f"/v1/apps/{app_id}/versions", request)
    except ProblemFailure as failure:
        version = _same_bytes(api, failure, package)
        terminal.say(
            f"Version code {request['version_code']} of {app_id} was pushed before with the same "
            f"SHA-256; it is {version['status']}."
        )
    else:
        version = cast("Document", answer["version"])
        terminal.say(
            f"Version {version['id']} ({request['version_name']}), {package.size / 1e6:.1f} MB."
        )
        _upload(terminal, api, package, answer, None if no_multipart else threads)
        api.post(f"/v1/versions/{version['id']}/complete")
    path = f"/v1/versions/{version['id']}"
    if version["status"] not in _DONE:
        version = _wait(terminal, api, path, timeout)
    if version["status"] == "draft" and publish:
        version = cast("Document", api.post(f"{path}/publish")["version"])
    terminal.document({"version": version})
    _report(terminal, version, request["version_code"], file)


def _same_bytes(api: PlatformApi, failure: ProblemFailure, package: PackageFile) -> Document:
    """The version that has the code already, when it was made of the same package.

    Raises:
        ProblemFailure: the API refused for another reason, or the version is another package, or
            one that was given up.
    """
    taken_by = failure.document.get("version_id")
    if not failure.is_a("version-code-taken") or not taken_by:
        raise failure
    try:
        version = cast("Document", api.get(f"/v1/versions/{taken_by}")["version"])
    except ProblemFailure:  # deleted, for instance; the first refusal says more
        raise failure from None
    if version.get("sha256") != package.sha256 or version["status"] not in _GOING_ON:
        raise failure
    return version


def version_request(
    package: PackageFile, app: str | None, version_code: int | None, version_name: str | None
) -> Document:
    """What to ask the API for: the options first, then what the manifest says.

    Raises:
        UsageFailure: something is in neither.
    """
    manifest = package.manifest
    request: Document = {
        "app_id": app or manifest.get("id"),
        "version_code": version_code or manifest.get("version_code"),
        "version_name": version_name or manifest.get("version"),
        "size": package.size,
        "sha256": package.sha256,
    }
    flags = {"app_id": "--app", "version_code": "--version-code", "version_name": "--version-name"}
    missing = [flag for name, flag in flags.items() if not request[name]]
    if missing:
        raise UsageFailure(
            f"{package.path.name} has no manifest.json at its root that tells "
            f"{', '.join(missing)}: give them as options, "
            "but a package without a full manifest will not pass the validation."
        )
    return request


def _signature(api: PlatformApi, signing_key: SigningKey, request: Document) -> Document:
    """What goes with the request to sign it. The statement names the developer, whose id comes with
    the registered key."""
    registered = registered_as(api, signing_key.public_key)
    statement = PackageStatement(
        developer_id=str(registered["developer_id"]),
        app_id=str(request["app_id"]),
        version_code=cast("int", request["version_code"]),
        size=cast("int", request["size"]),
        sha256=str(request["sha256"]),
    )
    return {"signature": signing_key.sign(statement.text), "signing_key_id": registered["id"]}


def _upload(
    terminal: Terminal,
    api: PlatformApi,
    package: PackageFile,
    answer: Document,
    threads: int | None,
) -> None:
    """In parts where the platform offers it and there are threads to send them."""
    upload = cast("Document", answer["upload"])
    if threads is not None and upload["multipart"] is not None:
        version_id = str(cast("Document", answer["version"])["id"])
        sent = send_parts(terminal, api, package, version_id, threads)
    else:
        headers = cast("dict[str, str]", upload["headers"])
        sent = send(terminal, package.path, package.size, str(upload["url"]), headers)
    terminal.say("Sent." if sent else "It had arrived before; going on from there.")


def _wait(terminal: Terminal, api: PlatformApi, path: str, seconds: int) -> Document:
    """The version once its validation has ended."""
    deadline = time.monotonic() + seconds
    with terminal.working("Validating"):
        while True:
            version = cast("Document", api.get(path)["version"])
            if version["status"] in _DONE:
                return version
            if time.monotonic() > deadline:
                raise Failure(
                    f"The version is still {version['status']} after {seconds} s. The platform "
                    "goes on with it; look again "
                    f"with GET {path}, or see `stowage logs --worker jobs`."
                )
            time.sleep(_POLL_SECONDS)


def _report(terminal: Terminal, version: Document, code: object, file: Path) -> None:
    terminal.result(f"Version {version['id']} is {version['status']} (version code {code}).")
    if version["status"] == "draft":
        terminal.say(f"To publish it: stowage push {shlex.quote(str(file))} --publish")
    if version["status"] in {"draft", "published"}:
        return
    problems = cast("list[object]", version.get("problems") or [])
    lines = [f"  - {_problem(one)}" for one in problems]
    raise Failure("\n".join([f"The package is {version['status']}:", *lines]))


def _problem(one: object) -> str:
    if isinstance(one, dict):
        found = cast("Document", one)
        return str(found.get("detail") or found.get("message") or found)
    return str(one)
