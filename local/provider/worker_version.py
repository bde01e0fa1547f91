"""Versions of Workers: uploaded modules, bindings and compatibility."""

import base64
import hashlib
import uuid
from pathlib import PurePosixPath
from typing import Any, ClassVar, cast

from local.compatibility import CompatibilityError, runtime_date, runtime_flags
from local.provider.kind import ALL, Kind, Refusal, Scene
from local.provider.property_values import has_unknown
from local.provider.schema import Failure, Item

_README = "see the table of what is not emulated, local/README.md"

# What a binding of each emulated type must say.
_NEEDED: dict[str, tuple[str, ...]] = {
    "r2_bucket": ("bucketName",),
    "d1": ("databaseId", "id"),
    "queue": ("queueName",),
    "service": ("service",),
    "plain_text": ("text",),
    "secret_text": ("text",),
    "json": ("json",),
    "images": (),
    "analytics_engine": ("dataset",),
    "ratelimit": ("namespaceId",),
}


class WorkerVersion(Kind):
    name = "WorkerVersion"
    replaces = ALL
    defaults: ClassVar[Item] = {"usageModel": "standard"}
    # The API never returns the text of a secret, and the provider keeps that of both kinds.
    unrefreshed = frozenset({"bindings", "modules"})
    delete_warning = "Deleting a version sends nothing; it stays until its Worker goes."

    def check(self, scene: Scene, inputs: Item) -> list[Failure]:
        modules: Any = inputs.get("modules")
        known = cast("list[Any]", modules) if isinstance(modules, list) else []
        failures: list[Failure] = []
        for index, module in enumerate(known):
            if isinstance(module, dict) and not has_unknown(module):
                reason = _wrong_module(scene, cast("Item", module))
                if reason:
                    failures.append(Failure(f"modules[{index}]", reason))
        return failures

    def comparable(self, scene: Scene, inputs: Item) -> Item:
        return inputs | {"modules": _by_name(_with_hashes(scene, inputs.get("modules")))}

    def compared_state(self, old_inputs: Item, state: Item) -> Item:
        # The inputs name files; what was in them then is in the outputs.
        return old_inputs | {"modules": _by_name(state.get("modules"))}

    def create(self, scene: Scene, inputs: Item) -> Item:
        worker = _worker(scene, inputs["workerId"])
        _check_compatibility(inputs)
        modules = cast("list[Item]", inputs.get("modules") or [])
        _check_main_module(inputs, modules)
        said = cast("list[Item]", inputs.get("bindings") or [])
        bindings = [_checked_binding(scene, one) for one in said]
        content = {
            str(module["name"]): scene.blobs.put(_content(scene, module)) for module in modules
        }
        return self.filled(inputs) | {
            "_id": str(uuid.uuid4()),
            "_worker": worker["_id"],
            "_content": content,
            "modules": _with_hashes(scene, modules),
            "bindings": bindings,
            "number": 1 + sum(1 for one in _versions(scene) if one["_worker"] == worker["_id"]),
            "createdOn": scene.now(),
            "source": "api",
            "authorEmail": "operator@stowage.test",
            "urls": [],
            "annotations": {
                "workersTriggeredBy": "create_version_api",
                **(inputs.get("annotations") or {}),
            },
        }

    async def delete(self, scene: Scene, item: Item) -> None:
        """Sends nothing: the version lives as long as its Worker."""


def _versions(scene: Scene) -> list[Item]:
    return scene.world.all("WorkerVersion")


def _worker(scene: Scene, name_or_id: str) -> Item:
    worker = scene.world.get("Worker", name_or_id) or scene.world.find("Worker", name=name_or_id)
    if worker is None:
        raise Refusal(f"The Worker {name_or_id} does not exist.", 404, 10007)
    return worker


def _wrong_module(scene: Scene, module: Item) -> str:
    file, text = module.get("contentFile"), module.get("contentBase64")
    if (file is None) == (text is None):
        return "exactly one of contentFile and contentBase64 is required"
    if file is None:
        return ""
    if PurePosixPath(file).is_absolute():
        return (
            f"contentFile {file} is absolute. The path is part of the state, so every other "
            "checkout would replace the version: give it relative to the project folder."
        )
    if not (scene.project / file).is_file():
        return f"contentFile {file} is not a file in the project folder {scene.project}"
    return ""


def _content(scene: Scene, module: Item) -> bytes:
    if module.get("contentFile") is not None:
        return (scene.project / module["contentFile"]).read_bytes()
    try:
        return base64.b64decode(module["contentBase64"], validate=True)
    except ValueError as error:
        raise Refusal(f"Module {module['name']}: contentBase64 is no base64.") from error


def _with_hashes(scene: Scene, modules: Any) -> Any:
    """The modules, each with the SHA-256 of its content, which is what is compared."""
    if not isinstance(modules, list):
        return modules
    hashed: list[Item] = []
    for module in cast("list[Item]", modules):
        if has_unknown(module):
            hashed.append(module)
        else:
            digest = hashlib.sha256(_content(scene, module)).hexdigest()
            hashed.append(module | {"contentSha256": digest})
    return hashed


def _by_name(modules: Any) -> Any:
    """A set of modules has no order."""
    if not isinstance(modules, list) or has_unknown(modules):
        return cast("Any", modules)
    return sorted(cast("list[Item]", modules), key=lambda module: str(module["name"]))


def _check_main_module(inputs: Item, modules: list[Item]) -> None:
    names = [str(module["name"]) for module in modules]
    main = inputs.get("mainModule")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Refusal(f"Modules are given twice: {', '.join(twice)}.", 400, 10021)
    if not main or main not in names:
        raise Refusal(
            f"The main module {main} is not among the {len(names)} uploaded modules.", 400, 10021
        )
    if not str(main).endswith(".py"):
        raise Refusal(f"The local cloud runs Python Workers only, not {main}; {_README}.")


def _check_compatibility(inputs: Item) -> None:
    date = inputs.get("compatibilityDate")
    flags = cast("list[str]", inputs.get("compatibilityFlags") or [])
    if not date:
        raise Refusal(
            "A Python Worker needs a compatibility date (Cloudflare would take 2021-11-02).",
            400,
            10021,
        )
    try:
        runtime_date(date)
        runtime_flags(flags)
    except CompatibilityError as error:
        raise Refusal(str(error), 400, 10021) from error


def _checked_binding(scene: Scene, binding: Item) -> Item:
    kind, name = binding["type"], binding["name"]
    if kind not in _NEEDED:
        raise Refusal(f"Binding {name}: the local cloud has no bindings of type {kind}; {_README}.")
    if not _NEEDED[kind]:
        return binding
    said = [binding[one] for one in _NEEDED[kind] if binding.get(one) is not None]
    if not said:
        raise Refusal(f"Binding {name} of type {kind} lacks {_NEEDED[kind][0]}.", 400, 10021)
    target = said[0]
    missing = {
        "r2_bucket": lambda: scene.world.get("R2Bucket", target) is None,
        "d1": lambda: scene.world.get("D1Database", target) is None,
        "queue": lambda: scene.world.find("Queue", queueName=target) is None,
        "service": lambda: scene.world.find("Worker", name=target) is None,
    }.get(kind)
    if missing is not None and missing():
        raise Refusal(f"Binding {name}: the {_SHOWN[kind]} {target} does not exist.", 400, 10021)
    if kind == "d1":
        # The API fills both names of the one id.
        return binding | {"id": target, "databaseId": target}
    return binding


_SHOWN = {"r2_bucket": "bucket", "d1": "database", "queue": "queue", "service": "Worker"}
