"""Files run exactly once, whatever is killed, lost or edited. Over the real HTTP client and a real
SQL database."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.cloudflare.d1 import D1Database
from infra.migrations import FOLDER, Migration, MigrationError, apply, changed, declared
from tests.infra.d1_endpoint import ACCOUNT, DATABASE, Endpoint, an_endpoint

FIRST = (
    "CREATE TABLE first (a TEXT);\n-- a comment; with a semicolon\nCREATE INDEX i ON first (a);\n"
)
SECOND = "CREATE TABLE second (a TEXT);\nINSERT INTO second VALUES ('one; two');\n"
LOST = ["drop before", "drop after", "500", "503", "408", "429"]


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    token = secrets.token_urlsafe(30)
    with an_endpoint(token) as running:
        monkeypatch.setenv("CLOUDFLARE_API_TOKEN", token)
        monkeypatch.setenv("CLOUDFLARE_BASE_URL", running.url)
        yield running


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return with_files(tmp_path, first=FIRST)


def with_files(project: Path, **files: str) -> Path:
    """Numbers the files in the order in which they are given."""
    (project / FOLDER).mkdir(parents=True, exist_ok=True)
    for number, (name, text) in enumerate(files.items(), 1):
        (project / FOLDER / f"{number:04}_{name}.sql").write_text(text, encoding="utf-8")
    return project


def migrate(project: Path) -> list[str]:
    return apply(D1Database(ACCOUNT, DATABASE), project, declared(project))


def ledger(endpoint: Endpoint) -> list[str]:
    return [name for (name,) in endpoint.rows("SELECT name FROM schema_migration ORDER BY name")]


def once(kind: str, part: str) -> Callable[[str], str]:
    """Trouble for the first request that holds `part`."""
    waiting = [kind]
    return lambda sql: waiting.pop() if waiting and part in sql else ""


def test_files_run_in_order_and_are_noted(endpoint: Endpoint, project: Path) -> None:
    with_files(project, first=FIRST, second=SECOND)
    assert migrate(project) == ["0001_first.sql", "0002_second.sql"]
    assert ledger(endpoint) == ["0001_first.sql", "0002_second.sql"]
    assert {"first", "second"} <= endpoint.tables()


def test_a_second_run_does_nothing(endpoint: Endpoint, project: Path) -> None:
    migrate(project)
    before = len(endpoint.requests)
    assert migrate(project) == []
    assert not any("CREATE TABLE first" in sql for sql in endpoint.requests[before:])


def test_a_file_and_its_row_travel_in_one_request(endpoint: Endpoint, project: Path) -> None:
    migrate(project)
    (sent,) = [sql for sql in endpoint.requests if "CREATE TABLE first" in sql]
    assert "INSERT INTO schema_migration" in sent


def test_a_failing_file_leaves_nothing_and_a_mended_one_goes_on(
    endpoint: Endpoint, project: Path
) -> None:
    with_files(project, first=FIRST, second="CREATE TABLE second (a TEXT);\nINSERT INTO nope;\n")
    with pytest.raises(MigrationError, match=r"0002_second\.sql was not applied.*SQLITE_ERROR"):
        migrate(project)
    assert "second" not in endpoint.tables()
    assert ledger(endpoint) == ["0001_first.sql"]
    with_files(project, first=FIRST, second=SECOND)
    assert migrate(project) == ["0002_second.sql"]


def test_a_refused_file_is_sent_once(endpoint: Endpoint, project: Path) -> None:
    with_files(project, first="INSERT INTO nope VALUES (1);\n")
    with pytest.raises(MigrationError):
        migrate(project)
    assert sum("INSERT INTO nope" in sql for sql in endpoint.requests) == 1


@pytest.mark.parametrize("trouble", [*LOST, "garbage"])
def test_an_outcome_that_was_lost_is_read_back(
    endpoint: Endpoint, project: Path, trouble: str
) -> None:
    endpoint.trouble = once(trouble, "CREATE TABLE first")
    assert migrate(project) == ["0001_first.sql"]
    assert ledger(endpoint) == ["0001_first.sql"]


def test_a_run_that_was_killed_between_two_files_is_completed_by_the_next(
    endpoint: Endpoint, project: Path
) -> None:
    with_files(project, first=FIRST, second=SECOND)
    endpoint.trouble = lambda sql: "drop before" if "CREATE TABLE second" in sql else ""
    with pytest.raises(MigrationError, match="run the deployment again"):
        migrate(project)
    assert ledger(endpoint) == ["0001_first.sql"]
    endpoint.trouble = lambda _sql: ""
    assert migrate(project) == ["0002_second.sql"]


def test_a_run_that_was_killed_after_the_request_does_not_run_the_file_twice(
    endpoint: Endpoint, project: Path
) -> None:
    sent: list[str] = []

    def lose_everything_after(sql: str) -> str:
        sent.append(sql)
        return "drop after" if any("CREATE TABLE first" in one for one in sent) else ""

    endpoint.trouble = lose_everything_after
    with pytest.raises(MigrationError, match=r"Whether 0001_first\.sql was applied is not known"):
        migrate(project)
    endpoint.trouble = lambda _sql: ""
    assert migrate(project) == []
    assert ledger(endpoint) == ["0001_first.sql"]


def test_two_runs_at_once_leave_one_row_and_no_error(endpoint: Endpoint, project: Path) -> None:
    real = endpoint.answer

    def another_run_comes_first(path: str, token: str, sql: str) -> tuple[int, dict[str, object]]:
        if "CREATE TABLE first" in sql:
            real(path, token, sql)
        return real(path, token, sql)

    endpoint.answer = another_run_comes_first
    assert migrate(project) == ["0001_first.sql"]
    assert ledger(endpoint) == ["0001_first.sql"]


def test_an_edited_file_is_refused_by_the_ledger(endpoint: Endpoint, project: Path) -> None:
    migrate(project)
    with_files(project, first=FIRST.replace("TEXT", "BLOB"))
    with pytest.raises(MigrationError, match=r"0001_first\.sql was edited after it ran"):
        migrate(project)


def test_a_file_that_was_taken_away_is_refused(endpoint: Endpoint, project: Path) -> None:
    with_files(project, first=FIRST, second=SECOND)
    migrate(project)
    (project / FOLDER / "0001_first.sql").unlink()
    with pytest.raises(MigrationError, match=r"0001_first\.sql was taken away"):
        migrate(project)


def test_files_of_a_newer_checkout_are_left_alone(endpoint: Endpoint, project: Path) -> None:
    with_files(project, first=FIRST, second=SECOND)
    migrate(project)
    (project / FOLDER / "0002_second.sql").unlink()
    assert migrate(project) == []
    assert ledger(endpoint) == ["0001_first.sql", "0002_second.sql"]


def test_a_file_that_changes_between_plan_and_apply_is_refused(
    endpoint: Endpoint, project: Path
) -> None:
    planned = declared(project)
    with_files(project, first=SECOND)
    with pytest.raises(MigrationError, match="changed while it was being deployed"):
        apply(D1Database(ACCOUNT, DATABASE), project, planned)
    assert "second" not in endpoint.tables()


def test_other_line_ends_are_the_same_migration(project: Path) -> None:
    before = declared(project)
    (project / FOLDER / "0001_first.sql").write_bytes(FIRST.replace("\n", "\r\n").encode())
    assert declared(project) == before


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("initial.sql", FIRST, "is not named like"),
        ("0002_With Spaces.sql", FIRST, "is not named like"),
        ("0002_x'); DROP.sql", FIRST, "is not named like"),
        ("0002_open.sql", "CREATE TABLE x (a TEXT)", "must end with a statement"),
        ("0002_comment.sql", "CREATE TABLE x (a TEXT);\n-- the end;", "must end with a statement"),
        ("0002_empty.sql", "", "must end with a statement"),
        ("0001_another.sql", FIRST, "have the same number; number the newer one 0002"),
    ],
)
def test_a_file_that_could_not_be_noted_is_refused(
    project: Path, name: str, text: str, said: str
) -> None:
    (project / FOLDER / name).write_text(text, encoding="utf-8")
    with pytest.raises(MigrationError, match=said):
        declared(project)


def test_a_project_without_migrations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match=r"holds no \.sql file"):
        declared(tmp_path)


def test_new_files_contradict_nothing() -> None:
    one, two = Migration("0001_a.sql", "x"), Migration("0002_b.sql", "y")
    assert changed([one], [one, two]) == []
    assert changed([], [one]) == []


@pytest.mark.parametrize("trouble", [*LOST, "garbage", "redirect"])
def test_no_message_holds_the_token(
    endpoint: Endpoint, project: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    endpoint.trouble = lambda _sql: trouble
    with pytest.raises(MigrationError) as raised:
        migrate(project)
    assert endpoint.token not in str(raised.value)


def test_a_wrong_token_is_named_by_its_variable_and_not_quoted(
    endpoint: Endpoint, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = secrets.token_urlsafe(30)
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", wrong)
    with pytest.raises(MigrationError) as raised:
        migrate(project)
    assert "CLOUDFLARE_API_TOKEN" in str(raised.value)
    assert "D1: Edit" in str(raised.value)
    assert wrong not in str(raised.value)


def test_a_missing_token_is_said_before_anything_is_sent(
    endpoint: Endpoint, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN")
    with pytest.raises(MigrationError, match="CLOUDFLARE_API_TOKEN is not set"):
        migrate(project)
    assert endpoint.requests == []


def test_a_server_that_is_not_there_is_said(
    endpoint: Endpoint, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", "http://127.0.0.1:1/client/v4")
    with pytest.raises(MigrationError, match=r"127\.0\.0\.1:1/client/v4 could not be reached"):
        migrate(project)


def test_a_redirect_is_not_followed(endpoint: Endpoint, project: Path) -> None:
    endpoint.trouble = lambda _sql: "redirect"
    with pytest.raises(MigrationError, match="D1 answered 307"):
        migrate(project)
    assert len(endpoint.requests) == 1
