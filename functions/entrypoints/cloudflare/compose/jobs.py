"""Builds the jobs Worker's adapters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from functions import settings
from functions.adapters.cloudflare.d1 import D1Records
from functions.adapters.cloudflare.queue import CloudflareQueue
from functions.adapters.cloudflare.system import SystemClock, SystemEntropy
from functions.adapters.cloudflare.webcrypto import WebCryptoSigner
from functions.core.platform import Limits
from functions.core.schedule import Report, run_schedule
from functions.core.validation import ValidationDeps
from functions.entrypoints.cloudflare.compose.bindings import native, variables
from functions.entrypoints.cloudflare.compose.stores import Place
from functions.entrypoints.cloudflare.compose.writable_stores import left_multiparts, store
from functions.entrypoints.job_queue import Jobs
from functions.ports.multipart_store import MultipartStore
from functions.ports.queue import Queue


@dataclass(frozen=True, slots=True)
class Built:
    jobs: Jobs
    queue: Queue
    multiparts: Sequence[MultipartStore]

    async def run_schedule(self) -> Report:
        deps = self.jobs.validation
        return await run_schedule(
            deps.records, deps.uploads, self.queue, deps.clock, self.multiparts
        )


_built: list[Built] = []


def built(env: Any) -> Built:
    """Raises: SettingsError."""
    if not _built:
        _built.append(_build(env))
    return _built[0]


def _build(env: Any) -> Built:
    given = settings.JobsSettings.from_mapping(variables(env))
    deps = ValidationDeps(
        records=D1Records(native(env, settings.DATABASE)),
        uploads=store(env, given.storage, Place(given.uploads_bucket, settings.UPLOADS)),
        packages=store(env, given.storage, Place(given.packages_bucket, settings.PACKAGES)),
        signer=WebCryptoSigner(given.signing_key.id, given.signing_key.seed),
        clock=SystemClock(),
        entropy=SystemEntropy(),
        limits=Limits(max_package_bytes=given.max_package_bytes),
        trusts_upload_digests=given.storage.choice.pins_uploads,
    )
    return Built(
        Jobs(deps),
        CloudflareQueue(native(env, settings.VALIDATE_QUEUE)),
        left_multiparts(given.storage),
    )
