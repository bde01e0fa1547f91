"""`/v1/hostnames`: hostnames that tenants bring themselves"""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response, status

from functions.core import hostname_claims, hostname_documents, purges
from functions.core.access import Caller, require_tenant_or_operator
from functions.core.hostname_claims import Wanted
from functions.core.hostname_drift import last_drift
from functions.core.hostname_records import Claim, Purpose
from functions.core.hostname_states import RecordState, State
from functions.core.problems import FieldError, invalid
from functions.entrypoints.http_api.access import HostnameCaller, Operator, Platform
from functions.entrypoints.http_api.hostname_names import checked_name, is_apex, to_unicode
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.services import Services
from functions.entrypoints.http_api.values import Answer, Body, Time

router = APIRouter(tags=["hostnames"], route_class=JsonRoute)

PAGE = 100


class NewHostname(Body):
    name: str
    """As it is written or as its A-labels; no wildcard, no public suffix, nothing of the
    platform's."""
    location_id: str
    """Of a location of the tenant; several hostnames may lead to one."""
    tenant_id: str | None = None
    """Whose it shall be: operators only, who must give it."""
    certificate: Literal["http", "txt"] = "http"
    """`http`: validated over the hostname's CNAME, with nothing to set. `txt`: by a TXT record,
    set by hand or delegated by a CNAME, so that the certificate is there before the CNAME is."""


class RecordAnswer(Answer):
    type: Literal["TXT", "CNAME"]
    name: str
    value: str
    purpose: Purpose
    required: bool
    state: RecordState
    """`wrong`: something else is there. `unknown`: not looked for yet, or the resolvers disagree or
    did not answer."""
    found: list[str]
    """What was found at the last look."""
    help: str


class TokenAnswer(Answer):
    """A text to answer with at a URL of the hostname's present server, for a validation before the
    CNAME is set."""

    url: str
    body: str
    purpose: Literal["pre_validation", "certificate"]


class HostnameAnswer(Answer):
    id: str
    name: str
    """A-labels."""
    unicode_name: str
    tenant_id: str
    location_id: str
    state: State
    explanation: str
    """One sentence: what goes on, and what to do next."""
    hostname_status: str | None
    """Cloudflare's, as it spells it; null before it was asked."""
    certificate_status: str | None
    errors: list[str]
    """Texts of Cloudflare's validations."""
    warnings: list[str]
    records: list[RecordAnswer]
    http_tokens: list[TokenAnswer]
    created_at: Time
    proven_at: Time | None
    active_at: Time | None
    """When it first was active."""
    checked_at: Time | None
    next_check_at: Time | None
    deadline_at: Time | None
    """When it is removed, unless it is proven before."""
    revision: int


class OneHostname(Answer):
    hostname: HostnameAnswer


class HostnameList(Answer):
    hostnames: list[HostnameAnswer]
    next: str | None
    """Give it as `cursor` to get the next page; None on the last one."""


class DriftAnswer(Answer):
    started_at: Time
    finished_at: Time
    custom_hostnames: int
    """How many Cloudflare has."""
    unknown_here: list[str]
    """Names that Cloudflare has and no tenant: declared in the stack, or made by hand. At most
    200."""
    missing_there: list[str]
    """Names that an operator vouched for and Cloudflare has not. At most 200."""


class LastDrift(Answer):
    drift: DriftAnswer | None
    """None before the first comparison."""


@router.post(
    "/v1/hostnames",
    status_code=status.HTTP_201_CREATED,
    summary="Claim a hostname for a location of the tenant, and learn which DNS records to set",
    responses={
        200: {"model": OneHostname, "description": "The tenant has claimed it already"},
        **documented(401, 403, 404, 409, 422),
    },
)
async def post_hostname(
    caller: HostnameCaller, services: Platform, body: NewHostname, response: Response
) -> OneHostname:
    """Nothing is served, and Cloudflare is not asked, before the TXT record of the challenge was
    found in the DNS."""
    tenant_id = _tenant_of(caller, body.tenant_id)
    name = checked_name(body.name, services.repositories)
    wanted = Wanted(tenant_id, name, body.location_id, body.certificate, is_apex(name))
    claim, is_new = await hostname_claims.claim_hostname(
        services.records, services.clock, services.entropy, wanted, actor=caller.actor
    )
    if is_new:
        await hostname_claims.announce(services.queue)
    else:
        response.status_code = status.HTTP_200_OK
    return _one(claim, services)


