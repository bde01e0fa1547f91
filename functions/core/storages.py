"""What the storages differ in, as data: each fact with where it was learned.

Nothing is silently weaker: where a storage lacks something, `shortcomings` says what is done in its
place or what is refused. Standard library only: the program (infra) and the Workers take both from
here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

OWN_SHA256 = "stowage-sha256"
"""Metadata of ours, on a storage that keeps no digest: the SHA-256 (hex) that the put was verified
with."""


@dataclass(frozen=True, slots=True)
class StorageProfile:
    name: str
    title: str
    pins_sha256_in_presigned_put: bool
    """A presigned PUT may sign `x-amz-checksum-sha256`, and other bytes are refused. The same
    header is then sent with every put of ours, and the storage keeps the digest."""
    conditional_put: bool
    """`If-None-Match: *` on PutObject and CompleteMultipartUpload: of racing writers one wins."""
    refuses_cut_bodies: bool
    """A body that ends before its announced length is refused, also where nobody promised its
    digest."""
    lifecycle: bool
    """Objects under a prefix are deleted at an age."""
    aborts_stale_multipart: bool
    """Multipart uploads that were never completed are aborted at an age."""
    cors: bool
    """A bucket's own rules for browsers."""
    tags: bool
    forces_versions: bool
    """Every bucket keeps what was replaced or deleted as noncurrent versions."""
    bucket_policies: bool
    """A second key's rights can be given by the bucket."""
    equal_parts: bool
    """All parts of a multipart upload but the last must have one size."""
    md5_part_etags: bool
    """The ETag of a part is the MD5 (hex) of its bytes."""
    region: str | None
    """The only region there is, or None where the operator must name it."""
    proven_on: str | None
    """What our tests of it run on; None where that is an imitation made by us, or nothing."""


# developers.cloudflare.com/r2/api/s3/api: no tags (x-amz-tagging answers 501), no versions, no
# bucket policies. r2/api/s3/conditional-operations: If-None-Match on PutObject and
# CompleteMultipartUpload. r2/buckets/object-lifecycles: prefix and age, and a rule that aborts
# multipart uploads, 7 days by default. r2/objects/multipart-objects: all parts but the last have
# one size; what a part's ETag is, no page says. A presigned PUT refuses bytes with another SHA-256
# than the signed one (400 BadDigest, nothing stored): probed 2026-08-24, Alos-no/Cloudflare.NET
# issue 43.
R2 = StorageProfile(
    name="r2",
    title="Cloudflare R2",
    pins_sha256_in_presigned_put=True,
    conditional_put=True,
    refuses_cut_bodies=True,
    lifecycle=True,
    aborts_stale_multipart=True,
    cors=True,
    tags=False,
    forces_versions=False,
    bucket_policies=False,
    equal_parts=True,
    md5_part_etags=False,
    region="auto",
    proven_on="R2 as workerd has it",
)

# docs.aws.amazon.com/AmazonS3/latest/userguide: using-presigned-url (checksums with Signature
# Version 4), conditional-writes, object-lifecycle-mgmt, mpu-abort-incomplete-mpu-lifecycle-config,
# cors, object-tagging, Versioning (off unless asked for), bucket-policies.
# Under SSE-KMS a part's ETag is not its MD5.
S3 = StorageProfile(
    name="s3",
    title="Amazon S3",
    pins_sha256_in_presigned_put=True,
    conditional_put=True,
    refuses_cut_bodies=True,
    lifecycle=True,
    aborts_stale_multipart=True,
    cors=True,
    tags=True,
    forces_versions=False,
    bucket_policies=True,
    equal_parts=False,
    md5_part_etags=False,
    region=None,
    proven_on=None,
)

