"""Buckets of an S3-compatible server: one concern a file."""
