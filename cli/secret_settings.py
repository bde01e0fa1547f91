"""Which encrypted values of the local stack's file are still right, and whose they are.

Encrypting the same text twice gives different bytes, and every call costs a third of a second, so a
generated value is encrypted once; a fingerprint in the cloud folder tells when it has to be done
again. A value that a person gave is nowhere but in the stack file, encrypted; in the place of its
fingerprint is a word that says so.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from cli.stack_config import StackConfig, full_key
from local.home import write_private

CHOSEN = "given with -c"


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of the encrypted values, by full key."""

    stale: Mapping[str, str]
    """Texts to encrypt."""
    notes: Mapping[str, str]
    """Fingerprints or CHOSEN of everything, once that is done."""

    @property
    def unchanged(self) -> dict[str, str]:
        """The notes of what stays as it is."""
        return {key: note for key, note in self.notes.items() if key not in self.stale}

    @property
    def kept(self) -> frozenset[str]:
        """Whose encrypted values are taken over."""
        return frozenset(self.unchanged)


def plan(
    path: Path, generated: Mapping[str, str], given: Mapping[str, str], config: StackConfig
) -> Plan:
    """What to encrypt, and what to keep of the stack file `config`.

    `generated` are settings by name; `given` are those of a person by full key, which win over the
    generated ones until they are forgotten by an empty text.
    """
    known = _read(path)
    chosen = {key for key, note in known.items() if note == CHOSEN and config.secure([key])}
    chosen = (chosen | given.keys()) - {key for key, text in given.items() if not text}
    own = {full_key(name): text for name, text in generated.items()}
    own = {key: text for key, text in own.items() if key not in chosen}
    prints = {key: _fingerprint(key, text) for key, text in own.items()}
    stale = {
        key: text
        for key, text in own.items()
        if known.get(key) != prints[key] or not config.secure([key])
    }
    stale |= {key: text for key, text in given.items() if text}
    return Plan(stale, prints | dict.fromkeys(chosen, CHOSEN))


def note(path: Path, notes: Mapping[str, str]) -> None:
    """Remembers what the stack file holds."""
    if notes != _read(path):
        write_private(path, json.dumps(dict(notes), indent=2, sort_keys=True) + "\n")


def _fingerprint(key: str, text: str) -> str:
    return hashlib.sha256(f"{key}\n{text}".encode()).hexdigest()


def _read(path: Path) -> dict[str, str]:
    try:
        return cast("dict[str, str]", json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
