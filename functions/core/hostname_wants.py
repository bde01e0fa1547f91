"""Which DNS records a hostname asks of its tenant, and what of them is found in the public DNS."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from functions.core.hostname_records import Claim, SeenRecord
from functions.core.hostname_states import RecordState, hostname_class

if TYPE_CHECKING:
    from functions.ports.hostname_authority import CustomHostname
    from functions.ports.name_resolver import DnsAnswer, NameResolver

CHALLENGE = "_stowage-challenge"
MOST_ALIASES = 8
"""How many CNAMEs may lie between a hostname and us; resolvers follow not many more."""
MOST_FOUND = 5
MOST_FOUND_CHARACTERS = 300
"""Of what was found, enough to know it again."""


def challenge_value(token: str) -> str:
    return f"stowage-challenge={token}"


def first_wants(claim: Claim, cname_target: str) -> list[SeenRecord]:
    """What is asked for from the beginning. A hostname that an operator vouched for needs no
    proof."""
    routing = SeenRecord("CNAME", claim.name, cname_target, "routing")
    if claim.challenge_token is None:
        return [routing]
    challenge = SeenRecord(
        "TXT", f"{CHALLENGE}.{claim.name}", challenge_value(claim.challenge_token), "ownership"
    )
    return [challenge, routing]


def further_wants(
    claim: Claim, custom: "CustomHostname", delegation: str | None
) -> list[SeenRecord]:
    """What the authority's validations can be helped with, or wait for."""
    found: list[SeenRecord] = []
    if claim.certificate == "txt" and delegation is not None:
        found.append(
            SeenRecord(
                "CNAME",
                f"_acme-challenge.{claim.name}",
                f"{claim.name}.{delegation}",
                "delegated_certificate",
            )
        )
    found += [SeenRecord(one.type, one.name, one.value, one.purpose) for one in custom.records]
    return found


def trusts_addresses(hostname_status: str | None, *, is_apex: bool) -> bool:
    """Whether bare addresses, which we cannot tell from others, may be ours: the authority finds
    them so, or there is no other way at the top of a domain."""
    known = hostname_class(hostname_status)
    return known == "active" or (is_apex and known != "moved")


async def look_at(
    resolver: "NameResolver", wants: Sequence[SeenRecord], *, trusts_addresses: bool
) -> tuple[SeenRecord, ...]:
    """The records with their states."""
    looked: list[SeenRecord] = []
    for want in wants:
        if want.purpose == "routing":
            looked.append(await _routing(resolver, want, trusts_addresses=trusts_addresses))
        else:
            looked.append(_compared(want, await resolver.look(want.name, want.type)))
    return tuple(looked)


def _compared(want: SeenRecord, answer: "DnsAnswer") -> SeenRecord:
    wanted = want.value.lower() if want.type == "CNAME" else want.value
    return replace(want, state=_state_of(wanted, answer), found=_shown(answer.values))


def _state_of(wanted: str, answer: "DnsAnswer") -> RecordState:
    match answer.outcome:
        case "records":
            return "ok" if wanted in answer.values else "wrong"
        case "none":
            return "missing"
        case _:
            return "unknown"


async def _routing(
    resolver: "NameResolver", want: SeenRecord, *, trusts_addresses: bool
) -> SeenRecord:
    """A CNAME may lead here over others."""
    name, found, target = want.name, list[str](), want.value.lower()
    for _ in range(MOST_ALIASES):
        answer = await resolver.look(name, "CNAME")
        if answer.outcome == "none":
            break
        found += answer.values
        if answer.outcome != "records" or len(answer.values) != 1:
            return replace(want, state="unknown", found=_shown(found))
        (name,) = answer.values
        if name == target:
            return replace(want, state="ok", found=_shown(found))
    else:
        return replace(want, state="wrong", found=_shown(found))
    if found:
        return replace(want, state="wrong", found=_shown(found))
    return await _addresses(resolver, want, trusts_addresses=trusts_addresses)


async def _addresses(
    resolver: "NameResolver", want: SeenRecord, *, trusts_addresses: bool
) -> SeenRecord:
    """Without a CNAME a name can still lead here, by a provider that puts our addresses in its
    place; only the authority can tell those from others."""
    answers = [await resolver.look(want.name, "A"), await resolver.look(want.name, "AAAA")]
    found = [value for answer in answers for value in answer.values]
    if found:
        state: RecordState = "unknown" if trusts_addresses else "wrong"
    elif all(answer.outcome == "none" for answer in answers):
        state = "missing"
    else:
        state = "unknown"
    return replace(want, state=state, found=_shown(found))


def _shown(values: Sequence[str]) -> tuple[str, ...]:
    """What anybody may write into a zone reaches an operator's terminal as plain text only."""
    return tuple(_plain(value[:MOST_FOUND_CHARACTERS]) for value in values[:MOST_FOUND])


def _plain(value: str) -> str:
    return "".join(character if character.isprintable() else " " for character in value)
