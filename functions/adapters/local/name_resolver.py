"""A public DNS in memory, whose resolvers can be made to disagree or to stay away."""

from functions.ports.name_resolver import DnsAnswer, RecordType


class MemoryNameResolver:
    def __init__(self) -> None:
        self._records: dict[tuple[str, RecordType], tuple[str, ...]] = {}
        self.unclear: dict[str, DnsAnswer] = {}
        """Names whose answer is this, whatever the records are."""
        self.asked: list[tuple[str, RecordType]] = []

    def set(self, name: str, kind: RecordType, *values: str) -> None:
        """Replaces what is there; no values: there is nothing."""
        self._records[name, kind] = tuple(sorted(values))

    async def look(self, name: str, kind: RecordType) -> DnsAnswer:
        self.asked.append((name, kind))
        if name in self.unclear:
            return self.unclear[name]
        values = self._records.get((name, kind), ())
        return DnsAnswer("records", values) if values else DnsAnswer("none")
