"""A package is cut into parts that every storage takes."""

import pytest
from hypothesis import given
from hypothesis.strategies import integers

from functions.core.part_plan import PART_BYTES, plan_parts
from functions.ports.multipart_store import MAX_PARTS, MIN_PART_BYTES


@given(integers(1, 5 * 1024**4))
def test_the_parts_are_the_package_and_of_one_size_but_the_last(size: int) -> None:
    plan = plan_parts(size)
    assert 1 <= plan.count <= MAX_PARTS
    assert plan.part_size >= MIN_PART_BYTES
    last = plan.length(plan.count)
    assert 1 <= last <= plan.part_size
    assert (plan.count - 1) * plan.part_size + last == size
    assert plan.count == 1 or plan.length(1) == plan.length(plan.count - 1) == plan.part_size


@pytest.mark.parametrize(
    ("size", "part_size", "count"),
    [
        (1, PART_BYTES, 1),
        (PART_BYTES, PART_BYTES, 1),
        (PART_BYTES + 1, PART_BYTES, 2),
        (PART_BYTES * MAX_PARTS, PART_BYTES, MAX_PARTS),
        (PART_BYTES * MAX_PARTS + 1, PART_BYTES + 1024**2, 8889),
    ],
)
def test_parts_have_eight_mebibytes_until_there_would_be_too_many(
    size: int, part_size: int, count: int
) -> None:
    plan = plan_parts(size)
    assert (plan.part_size, plan.count) == (part_size, count)
