"""A developer's signature from the creation of a version to the statement beside its package."""

import base64
import json
from dataclasses import replace

import pytest

from functions.adapters.local.signer import Ed25519Signer
from functions.adapters.local.verifier import Ed25519Verifier
from functions.core import apps, developer_keys, downloads, versions
from functions.core.access import Caller
from functions.core.catalog import PackageStatement as StatementObject
from functions.core.developer_signatures import GivenSignature
from functions.core.promotion import MAX_STATEMENT_BYTES
from functions.core.statements import PackageStatement, read_signed_statement
from functions.core.version_records import Version
from functions.ports.object_store import StoredObject
from tests.contracts.object_store import run
from tests.functions.core.world import APP, World, a_package, pointers, refusal, sha256

PACKAGE = a_package()
SIGNER = Ed25519Signer("laptop", bytes([7]) * 32)
OTHER_SIGNER = Ed25519Signer("stolen", bytes([8]) * 32)


async def register(world: World, caller: Caller, signer: Ed25519Signer = SIGNER) -> str:
    public_key = base64.b64encode(signer.public_key).decode()
    key, _ = await developer_keys.register_key(
        world.records, world.clock, world.entropy, caller, public_key
    )
    return key.id


async def signed(
    caller: Caller,
    key_id: str,
    signer: Ed25519Signer = SIGNER,
    content: bytes = PACKAGE,
    code: int = 1,
) -> GivenSignature:
    statement = PackageStatement(
        str(caller.subject_id), APP, code, len(content), sha256(content)
    ).text
    signature = await signer.sign(statement.encode())
    return GivenSignature(base64.b64encode(signature).decode(), key_id)


async def require(world: World, caller: Caller, *, is_required: bool = True) -> apps.App:
    return await apps.require_signature(
        world.records, world.clock, caller, APP, is_required=is_required
    )


async def uploaded(world: World, caller: Caller, given: GivenSignature) -> Version:
    version, upload, _ = await world.create(caller, PACKAGE, given=given)
    await world.put(upload, PACKAGE)
    await world.complete(caller, version.id)
    return version


async def validated(world: World, caller: Caller, version: Version) -> Version:
    await world.work()
    return await versions.get_version(world.records, caller, version.id)


async def statement_beside(world: World, version: Version) -> dict[str, object]:
    place = StatementObject(version.developer_id, version.app_id, version.version_code)
    stored = await world.packages.get(place.key)
    assert isinstance(stored, StoredObject)
    assert stored.info.cache_control == place.cache_control
    return json.loads(b"".join([chunk async for chunk in stored.body]))


def test_a_signed_package_becomes_a_draft_with_a_statement_of_both(world: World) -> None:
    async def scenario() -> None:
        ada = await world.developer()
        await world.app(ada)
        await require(world, ada)
        given = await signed(ada, await register(world, ada))
        draft = await validated(world, ada, await uploaded(world, ada, given))
        assert draft.status == "draft"
        assert (draft.developer_signature, draft.developer_key_id) == (
            given.signature,
            given.key_id,
        )
        assert draft.signed_at == world.clock.now_ms()
        document = await statement_beside(world, draft)
        kept = read_signed_statement(document)
        assert kept.statement == draft.statement
        assert (kept.signature, kept.signing_key_id) == (draft.signature, "k1")
        verifier = Ed25519Verifier()
        for public_key, signature in (
            (world.signer.public_key, kept.signature),
            (base64.b64decode(str(kept.developer_public_key)), str(kept.developer_signature)),
        ):
            assert await verifier.verify(
                public_key, base64.b64decode(signature), kept.statement.encode()
            )
        await versions.publish_version(world.records, world.clock, ada, draft.id)
        found = await downloads.published_statement(world.records, None, APP, None)
        assert found.to_document() == document

    run(scenario())


def test_an_unsigned_package_has_a_statement_of_the_platform_alone(world: World) -> None:
    async def scenario() -> None:
        ada = await world.developer()
        await world.app(ada)
        draft = await world.draft(ada)
        document = await statement_beside(world, draft)
        assert document["signature"] == draft.signature
        assert document["developer_signature"] is None
        assert document["developer_public_key"] is None

    run(scenario())


