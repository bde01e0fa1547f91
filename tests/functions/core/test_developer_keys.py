import base64

import pytest

from functions.core import developer_keys
from functions.core.access import Caller
from functions.core.developer_keys import WEAK, DeveloperKey, is_weak
from tests.contracts.object_store import run
from tests.functions.core.world import OPERATOR, World, pointers, refusal

PRIME = 2**255 - 19
D = -121665 * pow(121666, -1, PRIME) % PRIME


def key_text(number: int) -> str:
    return base64.b64encode(bytes([number]) * 32).decode()


async def register(
    world: World, caller: Caller, text: str | None = None, name: str | None = None
) -> tuple[DeveloperKey, bool]:
    return await developer_keys.register_key(
        world.records, world.clock, world.entropy, caller, text or key_text(9), name
    )


async def revoke(world: World, caller: Caller, key_id: str) -> DeveloperKey:
    return await developer_keys.revoke_key(world.records, world.clock, caller, key_id)


def test_a_key_is_registered_once_and_listed(world: World) -> None:
    async def scenario() -> None:
        ada, bea = await world.developer(), await world.developer("Bea")
        key, is_new = await register(world, ada, name="laptop")
        assert is_new
        assert await register(world, ada) == (key, False)
        assert await world.history(key.id) == ["created"]
        world.clock.advance(seconds=1)
        second, _ = await register(world, ada, key_text(8))
        # The same key may be another developer's too: what is signed names the developer.
        other, _ = await register(world, bea)
        listed = await developer_keys.list_keys(world.records, ada, None)
        assert listed == [key, second]
        assert await developer_keys.list_keys(world.records, OPERATOR, bea.subject_id) == [other]
        after = await developer_keys.list_keys(world.records, ada, None, after=key.id)
        assert after == [second]

    run(scenario())


def test_a_revoked_key_stays_revoked_and_cannot_come_back(world: World) -> None:
    async def scenario() -> None:
        ada = await world.developer()
        key, _ = await register(world, ada)
        world.clock.advance(seconds=5)
        revoked = await revoke(world, ada, key.id)
        assert revoked.revoked_at == world.clock.now_ms()
        world.clock.advance(seconds=5)
        assert await revoke(world, ada, key.id) == revoked
        assert await world.history(key.id) == ["created", "revoked"]
        assert (await refusal(register(world, ada))).slug == "developer-key-revoked"

    run(scenario())


def test_nobody_but_its_developer_and_operators_sees_or_revokes_a_key(world: World) -> None:
    async def scenario() -> None:
        ada, bea, tenant = await world.developer(), await world.developer(), await world.tenant()
        key, _ = await register(world, ada)
        for stranger in (bea, tenant):
            assert (await refusal(revoke(world, stranger, key.id))).status == 404
            listing = developer_keys.list_keys(world.records, stranger, ada.subject_id)
            assert (await refusal(listing)).status == 404
        assert (await refusal(register(world, tenant))).status == 404
        assert (await refusal(register(world, OPERATOR))).status == 403
        assert (await refusal(revoke(world, ada, "no id"))).status == 404
        unnamed = await refusal(developer_keys.list_keys(world.records, OPERATOR, None))
        assert pointers(unnamed) == ["?developer_id"]
        assert (await revoke(world, OPERATOR, key.id)).revoked_at is not None

    run(scenario())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        key_text(9)[:-1],
        key_text(9) + "\n",
        base64.b64encode(bytes(31)).decode(),
        base64.b64encode(bytes([9]) * 33).decode(),
        base64.urlsafe_b64encode(b"\xff" * 31 + b"\x0f").decode(),
        # The last two bits before the padding are not the only ones that mean the same.
        key_text(9)[:-2] + "l=",
        base64.b64encode(bytes(32)).decode(),
        base64.b64encode(b"\x01" + bytes(31)).decode(),
    ],
)
def test_what_is_no_usable_key_is_refused_and_leaves_nothing(world: World, text: str) -> None:
    async def scenario() -> None:
        ada = await world.developer()
        before = await world.snapshot()
        problem = await refusal(
            developer_keys.register_key(world.records, world.clock, world.entropy, ada, text, " x")
        )
        assert pointers(problem) == ["/name", "/public_key"]
        assert await world.snapshot() == before

    run(scenario())


def x_of(y: int) -> int:
    """Of a point of edwards25519 (RFC 8032, section 5.1.3)."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    assert x * x % PRIME == square
    return x


def doubled(x: int, y: int) -> tuple[int, int]:
    product = D * x * x * y * y
    return (
        2 * x * y * pow(1 + product, -1, PRIME) % PRIME,
        (y * y + x * x) * pow(1 - product, -1, PRIME) % PRIME,
    )


def test_the_weak_keys_are_all_the_points_whose_eightfold_is_nothing() -> None:
    found: set[int] = set()
    for key in WEAK:
        assert is_weak(key)
        assert is_weak(key[:-1] + bytes([key[-1] | 0x80]))
        y = int.from_bytes(key, "little") % PRIME
        point = (x_of(y), y)
        for _ in range(3):
            point = doubled(*point)
        assert point == (0, 1)
        found.add(y)
    # There are eight such points, and pairs of them share a y: 1, -1, 0 and two more. A y below 19
    # can be written in a second way.
    assert len(found) == 5
    again = {(y + PRIME).to_bytes(32, "little") for y in found if y + PRIME < 2**255}
    assert {y.to_bytes(32, "little") for y in found} | again == WEAK
    assert not is_weak(bytes(range(32)))
