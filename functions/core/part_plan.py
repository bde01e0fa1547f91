"""How a package is cut into parts."""

from dataclasses import dataclass

from functions.ports.multipart_store import MAX_PARTS

MIB = 1024**2
PART_BYTES = 8 * MIB
"""Small enough that a broken line costs little, and above the least that storages take (5 MiB)."""


@dataclass(frozen=True, slots=True)
class PartPlan:
    """Parts 1 to `count`, all of `part_size` bytes but the last, which has what is left."""

    size: int
    """Of the package, at least 1."""
    part_size: int

    @property
    def count(self) -> int:
        return -(-self.size // self.part_size)

    @property
    def numbers(self) -> range:
        return range(1, self.count + 1)

    def length(self, number: int) -> int:
        """Bytes of one of `numbers`."""
        return min(self.part_size, self.size - (number - 1) * self.part_size)


def plan_parts(size: int) -> PartPlan:
    """Parts of 8 MiB; of the next whole MiB that suffices where there would be more of them than a
    storage takes."""
    least = -(-size // MAX_PARTS)
    return PartPlan(size, max(PART_BYTES, -(-least // MIB) * MIB))
