"""Repositories of tenants, and the location that each one gets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from functions.core import events, fields, hostnames, locations
from functions.core.access import Caller, require_tenant_or_operator
from functions.core.hostname_claims import vouching
from functions.core.hostname_records import Claim, find_claim_of
from functions.core.ids import is_id, new_id
from functions.core.locations import Location, Wish
from functions.core.platform import ATTEMPTS
from functions.core.problems import busy, conflict, not_found
from functions.ports.records import ConflictError, Records, Row, Statement, Value

if TYPE_CHECKING:
    from functions.ports.clock import Clock
    from functions.ports.entropy import Entropy


@dataclass(frozen=True, slots=True)
class RepositorySettings:
    buckets: Sequence[str]
    """The declared repository buckets; the first is the default."""
    multi_tenant: bool
    platform_zone: str
    platform_hosts: Sequence[str]
    """Further names that are never a tenant's: the api and the cdn host, which may be configured
    outside of the zone."""


@dataclass(frozen=True, slots=True)
class Repository:
    id: str
    tenant_id: str
    location_id: str
    hostname: str | None
    """The oldest of its location's; None where all were removed."""
    distribution: str
    s3_bucket: str
    s3_prefix: str
    created_at: int
    generation: int | None = None
    """Of the location, which its repositories share."""


@dataclass(frozen=True, slots=True)
class _Plan:
    repository: Repository
    new_location: Location | None
    new_hostname_id: str | None
    vouched: Claim | None
    """The tenant's own claim of the hostname, which was not proven yet."""


async def create_repository(
    records: Records,
    clock: "Clock",
    entropy: "Entropy",
    settings: RepositorySettings,
    tenant_id: str,
    hostname: str,
    distribution: str,
    s3_bucket: str | None = None,
    s3_prefix: str | None = None,
    *,
    actor: str = "operator",
) -> Repository:
    """A distribution under a hostname, with a new location or a shared one. The caller has checked
    that an operator asks, who vouches with it that the hostname is the tenant's: it is served at
    once, and nothing is asked of DNS or Cloudflare for it.

    Raises: ProblemError 422; 409 `repository-exists`, `hostname-taken`, `location-taken`,
    `bucket-occupied`.
    """
    await _check(records, settings, tenant_id, hostname, distribution, s3_bucket)
    wish = Wish(tenant_id, s3_bucket, s3_prefix)
    for _ in range(ATTEMPTS):
        plan = await _plan(records, clock, entropy, settings, wish, hostname, distribution)
        try:
            await records.batch(_insertion(plan, actor))
        except ConflictError:
            # Another request was faster; decided again, it is clear what this one ran into.
            continue
        return plan.repository
    raise busy()


_SELECT = (
    "SELECT debian_repository.*, location.tenant_id AS tenant_id,"
    " location.generation AS generation,"
    " (SELECT name FROM hostname WHERE hostname.location_id = location.id"
    " AND hostname.deleted_at IS NULL ORDER BY hostname.id LIMIT 1) AS hostname"
    " FROM debian_repository JOIN location ON location.id = debian_repository.location_id"
    " WHERE debian_repository.deleted_at IS NULL AND location.deleted_at IS NULL"
)


async def get_repository(records: Records, caller: Caller, repository_id: str) -> Repository:
    """For its tenant and for operators.

    Raises: ProblemError 404, 403 for a developer.
    """
    require_tenant_or_operator(caller)
    if not is_id(repository_id):
        raise not_found("repository")
    rows = await records.fetch(
        Statement(f"{_SELECT} AND debian_repository.id = ?", (repository_id,))
    )
    repository = _repository_of(rows[0]) if rows else None
    if repository is None or caller.subject_id not in (None, repository.tenant_id):
        raise not_found("repository")
    return repository


async def list_repositories(
    records: Records, caller: Caller, *, after: str | None = None, limit: int = 100
) -> Sequence[Repository]:
    """A tenant's own, or all for an operator, in order of their ids, from behind the id `after`.

    Raises: ProblemError 403 for a developer.
    """
    require_tenant_or_operator(caller)
    condition, parameters = "debian_repository.id > ?", [cast("Value", after or "")]
    if caller.subject_id is not None:
        condition += " AND location.tenant_id = ?"
        parameters.append(caller.subject_id)
    rows = await records.fetch(
        Statement(
            f"{_SELECT} AND {condition} ORDER BY debian_repository.id LIMIT ?",
            (*parameters, limit),
        )
    )
    return [_repository_of(row) for row in rows]


def _repository_of(row: Row) -> Repository:
    return Repository(
        id=cast("str", row["id"]),
        tenant_id=cast("str", row["tenant_id"]),
        location_id=cast("str", row["location_id"]),
        hostname=cast("str | None", row["hostname"]),
        distribution=cast("str", row["distribution"]),
        s3_bucket=cast("str", row["s3_bucket"]),
        s3_prefix=cast("str", row["s3_prefix"]),
        created_at=cast("int", row["created_at"]),
        generation=cast("int | None", row["generation"]),
    )


