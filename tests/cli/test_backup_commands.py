"""What the backup commands do, print and exit with; bucket, database and platform are fakes."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli import backups, rebuilding
from cli.app import app
from cli.platform_api import Document
from functions.adapters.local.records import MIGRATIONS
from functions.core import statements
from functions.core.catalog import PackageStatement
from functions.ports.object_store import StoredObject
from functions.ports.records import Statement
from infra import migrations
from tests.cli.fake_d1 import FakeD1
from tests.cli.fake_objects import FakeObjects
from tests.contracts.object_store import run
from tests.functions.core.backup_world import BackupWorld
from tests.functions.core.world import APP, World

PROJECT = Path(__file__).parents[2]
KNOWN = migrations.declared(PROJECT)
LEDGER = (
    "CREATE TABLE schema_migration (name TEXT NOT NULL PRIMARY KEY, sha256 TEXT NOT NULL,"
    " applied_at BIGINT NOT NULL)"
)


async def backed_up(*names: str) -> FakeObjects:
    """One backup of a platform that has run the migrations of these names."""
    made = BackupWorld()
    ledger = [
        Statement(
            "INSERT INTO schema_migration (name, sha256, applied_at) VALUES (?, ?, 1)",
            (one.name, one.sha256),
        )
        for one in KNOWN
        if one.name in names
    ]
    await made.world.records.batch([Statement(LEDGER), *ledger])
    await made.world.developer("Ada")
    assert (await made.run()).made
    objects = FakeObjects({key: await made.content(key) for key in await made.keys()})
    made.world.close()
    return objects


@dataclass
class FakePlatform:
    """The API, as far as backups go."""

    shown: list[Document] = field(default_factory=list[Document])
    ends_as: str = "complete"

    def post(self, path: str) -> Document:
        assert path == "/v1/backups"
        self.shown.insert(0, {"id": "b-1", "status": "requested", "problem": None})
        return {"backup": dict(self.shown[0])}

    def get(self, path: str) -> Document:
        if path.startswith("/v1/backups/"):
            self.shown[0] |= {
                "status": self.ends_as, "problem": "away", "row_count": 3, "size": 9,
            }  # fmt: skip
            return {"backup": dict(self.shown[0])}
        after = path.partition("before=")[2]
        page = [one for one in self.shown if not after or str(one["id"]) < after][:2]
        return {"backups": page, "next": page[-1]["id"] if len(page) == 2 else None}


@dataclass
class Stage:
    objects: FakeObjects
    d1: FakeD1
    platform: FakePlatform = field(default_factory=FakePlatform)

    def call(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, ["backup", *arguments])

    def read(self, *arguments: str) -> Any:
        result = self.call(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


def giving(value: object) -> Callable[..., object]:
    def give(*_: object) -> object:
        return value

    return give


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    found = Stage(run(backed_up(*(one.name for one in KNOWN))), FakeD1())

    def objects(*_: object) -> FakeObjects:
        return found.objects

    target = SimpleNamespace(engine=SimpleNamespace(config_file=Path("nothing")))
    for module in (backups, rebuilding):
        monkeypatch.setattr(module, "deployed", giving(target))
        monkeypatch.setattr(module, "stored_objects", objects)
        monkeypatch.setattr(module, "database_of", giving(found.d1.api()))
    monkeypatch.setattr(backups, "operator_api", giving(found.platform))
    monkeypatch.setattr("cli.database_api._POLL_SECONDS", 0)
    monkeypatch.setattr(backups, "_POLL_SECONDS", 0)
    yield found
    found.d1.connection.close()


def test_verify_says_what_is_in_a_backup(stage: Stage) -> None:
    said = stage.read("verify")
    assert said["whole"] is True
    assert said["rows"]["developer"] == 1
    assert "is whole" in stage.call("verify").stdout
    key = next(key for key in stage.objects.objects if key.endswith(".gz"))
    stage.objects.objects[key] = b"no gzip at all"
    damaged = stage.call("verify")
    assert damaged.exit_code == 1
    assert "does not unpack" in damaged.stderr


def test_a_new_database_becomes_what_the_backup_says(stage: Stage) -> None:
    said = stage.read("restore")
    assert (said["rows"]["developer"], said["cut_rows"], said["newer_migrations"]) == (1, 0, [])
    assert stage.d1.rows("SELECT name FROM developer") == [("Ada",)]
    assert stage.d1.rows("SELECT COUNT(*) FROM schema_migration") == [(len(KNOWN),)]
    # No run makes it any more.
    assert stage.d1.rows("SELECT status, lease_until FROM backup") == [("running", 0)]


def test_migrations_that_the_backup_did_not_have_run_behind_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    newer = tmp_path / "functions" / "migrations"
    newer.mkdir(parents=True)
    for file in MIGRATIONS.glob("*.sql"):
        (newer / file.name).write_text(file.read_text())
    (newer / "0099_later.sql").write_text("CREATE TABLE later (id TEXT);\n")
    known = migrations.declared(tmp_path)
    monkeypatch.setattr(backups, "_known", giving(known))
    monkeypatch.setattr("cli.project.Project.of_this_code", giving(SimpleNamespace(root=tmp_path)))
    assert stage.read("restore")["newer_migrations"] == ["0099_later.sql"]
    assert stage.d1.rows("SELECT COUNT(*) FROM later") == [(0,)]
    assert ("0099_later.sql",) in stage.d1.rows("SELECT name FROM schema_migration")


def test_a_database_with_rows_is_left_alone_and_its_tables_are_named(stage: Stage) -> None:
    stage.read("restore")
    stage.d1.connection.execute("UPDATE developer SET name = 'Bea'")
    refused = stage.call("restore")
    assert refused.exit_code == 3
    assert "developer (1)" in refused.stderr
    assert stage.d1.rows("SELECT name FROM developer") == [("Bea",)]
    assert len(stage.d1.imported) == 1
    stage.read("restore", "--replace")
    assert stage.d1.rows("SELECT name FROM developer") == [("Ada",)]


def test_on_a_real_stack_replacing_wants_its_name(stage: Stage) -> None:
    stage.read("restore", "--stack", "prod")
    for arguments in ((), ("--confirm", "staging")):
        refused = stage.call("restore", "--stack", "prod", "--replace", *arguments)
        assert refused.exit_code == 3
        assert "--confirm prod" in refused.stderr
    assert len(stage.d1.imported) == 1
    stage.read("restore", "--stack", "prod", "--replace", "--confirm", "prod")
    assert len(stage.d1.imported) == 2


def test_a_backup_of_a_newer_version_changes_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "declared", giving(KNOWN[:1]))
    refused = stage.call("restore")
    assert refused.exit_code == 3
    assert KNOWN[-1].name in refused.stderr
    assert stage.d1.imported == []


def test_an_import_that_fails_leaves_the_database_as_it_was(stage: Stage) -> None:
    stage.read("restore")
    stage.d1.connection.execute("UPDATE developer SET name = 'Bea'")
    stage.d1.refusal = "D1 was reset"
    failed = stage.call("restore", "--replace")
    assert failed.exit_code == 1
    assert "D1 was reset" in failed.stderr
    assert stage.d1.rows("SELECT name FROM developer") == [("Bea",)]
    stage.d1.refusal = ""
    stage.read("restore", "--replace")
    assert stage.d1.rows("SELECT name FROM developer") == [("Ada",)]


def test_a_database_that_differs_afterwards_is_a_failure(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_import = stage.d1._run  # pyright: ignore[reportPrivateUsage]

    def losing(sql: str) -> Any:
        return run_import(sql.replace("'Ada'", "'Eve'"))

    monkeypatch.setattr(stage.d1, "_run", losing)
    failed = stage.call("restore")
    assert failed.exit_code == 1
    assert "developer has other values" in failed.stderr


def test_create_waits_until_it_is_made(stage: Stage) -> None:
    assert stage.read("create")["backup"]["status"] == "complete"
    stage.platform.ends_as = "failed"
    failed = stage.call("create")
    assert failed.exit_code == 1
    assert "away" in failed.stderr
    stage.platform.ends_as = "running"
    late = stage.call("create", "--timeout", "1")
    assert late.exit_code == 1
    assert "still running" in late.stderr


def test_list_reads_every_page_or_the_bucket_itself(stage: Stage) -> None:
    stage.platform.shown = [{"id": f"b-{n}", "status": "complete"} for n in (5, 4, 3, 2, 1)]
    assert [one["id"] for one in stage.read("list")["backups"]] == [
        f"b-{n}" for n in (5, 4, 3, 2, 1)
    ]
    (found,) = stage.read("list", "--bucket")["backups"]
    assert found["object_key"] in stage.objects.objects
    assert found["status"] == "complete"
    assert found["id"] in stage.call("list", "--bucket").stdout


async def packages() -> tuple[FakeObjects, str]:
    """Three versions of an app and what lies beside them, and the platform's public key."""
    world = World()
    caller = await world.developer()
    await world.app(caller)
    for code in (1, 2, 3):
        await world.published(caller, code)
    objects: dict[str, bytes] = {}
    for info in (await world.packages.list_objects("")).objects:
        stored = await world.packages.get(info.key)
        assert isinstance(stored, StoredObject)
        objects[info.key] = b"".join([chunk async for chunk in stored.body])
    world.close()
    return FakeObjects(objects), base64.b64encode(world.signer.public_key).decode()


