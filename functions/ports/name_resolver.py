"""What the public DNS says of a name. Workers have no resolver of their own, so several are asked,
and what they do not agree on is not known."""

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

RecordType: TypeAlias = Literal["TXT", "CNAME", "A", "AAAA"]


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """`records`: all resolvers have the same records. `none`: all say that there are none, or no
    such name. `disagree`: some have others, as while a change spreads. `unavailable`: one or more
    gave no usable answer, whatever the others said."""

    outcome: Literal["records", "none", "disagree", "unavailable"]
    values: tuple[str, ...] = ()
    """Sorted; of `disagree` what any of them has. A TXT record's strings are joined; names are in
    lower case without a final dot; bytes that are not UTF-8 are replaced."""


class NameResolver(Protocol):
    async def look(self, name: str, kind: RecordType) -> DnsAnswer:
        """The records of this type at exactly this name: those at the end of a CNAME are not
        among them. Never raises; without retries."""
        ...
