"""What the provider knows of one kind of resource; the base of the table in `kinds.py`."""

# A kind that needs less than its base class gives still has its signature.
# ruff: noqa: ARG002
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, cast

from local.blobs import Blobs
from local.provider.schema import Failure, Item
from local.world import World

ALL = frozenset({"*"})
"""Every change replaces."""


class Refusal(Exception):
    """What Cloudflare, or its provider, would refuse. The message goes to the person unchanged."""

    def __init__(self, message: str, status: int = 400, code: int | None = None) -> None:
        super().__init__(f"{message} (code: {code})" if code else message)
        self.reason = message
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Scene:
    """What a kind acts upon."""

    world: World
    blobs: Blobs
    project: Path
    """The project folder of the engine's run; relative paths of files start here."""
    bucket_is_empty: Callable[[str], Awaitable[bool]]
    """Asks workerd, which holds the objects."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def now(self) -> str:
        """RFC 3339 with microseconds, as Cloudflare gives times."""
        return self.clock().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Kind(ABC):
    """One kind of resource, as Cloudflare's provider treats it.

    A subclass says in class variables what is special, and overrides the methods that do work.
    """

    name: ClassVar[str]
    replaces: ClassVar[frozenset[str]] = frozenset({"accountId"})
    """Properties whose change replaces the resource."""
    defaults: ClassVar[Item] = {}
    """What Cloudflare fills in where nothing is said; objects are merged field by field."""
    kept: ClassVar[frozenset[str]] = frozenset()
    """Optional properties that keep their value when they are no longer said."""
    unrefreshed: ClassVar[frozenset[str]] = frozenset()
    """Properties that a refresh takes from the state, never from the cloud."""
    reported: ClassVar[Item] = {}
    """Defaults that a refresh writes into the inputs too, so that a program that does not say them
    differs afterwards."""
    secrets: ClassVar[frozenset[str]] = frozenset()
    """Outputs that are always secret."""
    delete_warning: ClassVar[str] = ""
    """Set where deleting sends nothing: the thing stays in the cloud."""
    key_property: ClassVar[str] = "_id"
    """The property that names the resource in the world."""
    id_property: ClassVar[str] = "_id"
    """The property that is the engine's id; several kinds have an id that names nothing."""
    import_segment: ClassVar[int] = -1
    """Which part of an import id, split at `/`, names the resource."""

    def check(self, scene: Scene, inputs: Item) -> list[Failure]:
        """What is wrong beyond the types. `inputs` may hold unknown values."""
        return []

    def comparable(self, scene: Scene, inputs: Item) -> Item:
        """New inputs in the form in which they are compared with the old ones."""
        return inputs

    def compared_state(self, old_inputs: Item, state: Item) -> Item:
        """Old inputs in the same form; `state` holds the old outputs."""
        return old_inputs

    @abstractmethod
    def create(self, scene: Scene, inputs: Item) -> Item:
        """Checks against the world and gives the new resource; the caller stores it."""

    def update(self, scene: Scene, item: Item, inputs: Item) -> Item:
        """The resource after a change in place; the caller stores it."""
        return self.merged(scene, item, inputs)

    async def delete(self, scene: Scene, item: Item) -> None:  # noqa: B027  (most kinds need nothing)
        """Refuses, or takes away what goes with the resource; the caller removes the resource."""

    def observed(self, scene: Scene, item: Item) -> Item:
        """The resource as a refresh sees it."""
        return item

    def state_key(self, resource_id: str, state: Item) -> str:
        """The world's key of the resource that this state describes."""
        return str(state.get(self.key_property, resource_id))

    def import_key(self, resource_id: str) -> str:
        """The world's key of the resource that an import id names."""
        return resource_id.split("/")[self.import_segment]

    def merged(self, scene: Scene, item: Item, inputs: Item) -> Item:
        """What only the cloud fills, then defaults, then inputs."""
        said = set(inputs)
        own = {
            name: value
            for name, value in item.items()
            if name not in self._inputs_of(item) or (name in self.kept and name not in said)
        }
        return own | self.filled(inputs)

    def filled(self, inputs: Item) -> Item:
        """The inputs with the defaults."""
        remembered = {name: one for name, one in inputs.items() if name not in self.secrets}
        return cast("Item", _filled(self.defaults, inputs)) | {"_said": remembered}

    def _inputs_of(self, item: Item) -> set[str]:
        return set(cast("Item", item.get("_said", {}))) | set(self.defaults)


def _filled(defaults: Any, given: Any) -> Any:
    if given is None:
        return defaults
    if isinstance(defaults, dict) and isinstance(given, dict):
        standard, said = cast("Item", defaults), cast("Item", given)
        merged: Item = {name: _filled(value, said.get(name)) for name, value in standard.items()}
        return merged | {name: value for name, value in said.items() if name not in standard}
    return given
