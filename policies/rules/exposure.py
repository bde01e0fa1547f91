"""Buckets are never public: everything that leaves one goes through a Worker, which decides.

R2 knows four ways out. A bucket's r2.dev address and a custom domain serve every object to anyone;
a DNS name that points at R2's own hosts leads around the Workers; and CORS for every origin lets
any page use a leaked presigned URL.
"""

from collections.abc import Iterator

from pulumi_policy import ResourceValidationPolicy

from .resource import Resource, of_each, read, read_list

_R2_HOSTS = (".r2.dev", ".r2.cloudflarestorage.com")


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
            yield from _open_origins(resource)
        case "DnsRecord":
            yield from _bypass(resource)
        case _:
            pass


def _open_origins(resource: Resource) -> Iterator[str]:
    for rule in read_list(resource.props, "rules"):
        for origin in read_list(rule, "allowed", "origins"):
            if isinstance(origin, str) and "*" in origin:
                yield (
                    f"{_bucket(resource)} would let pages of {origin!r} reach it. Name the origins "
                    "(setting uploadCorsOrigins)."
                )


def _bypass(resource: Resource) -> Iterator[str]:
    content = read(resource.props, "content")
    if isinstance(content, str) and content.rstrip(".").lower().endswith(_R2_HOSTS):
        yield (
            f"The DNS name {resource.read('name')} would lead to a bucket at {content} and around "
            "the Workers. Point it at an originless record (AAAA 100::) that a route answers."
        )


def _bucket(resource: Resource) -> str:
    return f"The bucket {resource.read('bucketName') or '(not known yet)'}"


POLICIES = (
    ResourceValidationPolicy(
        name="buckets-never-public",
        description="Buckets are reached through Workers and presigned URLs only.",
        validate=of_each(problems),
    ),
)
