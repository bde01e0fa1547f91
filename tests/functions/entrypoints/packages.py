"""Packages made by the tests."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any


def a_package(
    app_id: str = "org.example.app",
    code: int = 1,
    files: Mapping[str, bytes] | None = None,
    **changes: object,
) -> bytes:
    manifest: dict[str, Any] = {
        "id": app_id,
        "name": "An app",
        "version": f"1.{code}",
        "version_code": code,
        "entry": "main.bin",
    } | changes
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        own = {"manifest.json": json.dumps(manifest).encode(), "main.bin": b"main"}
        for name, content in {**own, **(files or {})}.items():
            # A fixed date: the same package must have the same bytes whenever it is made.
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()


def announced(data: bytes, code: int = 1) -> dict[str, object]:
    """What a developer tells the api of it."""
    return {
        "version_code": code,
        "version_name": f"1.{code}",
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