@pytest.fixture
def rebuildable(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage.objects, public_key = run(packages())
    key = {"id": "k1", "algorithm": "Ed25519", "public_key": public_key}
    key |= {"not_before": "2026-01-01T00:00:00Z", "not_after": None}
    config = tmp_path / "Pulumi.dev.yaml"
    config.write_text(json.dumps({"config": {"stowage:platformKeys": [key]}}))
    target = SimpleNamespace(engine=SimpleNamespace(config_file=config))
    monkeypatch.setattr(rebuilding, "deployed", giving(target))
    for migration in sorted(MIGRATIONS.glob("*.sql")):
        stage.d1.connection.executescript(migration.read_text())
    return stage


def test_what_the_platform_signed_gets_its_rows_back(rebuildable: Stage) -> None:
    said = rebuildable.read("rebuild", "--publish", "--visibility", "public", "--check-bytes")
    assert (said["developers"], said["apps"], said["versions"]) == (1, 1, 3)
    assert (said["published"], said["problems"], said["unnamed"]) == (3, [], [])
    rows = rebuildable.d1.rows("SELECT visibility, current_version_id IS NULL FROM app")
    assert rows == [("public", 0)]
    again = rebuildable.read("rebuild", "--publish")
    assert (again["versions"], again["known"]) == (0, 3)


def test_what_cannot_be_believed_is_named_and_left_out(rebuildable: Stage) -> None:
    objects = rebuildable.objects.objects
    first, second, third = sorted(key for key in objects if key.endswith("/package.mosis"))
    del objects[first.replace("package.mosis", "statement.json")]
    forged = second.replace("package.mosis", "statement.json")
    signed = statements.read_signed_statement(json.loads(objects[forged]))
    other = base64.b64encode(bytes(64)).decode()
    objects[forged] = json.dumps(signed.to_document() | {"signature": other}).encode()
    del objects[third.replace("package.mosis", "manifest.json")]
    orphan = PackageStatement("0" * 36, APP, 9)
    objects[orphan.key] = b"{}"
    result = rebuildable.call("rebuild", "--json")
    assert result.exit_code == 1
    said = json.loads(result.stdout)
    assert said["versions"] == 1
    assert said["unnamed"] == [third]
    problems = "\n".join(said["problems"])
    for named, reason in (
        (first, "no signed statement"),
        (second, "signature does not count"),
        (orphan.key, "package is gone"),
    ):
        assert f"{named}: " in problems
        assert reason in problems


def test_bytes_are_compared_when_asked_for(rebuildable: Stage) -> None:
    objects = rebuildable.objects.objects
    key = next(key for key in objects if key.endswith("/1/package.mosis"))
    objects[key] = bytes(len(objects[key]))
    result = rebuildable.call("rebuild", "--check-bytes", "--json")
    assert result.exit_code == 1
    said = json.loads(result.stdout)
    assert said["versions"] == 2
    assert said["problems"] == [f"{key}: its bytes have another SHA-256 than the signed one"]


def test_a_rebuild_that_the_database_refuses_says_to_repeat_it(rebuildable: Stage) -> None:
    rebuildable.d1.connection.execute("ALTER TABLE app RENAME TO gone")
    failed = rebuildable.call("rebuild")
    assert failed.exit_code == 1
    assert "Run it again" in failed.stderr
