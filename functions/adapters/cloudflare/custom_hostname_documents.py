"""A custom hostname as Cloudflare's API writes it, read into the port's terms. What is missing or
of another type is left out: the API adds members and statuses as it goes."""

from collections.abc import Iterable

from functions.adapters.cloudflare.envelope import Item, object_of, objects_of, values_of
from functions.ports.hostname_authority import (
    CustomHostname,
    HttpToken,
    RecordPurpose,
    ValidationRecord,
)


def custom_hostname(item: Item) -> CustomHostname:
    ssl = object_of(item.get("ssl"))
    ownership = object_of(item.get("ownership_verification"))
    validations = objects_of(ssl.get("validation_records"))
    return CustomHostname(
        id=_text(item.get("id")),
        name=_text(item.get("hostname")).lower(),
        hostname_status=_text(item.get("status")),
        certificate_status=_text(ssl.get("status")) or None,
        errors=(
            *texts(values_of(item.get("verification_errors"))),
            *texts(one.get("message") for one in objects_of(ssl.get("validation_errors"))),
        ),
        records=(
            *_record(ownership, "name", "value", "pre_validation"),
            *(
                record
                for one in validations
                for record in _record(one, "txt_name", "txt_value", "certificate")
            ),
        ),
        http_tokens=(
            *_token(object_of(item.get("ownership_verification_http")), "pre_validation"),
            *(token for one in validations for token in _token(one, "certificate")),
        ),
    )


def texts(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(value for value in values if isinstance(value, str) and value)


def _record(
    item: Item, name_member: str, value_member: str, purpose: RecordPurpose
) -> tuple[ValidationRecord, ...]:
    name, value = _text(item.get(name_member)), _text(item.get(value_member))
    if not name or not value:
        return ()
    return (ValidationRecord("TXT", name.lower().removesuffix("."), value, purpose),)


def _token(item: Item, purpose: RecordPurpose) -> tuple[HttpToken, ...]:
    url, body = _text(item.get("http_url")), _text(item.get("http_body"))
    return (HttpToken(url, body, purpose),) if url and body else ()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
