"""Finishes creations that a killed engine left half-way: what exists in the cloud already is taken
into the state.

Without that, the next `up` would ask for the same names again and be refused. A resource that
cannot be imported, because the cloud tells its secret only once, is deleted instead, so that the
creation can run again and leaves no orphan.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from cli.rest import AccountApi, Item
from cli.state_file import Pending


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of resource is found again. Names in braces are the resource's inputs."""

    path: str
    """Its list in the REST API."""
    match: Mapping[str, str]
    """Input name -> field of a row: all must agree."""
    id_field: str
    """The field of a row that identifies it."""
    import_id: str | None
    """The id that the provider imports by; None for what is deleted and made again."""


_ACCOUNT = "/accounts/{accountId}"
_ZONE = "/zones/{zoneId}"

KINDS: Mapping[str, Kind] = {
    "cloudflare:index/r2Bucket:R2Bucket": Kind(
        f"{_ACCOUNT}/r2/buckets", {"name": "name"}, "name", "{accountId}/{id}/{jurisdiction}"
    ),
    "cloudflare:index/d1Database:D1Database": Kind(
        f"{_ACCOUNT}/d1/database", {"name": "name"}, "uuid", "{accountId}/{id}"
    ),
    "cloudflare:index/queue:Queue": Kind(
        f"{_ACCOUNT}/queues", {"queueName": "queue_name"}, "queue_id", "{accountId}/{id}"
    ),
    "cloudflare:index/queueConsumer:QueueConsumer": Kind(
        f"{_ACCOUNT}/queues/{{queueId}}/consumers", {}, "consumer_id", "{accountId}/{queueId}/{id}"
    ),
    "cloudflare:index/worker:Worker": Kind(
        f"{_ACCOUNT}/workers/workers", {"name": "name"}, "id", "{accountId}/{id}"
    ),
    "cloudflare:index/workersRoute:WorkersRoute": Kind(
        f"{_ZONE}/workers/routes", {"pattern": "pattern"}, "id", "{zoneId}/{id}"
    ),
    "cloudflare:index/dnsRecord:DnsRecord": Kind(
        f"{_ZONE}/dns_records", {"name": "name", "type": "type"}, "id", "{zoneId}/{id}"
    ),
    "cloudflare:index/ruleset:Ruleset": Kind(
        f"{_ZONE}/rulesets", {"phase": "phase", "kind": "kind"}, "id", "zones/{zoneId}/{id}"
    ),
    "cloudflare:index/customHostname:CustomHostname": Kind(
        f"{_ZONE}/custom_hostnames", {"hostname": "hostname"}, "id", "{zoneId}/{id}"
    ),
    "cloudflare:index/accountToken:AccountToken": Kind(
        f"{_ACCOUNT}/tokens", {"name": "name"}, "id", None
    ),
    "cloudflare:index/notificationPolicyWebhooks:NotificationPolicyWebhooks": Kind(
        f"{_ACCOUNT}/alerting/v3/destinations/webhooks", {"name": "name"}, "id", None
    ),
    "cloudflare:index/notificationPolicy:NotificationPolicy": Kind(
        f"{_ACCOUNT}/alerting/v3/policies", {"name": "name"}, "id", None
    ),
}
"""What must be found again. Kinds that are absent may simply be created once more: settings that a
creation overwrites (lifecycle, CORS, cron, fallback origin, deployment) and Worker versions, which
go with their Worker."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """What to do about the creations that a killed engine began."""

    imports: Mapping[tuple[str, str], str]
    """(type, logical name) -> the id to import."""
    orphans: tuple[tuple[str, str], ...]
    """(description, REST path) of what was deleted to be made again."""


def plan(pending: Iterable[Pending], api: AccountApi) -> Adoption:
    """Looks up each unfinished creation in the cloud. Reads only."""
    imports: dict[tuple[str, str], str] = {}
    orphans: list[tuple[str, str]] = []
    for one in pending:
        kind = KINDS.get(one.type)
        if kind is None:
            continue
        values = {"jurisdiction": "default"} | _texts(one.inputs)
        path = _fill(kind.path, values)
        rows = api.items(path, values["jurisdiction"])
        for row in _matching(rows, kind, values):
            values["id"] = str(row[kind.id_field])
            if kind.import_id is None:
                orphans.append((one.name, f"{path}/{values['id']}"))
            else:
                imports[(one.type, one.name)] = _fill(kind.import_id, values)
    return Adoption(imports, tuple(orphans))


def adopting(adoption: Adoption, program: Callable[[], None]) -> Callable[[], None]:
    """The program, importing what the adoption names instead of creating it."""
    if not adoption.imports:
        return program

    def run() -> None:
        import pulumi

        def adopt(
            args: pulumi.ResourceTransformationArgs,
        ) -> pulumi.ResourceTransformationResult | None:
            found = adoption.imports.get((args.type_, args.name))
            if found is None:
                return None
            options = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(import_=found))
            return pulumi.ResourceTransformationResult(args.props, options)

        pulumi.runtime.register_stack_transformation(adopt)
        program()

    return run


def _matching(rows: Iterable[Item], kind: Kind, values: Mapping[str, str]) -> list[Item]:
    return [
        row
        for row in rows
        if all(str(row.get(field)) == values.get(name) for name, field in kind.match.items())
    ]


def _texts(inputs: Mapping[str, object]) -> dict[str, str]:
    return {name: value for name, value in inputs.items() if isinstance(value, str)}


def _fill(template: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        template = template.replace("{" + name + "}", value)
    return template
