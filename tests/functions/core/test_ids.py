import uuid

import pytest

from functions.adapters.local.clock import FixedClock, SystemClock
from functions.adapters.local.entropy import SeededEntropy, SystemEntropy
from functions.core.ids import is_id, new_id


def test_an_id_is_a_uuid_of_version_7_that_carries_its_time() -> None:
    clock = FixedClock(1_790_000_000_123)
    for seed in range(50):
        made = uuid.UUID(new_id(clock, SeededEntropy(seed)))
        assert (made.version, made.variant) == (7, uuid.RFC_4122)
        assert made.int >> 80 == 1_790_000_000_123


def test_ids_sort_by_their_time() -> None:
    clock, entropy = FixedClock(), SystemEntropy()
    made: list[str] = []
    for _ in range(50):
        made.append(new_id(clock, entropy))
        clock.advance(milliseconds=1)
    assert made == sorted(made)
    assert len(set(made)) == 50


def test_ids_of_one_millisecond_differ() -> None:
    entropy = SystemEntropy()
    assert len({new_id(FixedClock(), entropy) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "text",
    ["", "x", "019CE0B8-0000-7000-8000-000000000000", "019ce0b8000070008000000000000000",
     "019ce0b8-0000-7000-8000-000000000000\n"],
)  # fmt: skip
def test_any_other_spelling_is_no_id(text: str) -> None:
    assert not is_id(text)


def test_an_id_is_recognised() -> None:
    assert is_id(new_id(SystemClock(), SystemEntropy()))
