"""The whole program run with a configuration."""

from typing import Any

import pulumi

from infra import program
from infra.config import SECRETS
from tests.infra.engine import Engine
from tests.infra.project import a_config


def deployed(engine: Engine, **changes: Any) -> Engine:
    """Run `deploy()` with the complete configuration of `a_config` and these changes."""
    pulumi.runtime.set_all_config(
        {f"stowage:{key}": value for key, value in a_config(**changes).items()},
        [f"stowage:{key}" for key in SECRETS],
    )
    return engine.run(program.deploy)
