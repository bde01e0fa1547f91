"""The migrations of a D1 database as a resource of the stack.

State holds names and hashes only; the files are read from the project folder when they are applied,
so another clone plans nothing. The provider lives in this importable module, so state refers to it
by name and holds no code, and it reads the token when it runs, so state holds no token either. Kept
free of pulumi_cloudflare, which takes seconds to import: the engine starts a process of its own for
it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pulumi
from pulumi import dynamic

from infra.cloudflare.d1 import D1Database
from infra.failures import without_trace
from infra.migrations import Migration, MigrationError, apply, changed


class D1MigrationsProvider(dynamic.ResourceProvider):
    # Nothing secret is captured; without this the engine would encrypt the reference anew at every
    # deployment.
    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        failures = [
            dynamic.CheckFailure("files", problem)
            for problem in changed(_files(_olds), _files(news))
            if _olds.get("database_id") == news.get("database_id")
        ]
        return dynamic.CheckResult(news, failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        replaces = [
            key for key in ("account_id", "database_id") if _olds.get(key) != _news.get(key)
        ]
        return dynamic.DiffResult(
            changes=bool(replaces) or _files(_olds) != _files(_news), replaces=replaces
        )

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        _apply(props)
        return dynamic.CreateResult(f"migrations-{props['database_id']}", _outputs(props))

    def update(
        self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]
    ) -> dynamic.UpdateResult:
        _apply(_news)
        return dynamic.UpdateResult(_outputs(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Nothing: tables go with their database."""


class D1Migrations(dynamic.Resource):
    """`pulumi-python:dynamic:Resource`: every file of `functions/migrations`, applied once to one
    database."""

    account_id: pulumi.Output[str]
    database_id: pulumi.Output[str]
    files: pulumi.Output[list[dict[str, str]]]

    def __init__(
        self,
        name: str,
        *,
        account_id: pulumi.Input[str],
        database_id: pulumi.Input[str],
        migrations: Sequence[Migration],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            D1MigrationsProvider(),
            name,
            {
                "account_id": account_id,
                "database_id": database_id,
                "files": [{"name": one.name, "sha256": one.sha256} for one in migrations],
            },
            opts,
        )


def _apply(props: dict[str, Any]) -> None:
    database = D1Database(props["account_id"], props["database_id"])
    with without_trace(MigrationError):
        apply(database, Path.cwd(), _files(props))


def _outputs(props: dict[str, Any]) -> dict[str, Any]:
    return {key: props[key] for key in ("account_id", "database_id", "files")}


def _files(props: dict[str, Any]) -> list[Migration]:
    files = props.get("files")
    if not isinstance(files, list):
        return []
    return [Migration(one["name"], one["sha256"]) for one in cast("list[dict[str, str]]", files)]
