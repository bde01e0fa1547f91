"""The whole program run with a configuration, and what it declared."""

from collections.abc import Mapping
from typing import Any

import pulumi

from infra import program
from infra.config import SECRETS
from tests.infra.engine import Engine, is_secret
from tests.infra.project import a_config


def deployed(engine: Engine, **changes: Any) -> Engine:
    """Run `deploy()` with the complete configuration of `a_config` and these changes."""
    pulumi.runtime.set_all_config(
        {f"stowage:{key}": value for key, value in a_config(**changes).items()},
        [f"stowage:{key}" for key in SECRETS],
    )
    return engine.run(program.deploy)


def bindings(engine: Engine, worker: str) -> dict[str, dict[str, Any]]:
    """A Worker's bindings by name."""
    found = engine.one("WorkerVersion", f"{worker}-version").inputs["bindings"]
    return {binding["name"]: binding for binding in found}


def texts(engine: Engine, worker: str) -> Mapping[str, str | None]:
    """A Worker's variables and secrets."""
    return {name: one["text"] for name, one in bindings(engine, worker).items() if "text" in one}


def in_the_clear(engine: Engine) -> str:
    """All inputs that are not secrets, as text."""
    return repr([_without_secrets(one.raw) for one in engine.resources])


def _without_secrets(value: Any) -> Any:
    if is_secret(value):
        return None
    if isinstance(value, dict):
        return {key: _without_secrets(one) for key, one in value.items()}  # pyright: ignore[reportUnknownVariableType]  (JSON)
    if isinstance(value, list):
        return [_without_secrets(one) for one in value]  # pyright: ignore[reportUnknownVariableType]  (JSON)
    return value
