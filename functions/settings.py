"""Names of the bindings and variables that a Worker is given, and their values as typed settings.

The program (infra) and the entry points both take the names from here, so that neither spells one twice.
Standard library only: the edge Worker carries nothing else.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

UPLOADS = "UPLOADS"
PACKAGES = "PACKAGES"
ASSETS = "ASSETS"
BACKUPS = "BACKUPS"
DATABASE = "DB"
VALIDATE_QUEUE = "VALIDATE_QUEUE"

CDN_URL = "CDN_URL"
"""Public base URL of the cdn host, no trailing slash: `https://cdn.example.com`."""
API_HOST = "API_HOST"
CDN_HOST = "CDN_HOST"
PLATFORM_ZONE = "PLATFORM_ZONE"
"""Names equal to or under it are the platform's own and are never a tenant's hostname."""
REPOSITORY_BUCKETS = "REPOSITORY_BUCKETS"
"""JSON list of the physical names of the declared repository buckets; the first is the default."""
MULTI_TENANT = "MULTI_TENANT"
UPLOAD_URL_SECONDS = "UPLOAD_URL_SECONDS"
DOWNLOAD_URL_SECONDS = "DOWNLOAD_URL_SECONDS"
MAX_PACKAGE_BYTES = "MAX_PACKAGE_BYTES"
S3_ENDPOINT = "S3_ENDPOINT"
"""Base URL of the S3 endpoint that presigned URLs name, byte for byte; no trailing slash."""
S3_REGION = "S3_REGION"
UPLOADS_BUCKET = "UPLOADS_BUCKET"
PLATFORM_KEYS = "PLATFORM_KEYS"
"""JSON list of `{id, algorithm, public_key, not_before, not_after}`; public, served by `GET /v1/keys`."""

PRESIGN_ACCESS_KEY_ID = "PRESIGN_ACCESS_KEY_ID"
PRESIGN_SECRET_ACCESS_KEY = "PRESIGN_SECRET_ACCESS_KEY"  # noqa: S105  (a name, not a secret)
DOWNLOAD_KEYS = "DOWNLOAD_KEYS"
"""Secret JSON `{"current": key id, "keys": {key id: base64 of 32 bytes}}`; two keys are valid while one is rotated."""
SIGNING_KEY = "SIGNING_KEY"
"""Secret JSON `{"id": key id, "seed": base64 of the 32-byte Ed25519 seed}`; jobs only."""
ROOT_KEY_HASHES = "ROOT_KEY_HASHES"
"""Secret JSON list of one or two SHA-256 hex digests of root operator secrets (two while one is rotated)."""


def repository_binding(bucket: str) -> str:
    """The binding of a repository bucket. R2 names hold lower-case letters, digits and hyphens only, so no two buckets
    share a binding."""
    return "REPOSITORY_" + bucket.upper().replace("-", "_")
