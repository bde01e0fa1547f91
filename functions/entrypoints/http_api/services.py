"""What the control plane needs from the platform it runs on."""

from collections.abc import Mapping
from dataclasses import dataclass

from functions.core.app_image_objects import ImageDeps
from functions.core.download_tokens import DownloadKeys
from functions.core.key_ring import KeyRing
from functions.core.multipart import MultipartDeps
from functions.core.platform import Limits
from functions.core.presign import PresignSettings
from functions.core.publishing import PublishDeps
from functions.core.repositories import RepositorySettings
from functions.core.webhook_urls import WebhookRules
from functions.ports.clock import Clock
from functions.ports.entropy import Entropy
from functions.ports.images import ImageProcessor
from functions.ports.multipart_store import MultipartStore
from functions.ports.object_store import ObjectReader, ObjectStore
from functions.ports.queue import Queue
from functions.ports.rate_limiter import RateLimiter
from functions.ports.records import Records
from functions.ports.verifier import Verifier
from functions.setting_values import PlatformKey


@dataclass(frozen=True, slots=True)
class Services:
    records: Records
    clock: Clock
    entropy: Entropy
    uploads: ObjectReader
    upload_parts: MultipartStore
    assets: ObjectStore
    processor: ImageProcessor
    queue: Queue
    limits: Limits
    root_key_hashes: tuple[str, ...]
    presign: PresignSettings
    download_keys: DownloadKeys
    tenant_link_keys: KeyRing
    api_url: str
    cdn_url: str
    cname_target: str
    """Where the CNAMEs of tenants' hostnames lead."""
    repositories: RepositorySettings
    platform_keys: tuple[PlatformKey, ...]
    address_limiter: RateLimiter
    key_limiter: RateLimiter
    verifier: Verifier
    webhook_rules: WebhookRules
    repository_stores: Mapping[str, ObjectStore]
    publish_targets: Mapping[str, PresignSettings]
    publish_grace_ms: int

    @property
    def publishing(self) -> PublishDeps:
        return PublishDeps(
            self.records,
            self.clock,
            self.entropy,
            self.queue,
            self.repository_stores,
            self.publish_targets,
            self.limits.upload_url_seconds,
            self.publish_grace_ms,
        )

    @property
    def images(self) -> ImageDeps:
        return ImageDeps(
            self.records, self.assets, self.processor, self.queue, self.clock, self.entropy
        )

    @property
    def multipart(self) -> MultipartDeps:
        return MultipartDeps(self.records, self.uploads, self.upload_parts, self.clock, self.limits)
