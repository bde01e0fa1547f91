"""The platform's buckets on an S3-compatible server. Nothing here makes one public, and a policy
refuses what would."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from functions.core.storages import StorageProfile
from infra.s3.access import policy
from infra.s3.configuration import Configuration, wanted_cors, wanted_lifecycle
from infra.s3.provider import S3Bucket


@dataclass(frozen=True, kw_only=True)
class StorageArgs:
    profile: StorageProfile
    endpoint: str
    region: str
    is_proxied: bool
    """Whether the server stands behind the zone's proxy, which asks for the shared secret."""
    names: Mapping[str, str]
    """Name of each bucket there, by role."""
    key_ids: Mapping[str, str]
    """Access key ids by Worker; the publisher's only if it is to have any rights."""
    owner: str
    """What no other stack has: by it a bucket is known that a killed run made."""
    adopt: Sequence[str]
    """Roles whose buckets may exist already."""
    upload_cors_origins: Sequence[str]
    protect: bool
    after: Sequence[pulumi.Resource]
    """What must be there before the server is reached under its name."""


class Storage(pulumi.ComponentResource):
    """`stowage:s3:Storage`: an S3Bucket for each role."""

    buckets: Mapping[str, S3Bucket]

    def __init__(
        self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("stowage:s3:Storage", name, None, opts)
        self.buckets = {
            role: S3Bucket(
                f"{name}-{role}",
                storage=args.profile.name,
                endpoint=args.endpoint,
                region=args.region,
                is_proxied=args.is_proxied,
                bucket=bucket,
                role=role,
                owner=args.owner,
                adopt=role in args.adopt,
                configured=configuration(args, role),
                opts=pulumi.ResourceOptions(
                    parent=self, protect=args.protect, depends_on=list(args.after)
                ),
            )
            for role, bucket in args.names.items()
        }
        self.register_outputs({})


def configuration(args: StorageArgs, role: str) -> Configuration:
    """What a bucket is told, as far as the server takes it."""
    profile, bucket = args.profile, args.names[role]
    return Configuration(
        lifecycle=wanted_lifecycle(profile, role),
        cors=wanted_cors(profile, role, args.upload_cors_origins),
        policy=policy(bucket, role, args.key_ids, args.owner) if profile.bucket_policies else None,
    )
