"""The hostnames commands: names that tenants bring themselves, from request to active."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, cast
from urllib.parse import quote, urlencode

import typer

from cli.console import Terminal
from cli.failures import Failure, UsageFailure
from cli.hostname_watch import records, watch
from cli.paging import every_page
from cli.platform_api import Document, PlatformApi
from cli.platform_command import Caller, for_tenants
from cli.zone_file import zone_lines
from functions.core.ids import is_id

app = typer.Typer(
    no_args_is_help=True, help="Bring hostnames of your own, see what they miss, watch them."
)


class Certificate(StrEnum):
    """How the certificate is validated."""

    http = "http"
    txt = "txt"


class State(StrEnum):
    """How far a hostname is."""

    requested = "requested"
    awaiting_dns = "awaiting_dns"
    validating = "validating"
    active = "active"
    moved = "moved"
    blocked = "blocked"
    removed = "removed"


Name = Annotated[str, typer.Argument(metavar="NAME", help="The hostname, or its id.")]
Tenant = Annotated[
    str | None, typer.Option("--tenant", help="The tenant's id; operators only.", metavar="ID")
]
Location = Annotated[
    str | None, typer.Option("--location", help="The location's id.", metavar="ID")
]

_COLUMNS = ("id", "name", "state", "certificate_status", "records", "tenant_id", "explanation")


@app.command()
@for_tenants
def add(
    caller: Caller,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The hostname.")],
    location: Location = None,
    tenant: Tenant = None,
    certificate: Annotated[
        Certificate,
        typer.Option(
            "--certificate",
            help="http: validated over the hostname's CNAME. txt: by a TXT record, so that it is "
            "there before the CNAME is.",
        ),
    ] = Certificate.http,
) -> None:
    """Claim a hostname and learn which DNS records to set. Without --location, the tenant's only
    one is taken. Repeating it is fine.

    Exit codes: 0 claimed, 1 failed, 2 wrong usage.
    """
    api = caller.either()
    body: Document = {"name": name, "certificate": certificate.value}
    body |= {"location_id": location or _only_location(api, tenant)}
    body |= {"tenant_id": tenant} if tenant else {}
    answer = api.post("/v1/hostnames", body)
    caller.terminal.document(answer)
    _instruct(caller.terminal, cast("Document", answer["hostname"]))


@app.command(name="list")
@for_tenants
def list_hostnames(
    caller: Caller,
    state: Annotated[
        State | None, typer.Option("--state", help="Only those in this state.")
    ] = None,
    tenant: Tenant = None,
    location: Location = None,
) -> None:
    """List hostnames, the oldest first; removed ones only with --state removed.

    Exit codes: 0 listed, 1 failed, 2 wrong usage.
    """
    api = caller.either()
    filters = {"state": state.value if state else None, "tenant_id": tenant}
    found = _all(api, filters | {"location_id": location})
    caller.terminal.document({"hostnames": found})
    caller.terminal.table(_COLUMNS, [_row(hostname) for hostname in found])


@app.command()
@for_tenants
def show(
    caller: Caller,
    name: Name,
    tenant: Tenant = None,
    *,
    zone: Annotated[
        bool, typer.Option("--zone", help="The records alone, in the form of a zone file.")
    ] = False,
) -> None:
    """Show a hostname: how far it is, which DNS records it needs, and what was found of them.

    Exit codes: 0 shown, 1 failed, 2 wrong usage.
    """
    api = caller.either()
    hostname = _one(api, name, tenant)
    caller.terminal.document({"hostname": hostname})
    if zone:
        for line in zone_lines(hostname):
            caller.terminal.result(line)
    else:
        _instruct(caller.terminal, hostname)


@app.command(name="watch")
@for_tenants
def watch_hostnames(
    caller: Caller,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Hostnames, or their ids; by default all."),
    ] = None,
    tenant: Tenant = None,
    timeout: Annotated[
        int | None, typer.Option("--timeout", min=1, help="Seconds; by default without end.")
    ] = None,
) -> None:
    """Watch hostnames until all of them are active: a live table on a terminal, else one line for
    each change.

    Exit codes: 0 all are active, 1 failed, 2 wrong usage, 4 one is blocked or removed and none of
    the others is on its way, 5 the time is over.
    """
    api = caller.either()
    ids = [str(_one(api, name, tenant)["id"]) for name in names or ()]

    def look() -> list[Document]:
        if ids:
            return [_get(api, one) for one in ids]
        return _all(api, {"tenant_id": tenant})

    caller.terminal.document({"hostnames": watch(caller.terminal, look, timeout)})


@app.command()
@for_tenants
def remove(caller: Caller, name: Name, tenant: Tenant = None) -> None:
    """Remove a hostname: within 30 s nothing is served under it. By its id, repeating it is fine.

    Exit codes: 0 removed, 1 failed, 2 wrong usage.
    """
    api = caller.either()
    hostname_id = name if is_id(name) else str(_one(api, name, tenant)["id"])
    api.delete(f"/v1/hostnames/{hostname_id}")
    caller.terminal.document({"removed": hostname_id})
    caller.terminal.result(f"Hostname {name} is removed.")


def _all(api: PlatformApi, filters: Mapping[str, str | None]) -> list[Document]:
    query = urlencode({name: value for name, value in filters.items() if value})
    path = f"/v1/hostnames?{query}" if query else "/v1/hostnames"
    return every_page(api, path, "hostnames", cursor="cursor")


def _get(api: PlatformApi, hostname_id: str) -> Document:
    return cast("Document", api.get(f"/v1/hostnames/{quote(hostname_id)}")["hostname"])


def _one(api: PlatformApi, name: str, tenant: str | None) -> Document:
    """The hostname of this name or id. Several tenants may have claimed one name, which an operator
    then tells apart."""
    if is_id(name):
        return _get(api, name)
    wanted = name.lower().removesuffix(".")
    found = [
        one
        for one in _all(api, {"tenant_id": tenant})
        if wanted in (one["name"], str(one["unicode_name"]).lower())
    ]
    if not found:
        raise Failure(f"There is no hostname {name}; `stowage hostnames list` shows all.")
    if len(found) > 1:
        ids = ", ".join(f"{one['id']} (tenant {one['tenant_id']})" for one in found)
        raise UsageFailure(f"Several tenants have claimed {name}: give --tenant, or the id: {ids}.")
    return found[0]


def _only_location(api: PlatformApi, tenant: str | None) -> str:
    path = f"/v1/locations?{urlencode({'tenant_id': tenant})}" if tenant else "/v1/locations"
    found = every_page(api, path, "locations")
    if len(found) == 1:
        return str(found[0]["id"])
    if not found:
        raise Failure(
            "The tenant has no location, so there is nothing that a hostname could lead to: an "
            "operator creates a repository first (`POST /v1/repositories`)."
        )
    listed = "; ".join(f"{one['id']} ({_what(one)})" for one in found)
    raise UsageFailure(f"The tenant has several locations: choose one with --location: {listed}.")


def _what(location: Document) -> str:
    named = [
        *cast("list[str]", location["distributions"]),
        *cast("list[str]", location["hostnames"]),
    ]
    return ", ".join(named) or "empty"


def _row(hostname: Document) -> list[str]:
    shown = hostname | {"records": records(hostname)}
    return [str(shown[name] if shown[name] is not None else "-") for name in _COLUMNS]


def _instruct(terminal: Terminal, hostname: Document) -> None:
    """What is to be set, as a person reads it."""
    unicode_name = hostname["unicode_name"]
    also = "" if unicode_name == hostname["name"] else f" ({unicode_name})"
    terminal.result(f"{hostname['name']}{also}: {hostname['state']}")
    terminal.result(f"{hostname['explanation']}")
    for kind in ("errors", "warnings"):
        for text in cast("Sequence[str]", hostname[kind]):
            terminal.result(f"{kind.removesuffix('s')}: {text}")
    for record in cast("Sequence[Document]", hostname["records"]):
        terminal.result("")
        needed = "" if record["required"] else ", optional"
        terminal.result(f"{record['type']} record, {record['purpose']}{needed}: {record['state']}")
        terminal.result(f"  name   {record['name']}")
        terminal.result(f"  value  {record['value']}")
        found = cast("Sequence[str]", record["found"])
        if record["state"] == "wrong":
            terminal.result(f"  found  {', '.join(found) or '-'}")
        terminal.result(f"  {record['help']}")
    for token in cast("Sequence[Document]", hostname["http_tokens"]):
        terminal.result("")
        terminal.result(f"Or answer at {token['url']} ({token['purpose']}) with")
        terminal.result(f"  {token['body']}")
