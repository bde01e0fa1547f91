"""The world: everything that exists in the local cloud's account, kept in one file."""

import json
from pathlib import Path
from typing import Any, cast

from local.home import CloudError, write_private

_FORMAT = 1

Item = dict[str, Any]
"""One resource: its properties in camelCase; names that begin with `_` are never shown to the
engine."""


class World:
    """Resources by kind and key. A change is on disk when `save` returns.

    Only the daemon opens it, and only in one thread: the lock is the daemon's own on the folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kinds: dict[str, dict[str, Item]] = {}
        self.entry_hosts: dict[str, str] = {}
        self.purges: list[Item] = []
        self.saas: Item = {}
        """What is simulated of Cloudflare for SaaS (`local.saas.simulation`)."""
        if path.exists():
            self._load()

    def _load(self) -> None:
        try:
            found = cast("Item", json.loads(self._path.read_text(encoding="utf-8")))
            if found["format"] != _FORMAT:
                raise CloudError(
                    f"{self._path} has format {found['format']}; this version reads {_FORMAT}. "
                    "Use the version that wrote it, or begin again: `make clean-cloud`, `make up`."
                )
            self._kinds = found["resources"]
            self.entry_hosts = found["entry_hosts"]
            self.purges = found["purges"]
            # Worlds of earlier versions have none.
            self.saas = found.get("saas", {})
        except (ValueError, KeyError, TypeError) as error:
            raise CloudError(
                f"{self._path} is damaged ({error!r}). Restore it, or begin again with an empty "
                "cloud: `make clean-cloud`, then `make up`."
            ) from error

    def save(self) -> None:
        """Writes the file as a whole; it holds secrets, so only its owner may read it."""
        document = {
            "format": _FORMAT,
            "resources": {kind: items for kind, items in self._kinds.items() if items},
            "entry_hosts": self.entry_hosts,
            "purges": self.purges,
            "saas": self.saas,
        }
        write_private(self._path, json.dumps(document, indent=1) + "\n")

    def all(self, kind: str) -> list[Item]:
        """The resources of a kind, oldest first."""
        return list(self._kinds.get(kind, {}).values())

    def find(self, kind: str, **properties: Any) -> Item | None:
        """The first resource of a kind with these properties."""
        for item in self._kinds.get(kind, {}).values():
            if all(item.get(name) == value for name, value in properties.items()):
                return item
        return None

    def get(self, kind: str, key: str) -> Item | None:
        return self._kinds.get(kind, {}).get(key)

    def put(self, kind: str, key: str, item: Item) -> None:
        self._kinds.setdefault(kind, {})[key] = item

    def remove(self, kind: str, key: str) -> None:
        self._kinds.get(kind, {}).pop(key, None)

    def counts(self) -> dict[str, int]:
        """How many resources of each kind there are."""
        return {kind: len(items) for kind, items in sorted(self._kinds.items()) if items}
