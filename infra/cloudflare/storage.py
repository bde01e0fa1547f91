"""Buckets with their lifecycle and CORS rules. Nothing here makes a bucket public, and a policy
refuses what would."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from functions.core.storages import PROFILES
from infra import bucket_rules

DAY = 86_400

# The provider sends the whole list of rules, so Cloudflare's own rule is dropped unless it is said
# again.
MULTIPART_ABORT_ID = "Default Multipart Abort Rule"


@dataclass(frozen=True, kw_only=True)
class StorageArgs:
    account_id: pulumi.Input[str]
    names: Mapping[str, str]
    """Physical name of each bucket by role: uploads, packages, assets, backups and the repository
    buckets."""
    jurisdiction: str
    location: str | None
    upload_cors_origins: Sequence[str]
    """Origins whose pages may upload straight from a browser; none: no CORS at all."""
    protect: bool


class Storage(pulumi.ComponentResource):
    """`stowage:cloudflare:Storage`: an R2Bucket and an R2BucketLifecycle for each role, and an
    R2BucketCors on uploads when origins are given.

    Deleting lifecycle rules sends nothing: they go with the bucket.
    """

    buckets: Mapping[str, cloudflare.R2Bucket]
    names: Mapping[str, pulumi.Output[str]]

    def __init__(
        self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("stowage:cloudflare:Storage", name, None, opts)
        self._name = name
        self._args = args
        self.buckets = {role: self._bucket(role) for role in args.names}
        self.names = {role: bucket.name for role, bucket in self.buckets.items()}
        for role, bucket in self.buckets.items():
            self._lifecycle(role, bucket)
        if args.upload_cors_origins:
            self._cors(self.buckets["uploads"])
        self.register_outputs({"names": self.names})

    def _bucket(self, role: str) -> cloudflare.R2Bucket:
        return cloudflare.R2Bucket(
            f"{self._name}-{role}",
            account_id=self._args.account_id,
            name=self._args.names[role],
            jurisdiction=self._args.jurisdiction,
            location=self._args.location,
            storage_class="Standard",
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=self._args.protect,
                # A hint that counts when the bucket is made and never again.
                ignore_changes=["location"],
            ),
        )

    def _lifecycle(self, role: str, bucket: cloudflare.R2Bucket) -> None:
        rules = [multipart_abort_rule()]
        if role == "uploads":
            rules.append(temp_rule())
        cloudflare.R2BucketLifecycle(
            f"{self._name}-{role}-lifecycle",
            account_id=self._args.account_id,
            bucket_name=bucket.name,
            jurisdiction=self._args.jurisdiction,
            rules=rules,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _cors(self, bucket: cloudflare.R2Bucket) -> None:
        cloudflare.R2BucketCors(
            f"{self._name}-uploads-cors",
            account_id=self._args.account_id,
            bucket_name=bucket.name,
            jurisdiction=self._args.jurisdiction,
            rules=[
                cloudflare.R2BucketCorsRuleArgs(
                    id="uploads",
                    allowed=cloudflare.R2BucketCorsRuleAllowedArgs(
                        methods=list(bucket_rules.UPLOAD_METHODS),
                        origins=list(self._args.upload_cors_origins),
                        headers=bucket_rules.upload_headers(PROFILES["r2"]),
                    ),
                    expose_headers=list(bucket_rules.EXPOSED_HEADERS),
                    max_age_seconds=bucket_rules.CORS_SECONDS,
                )
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )


def multipart_abort_rule() -> cloudflare.R2BucketLifecycleRuleArgs:
    """Cloudflare's default rule: parts of an upload that was never completed go after seven
    days."""
    return cloudflare.R2BucketLifecycleRuleArgs(
        id=MULTIPART_ABORT_ID,
        enabled=True,
        conditions=cloudflare.R2BucketLifecycleRuleConditionsArgs(prefix=""),
        abort_multipart_uploads_transition=cloudflare.R2BucketLifecycleRuleAbortMultipartUploadsTransitionArgs(
            condition=cloudflare.R2BucketLifecycleRuleAbortMultipartUploadsTransitionConditionArgs(
                type="Age", max_age=bucket_rules.MULTIPART_ABORT_DAYS * DAY
            )
        ),
    )


def temp_rule() -> cloudflare.R2BucketLifecycleRuleArgs:
    """Uploads that nobody swept go after a day."""
    return cloudflare.R2BucketLifecycleRuleArgs(
        id="temp",
        enabled=True,
        conditions=cloudflare.R2BucketLifecycleRuleConditionsArgs(prefix=bucket_rules.TEMP_PREFIX),
        delete_objects_transition=cloudflare.R2BucketLifecycleRuleDeleteObjectsTransitionArgs(
            condition=cloudflare.R2BucketLifecycleRuleDeleteObjectsTransitionConditionArgs(
                type="Age", max_age=bucket_rules.TEMP_DAYS * DAY
            )
        ),
    )
