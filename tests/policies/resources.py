"""Resources as the rules see them."""

from typing import Any

from policies.rules.resource import Resource


def a_resource(kind: str, **props: Any) -> Resource:
    """A resource of a kind: of Cloudflare's, like `R2Bucket`, with properties in camelCase, or the
    `S3Bucket` of our own, whose properties are named as in Python."""
    token = f"cloudflare:index/{kind[0].lower()}{kind[1:]}:{kind}"
    if kind == "S3Bucket":
        token = "pulumi-python:dynamic/stowage:S3Bucket"
    return Resource(token, f"urn:pulumi:dev::stowage::{token}::{kind}-{id(props)}", props)
