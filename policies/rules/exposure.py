"""Buckets are never public: everything that leaves one goes through a Worker, which decides.

R2 knows four ways out. A bucket's r2.dev address and a custom domain serve every object to anyone;
a DNS name that points at a storage's own hosts leads around the Workers; and CORS for every origin
lets any page use a leaked presigned URL. On an S3-compatible server a bucket's policy can let
everybody in; and a server of one's own behind the proxy is open to all without its firewall rule.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from pulumi_policy import ResourceValidationPolicy, StackValidationPolicy

from .resource import UNKNOWN, Resource, of_all, of_each, read, read_list

_STORAGE_HOSTS = (".r2.dev", ".r2.cloudflarestorage.com", ".backblazeb2.com", ".amazonaws.com")
_EVERYBODY = "*"
_FIREWALL = "http_request_firewall_custom"


def problems(resource: Resource) -> Iterator[str]:
    """What would make a bucket public."""
    match resource.kind:
        case "R2ManagedDomain" if resource.read("enabled") is True:
            yield (
                f"{_bucket(resource)} would be readable by anyone under r2.dev. Leave "
                "R2ManagedDomain out or set enabled to false; public files are served by the edge "
                "Worker."
            )
        case "R2CustomDomain" if resource.read("enabled") is True:
            yield (
                f"{_bucket(resource)} would be readable by anyone under {resource.read('domain')}. "
                "Take the R2CustomDomain out; a route to the edge Worker serves the name."
            )
        case "R2BucketCors":
            rules = read_list(resource.props, "rules")
            yield from _open_origins(resource, [read(one, "allowed", "origins") for one in rules])
        case "S3Bucket":
            rules = read_list(resource.props, "cors")
            yield from _open_origins(resource, [read(one, "origins") for one in rules])
            yield from _open_policy(resource)
        case "DnsRecord":
            yield from _bypass(resource)
        case _:
            pass


def stack_problems(resources: Sequence[Resource]) -> Iterator[tuple[str, str]]:
    """Servers behind the proxy that no firewall rule closes, as pairs of problem and URN."""
    guards = [
        read(rule, "expression")
        for one in resources
        if one.kind == "Ruleset" and one.read("phase") == _FIREWALL
        for rule in read_list(one.props, "rules")
        if read(rule, "action") == "block" and read(rule, "enabled") is True
    ]
    if UNKNOWN in guards:
        return
    for bucket in resources:
        if bucket.kind != "S3Bucket" or bucket.read("is_proxied") is not True:
            continue
        host = urlsplit(str(bucket.read("endpoint"))).hostname
        if not any(f'http.host eq "{host}"' in str(guard) for guard in guards):
            yield (
                f"Anybody could send requests to the storage server {host} through the proxy. Add "
                "a rule to the zone's WAF custom rules that blocks what comes from no Worker "
                "(infra/cloudflare/origin.py makes it).",
                bucket.urn,
            )


def _open_policy(resource: Resource) -> Iterator[str]:
    for statement in read_list(resource.props, "policy", "Statement"):
        if read(statement, "Effect") == "Allow" and _lets_everybody_in(statement):
            yield (
                f"{_bucket(resource)} would be open to everybody by its policy. Name the keys "
                "that may reach it, each as a Principal of its own."
            )


def _lets_everybody_in(statement: object) -> bool:
    if read(statement, "NotPrincipal") is not None:
        return True
    principal = read(statement, "Principal")
    named = read(principal, "AWS")
    return _EVERYBODY in (principal, named) or _EVERYBODY in read_list(principal, "AWS")


def _open_origins(resource: Resource, origins: Sequence[object]) -> Iterator[str]:
    for rule in origins:
        for origin in read_list({"origins": rule}, "origins"):
            if isinstance(origin, str) and "*" in origin:
                yield (
                    f"{_bucket(resource)} would let pages of {origin!r} reach it. Name the origins "
                    "(setting uploadCorsOrigins)."
                )


def _bypass(resource: Resource) -> Iterator[str]:
    content = read(resource.props, "content")
    if isinstance(content, str) and content.rstrip(".").lower().endswith(_STORAGE_HOSTS):
        yield (
            f"The DNS name {resource.read('name')} would lead to a bucket at {content} and around "
            "the Workers. Point it at an originless record (AAAA 100::) that a route answers."
        )


def _bucket(resource: Resource) -> str:
    name = resource.read("bucketName") or resource.read("bucket")
    return f"The bucket {name or '(not known yet)'}"


POLICIES = (
    ResourceValidationPolicy(
        name="buckets-never-public",
        description="Buckets are reached through Workers and presigned URLs only.",
        validate=of_each(problems),
    ),
    StackValidationPolicy(
        name="storage-server-guarded",
        description="A storage server behind the proxy is closed to all but the Workers.",
        validate=of_all(stack_problems),
    ),
)
