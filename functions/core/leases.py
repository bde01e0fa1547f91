"""Leases on uploads: who works on one alone, until when. Taken and given back by compare-and-set.

A lease saves work and keeps the history simple; nothing relies on it for correctness.
"""

from typing import TYPE_CHECKING

from functions.ports.records import Records, Statement

if TYPE_CHECKING:
    from functions.core.version_records import Upload


async def take(records: Records, upload: "Upload", token: str, now_ms: int, seconds: int) -> bool:
    """Whether the lease is ours now; a lease that has run out is anybody's."""
    changed = await records.batch(
        [
            Statement(
                "UPDATE upload SET lease_token = ?, lease_until = ? WHERE id = ?"
                " AND (lease_until IS NULL OR lease_until <= ?)",
                (token, now_ms + seconds * 1000, upload.id, now_ms),
            )
        ]
    )
    return list(changed) == [1]


def giving_back(upload_id: str, token: str) -> Statement:
    """Changes nothing where the lease has gone to another."""
    return Statement(
        "UPDATE upload SET lease_token = NULL, lease_until = NULL WHERE id = ? AND lease_token = ?",
        (upload_id, token),
    )
