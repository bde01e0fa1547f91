"""A version that was accepted, and whose package may have arrived before its consumer ended."""

import pytest

from functions.core import validation, versions
from functions.core.access import Caller
from functions.core.version_records import Upload
from tests.contracts.object_store import run
from tests.functions.core.world import World, a_package, refusal, sha256

CONTENT = a_package()


class KilledError(BaseException):
    """Not an `Exception`: no clean-up of the process is to run."""


class Dying:
    key_id = "k1"

    async def sign(self, statement: bytes) -> bytes:
        raise KilledError


async def unconfirmed(world: World) -> tuple[Caller, dict[str, str], Upload]:
    """Promoted; the consumer was killed before the confirmation."""
    caller = await world.developer()
    await world.app(caller)
    version, upload = await world.validating(caller, CONTENT)
    message = {"version_id": version.id, "upload_id": upload.id}
    signer = world.signer
    world.signer = Dying()  # type: ignore[assignment]  (a signer that dies)
    with pytest.raises(KilledError):
        await validation.validate_upload(world.deps, message)
    world.signer = signer
    world.clock.advance(seconds=world.limits.lease_seconds)
    return caller, message, upload


def place(caller: Caller, name: str = "package.mosis") -> str:
    return f"packages/{caller.subject_id}/org.example.app/1/{name}"


def test_a_promoted_package_is_confirmed_though_its_upload_is_gone(world: World) -> None:
    async def scenario() -> None:
        caller, message, upload = await unconfirmed(world)
        await world.uploads.delete(upload.object_key)
        assert (await validation.validate_upload(world.deps, message)).kind == "draft"
        draft = await versions.get_version(world.records, caller, message["version_id"])
        assert (draft.status, draft.object_key) == ("draft", place(caller))
        assert draft.statement is not None
        assert draft.statement.endswith(f"\n{len(CONTENT)}\n{sha256(CONTENT)}\n")
        assert await world.history(draft.id) == ["created", "completed", "validated"]
        rows = await world.rows("SELECT lease_token FROM upload")
        assert rows[0]["lease_token"] is None

    run(scenario())


@pytest.mark.parametrize("other", [b"other", CONTENT[:-1] + b"\x01"])
def test_other_bytes_in_the_place_of_a_package_are_not_confirmed(
    world: World, other: bytes
) -> None:
    async def scenario() -> None:
        caller, message, _ = await unconfirmed(world)
        await world.packages.delete(place(caller))
        await world.packages.put(
            place(caller), other, length=len(other), content_type="application/zip"
        )
        outcome = await validation.validate_upload(world.deps, message)
        assert [problem["slug"] for problem in outcome.problems] == ["promotion-conflict"]
        problem = await refusal(world.create(caller, CONTENT))
        assert problem.slug == "version-code-taken"

    run(scenario())


@pytest.mark.parametrize("name", ["package.mosis", "manifest.json"])
def test_what_is_missing_is_promoted_again_from_the_upload(world: World, name: str) -> None:
    async def scenario() -> None:
        caller, message, _ = await unconfirmed(world)
        await world.packages.delete(place(caller, name))
        assert (await validation.validate_upload(world.deps, message)).kind == "draft"
        assert await world.packages.head(place(caller, name)) is not None

    run(scenario())
