"""Resources as the rules see them."""

from typing import Any

from policies.rules.resource import Resource


def a_resource(kind: str, **props: Any) -> Resource:
    """A Cloudflare resource of a kind, like `R2Bucket`, with properties in camelCase."""
    token = f"cloudflare:index/{kind[0].lower()}{kind[1:]}:{kind}"
    return Resource(token, f"urn:pulumi:dev::stowage::{token}::{kind}-{id(props)}", props)