async def _check(
    records: Records,
    settings: RepositorySettings,
    tenant_id: str,
    hostname: str,
    distribution: str,
    s3_bucket: str | None,
) -> None:
    found = fields.Collector()
    tenants = Statement("SELECT id FROM tenant WHERE id = ? AND deleted_at IS NULL", (tenant_id,))
    if not is_id(tenant_id) or not await records.fetch(tenants):
        found.add("/tenant_id", "must be the id of an existing tenant")
    wrong = hostnames.complaint(hostname, settings.platform_zone, settings.platform_hosts)
    if wrong is not None:
        found.add("/hostname", wrong)
    found.distribution(distribution)
    if s3_bucket is not None and s3_bucket not in settings.buckets:
        declared = ", ".join(f"'{bucket}'" for bucket in settings.buckets)
        found.add("/s3_bucket", f"must be one of the declared repository buckets: {declared}")
    found.check()


async def _plan(
    records: Records,
    clock: "Clock",
    entropy: "Entropy",
    settings: RepositorySettings,
    wish: Wish,
    hostname: str,
    distribution: str,
) -> _Plan:
    proven = await hostnames.find_proven(records, hostname)
    claim = None
    if proven is None:
        claim = await find_claim_of(records, wish.tenant_id, hostname)
    known = proven or claim
    if known is None:
        location, is_new = await locations.choose(
            records,
            wish,
            settings.buckets,
            new_id(clock, entropy),
            multi_tenant=settings.multi_tenant,
        )
    else:
        location, is_new = await _location_behind(records, known, wish), False
    if not is_new and await _has(records, location, distribution):
        raise conflict(
            "repository-exists",
            f"The location already holds the distribution '{distribution}'.",
            s3_bucket=location.s3_bucket,
            s3_prefix=location.s3_prefix,
        )
    repository = Repository(
        id=new_id(clock, entropy),
        tenant_id=wish.tenant_id,
        location_id=location.id,
        hostname=hostname,
        distribution=distribution,
        s3_bucket=location.s3_bucket,
        s3_prefix=location.s3_prefix,
        created_at=clock.now_ms(),
        generation=location.generation,
    )
    return _Plan(
        repository,
        location if is_new else None,
        new_id(clock, entropy) if known is None else None,
        claim,
    )


async def _location_behind(
    records: Records, known: hostnames.Hostname | Claim, wish: Wish
) -> Location:
    """The location of a hostname that is there already; a hostname has exactly one."""
    if known.tenant_id != wish.tenant_id:
        raise conflict("hostname-taken", "The hostname belongs to another tenant.")
    location = await locations.find_location(records, known.location_id)
    if location is None:
        raise conflict("hostname-taken", "The hostname's location was deleted.")
    agrees = wish.s3_bucket in {None, location.s3_bucket} and wish.s3_prefix in {
        None,
        location.s3_prefix,
    }
    if not agrees:
        raise conflict(
            "hostname-taken",
            f"The hostname already serves prefix '{location.s3_prefix}' of bucket "
            f"'{location.s3_bucket}'; a hostname has "
            "one location. Leave bucket and prefix out to share it.",
        )
    return location


async def _has(records: Records, location: Location, distribution: str) -> bool:
    rows = await records.fetch(
        Statement(
            "SELECT id FROM debian_repository WHERE s3_bucket = ? AND s3_prefix = ? AND "
            "distribution = ?",
            (location.s3_bucket, location.s3_prefix, distribution),
        )
    )
    return bool(rows)


def _insertion(plan: _Plan, actor: str) -> list[Statement]:
    repository = plan.repository
    now = repository.created_at
    statements: list[Statement] = []
    if plan.new_location is not None:
        statements += locations.insertion(plan.new_location, actor, now)
    if plan.new_hostname_id is not None:
        statements += [
            Statement(
                "INSERT INTO hostname (id, name, tenant_id, location_id, state, proven_at, "
                "created_at, revision)"
                " VALUES (?, ?, ?, ?, 'active', ?, ?, 1)",
                (
                    plan.new_hostname_id,
                    repository.hostname,
                    repository.tenant_id,
                    repository.location_id,
                    now,
                    now,
                ),
            ),
            events.created(plan.new_hostname_id, "hostname", actor, "active", now),
        ]
    if plan.vouched is not None:
        statements += vouching(plan.vouched, actor, now)
    columns = "id, location_id, s3_bucket, s3_prefix, distribution, created_at, revision"
    statements += [
        Statement(
            f"INSERT INTO debian_repository ({columns}) VALUES (?, ?, ?, ?, ?, ?, 1)",  # noqa: S608
            (
                repository.id,
                repository.location_id,
                repository.s3_bucket,
                repository.s3_prefix,
                repository.distribution,
                now,
            ),
        ),
        events.created(repository.id, "debian_repository", actor, "active", now),
    ]
    return statements
