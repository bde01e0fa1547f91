"""What is told of a hostname, and of which changes."""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from functions.core.ids import id_at
from functions.core.notices import NoticeKind, notice_statements
from functions.ports.records import Statement

if TYPE_CHECKING:
    from functions.core.hostname_records import Claim
    from functions.core.hostname_states import State

_OF_STATE: Mapping["State", NoticeKind] = {
    "active": "hostname.active",
    "moved": "hostname.moved",
    "blocked": "hostname.blocked",
    "removed": "hostname.removed",
}


def change_notices(claim: "Claim", reason: str, state: "State", now: int) -> list[Statement]:
    """Of a transition to another state, where that is news. They stand behind its event."""
    kind = _OF_STATE.get(state)
    if kind is None or state == claim.state:
        return []
    said = {"state": state, "previous_state": claim.state, "reason": reason}
    return _told(kind, claim, said, now)


def certificate_notices(claim: "Claim", status: str | None, now: int) -> list[Statement]:
    """Of a certificate that the authority has given up."""
    said = {"state": claim.state, "certificate_status": status}
    return _told("hostname.certificate_failing", claim, said, now)


def _told(
    kind: NoticeKind, claim: "Claim", said: Mapping[str, object], now: int
) -> list[Statement]:
    payload = {"name": claim.name, "location_id": claim.location_id, **said}
    # A revision changes once, so what is random elsewhere can follow from it.
    digest = hashlib.sha256(f"{kind} {claim.id} {claim.revision}".encode()).digest()
    return notice_statements(
        kind, claim.tenant_id, claim.id, payload, now, lambda: id_at(now, digest[:10])
    )
