"""Which encrypted values of the local stack's file are still those of the keys in the cloud folder.

Encrypting the same text twice gives different bytes, and every call costs a third of a second, so a
value is encrypted once; a fingerprint beside it tells when it has to be done again.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from cli.stack_config import StackConfig, full_key
from local.home import write_private


def stale(path: Path, settings: Mapping[str, str], config: StackConfig) -> dict[str, str]:
    """Those settings, by full key, that have no encrypted value in `config` or another one now."""
    known = _read(path)
    return {
        key: text
        for key, text in _full(settings).items()
        if known.get(key) != _fingerprint(key, text) or not config.secure([key])
    }


def note(path: Path, settings: Mapping[str, str]) -> None:
    """Remembers that the stack file holds these settings now."""
    fingerprints = {key: _fingerprint(key, text) for key, text in _full(settings).items()}
    if fingerprints != _read(path):
        write_private(path, json.dumps(fingerprints, indent=2, sort_keys=True) + "\n")


def _full(settings: Mapping[str, str]) -> dict[str, str]:
    return {full_key(name): text for name, text in settings.items()}


def _fingerprint(key: str, text: str) -> str:
    return hashlib.sha256(f"{key}\n{text}".encode()).hexdigest()


def _read(path: Path) -> dict[str, str]:
    try:
        return cast("dict[str, str]", json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
