"""Every bucket says when incomplete uploads go, and the uploads bucket when temporary objects go.

Cloudflare starts a bucket with a rule that aborts multipart uploads after seven days. The provider
sends the whole list of rules, so a list without that rule takes it away, and parts nobody sees are
stored and billed for ever. Other storages start with no rule at all; where every bucket keeps old
versions, what was deleted would stay for ever, too.
"""

from collections.abc import Iterator, Sequence

from pulumi_policy import ResourceValidationPolicy, StackValidationPolicy

from .resource import UNKNOWN, Resource, of_all, of_each, read, read_list

DAY = 86_400
MULTIPART_ABORT_SECONDS = 7 * DAY
TEMP_SECONDS = DAY
TEMP_PREFIX = "temp/"
UPLOADS_RULES = "storage-uploads-lifecycle"
"""The logical name of the uploads bucket's rules. Physical names do not tell: a repository
bucket may be called `customer-uploads`."""

_WITHOUT_RULES = frozenset({"minio"})
"""Servers that take no lifecycle rules; their sweeper is alone."""
_WITH_VERSIONS = frozenset({"b2"})


def problems(resource: Resource) -> Iterator[str]:
    """What a bucket's list of rules lacks."""
    if resource.kind == "S3Bucket":
        yield from _server_problems(resource)
    if resource.kind != "R2BucketLifecycle" or resource.read("rules") is UNKNOWN:
        return
    rules = [rule for rule in read_list(resource.props, "rules") if read(rule, "enabled") is True]
    bucket = resource.read("bucketName")
    if not any(map(_aborts_multipart, rules)):
        yield (
            f"The rules of the bucket {bucket} drop Cloudflare's own: abort multipart uploads "
            "after 7 days. Restate "
            'it: prefix "", abort_multipart_uploads_transition with type Age and max_age 604800.'
        )
    if resource.name == UPLOADS_RULES and not any(map(_deletes_temp, rules)):
        yield (
            f"The rules of the bucket {bucket} leave temporary uploads for ever. Add a rule: "
            "prefix "
            f'"{TEMP_PREFIX}", delete_objects_transition with type Age and max_age {TEMP_SECONDS}.'
        )


def _server_problems(resource: Resource) -> Iterator[str]:
    storage, given = resource.read("storage"), resource.read("lifecycle")
    if given is UNKNOWN or (given is None and storage in _WITHOUT_RULES):
        return
    is_uploads = resource.read("role") == "uploads"
    needed = {"abort_multipart_days": MULTIPART_ABORT_SECONDS // DAY}
    if storage in _WITH_VERSIONS:
        needed["noncurrent_days"] = 1
    if is_uploads:
        needed["expire_days"] = TEMP_SECONDS // DAY
    # Nothing but temporary objects lies in the uploads bucket.
    prefix = TEMP_PREFIX if is_uploads else ""
    rules = [one for one in read_list(resource.props, "lifecycle") if read(one, "prefix") == prefix]
    for age, days in needed.items():
        if not any(_within_days(read(rule, age), days) for rule in rules):
            yield (
                f"The rules of the bucket {resource.read('bucket')} on {storage} lack {age}: add "
                f'to the rule with the prefix "{prefix}" {age}, at most {days}.'
            )


def _within_days(age: object, days: int) -> bool:
    return isinstance(age, int | float) and 0 < age <= days


def stack_problems(resources: Sequence[Resource]) -> Iterator[tuple[str, str]]:
    """Buckets without any rules of their own, as pairs of problem and URN."""
    covered = {one.read("bucketName") for one in resources if one.kind == "R2BucketLifecycle"}
    if UNKNOWN in covered:
        return
    for bucket in resources:
        name = bucket.read("name")
        if bucket.kind == "R2Bucket" and name is not UNKNOWN and name not in covered:
            yield f"The bucket {name} has no R2BucketLifecycle; give it one.", bucket.urn


def _aborts_multipart(rule: object) -> bool:
    condition = read(rule, "abortMultipartUploadsTransition", "condition")
    return read(rule, "conditions", "prefix") == "" and _within(condition, MULTIPART_ABORT_SECONDS)


def _deletes_temp(rule: object) -> bool:
    condition = read(rule, "deleteObjectsTransition", "condition")
    return read(rule, "conditions", "prefix") == TEMP_PREFIX and _within(condition, TEMP_SECONDS)


def _within(condition: object, seconds: int) -> bool:
    age = read(condition, "maxAge")
    return read(condition, "type") == "Age" and isinstance(age, int | float) and 0 < age <= seconds


POLICIES = (
    ResourceValidationPolicy(
        name="lifecycle-complete",
        description="Lifecycle rules restate the multipart abort; uploads also has the temp/ rule.",
        validate=of_each(problems),
    ),
    StackValidationPolicy(
        name="lifecycle-everywhere",
        description="Every bucket has lifecycle rules.",
        validate=of_all(stack_problems),
    ),
)
