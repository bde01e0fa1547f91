import json
from typing import Any

import pytest

from functions.core.backup_manifest import Manifest, ManifestError, read
from functions.core.sql_dump import AppliedMigration, DumpContent, TableContent

MANIFEST = Manifest(
    backup_id="01a0c450-6c00-7d07-acd8-be6f9f6209c2",
    started_at=1_790_000_000_123,
    finished_at=1_790_000_004_000,
    dump_key="backups/2026/09/20260921T141320Z-01a0c450-6c00-7d07-acd8-be6f9f6209c2.sql.gz",
    dump_size=7,
    dump_sha256="1" * 64,
    content=DumpContent(
        40,
        "2" * 64,
        {"app": TableContent(3, "3" * 64)},
        (AppliedMigration("0001_initial.sql", "4" * 64),),
    ),
)


def test_a_manifest_reads_back_as_it_was_written() -> None:
    assert read(MANIFEST.to_json()) == MANIFEST


def test_a_person_can_read_it() -> None:
    document = json.loads(MANIFEST.to_json())
    assert document["format"] == 1
    assert document["started_at"] == "2026-09-21T14:13:20.123Z"
    assert document["tables"] == {"app": {"rows": 3, "sha256": "3" * 64}}
    assert document["migrations"] == [{"name": "0001_initial.sql", "sha256": "4" * 64}]
    assert document["dump"]["key"] == MANIFEST.dump_key


def changed(**changes: Any) -> bytes:
    document = json.loads(MANIFEST.to_json())
    return json.dumps(document | changes).encode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "no manifest"),
        (b"[]", "no JSON object"),
        (changed(format=2), "a newer one"),
        (changed(format=True), "'format'"),
        (changed(id="../x"), "no id of ours"),
        (changed(started_at="yesterday"), "'started_at'"),
        (changed(started_at="2026-13-21T14:13:20.123Z"), "'started_at'"),
        (changed(dump=None), "'dump'"),
        (changed(dump={"key": "k", "size": -1}), "negative"),
        (changed(tables={"app": {"rows": 3}}), "'sha256' of 'app'"),
        (changed(tables={"app": {"rows": 3, "sha256": "x"}}), "no SHA-256"),
        (changed(tables={"app": 3}), "'app' is no JSON object"),
        (changed(migrations={}), "'migrations'"),
        (changed(migrations=["0001"]), "no JSON object"),
    ],
)
def test_what_is_no_manifest_is_refused_with_the_reason(text: bytes, said: str) -> None:
    with pytest.raises(ManifestError, match=said):
        read(text)
