"""Hostnames as the api answers them, for tests of what shows them."""

from typing import Any

CHALLENGE = "stowage-challenge=kLm8Qd0pT5xwZr2VYB7uNfJc3HsEaGi1oWq9MtXv6Ry"
TARGET = "fallback.stowage.test"


def a_hostname(name: str, **changes: Any) -> dict[str, Any]:
    """One that was claimed a moment ago."""
    return {
        "id": f"id-of-{name}",
        "name": name,
        "unicode_name": name,
        "tenant_id": "t",
        "location_id": "l",
        "state": "requested",
        "explanation": "Set the records below at your DNS provider.",
        "hostname_status": None,
        "certificate_status": None,
        "errors": [],
        "warnings": [],
        "records": [
            a_record("TXT", f"_stowage-challenge.{name}", CHALLENGE, "ownership"),
            a_record("CNAME", name, TARGET, "routing"),
        ],
        "http_tokens": [],
        "created_at": "2026-09-20T09:00:00.000Z",
        "proven_at": None,
        "active_at": None,
        "checked_at": None,
        "next_check_at": "2026-09-22T09:00:00.000Z",
        "deadline_at": None,
        "revision": 1,
        **changes,
    }


def a_record(kind: str, name: str, value: str, purpose: str, **changes: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "name": name,
        "value": value,
        "purpose": purpose,
        "required": True,
        "state": "unknown",
        "found": [],
        "help": f"Help for {purpose}.",
        **changes,
    }
