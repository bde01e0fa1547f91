import base64
import pickle
import pickletools
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.cloudflare.database import Database, DatabaseArgs
from infra.cloudflare.migrations import D1MigrationsProvider
from infra.migrations import FOLDER, Migration, MigrationError, declared
from tests.infra.d1_endpoint import ACCOUNT, DATABASE, Endpoint, an_endpoint
from tests.infra.engine import Engine, is_secret

FILES = [Migration("0001_a.sql", "1" * 64), Migration("0002_b.sql", "2" * 64)]


def a_database(engine: Engine, **changes: Any) -> Engine:
    values: dict[str, Any] = {
        "account_id": ACCOUNT,
        "database_name": "stowage-dev",
        "jurisdiction": "default",
        "location": "weur",
        "migrations": FILES,
        "protect": True,
        "read_replicas": False,
    }
    return engine.run(lambda: Database("database", DatabaseArgs(**(values | changes))))


def test_what_cloudflare_would_fill_in_is_stated(engine: Engine) -> None:
    assert a_database(engine).one("D1Database").inputs == {
        "accountId": ACCOUNT,
        "name": "stowage-dev",
        "primaryLocationHint": "weur",
        "readReplication": {"mode": "disabled"},
    }


def test_copies_near_the_readers_are_made_when_asked_for(engine: Engine) -> None:
    inputs = a_database(engine, read_replicas=True).one("D1Database").inputs
    assert inputs["readReplication"] == {"mode": "auto"}


def test_a_jurisdiction_takes_the_place_of_the_hint(engine: Engine) -> None:
    inputs = a_database(engine, jurisdiction="eu").one("D1Database").inputs
    assert inputs["jurisdiction"] == "eu"
    assert "primaryLocationHint" not in inputs


@pytest.mark.parametrize("protect", [True, False])
def test_protection_covers_the_database(engine: Engine, protect: bool) -> None:
    assert a_database(engine, protect=protect).one("D1Database").protect is protect


def test_another_location_hint_later_does_not_replace_the_database(engine: Engine) -> None:
    assert a_database(engine).one("D1Database").ignore_changes == ("primaryLocationHint",)


def test_the_state_of_the_migrations_holds_names_and_hashes_only(engine: Engine) -> None:
    raw = dict(a_database(engine).one("Resource", "database-migrations").raw)
    provider = raw.pop("__provider")
    assert raw == {
        "account_id": ACCOUNT,
        "database_id": "database-id",
        "files": [{"name": one.name, "sha256": one.sha256} for one in FILES],
    }
    # A secret would be encrypted anew, and so differ, at every deployment.
    assert not is_secret(provider)


def test_the_provider_is_stored_as_a_reference_without_code_or_paths(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = secrets.token_urlsafe(30)
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", token)
    stored = a_database(engine).one("Resource", "database-migrations").raw["__provider"]
    pickled = base64.b64decode(stored)
    texts = {arg for _, arg, _ in pickletools.genops(pickled) if isinstance(arg, str)}
    assert {"infra.cloudflare.migrations", "D1MigrationsProvider"} <= texts
    assert len(pickled) < 200
    assert token.encode() not in pickled
    assert str(Path.cwd()).encode() not in pickled
    # Pulumi loads it with dill, which reads what pickle writes for a class of an importable module.
    assert isinstance(pickle.loads(pickled), D1MigrationsProvider)  # noqa: S301  (written here)


def properties(*files: Migration, database_id: str = DATABASE) -> dict[str, Any]:
    return {
        "account_id": ACCOUNT,
        "database_id": database_id,
        "files": [{"name": one.name, "sha256": one.sha256} for one in files],
    }


def test_an_edited_file_is_refused_at_the_plan() -> None:
    edited = Migration("0001_a.sql", "9" * 64)
    result = D1MigrationsProvider().check(properties(*FILES), properties(edited, FILES[1]))
    (failure,) = result.failures
    assert failure.property == "files"
    assert "0001_a.sql was edited after it ran" in failure.reason
    assert "add a new file" in failure.reason


def test_a_new_file_passes_the_plan() -> None:
    assert not D1MigrationsProvider().check(properties(FILES[0]), properties(*FILES)).failures
    assert not D1MigrationsProvider().check({}, properties(*FILES)).failures


def test_another_database_begins_anew() -> None:
    edited = Migration("0001_a.sql", "9" * 64)
    check = D1MigrationsProvider().check(
        properties(*FILES), properties(edited, database_id="other")
    )
    assert not check.failures


def test_the_same_files_are_no_change_and_a_new_one_is_an_update() -> None:
    provider = D1MigrationsProvider()
    assert not provider.diff("id", properties(*FILES), properties(*FILES)).changes
    added = provider.diff("id", properties(FILES[0]), properties(*FILES))
    assert (added.changes, added.replaces) == (True, [])


def test_another_database_is_a_replacement() -> None:
    diff = D1MigrationsProvider().diff("id", properties(), properties(database_id="other"))
    assert (diff.changes, diff.replaces) == (True, ["database_id"])


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    token = secrets.token_urlsafe(30)
    with an_endpoint(token) as running:
        monkeypatch.setenv("CLOUDFLARE_API_TOKEN", token)
        monkeypatch.setenv("CLOUDFLARE_BASE_URL", running.url)
        yield running


def test_create_and_update_apply_the_files_of_the_project_folder(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "0001_a.sql").write_text("CREATE TABLE a (x TEXT);\n")
    provider = D1MigrationsProvider()
    made = provider.create({**properties(*declared(tmp_path)), "__provider": "x"})
    assert made.id == f"migrations-{DATABASE}"
    assert made.outs == properties(*declared(tmp_path))
    (tmp_path / FOLDER / "0002_b.sql").write_text("CREATE TABLE b (x TEXT);\n")
    updated = provider.update("id", made.outs or {}, properties(*declared(tmp_path)))
    assert updated.outs == properties(*declared(tmp_path))
    assert {"a", "b"} <= endpoint.tables()
    provider.delete("id", properties())
    assert {"a", "b"} <= endpoint.tables()


def test_a_refused_file_is_told_without_a_trace(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "0001_a.sql").write_text("INSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(MigrationError, match="no such table: nowhere"):
        D1MigrationsProvider().create(properties(*declared(tmp_path)))
    assert sys.tracebacklimit == 0
