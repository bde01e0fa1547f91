import base64
import io
import json
import zipfile
import zlib
from collections.abc import Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from functions.core import validation, versions
from functions.ports.object_store import ObjectStoreError
from functions.ports.records import Row, Statement
from tests.contracts.object_store import run
from tests.functions.core.world import (
    InterleavedRecords,
    World,
    a_manifest,
    a_package,
    dated,
    refusal,
    sha256,
)


def test_a_good_package_becomes_a_signed_draft(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        content = a_package()
        version, upload = await world.validating(caller, content)
        outcome = (await world.work())[0]
        assert (outcome.kind, outcome.version_id) == ("draft", version.id)
        draft = await versions.get_version(world.records, caller, version.id)
        key = f"packages/{caller.subject_id}/org.example.app/1/package.mosis"
        assert (draft.status, draft.object_key, draft.problems) == ("draft", key, ())
        assert draft.due_at == world.clock.now_ms() + 30 * 24 * 3600 * 1000
        assert draft.statement == (
            f"stowage-package-v1\n{caller.subject_id}\norg.example.app\n1\n"
            f"{len(content)}\n{sha256(content)}\n"
        )
        assert draft.signature is not None
        assert draft.statement is not None
        public = Ed25519PublicKey.from_public_bytes(world.signer.public_key)
        public.verify(base64.b64decode(draft.signature), draft.statement.encode())
        assert draft.signing_key_id == "k1"
        assert await world.packages.sha256(key) == sha256(content)
        info = await world.packages.head(key)
        assert info is not None
        assert info.cache_control == "public, max-age=86400, immutable"
        manifest = await world.packages.get(key.replace("package.mosis", "manifest.json"))
        assert manifest is not None
        assert await world.history(version.id) == ["created", "completed", "validated"]
        assert await world.uploads.head(upload.object_key) is not None
        rows = await world.rows("SELECT lease_token, lease_until FROM upload")
        assert dict(rows[0]) == {"lease_token": None, "lease_until": None}

    run(scenario())


BAD = {
    "no archive": (b"hello", {"zip-end-record"}),
    "no manifest": (None, {"manifest-missing"}),
    "another id": (a_package(a_manifest(id="org.example.other")), {"manifest-mismatch"}),
    "everything else": (
        a_package(a_manifest(name="Else", version="2", version_code="1", icon="icon.png")),
        {"manifest-mismatch", "manifest-type", "manifest-file-missing"},
    ),
    "a member missing": (a_package({"id": "org.example.app"}), {"manifest-member-missing"}),
    "a false CRC-32": (
        a_package(files={"a": b"x" * 99}).replace(
            zlib.crc32(b"x" * 99).to_bytes(4, "little"), b"\x01\x02\x03\x04"
        ),
        {"zip-data-crc"},
    ),
    "a path out of the folder": (a_package(files={"../evil": b"x"}), {"zip-name-dots"}),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_package_fails_with_its_problems(world: World, case: str) -> None:
    content, slugs = BAD[case]
    if content is None:
        content = _zip_without_manifest()

    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, _ = await world.validating(caller, content)
        assert (await world.work())[0].kind == "failed"
        failed = await versions.get_version(world.records, caller, version.id)
        assert failed.status == "failed"
        assert {problem["slug"] for problem in failed.problems} == slugs
        assert failed.due_at == world.clock.now_ms() + 24 * 3600 * 1000
        assert (await world.packages.list_objects("")).objects == ()
        assert await world.history(version.id) == ["created", "completed", "invalid"]
        # The code is free again.
        again, _, created = await world.create(caller, a_package())
        assert created
        assert again.id != version.id

    run(scenario())


def _zip_without_manifest() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(dated("sub/manifest.json"), json.dumps(a_manifest()))
    return buffer.getvalue()


def test_every_problem_is_listed(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        manifest = {"id": "org.example.other", "version": "9", "version_code": 2}
        version, upload, _ = await world.create(caller, a_package(manifest))
        await world.put(upload, a_package(manifest))
        await world.records.batch([Statement("UPDATE upload SET sha256 = ?", ("1" * 64,))])
        await world.complete(caller, version.id)
        outcome = (await world.work())[0]
        slugs = [problem["slug"] for problem in outcome.problems]
        assert sorted(map(str, slugs)) == [
            "manifest-member-missing",
            "manifest-member-missing",
            "manifest-mismatch",
            "manifest-mismatch",
            "manifest-mismatch",
            "sha256-mismatch",
        ]

    run(scenario())


def test_a_second_delivery_changes_nothing(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, upload = await world.validating(caller)
        message = {"version_id": version.id, "upload_id": upload.id}
        assert (await validation.validate_upload(world.deps, message)).kind == "draft"
        before = await world.snapshot()
        assert (await validation.validate_upload(world.deps, message)).kind == "settled"
        assert await world.snapshot() == before

    run(scenario())


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"version_id": "x", "upload_id": "y"},
        {"version_id": 7, "upload_id": None},
        {"version_id": "019ce0b8-0000-7000-8000-000000000000", "upload_id": "y"},
    ],
)
def test_a_message_that_names_nothing_is_settled(world: World, message: dict[str, object]) -> None:
    assert run(validation.validate_upload(world.deps, message)).kind == "settled"
    assert run(validation.mark_dead_letter(world.records, world.clock, message)).kind == "settled"


def test_one_consumer_at_a_time_holds_the_lease(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, upload = await world.validating(caller)
        message = {"version_id": version.id, "upload_id": upload.id}
        await world.records.batch(
            [
                Statement(
                    "UPDATE upload SET lease_token = 'other', lease_until = ?",
                    (world.clock.now_ms() + 10_000,),
                )
            ]
        )
        outcome = await validation.validate_upload(world.deps, message)
        assert (outcome.kind, outcome.retry_after_seconds) == ("busy", 10)
        world.clock.advance(seconds=10)
        assert (await validation.validate_upload(world.deps, message)).kind == "draft"

    run(scenario())


def test_an_outage_gives_the_lease_back(world: World) -> None:
    class Broken:
        def __getattr__(self, name: str) -> object:
            raise ObjectStoreError("the store is away")

    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, upload = await world.validating(caller)
        message = {"version_id": version.id, "upload_id": upload.id}
        sound = world.packages
        world.packages = Broken()  # type: ignore[assignment]  (fails whatever is called)
        with pytest.raises(ObjectStoreError):
            await validation.validate_upload(world.deps, message)
        world.packages = sound
        assert (await validation.validate_upload(world.deps, message)).kind == "draft"

    run(scenario())


def test_other_bytes_at_the_place_of_a_package_are_never_replaced(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, _ = await world.validating(caller)
        key = f"packages/{caller.subject_id}/org.example.app/1/package.mosis"
        await world.packages.put(key, b"other", length=5, content_type="application/zip")
        outcome = (await world.work())[0]
        assert [problem["slug"] for problem in outcome.problems] == ["promotion-conflict"]
        assert await world.packages.sha256(key) == sha256(b"other")
        # Bytes lie there, so the code is burned.
        problem = await refusal(world.create(caller, a_package()))
        assert (problem.status, problem.slug) == (409, "version-code-taken")
        assert (await versions.get_version(world.records, caller, version.id)).status == "failed"

    run(scenario())


def test_an_upload_that_changed_after_completion_fails(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        _, upload = await world.validating(caller)
        await world.uploads.delete(upload.object_key)
        await world.put(upload, a_package(files={"other": b"x"}))
        outcome = (await world.work())[0]
        assert "upload-changed" in {problem["slug"] for problem in outcome.problems}

    run(scenario())


def test_a_vanished_upload_fails(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        _, upload = await world.validating(caller)
        await world.uploads.delete(upload.object_key)
        outcome = (await world.work())[0]
        assert [problem["slug"] for problem in outcome.problems] == ["upload-missing"]

    run(scenario())


def test_a_dead_letter_fails_the_version(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, upload = await world.validating(caller)
        message = {"version_id": version.id, "upload_id": upload.id}
        for expected in ("failed", "settled"):
            outcome = await validation.mark_dead_letter(world.records, world.clock, message)
            assert outcome.kind == expected
        failed = await versions.get_version(world.records, caller, version.id)
        assert [problem["slug"] for problem in failed.problems] == ["validation-gave-up"]
        assert await world.history(version.id) == ["created", "completed", "dead-letter"]
        # A late delivery does not bring it back.
        assert (await validation.validate_upload(world.deps, message)).kind == "settled"
        assert (await world.packages.list_objects("")).objects == ()

    run(scenario())


def test_a_dead_letter_waits_for_a_consumer_that_is_still_at_work(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, upload = await world.validating(caller)
        message = {"version_id": version.id, "upload_id": upload.id}
        lease = "UPDATE upload SET lease_token = 'other', lease_until = ?"
        until = world.clock.now_ms() + 1001
        await world.records.batch([Statement(lease, (until,))])
        outcome = await validation.mark_dead_letter(world.records, world.clock, message)
        assert (outcome.kind, outcome.retry_after_seconds) == ("busy", 2)
        world.clock.advance(seconds=2)
        outcome = await validation.mark_dead_letter(world.records, world.clock, message)
        assert outcome.kind == "failed"

    run(scenario())


def test_a_name_without_end_is_shown_cut(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        names = {f"../{number}{'x' * 30_000}": b"" for number in range(40)}
        version, _ = await world.validating(caller, a_package(files=names))
        await world.work()
        failed = await versions.get_version(world.records, caller, version.id)
        # Too long, and out of the folder.
        assert len(failed.problems) == 80
        assert all(len(str(problem["path"])) <= 500 for problem in failed.problems)

    run(scenario())


def test_a_dead_letter_after_acceptance_leaves_the_version_to_the_schedule(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, upload = await world.validating(caller)
        await world.records.batch([Statement("UPDATE version SET object_key = 'k'")])
        message = {"version_id": version.id, "upload_id": upload.id}
        outcome = await validation.mark_dead_letter(world.records, world.clock, message)
        assert outcome.kind == "settled"
        same = await versions.get_version(world.records, caller, version.id)
        assert same.status == "validating"

    run(scenario())


def test_an_overtaken_consumer_never_promotes(world: World) -> None:
    """A dead letter marks the version `failed` while a consumer still checks the package."""

    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, upload = await world.validating(caller)
        message = {"version_id": version.id, "upload_id": upload.id}
        sound = world.uploads

        class Overtaking:
            async def head(self, key: str) -> object:
                world.clock.advance(seconds=31)
                await validation.mark_dead_letter(world.records, world.clock, message)
                return await sound.head(key)

            def __getattr__(self, name: str) -> object:
                return getattr(sound, name)

        world.uploads = Overtaking()  # type: ignore[assignment]  (a store with one surprise)
        outcome = await validation.validate_upload(world.deps, message)
        assert outcome.kind == "settled"
        assert (await world.packages.list_objects("")).objects == ()
        assert await world.history(version.id) == ["created", "completed", "dead-letter"]

    run(scenario())


def test_a_dead_letter_that_decided_before_the_acceptance_comes_too_late(world: World) -> None:
    """It read the version as not accepted; meanwhile a consumer accepted it and may be
    promoting."""

    class Accepting(InterleavedRecords):
        async def batch(self, statements: Sequence[Statement]) -> Sequence[int]:
            await world.records.batch([Statement("UPDATE version SET object_key = 'k'")])
            return await world.records.batch(statements)

        async def fetch(self, statement: Statement) -> Sequence[Row]:
            return await world.records.fetch(statement)

    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, upload = await world.validating(caller)
        message = {"version_id": version.id, "upload_id": upload.id}
        records = Accepting()
        outcome = await validation.mark_dead_letter(records, world.clock, message)
        records.close()
        assert outcome.kind == "settled"
        same = await versions.get_version(world.records, caller, version.id)
        assert (same.status, same.object_key) == ("validating", "k")
        assert await world.history(version.id) == ["created", "completed"]

    run(scenario())