@router.get(
    "/v1/hostnames",
    summary="The hostnames of the calling tenant, or of all for operators, the oldest first",
    responses=documented(401, 403, 404, 422),
)
async def get_hostnames(
    caller: HostnameCaller,
    services: Platform,
    state: State | None = None,
    tenant_id: Annotated[str | None, Query(max_length=64)] = None,
    location_id: Annotated[str | None, Query(max_length=64)] = None,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
) -> HostnameList:
    """Removed ones are listed only where `state=removed` asks for them."""
    if caller.role != "operator":
        # Another tenant's id finds nothing, as one that does not exist.
        own = _tenant_of(caller, None)
        if tenant_id not in (None, own):
            return HostnameList(hostnames=[], next=None)
        tenant_id = own
    page = await hostname_claims.list_claims(
        services.records,
        tenant_id=tenant_id,
        location_id=location_id,
        state=state,
        after=cursor,
        limit=limit,
    )
    return HostnameList(
        hostnames=[_answer(claim, services) for claim in page],
        next=page[-1].id if len(page) == limit else None,
    )


@router.get(
    "/v1/hostnames/drift",
    summary="What Cloudflare and the platform know differently, as it was last compared",
    responses=documented(401, 403, 404),
)
async def get_drift(_: Operator, services: Platform) -> LastDrift:
    """The jobs compare once a day. It is only reported: what the platform did not create it does
    not delete."""
    drift = await last_drift(services.records)
    if drift is None or drift.finished_at is None:
        return LastDrift(drift=None)
    return LastDrift(
        drift=DriftAnswer(
            started_at=drift.started_at,
            finished_at=drift.finished_at,
            custom_hostnames=drift.custom_hostnames,
            unknown_here=list(drift.unknown_here),
            missing_there=list(drift.missing_there),
        )
    )


@router.get(
    "/v1/hostnames/{hostname_id}",
    summary="A hostname, for its tenant and for operators; a removed one too",
    responses=documented(401, 403, 404),
)
async def get_hostname(caller: HostnameCaller, services: Platform, hostname_id: str) -> OneHostname:
    require_tenant_or_operator(caller)
    claim = await hostname_claims.get_claim(services.records, caller, hostname_id)
    return _one(claim, services)


@router.delete(
    "/v1/hostnames/{hostname_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Remove a hostname; one that is removed stays so",
    responses=documented(401, 403, 404, 409),
)
async def delete_hostname(caller: HostnameCaller, services: Platform, hostname_id: str) -> None:
    """It is served no more within 30 s."""
    require_tenant_or_operator(caller)
    await hostname_claims.remove_claim(services.records, services.clock, caller, hostname_id)
    await purges.announce(services.queue)
    await hostname_claims.announce(services.queue)


@router.post(
    "/v1/hostnames/{hostname_id}/check",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Have a hostname looked at now",
    responses=documented(401, 403, 404),
)
async def post_check(caller: HostnameCaller, services: Platform, hostname_id: str) -> OneHostname:
    """It is looked at by itself too, ever more rarely as nothing changes. Refused with 429 for a
    few seconds behind a look."""
    require_tenant_or_operator(caller)
    claim = await hostname_claims.request_look(
        services.records, services.clock, caller, hostname_id
    )
    if claim.due_at is not None and claim.due_at <= services.clock.now_ms():
        await hostname_claims.announce(services.queue)
    return _one(claim, services)


def _tenant_of(caller: Caller, named: str | None) -> str:
    """Whose hostname it is: a tenant's own, or the one that an operator names."""
    require_tenant_or_operator(caller)
    if caller.role == "operator":
        if named is None:
            raise invalid([FieldError("/tenant_id", "must be given by an operator")])
        return named
    if named is not None and named != caller.subject_id:
        raise invalid([FieldError("/tenant_id", "must be left out by a tenant")])
    return caller.subject_id or ""


def _one(claim: Claim, services: Services) -> OneHostname:
    return OneHostname(hostname=_answer(claim, services))


def _answer(claim: Claim, services: Services) -> HostnameAnswer:
    wanted = hostname_documents.wanted_records(claim, services.cname_target)
    return HostnameAnswer(
        id=claim.id,
        name=claim.name,
        unicode_name=to_unicode(claim.name),
        tenant_id=claim.tenant_id,
        location_id=claim.location_id,
        state=claim.state,
        explanation=hostname_documents.explanation(claim),
        hostname_status=claim.hostname_status,
        certificate_status=claim.certificate_status,
        errors=list(claim.seen.errors),
        warnings=hostname_documents.warnings(claim),
        records=[
            RecordAnswer(
                type=one.type,
                name=one.name,
                value=one.value,
                purpose=one.purpose,
                required=hostname_documents.is_required(claim, one),
                state=one.state,
                found=list(one.found),
                help=hostname_documents.help_for(one),
            )
            for one in wanted
        ],
        http_tokens=[
            TokenAnswer(url=token.url, body=token.body, purpose=token.purpose)
            for token in claim.seen.http_tokens
        ],
        created_at=claim.created_at,
        proven_at=claim.proven_at,
        active_at=claim.active_at,
        checked_at=claim.checked_at,
        next_check_at=claim.due_at,
        deadline_at=claim.deadline_at,
        revision=claim.revision,
    )
