"""A hostname in words: what goes on, what its tenant has to do next, and what each record is for.

Texts of the authority stand in `errors`; nothing of the platform's other tenants is ever said.
"""

from functions.core.hostname_records import Claim, SeenRecord
from functions.core.hostname_states import certificate_class, hostname_class
from functions.core.hostname_wants import first_wants

APEX = (
    "This is the domain itself, where the DNS allows no CNAME: your provider must offer ALIAS, "
    "ANAME or CNAME flattening, or use a name below it, such as 'apt'."
)
NO_DELEGATION = (
    "Its certificate is validated by a TXT record that changes at each renewal; the delegation of "
    "'_acme-challenge' saves you from setting it again."
)
NOT_POINTING = "The hostname does not point here, so visitors do not arrive and renewals will fail."

_HELP = {
    "ownership": "Proves that the name is yours. It is compared exactly, and a CNAME in its place "
    "does not count.",
    "routing": "Leads visitors here. Leave it unproxied if your DNS is at Cloudflare.",
    "certificate": "Lets the certificate be issued; it changes at each renewal.",
    "pre_validation": "Optional: makes the hostname ready before you set its CNAME, so that "
    "nothing is interrupted.",
    "delegated_certificate": "Lets the certificate be issued and renewed without you.",
}


def wanted_records(claim: Claim, cname_target: str) -> tuple[SeenRecord, ...]:
    """With what the last look found of them."""
    if claim.seen.records:
        return claim.seen.records
    return tuple(first_wants(claim, cname_target))


def is_required(claim: Claim, record: SeenRecord) -> bool:
    match record.purpose:
        case "ownership":
            return claim.proven_at is None
        case "routing" | "delegated_certificate":
            return True
        case _:
            return False


def help_for(record: SeenRecord) -> str:
    return _HELP[record.purpose]


def warnings(claim: Claim) -> list[str]:
    found: list[str] = []
    if claim.is_apex:
        found.append(APEX)
    purposes = {one.purpose: one.state for one in claim.seen.records}
    if claim.certificate == "txt" and purposes.get("delegated_certificate") in ("missing", "wrong"):
        found.append(NO_DELEGATION)
    if claim.state == "active" and purposes.get("routing") in ("missing", "wrong"):
        found.append(NOT_POINTING)
    return found


def explanation(claim: Claim) -> str:
    """One sentence in plain words."""
    match claim.state:
        case "removed":
            return "It was removed and is no longer served."
        case "blocked":
            return (
                "Cloudflare has blocked this hostname, so it is not served; ask the platform's "
                "operator."
            )
        case "moved":
            return _moved(claim)
        case "active":
            return _active(claim)
        case "validating":
            return _trouble(claim) or _validating(claim)
        case _:
            return _trouble(claim) or _unproven(claim)


def _trouble(claim: Claim) -> str | None:
    match claim.seen.trouble:
        case "taken":
            return (
                "The hostname is in use on the platform already; ask the platform's operator, who "
                "can release it."
            )
        case "quota":
            return (
                "The name is proven, and waits because the platform takes no more hostnames at the "
                "moment; its operator has been told."
            )
        case "refused":
            return "Cloudflare does not take this hostname; its reason is among the errors."
        case "unavailable":
            return "Cloudflare did not answer at the last look; it is asked again by itself."
        case None:
            return None


def _unproven(claim: Claim) -> str:
    if claim.checked_at is None:
        return "Set the records below at your DNS provider; they are looked for within minutes."
    match claim.seen.state_of("ownership"):
        case "wrong":
            return (
                "The TXT record of the challenge holds another value than the one below; correct "
                "it."
            )
        case "unknown":
            return (
                "The DNS gives no clear answer for the TXT record yet, as while a change spreads; "
                "it is looked for again by itself."
            )
        case "ok":
            return "The TXT record is found; the hostname is being proven."
        case "missing":
            return (
                "Set the TXT record of the challenge at your DNS provider; it is not found so far."
            )


def _validating(claim: Claim) -> str:
    routing = claim.seen.state_of("routing")
    if claim.authority_id is None:
        return "The name is proven and is being set up; there is nothing to do."
    if hostname_class(claim.hostname_status) == "unknown":
        return (
            f"Cloudflare reports the status '{claim.hostname_status}', which is not known here; it "
            "is looked at again by itself."
        )
    if routing == "missing":
        return "The name is proven; now set the CNAME below, so that it leads here."
    if routing == "wrong":
        return "The name is proven, but leads elsewhere; change it to the CNAME below."
    if certificate_class(claim.certificate_status) == "failed":
        return (
            "The certificate could not be issued; see the errors, and it is tried again by itself."
        )
    return "The records are right; the certificate is being issued, which takes some minutes."


def _active(claim: Claim) -> str:
    if claim.is_vouched:
        return "The platform's operator has set this hostname up; it is served."
    match certificate_class(claim.certificate_status):
        case "failed":
            return (
                "It is served, but its certificate cannot be renewed and will expire; see the "
                "errors and the records below."
            )
        case "pending":
            return "It is served, and its certificate is being renewed; there is nothing to do."
        case _:
            if claim.seen.state_of("routing") in ("missing", "wrong"):
                return "It is ready, but does not lead here: set the CNAME below."
            return "It is served; there is nothing to do."


def _moved(claim: Claim) -> str:
    if claim.seen.trouble == "taken":
        return "The hostname is in use on the platform already, and this claim will be removed."
    if claim.is_apex:
        return (
            "It no longer leads here and is not served; to bring it back, remove it and add it "
            "again."
        )
    return (
        "It no longer leads here and is not served; set both records below to bring it back, or it "
        "is removed at the deadline."
    )
