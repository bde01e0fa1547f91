"""The servers and buckets that the suites share."""

from tests.contracts.s3_buckets import b2, b2_bucket, face, gateway, minio_bucket, proxy, r2_bucket

__all__ = ["b2", "b2_bucket", "face", "gateway", "minio_bucket", "proxy", "r2_bucket"]
