"""The provider's side of the engine's calls: check, diff, create, read, update, delete, invoke.

Requests and answers are JSON objects; property values carry the engine's marks. Nothing here knows
gRPC, and nothing outside knows the marks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, cast

from local.blobs import Blobs
from local.provider import account_kinds
from local.provider.kind import ALL, Kind, Refusal, Scene
from local.provider.kinds import KINDS
from local.provider.property_values import UNKNOWN, has_unknown, marked_like, plain, secret
from local.provider.schema import Item, Schema
from local.world import World

_README = "local/README.md has the table of what is emulated"
_INTERNAL = ("__defaults",)


class EngineCalls:
    """Serves one engine call at a time for each resource; different resources may come at once."""

    def __init__(
        self,
        world: World,
        blobs: Blobs,
        schema: Callable[[], Awaitable[Schema]],
        bucket_is_empty: Callable[[str], Awaitable[bool]],
        follow: Callable[[], None] = lambda: None,
    ) -> None:
        """`follow` brings what changes by itself, such as a hostname's status, up to date."""
        self._world = world
        self._blobs = blobs
        self._load_schema = schema
        self._bucket_is_empty = bucket_is_empty
        self._follow = follow
        self._calls: dict[str, Callable[[Item], Awaitable[Item]]] = {
            "check": self._check,
            "diff": self._diff,
            "create": self._create,
            "read": self._read,
            "update": self._update,
            "delete": self._delete,
            "invoke": self._invoke,
        }
        # A change reads the world and writes it in one piece.
        self._changing = asyncio.Lock()

    async def serve(self, method: str, request: Item) -> Item:
        """The answer to one call.

        Raises:
            Refusal: what Cloudflare, or its provider, would not do; also a kind that is not here.
        """
        if method not in self._calls:
            raise Refusal(f"Unknown call {method}.", 404)
        return await self._calls[method](request)

    def _kind(self, request: Item) -> Kind:
        name = str(request["type"]).rsplit(":", 1)[-1]
        kind = KINDS.get(name)
        if kind is None:
            raise Refusal(
                f"The local cloud has no resources of type {request['type']}: {_README}. "
                "Leave it out of the local stack, or deploy to a real account."
            )
        return kind

    def _scene(self, request: Item) -> Scene:
        project = Path(str(request["project"]))
        return Scene(self._world, self._blobs, project, self._bucket_is_empty)

    async def _check(self, request: Item) -> Item:
        kind, schema = self._kind(request), await self._load_schema()
        inputs = _plain_inputs(request["news"])
        failures = schema.check(kind.name, inputs)
        if not failures:
            failures = kind.check(self._scene(request), inputs)
        return {
            "inputs": request["news"],
            "failures": [{"property": one.property, "reason": one.reason} for one in failures],
        }

    async def _diff(self, request: Item) -> Item:
        kind, scene = self._kind(request), self._scene(request)
        new = kind.comparable(scene, _plain_inputs(request["news"]))
        state = cast("Item", plain(request["olds"]))
        old = kind.compared_state(_plain_inputs(request["old_inputs"]), state)
        changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        replacing = changed if kind.replaces is ALL else sorted(kind.replaces & set(changed))
        return {"changed": changed, "replaces": replacing}

    async def _create(self, request: Item) -> Item:
        kind, schema = self._kind(request), await self._load_schema()
        raw = cast("Item", request["properties"])
        inputs = _plain_inputs(raw)
        if request.get("preview"):
            foreseen = dict.fromkeys(schema.computed(kind.name), UNKNOWN)
            return {"id": "", "properties": _marked(kind, raw, foreseen | kind.filled(inputs))}
        _refuse_unknown(inputs)
        item = await self._made(kind, self._scene(request), inputs)
        return {"id": str(item[kind.id_property]), "properties": _marked(kind, raw, item)}

    async def _update(self, request: Item) -> Item:
        kind = self._kind(request)
        raw, old = cast("Item", request["news"]), cast("Item", request["olds"])
        inputs = _plain_inputs(raw)
        if request.get("preview"):
            foreseen = kind.merged(self._scene(request), cast("Item", plain(old)), inputs)
            return {"properties": _marked(kind, old | raw, foreseen)}
        _refuse_unknown(inputs)
        async with self._changing:
            scene = self._scene(request)
            item = self._existing(kind, request, old)
            # What only the state knows (a token's value) stays known.
            known = {name: plain(old[name]) for name in kind.secrets if name in old}
            changed = kind.update(scene, item, inputs)
            self._store(kind, changed)
        return {"properties": _marked(kind, old | raw, known | changed)}

    async def _read(self, request: Item) -> Item:
        kind = self._kind(request)
        raw, raw_inputs = cast("Item", request["properties"]), cast("Item", request["inputs"])
        state, inputs = cast("Item", plain(raw)), _plain_inputs(raw_inputs)
        importing = not state
        found = (
            kind.import_key(request["id"]) if importing else kind.state_key(request["id"], state)
        )
        self._follow()
        item = self._world.get(kind.name, found)
        if item is None:
            return {"id": "", "properties": {}, "inputs": {}}
        seen = kind.observed(self._scene(request), item)
        if importing:
            # What the program said when it was made, so that importing it again changes nothing.
            inputs = cast("Item", seen["_said"])
        else:
            seen = seen | {name: state[name] for name in kind.unrefreshed if name in state}
            inputs = _refreshed(kind, inputs, seen)
            seen = kind.filled(inputs) | seen
        return {
            "id": str(item[kind.id_property]),
            "properties": _marked(kind, raw, seen),
            "inputs": marked_like(raw_inputs, inputs),
        }

    async def _delete(self, request: Item) -> Item:
        kind = self._kind(request)
        state = cast("Item", plain(request["properties"]))
        async with self._changing:
            found = kind.state_key(request["id"], state)
            item = self._world.get(kind.name, found)
            if kind.delete_warning:
                return {"warnings": [kind.delete_warning] if item is not None else []}
            if item is not None:
                await kind.delete(self._scene(request), item)
                self._world.remove(kind.name, found)
                self._world.save()
        return {"warnings": []}

    async def _invoke(self, request: Item) -> Item:
        function = str(request["token"]).rsplit(":", 1)[-1]
        if function != "getAccountApiTokenPermissionGroupsList":
            raise Refusal(f"The local cloud does not answer {request['token']}: {_README}.")
        return {"result": account_kinds.permission_groups(cast("Item", plain(request["args"])))}

    async def make(self, kind_name: str, inputs: Item) -> Item:
        """Makes a resource as a call to Cloudflare's API would.

        Raises:
            Refusal: something stands against it.
        """
        return await self._made(KINDS[kind_name], self._scene({"project": "."}), inputs)

    async def change(
        self, kind_name: str, key: str, inputs: Item, kept: Iterable[str] = ()
    ) -> Item:
        """Changes a resource that exists, as a call to Cloudflare's API would; properties named in
        `kept` stay as they are.

        Raises:
            Refusal: it is gone, or something stands against it.
        """
        kind = KINDS[kind_name]
        async with self._changing:
            item = self._world.get(kind_name, key)
            if item is None:
                raise Refusal(f"There is no {kind_name} {key}.", 404)
            changed = kind.update(self._scene({"project": "."}), item, inputs)
            changed |= {name: item[name] for name in kept if name in item}
            self._store(kind, changed)
        return changed

    async def _made(self, kind: Kind, scene: Scene, inputs: Item) -> Item:
        async with self._changing:
            self._follow()
            item = kind.create(scene, inputs)
            self._store(kind, item)
        return item

    async def remove(self, kind_name: str, key: str) -> None:
        """Deletes a resource as a call to Cloudflare's API would.

        Raises:
            Refusal: something stands against it.
        """
        kind = KINDS[kind_name]
        async with self._changing:
            item = self._world.get(kind_name, key)
            if item is not None:
                await kind.delete(self._scene({"project": "."}), item)
                self._world.remove(kind_name, key)
                self._world.save()

    def _existing(self, kind: Kind, request: Item, state: Item) -> Item:
        found = kind.state_key(request["id"], cast("Item", plain(state)))
        item = self._world.get(kind.name, found)
        if item is None:
            raise Refusal(
                f"The {kind.name} {found} does not exist in the local cloud any more. "
                "`stowage refresh` brings the state to what exists.",
                404,
            )
        return item

    def _store(self, kind: Kind, item: Item) -> None:
        known = {name: value for name, value in item.items() if name not in kind.secrets}
        self._world.put(kind.name, str(item[kind.key_property]), known)
        self._world.save()


