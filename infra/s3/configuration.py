"""What a bucket is told about lifecycle, CORS and access, in the neutral form that the state holds,
and the same in S3's words. Pure.

A part that the server does not take at all is absent (None), and nothing is ever asked about it.
An empty list means: there must be no such rules.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from functions.core.storages import StorageProfile
from infra import bucket_rules

Document: TypeAlias = dict[str, Any]
"""JSON of the state, or of S3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    lifecycle: Sequence[Document] | None = None
    """`{prefix, expire_days?, noncurrent_days?, abort_multipart_days?}`, sorted by prefix."""
    cors: Sequence[Document] | None = None
    """`{origins, methods, headers, expose, max_age_seconds}`."""
    policy: Document | None = None
    """As S3 writes it; empty where there is none."""

    @classmethod
    def from_properties(cls, props: Mapping[str, Any]) -> "Configuration":
        return cls(
            lifecycle=props.get("lifecycle"), cors=props.get("cors"), policy=props.get("policy")
        )

    def properties(self) -> Document:
        parts = {"lifecycle": self.lifecycle, "cors": self.cors, "policy": self.policy}
        return {name: part for name, part in parts.items() if part is not None}

    @property
    def is_bare(self) -> bool:
        """Whether nothing of it is set, as on a bucket that was just created."""
        return not (self.lifecycle or self.cors or self.policy)


def wanted_lifecycle(profile: StorageProfile, bucket_role: str) -> list[Document] | None:
    """The rules of a bucket, as far as the server takes them: one, because some servers refuse
    rules whose prefixes overlap
    (https://www.backblaze.com/docs/cloud-storage-lifecycle-rules)."""
    rule: Document = {"prefix": ""}
    if bucket_role == "uploads":
        # Nothing else lies in it.
        rule["prefix"] = bucket_rules.TEMP_PREFIX
        if profile.lifecycle:
            rule["expire_days"] = bucket_rules.TEMP_DAYS
    if profile.lifecycle and profile.forces_versions:
        rule["noncurrent_days"] = bucket_rules.NONCURRENT_DAYS
    if profile.aborts_stale_multipart:
        rule["abort_multipart_days"] = bucket_rules.MULTIPART_ABORT_DAYS
    if not profile.lifecycle and not profile.aborts_stale_multipart:
        return None
    return [rule] if len(rule) > 1 else []


def wanted_cors(
    profile: StorageProfile, bucket_role: str, origins: Sequence[str]
) -> list[Document] | None:
    """Only uploads are written by browsers, and only from the origins that are named."""
    if not profile.cors:
        return None
    if bucket_role != "uploads" or not origins:
        return []
    return [
        {
            "origins": list(origins),
            "methods": list(bucket_rules.UPLOAD_METHODS),
            "headers": bucket_rules.upload_headers(profile),
            "expose": list(bucket_rules.EXPOSED_HEADERS),
            "max_age_seconds": bucket_rules.CORS_SECONDS,
        }
    ]


_AGES = {
    "expire_days": ("Expiration", "Days"),
    "noncurrent_days": ("NoncurrentVersionExpiration", "NoncurrentDays"),
    "abort_multipart_days": ("AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
}
_CORS = {
    "origins": "AllowedOrigins",
    "methods": "AllowedMethods",
    "headers": "AllowedHeaders",
    "expose": "ExposeHeaders",
    "max_age_seconds": "MaxAgeSeconds",
}
OTHER = "other"
"""Stands in the state for a rule of S3 that the neutral form cannot say, so that it is seen as a
difference."""


def s3_lifecycle(rules: Iterable[Document], owner: str) -> list[Document]:
    """`owner` begins each rule's id, by which the bucket is known again."""
    return [
        {"ID": f"{owner}:{number}", "Status": "Enabled", **_s3_rule(rule)}
        for number, rule in enumerate(rules)
    ]


def neutral_lifecycle(rules: Iterable[Document]) -> list[Document]:
    """Ids and order are left out: they carry no meaning, and not every server keeps them."""
    return sorted(map(_neutral_rule, rules), key=_canonical)


def s3_cors(rules: Iterable[Document]) -> list[Document]:
    return [
        {
            _CORS[name]: int(value) if isinstance(value, float) else value
            for name, value in rule.items()
        }
        for rule in rules
    ]


def neutral_cors(rules: Iterable[Document]) -> list[Document]:
    names = {there: here for here, there in _CORS.items()}
    return [{names[name]: value for name, value in rule.items() if name in names} for rule in rules]


def _s3_rule(rule: Document) -> Document:
    # The engine hands every number over as a float, which S3 does not take for days.
    ages = {name: {unit: int(rule[age])} for age, (name, unit) in _AGES.items() if age in rule}
    return {"Filter": {"Prefix": rule["prefix"]}, **ages}


def _neutral_rule(rule: Document) -> Document:
    prefix = rule.get("Filter", {}).get("Prefix", rule.get("Prefix", ""))
    ages = {
        age: rule[name][unit] for age, (name, unit) in _AGES.items() if unit in rule.get(name, {})
    }
    neutral: Document = {"prefix": prefix, **ages}
    said = {name: value for name, value in rule.items() if name not in ("ID", "Prefix", "Filter")}
    meant = {"Status": "Enabled", **_s3_rule(neutral)}
    del meant["Filter"]
    by_prefix_only = set(rule.get("Filter", {})) <= {"Prefix"}
    return neutral if by_prefix_only and said == meant else {OTHER: _canonical(rule)}


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