# www.backblaze.com/docs/cloud-storage-s3-compatible-api: the list of supported calls has bucket
# CORS, but neither policies nor tagging; x-amz-checksum-* stands among what is not supported, and
# answers 400 "Unsupported header" (iterate-ch/cyberduck issue 16107, 2024-07; one region was seen
# to take CRC32 in 2026-07). x-amz-tagging answers 400 (Intrinsec/s3proxy issue 34, 2026-05).
# If-None-Match on a PUT answers 501 NotImplemented (sathinduga/obsidian-s3-sync-and-backup issue
# 78, 2026-06). s3-put-lifecycle-configuration: expiry by prefix and age, noncurrent versions and
# multipart aborts, since 2026-01; every bucket is versioned.
B2 = StorageProfile(
    name="b2",
    title="Backblaze B2",
    pins_sha256_in_presigned_put=False,
    conditional_put=False,
    refuses_cut_bodies=True,
    lifecycle=True,
    aborts_stale_multipart=True,
    cors=True,
    tags=False,
    forces_versions=True,
    bucket_policies=False,
    equal_parts=False,
    md5_part_etags=False,
    region=None,
    proven_on=None,
)

# Measured on versitygw 1.8.0 (2026-11), the server that is tested and recommended: where a body
# that is sent as UNSIGNED-PAYLOAD and without a checksum ends early, what arrived is stored as the
# object; lifecycle rules, also those that abort multipart uploads, answer 501. MinIO 2026-02 keeps
# expiry but silently drops the abort rule, and knows CORS for the whole server only (a bucket's
# rules answer 501, and then the deployment fails instead of going without). What both do alike is
# as S3 does it. versitygw gives a part
# the MD5 of what arrived as its ETag, and lists one that was cut off with its announced size.
MINIO = StorageProfile(
    name="minio",
    title="a MinIO-compatible server",
    pins_sha256_in_presigned_put=True,
    conditional_put=True,
    refuses_cut_bodies=False,
    lifecycle=False,
    aborts_stale_multipart=False,
    cors=True,
    tags=True,
    forces_versions=False,
    bucket_policies=True,
    equal_parts=False,
    md5_part_etags=True,
    region=None,
    proven_on="versitygw 1.8.0",
)

PROFILES: Mapping[str, StorageProfile] = MappingProxyType(
    {profile.name: profile for profile in (R2, S3, B2, MINIO)}
)
"""By the name that the stack's configuration uses."""


def shortcomings(storage: str) -> tuple[str, ...]:
    """What the storage lacks and what is done instead: one sentence or two for each, none where it
    lacks nothing that Stowage rests on.

    Raises: KeyError for an unknown name.
    """
    profile = PROFILES[storage]
    title = profile.title[0].upper() + profile.title[1:]
    return tuple(f"{title} {lack}" for has, lack in _lacks(profile) if not has)


def _lacks(profile: StorageProfile) -> tuple[tuple[bool, str], ...]:
    """Whether it has each thing, and what to say where it has not."""
    return (
        (
            profile.pins_sha256_in_presigned_put,
            "does not verify the SHA-256 of a presigned upload. The jobs Worker hashes the whole "
            "object before it reads anything else of it.",
        ),
        (
            profile.conditional_put,
            "has no conditional put. Write-once is carried by upload keys that are never given "
            "twice and by the database's constraints; a put that must not replace looks first, "
            "which two writers at the same moment can get past.",
        ),
        (
            profile.refuses_cut_bodies,
            "keeps what arrived of an object whose sender was cut off, where the SHA-256 was not "
            "promised. Presigned uploads promise it; what a Worker streams without knowing it is "
            "signed chunk by chunk. Other clients must send checksums, as the AWS SDKs do.",
        ),
        (
            profile.lifecycle,
            "has no lifecycle rules. Expired uploads are deleted by the sweeper alone, without a "
            "rule of the storage as a safety net.",
        ),
        (
            profile.aborts_stale_multipart,
            "does not abort multipart uploads that were never completed. The sweeper does, after "
            "seven days.",
        ),
        (
            profile.cors,
            "keeps no CORS rules of a bucket. Browsers cannot upload to it unless the server "
            "allows their origin itself.",
        ),
        (
            not profile.forces_versions,
            "keeps what was replaced or deleted as noncurrent versions. A lifecycle rule deletes "
            "them after a day; until then they are stored and paid for.",
        ),
        (
            profile.bucket_policies,
            "has no bucket policies. The rights of each Worker's key are given where the key is "
            "made.",
        ),
        (
            profile.proven_on is not None,
            "was never met by our tests, at most imitated: its profile is unproven against the "
            "real service.",
        ),
    )