WRONG = {
    "no key": (GivenSignature("x", None), ["/signing_key_id"]),
    "no signature": (GivenSignature(None, "x"), ["/signature"]),
    "an unknown key": (
        GivenSignature("x", "01a0c450-6c00-7386-a648-2f61c6237cc1"),
        ["/signing_key_id"],
    ),
    "no id": (GivenSignature("x", "laptop"), ["/signing_key_id"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_half_a_signature_is_refused_at_creation(world: World, case: str) -> None:
    given, wrong = WRONG[case]

    async def scenario() -> None:
        ada = await world.developer()
        await world.app(ada)
        before = await world.snapshot()
        assert pointers(await refusal(world.create(ada, PACKAGE, given=given))) == wrong
        assert await world.snapshot() == before

    run(scenario())


def test_a_signature_that_is_not_this_packages_is_refused_at_creation(world: World) -> None:
    async def scenario() -> None:
        ada, bea = await world.developer(), await world.developer("Bea")
        await world.app(ada)
        key_id, beas = await register(world, ada), await register(world, bea)
        good = await signed(ada, key_id)
        bad = [
            replace(good, signature="AAAA"),
            replace(good, signature=f"{good.signature}\n"),
            await signed(ada, key_id, OTHER_SIGNER),
            await signed(ada, key_id, content=a_package(files={"x": b"y"})),
            await signed(ada, key_id, code=2),
            await signed(bea, key_id),
        ]
        before = await world.snapshot()
        for given in bad:
            problem = await refusal(world.create(ada, PACKAGE, given=given))
            assert pointers(problem) == ["/signature"]
        another = await refusal(world.create(ada, PACKAGE, given=replace(good, key_id=beas)))
        assert pointers(another) == ["/signing_key_id"]
        await developer_keys.revoke_key(world.records, world.clock, ada, key_id)
        revoked = await refusal(world.create(ada, PACKAGE, given=good))
        assert pointers(revoked) == ["/signing_key_id"]
        assert (await world.snapshot())[4:] == before[4:]

    run(scenario())


def test_an_app_that_requires_signatures_takes_no_unsigned_version(world: World) -> None:
    async def scenario() -> None:
        ada = await world.developer()
        await world.app(ada)
        assert (await require(world, ada)).requires_signature
        assert (await require(world, ada)).revision == 2
        assert pointers(await refusal(world.create(ada, PACKAGE))) == ["/signature"]
        assert not (await require(world, ada, is_required=False)).requires_signature
        await world.create(ada, PACKAGE)
        assert await world.history(APP) == ["created", "signature-required", "signature-optional"]

    run(scenario())


def test_a_version_without_a_signature_fails_where_one_is_required_meanwhile(
    world: World,
) -> None:
    async def scenario() -> None:
        ada = await world.developer()
        await world.app(ada)
        version = await uploaded(world, ada, GivenSignature())
        await require(world, ada)
        failed = await validated(world, ada, version)
        assert (failed.status, [p["slug"] for p in failed.problems]) == (
            "failed",
            ["signature-missing"],
        )
        assert (await world.packages.list_objects("")).objects == ()

    run(scenario())


def test_a_version_whose_key_is_revoked_meanwhile_fails(world: World) -> None:
    async def scenario() -> None:
        ada = await world.developer()
        await world.app(ada)
        key_id = await register(world, ada)
        version = await uploaded(world, ada, await signed(ada, key_id))
        await developer_keys.revoke_key(world.records, world.clock, ada, key_id)
        failed = await validated(world, ada, version)
        assert failed.status == "failed"
        assert [(p["slug"], p["value"]) for p in failed.problems] == [
            ("signature-key-revoked", key_id)
        ]

    run(scenario())


def test_a_signature_that_turns_out_bad_fails_with_all_other_problems(world: World) -> None:
    async def scenario() -> None:
        ada = await world.developer()
        await world.app(ada)
        key_id = await register(world, ada)
        version = await uploaded(world, ada, await signed(ada, key_id))
        await world.rows("UPDATE version SET size = size + 1")
        failed = await validated(world, ada, version)
        assert [p["slug"] for p in failed.problems] == ["signature-invalid"]

    run(scenario())


def test_taking_up_a_version_again_adds_or_replaces_its_signature(world: World) -> None:
    async def scenario() -> None:
        ada = await world.developer()
        await world.app(ada)
        first, _, created = await world.create(ada, PACKAGE)
        assert created
        assert first.developer_signature is None
        old = await signed(ada, await register(world, ada))
        added, _, created = await world.create(ada, PACKAGE, given=old)
        assert (added.id, added.developer_signature, created) == (first.id, old.signature, False)
        new_id = await register(world, ada, OTHER_SIGNER)
        new = await signed(ada, new_id, OTHER_SIGNER)
        replaced, _, _ = await world.create(ada, PACKAGE, given=new)
        assert (replaced.developer_signature, replaced.developer_key_id) == (
            new.signature,
            new.key_id,
        )
        kept, _, _ = await world.create(ada, PACKAGE)
        assert kept.developer_signature == new.signature
        assert kept == await versions.get_version(world.records, ada, first.id)

    run(scenario())


def test_a_statement_of_an_attempt_that_was_killed_counts(world: World) -> None:
    """The platform's key changed in between: row and statement still say the same."""

    async def scenario() -> None:
        ada = await world.developer()
        await world.app(ada)
        version = await uploaded(world, ada, await signed(ada, await register(world, ada)))
        world.signer = Ed25519Signer("old", bytes([5]) * 32)
        draft = await validated(world, ada, version)
        document = await statement_beside(world, draft)
        # As if the confirmation had not come through.
        await world.rows(
            "UPDATE version SET status = 'validating', statement = NULL, signature = NULL"
        )
        world.signer = Ed25519Signer("new", bytes([6]) * 32)
        world.clock.advance(seconds=60)
        await world.complete(ada, version.id)
        again = await validated(world, ada, version)
        assert await statement_beside(world, draft) == document
        assert (again.status, again.signature) == ("draft", document["signature"])
        assert again.signing_key_id == document["signing_key_id"] == "old"
        assert again.signed_at == draft.signed_at

    run(scenario())


@pytest.mark.parametrize(
    "content", [b"{}", b"no json", b'{"statement": "x"}', b"[" * (MAX_STATEMENT_BYTES + 1)]
)
def test_something_else_at_the_place_of_the_statement_fails_the_version(
    world: World, content: bytes
) -> None:
    async def scenario() -> None:
        ada = await world.developer()
        await world.app(ada)
        version = await uploaded(world, ada, GivenSignature())
        place = StatementObject(version.developer_id, APP, 1)
        await world.packages.put(
            place.key, content, length=len(content), content_type="application/json"
        )
        failed = await validated(world, ada, version)
        assert failed.status == "failed"
        assert [(p["slug"], p["path"]) for p in failed.problems] == [
            ("promotion-conflict", place.key)
        ]

    run(scenario())
