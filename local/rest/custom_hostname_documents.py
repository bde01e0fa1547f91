"""A custom hostname in the form of Cloudflare's REST API, and what the API is sent in the form of
the provider's properties.

https://developers.cloudflare.com/api/resources/custom_hostnames/
"""

from collections.abc import Mapping
from typing import Any, cast

from local.saas.hostnames import AUTHORITY, dcv_page, delegation
from local.world import Item

_SETTINGS = {
    "ciphers": "ciphers",
    "early_hints": "earlyHints",
    "http2": "http2",
    "min_tls_version": "minTlsVersion",
    "tls_1_3": "tls13",
}
_SSL = {
    "bundle_method": "bundleMethod",
    "certificate_authority": "certificateAuthority",
    "method": "method",
    "type": "type",
    "wildcard": "wildcard",
}
_HOSTNAME = {
    "custom_metadata": "customMetadata",
    "custom_origin_server": "customOriginServer",
    "custom_origin_sni": "customOriginSni",
    "hostname": "hostname",
}
_METHODS = ("http", "txt", "email")


class BodyError(ValueError):
    """The body is none of the API's; the message says why."""


def properties(body: Mapping[str, object]) -> Item:
    """The provider's properties of a body.

    Raises:
        BodyError: a member of another type.
    """
    made = _renamed(body, _HOSTNAME)
    ssl = body.get("ssl")
    if ssl is None:
        return made
    if not isinstance(ssl, dict):
        raise BodyError("ssl is no object")
    said = cast("Item", ssl)
    if said.get("method") not in _METHODS or said.get("type") != "dv":
        raise BodyError("ssl needs method (http, txt or email) and type (dv)")
    made["ssl"] = _renamed(said, _SSL)
    settings = said.get("settings")
    if isinstance(settings, dict):
        made["ssl"]["settings"] = _renamed(cast("Item", settings), _SETTINGS)
    return made


def document(item: Item) -> Item:
    """The answer's `result`."""
    proof, page = item["ownershipVerification"], item["ownershipVerificationHttp"]
    return {
        "id": item["_id"],
        **_said(item, _HOSTNAME),
        **({"ssl": _ssl(item)} if item.get("_ssl") else {}),
        "status": item["status"],
        "verification_errors": item["verificationErrors"],
        "ownership_verification": proof,
        "ownership_verification_http": {
            "http_url": page["httpUrl"],
            "http_body": page["httpBody"],
        },
        "created_at": item["createdAt"],
    }


def _ssl(item: Item) -> Item:
    ssl, progress = cast("Item", item["ssl"]), cast("Item", item["_ssl"])
    name, status = item["hostname"], progress["status"]
    shown: Item = {
        "id": progress["id"],
        "certificate_authority": AUTHORITY,
        "wildcard": False,
        **_said(ssl, _SSL),
        "settings": _said(cast("Item", ssl.get("settings") or {}), _SETTINGS),
        "status": status,
        "hosts": [name],
    }
    if status not in ("active", "initializing"):
        shown["validation_records"] = [_record(name, ssl, progress)]
        shown["dcv_delegation_records"] = [
            {
                "cname": f"_acme-challenge.{name}",
                "cname_target": f"{name}.{delegation(item['zoneId'])}",
            }
        ]
    if progress["errors"]:
        shown["validation_errors"] = [{"message": one} for one in progress["errors"]]
    return shown


def _record(name: str, ssl: Item, progress: Item) -> Item:
    if ssl.get("method") == "http":
        url, body = dcv_page(name, progress)
        return {"status": "pending", "http_url": url, "http_body": body}
    return {
        "status": "pending",
        "txt_name": f"_acme-challenge.{name}",
        "txt_value": progress["token"],
    }


def _renamed(members: Mapping[str, object], names: Mapping[str, str]) -> dict[str, Any]:
    return {
        names[name]: value for name, value in members.items() if name in names and value is not None
    }


def _said(item: Item, names: Mapping[str, str]) -> Item:
    return {api: item[own] for api, own in names.items() if item.get(own) is not None}
