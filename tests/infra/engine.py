"""An engine that records what a program declares and gives plausible ids back. Nothing is made
anywhere.

What is asserted on is what the real engine would be sent: types, names, inputs in camelCase,
options.
"""

import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pulumi
from pulumi.runtime import mocks

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"

ITEM_WRITE_ID = "2efd5506f9c8494dacb1fa10a3e7d5b6"
D1_READ_ID = "192192df92ee43ac90f2aeeffce67e35"
ANALYTICS_READ_ID = "b89a480218d04ceb98b4fe57ca29dc1f"
CACHE_PURGE_ID = "e17beae8b8cb423a99b1730f21238bed"
CERTIFICATES_WRITE_ID = "c03055bc037c4ea9afb9a9f104b7b721"


@dataclass(frozen=True)
class Declared:
    """A resource as the engine was told of it."""

    typ: str
    name: str
    urn: str
    raw: Mapping[str, Any]
    """Inputs with the marks of secrets."""
    protect: bool
    depends_on: tuple[str, ...]
    """Logical names of what it waits for, parents' resources not included."""
    ignore_changes: tuple[str, ...]

    @property
    def inputs(self) -> dict[str, Any]:
        return plain(self.raw)


def plain(value: Any) -> Any:
    """The value without the marks of secrets."""
    if isinstance(value, dict):
        mapping = cast("dict[str, Any]", value)
        if mapping.get(SIGNATURE) == SECRET:
            return plain(mapping["value"])
        return {key: plain(one) for key, one in mapping.items()}
    if isinstance(value, list):
        return [plain(one) for one in cast("list[Any]", value)]
    return value


def is_secret(value: Any) -> bool:
    return isinstance(value, dict) and cast("dict[str, Any]", value).get(SIGNATURE) == SECRET


@dataclass
class Engine(mocks.Mocks):
    """Records; answers like a provider that succeeds at everything."""

    resources: list[Declared] = field(default_factory=list[Declared])
    calls: list[Any] = field(default_factory=list[Any])
    """The functions that were called, as pulumi.runtime.MockCallArgs."""
    permission_groups: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"id": "0" * 32, "name": "Workers R2 Storage Write", "scopes": []},
            {"id": ITEM_WRITE_ID, "name": "Workers R2 Storage Bucket Item Write", "scopes": []},
            {"id": D1_READ_ID, "name": "D1 Read", "scopes": []},
            {"id": ANALYTICS_READ_ID, "name": "Account Analytics Read", "scopes": []},
            {"id": CACHE_PURGE_ID, "name": "Cache Purge", "scopes": []},
            {"id": CERTIFICATES_WRITE_ID, "name": "SSL and Certificates Write", "scopes": []},
        ]
    )
    exports: dict[str, Any] = field(default_factory=dict[str, Any])
    secret_exports: set[str] = field(default_factory=set[str])
    logged: list[logging.LogRecord] = field(default_factory=list[logging.LogRecord])

    def call(self, args: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        self.calls.append(args)
        return {**args.args, "results": self.permission_groups}, []

    def new_resource(self, args: Any) -> tuple[str, dict[str, Any]]:
        state: dict[str, Any] = dict(args.inputs)
        if args.typ.endswith(":Queue"):
            state["queueId"] = f"{args.name}-queue-id"
        if args.typ.endswith(":AccountToken"):
            state["value"] = f"value-of-{args.name}"
        return f"{args.name}-id", state

    def of(self, kind: str) -> list[Declared]:
        """The resources of a kind, like `R2Bucket`, by name."""
        found = [one for one in self.resources if one.typ.rpartition(":")[2] == kind]
        return sorted(found, key=lambda one: one.name)

    def one(self, kind: str, name: str | None = None) -> Declared:
        found = [one for one in self.of(kind) if name in (None, one.name)]
        assert len(found) == 1, f"{len(found)} of {kind} {name}: {[one.name for one in found]}"
        return found[0]

    def said(self, level: str) -> list[str]:
        """What the program told the operator at a level, like `warning`."""
        return [one.getMessage() for one in self.logged if one.levelname.lower() == level]

    def run(self, build: Callable[[], object], stack: str = "dev") -> "Engine":
        """Run a program to its end. What it raises is raised here."""
        monitor = _Monitor(self)
        logger = logging.Logger("engine")
        logger.addHandler(_Recording(self.logged))
        mocks.set_mocks(
            self, project="stowage", stack=stack, preview=False, monitor=monitor, logger=logger
        )

        async def settle(exported: dict[str, Any]) -> None:
            for name, value in exported.items():
                output = pulumi.Output.from_input(value)
                self.exports[name] = await output.future()
                if await output.is_secret():
                    self.secret_exports.add(name)

        def program() -> Coroutine[Any, Any, None]:
            root = pulumi.runtime.get_root_resource()
            assert isinstance(root, pulumi.runtime.stack.Stack)
            root.outputs = {}
            build()
            return settle(root.outputs)

        _runtime.test(program)()
        return self


class _Recording(logging.Handler):
    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__()
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)


_runtime: Any = pulumi.runtime
_register: Any = vars(mocks.MockMonitor)["RegisterResource"]


class _Monitor(mocks.MockMonitor):
    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._engine = engine

    def RegisterResource(self, request: Any) -> Any:
        answer: Any = _register(self, request)
        if request.type != "pulumi:pulumi:Stack":
            self._engine.resources.append(
                Declared(
                    typ=request.type,
                    name=request.name,
                    urn=answer.urn,
                    raw=pulumi.runtime.rpc.deserialize_properties(request.object),
                    protect=request.protect,
                    depends_on=tuple(
                        sorted(urn.rpartition("::")[2] for urn in request.dependencies)
                    ),
                    ignore_changes=tuple(request.ignoreChanges),
                )
            )
        return answer