def _plain_inputs(raw: Any) -> Item:
    """Inputs without marks; nothing said and `null` are the same."""
    given = cast("Item", plain(raw))
    return {
        name: value for name, value in given.items() if name not in _INTERNAL and value is not None
    }


def _marked(kind: Kind, raw: Item, values: Item) -> Item:
    """Outputs for the engine: no hidden names, secrets marked."""
    shown = {name: value for name, value in values.items() if not name.startswith("_")}
    marked = cast("Item", marked_like(raw, shown))
    return {
        name: secret(value) if name in kind.secrets and value is not None else value
        for name, value in marked.items()
    }


def _refuse_unknown(inputs: Item) -> None:
    unknown = sorted(name for name, value in inputs.items() if has_unknown(value))
    if unknown:
        raise Refusal(f"The engine gave no value for {', '.join(unknown)}.")


def _refreshed(kind: Kind, inputs: Item, seen: Item) -> Item:
    """The state's inputs as the cloud has them now, and what the cloud reports unasked."""
    now = {
        name: _in_shape(value, seen.get(name, value)) if name not in kind.unrefreshed else value
        for name, value in inputs.items()
    }
    for name, value in kind.reported.items():
        if isinstance(value, dict):
            if isinstance(now.get(name), dict):
                now[name] = cast("Item", value) | cast("Item", now[name])
        else:
            now.setdefault(name, value)
    return now


def _in_shape(said: Any, value: Any) -> Any:
    """A value cut to the fields that were said."""
    if isinstance(said, dict) and isinstance(value, dict):
        fields, found = cast("Item", said), cast("Item", value)
        return {name: _in_shape(one, found.get(name, one)) for name, one in fields.items()}
    return value
