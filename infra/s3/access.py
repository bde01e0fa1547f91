"""Which key may do what in which bucket, where the bucket itself says so (bucket policies). Pure.

| key | uploads | packages | assets | repositories | backups |
|---|---|---|---|---|---|
| edge | - | read | read | read | - |
| api | read, write | - | read, write | read, write, list | - |
| jobs | all | all | all | all | all |
| publisher | - | - | - | all | - |

The same privileges as the bindings of R2 give, and finer: edge can only read, api deletes nothing.
"""

from collections.abc import Mapping
from typing import Any

from infra.naming import PLATFORM_BUCKETS

_READ = frozenset({"s3:GetObject"})
# A multipart upload is written, its parts looked at, and given up where it failed.
_WRITE = frozenset({"s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"})
_DELETE = frozenset({"s3:DeleteObject"})
_LIST = frozenset({"s3:ListBucket"})
_ALL = _READ | _WRITE | _DELETE | _LIST | {"s3:ListBucketMultipartUploads"}

# Actions on the bucket; all others are on its objects, and a statement holds one sort only.
_OF_BUCKET = frozenset({"s3:ListBucket", "s3:ListBucketMultipartUploads"})

REPOSITORIES = "repositories"
_RIGHTS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "edge": {"packages": _READ, "assets": _READ, REPOSITORIES: _READ},
    "api": {
        "uploads": _READ | _WRITE,
        "assets": _READ | _WRITE,
        REPOSITORIES: _READ | _WRITE | _LIST,
    },
    "jobs": dict.fromkeys((*PLATFORM_BUCKETS, REPOSITORIES), _ALL),
    "publisher": {REPOSITORIES: _ALL},
}


def rights(worker: str, bucket_role: str) -> frozenset[str]:
    """What a Worker (or the publisher) may do in the bucket of a role. A role that is not one of
    the platform's own is a repository bucket's, whatever it is called."""
    kind = bucket_role if bucket_role in PLATFORM_BUCKETS else REPOSITORIES
    return _RIGHTS[worker].get(kind, frozenset())


def policy(bucket: str, bucket_role: str, key_ids: Mapping[str, str], owner: str) -> dict[str, Any]:
    """The bucket's policy: what it does not say is denied to every key but an administrator's.

    `bucket` is the physical name; `key_ids` are access key ids by Worker; `owner` is the mark by
    which a bucket that this stack made is known again. The same arguments give an equal document.
    """
    statements: list[dict[str, Any]] = []
    for worker, key_id in sorted(key_ids.items()):
        allowed = rights(worker, bucket_role)
        resources = {
            f"arn:aws:s3:::{bucket}": allowed & _OF_BUCKET,
            f"arn:aws:s3:::{bucket}/*": allowed - _OF_BUCKET,
        }
        statements += [
            {
                "Effect": "Allow",
                "Principal": {"AWS": [key_id]},
                "Action": sorted(actions),
                "Resource": [resource],
            }
            for resource, actions in resources.items()
            if actions
        ]
    return {"Version": "2012-10-17", "Id": owner, "Statement": statements}
