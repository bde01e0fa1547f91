"""The DNS of the local cloud: all records of the whole world outside the zone, in one file, and
what goes wrong with them on purpose.

There are no delegations: a name has the records that were written, and whatever has none does not
exist. Names are kept in lower case without a final dot.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

from local.home import CloudError, write_private

RESOLVERS = (1, 2)
"""The recursive resolvers, each of which can be wrong in its own way."""
RESOLVER_PATHS = tuple(f"/dns/{number}/dns-query" for number in RESOLVERS)
"""Where the daemon answers for each of them (DNS over HTTPS)."""
TYPES = ("A", "AAAA", "CAA", "CNAME", "TXT")
FAULTS = ("nxdomain", "servfail", "timeout", "stale")
MOST_CNAMES = 8
_NAME = re.compile(r"(?=.{1,253}$)(\*\.)?([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}")

Json = dict[str, Any]
Outcome = Literal["found", "nxdomain", "servfail", "timeout"]


class RecordError(ValueError):
    """What the DNS does not allow; the message says why."""


@dataclass(frozen=True, slots=True)
class Record:
    name: str
    type: str
    value: str
    """In the form of a zone file, but a text as it is, without quotation marks."""
    ttl: int = 60


@dataclass(frozen=True, slots=True)
class Answer:
    outcome: Outcome
    records: tuple[Record, ...] = ()
    """In the order of the CNAMEs that lead to them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What a resolver says of a name in place of the truth. `stale`: what was true when the fault
    was planned."""

    name: str
    kind: str
    resolver: int | None
    """None: all of them, and whoever asks the server itself."""
    remembered: tuple[Record, ...] = ()


class DnsRecords:
    """A change is on disk when the method returns. Only the daemon opens the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records: list[Record] = []
        self._faults: list[Fault] = []
        if path.exists():
            self._load()

    def all(self) -> list[Record]:
        return sorted(self._records, key=lambda one: (one.name, one.type, one.value))

    def faults(self) -> list[Fault]:
        return list(self._faults)

    def put(self, name: str, kind: str, values: Iterable[str], ttl: int = 60) -> None:
        """The records of this name and type are exactly these from now on.

        Raises:
            RecordError: no name or type, or a CNAME beside other records.
        """
        name, kind = normal(name), kind.upper()
        if not _NAME.fullmatch(name):
            raise RecordError(f"{name!r} is no name of the DNS")
        if kind not in TYPES:
            raise RecordError(f"{kind!r} is none of the types {', '.join(TYPES)}")
        made = [Record(name, kind, _value(kind, value), ttl) for value in values]
        others = {one.type for one in self._records if one.name == name} - {kind}
        if made and (kind == "CNAME" or "CNAME" in others) and (others or len(made) > 1):
            raise RecordError(f"{name}: a CNAME stands alone (RFC 1034, 3.6.2); delete the others")
        self._keep([one for one in self._records if (one.name, one.type) != (name, kind)] + made)

    def delete(self, name: str, kind: str | None = None) -> None:
        """The records of a name, or those of one type; none there is a success."""
        name, kind = normal(name), kind.upper() if kind else None
        self._keep(
            [one for one in self._records if one.name != name or (kind and one.type != kind)]
        )

    def plan(self, name: str, kind: str, resolver: int | None = None) -> None:
        """Plans a fault in place of an earlier one of the same name and resolver.

        Raises:
            RecordError: no such fault or resolver.
        """
        name = normal(name)
        if kind not in FAULTS or resolver not in (None, *RESOLVERS):
            raise RecordError(
                f"a fault is one of {', '.join(FAULTS)}, of resolver 1, 2 or none for all"
            )
        true = tuple(one for one in self._records if one.name == name)
        others = [one for one in self._faults if (one.name, one.resolver) != (name, resolver)]
        self._faults = [*others, Fault(name, kind, resolver, true)]
        self._save()

    def clear_faults(self, name: str | None = None) -> None:
        """Those of one name, or all."""
        kept = normal(name) if name else None
        self._faults = [one for one in self._faults if kept and one.name != kept]
        self._save()

    def resolve(self, name: str, kind: str, resolver: int | None = None) -> Answer:
        """What a resolver (None: the server itself) answers: CNAMEs are followed, unless they are
        what is asked for."""
        name, found = normal(name), list[Record]()
        for _ in range(MOST_CNAMES):
            answer = self._at(name, resolver)
            if answer.outcome != "found":
                # Nothing at the end of a CNAME is an answer too.
                lost = answer.outcome == "nxdomain"
                return Answer("nxdomain", tuple(found)) if lost else answer
            here = [one for one in answer.records if one.type == kind]
            onward = next((one for one in answer.records if one.type == "CNAME"), None)
            if here or onward is None:
                return Answer("found", (*found, *here))
            found.append(onward)
            name = normal(onward.value)
        return Answer("servfail")

    def _at(self, name: str, resolver: int | None) -> Answer:
        fault = next(
            (
                one
                for one in self._faults
                if one.name == name and one.resolver in ({None, resolver})
            ),
            None,
        )
        if fault is not None and fault.kind != "stale":
            return Answer(cast("Outcome", fault.kind))
        known = self._records if fault is None else fault.remembered
        records = tuple(one for one in known if one.name == name)
        # A name above another one exists, though it has no records.
        exists = records or any(one.name.endswith(f".{name}") for one in known)
        return Answer("found", records) if exists else Answer("nxdomain")

    def _keep(self, records: list[Record]) -> None:
        self._records = records
        self._save()

    def _save(self) -> None:
        document = {
            "records": [asdict(one) for one in self._records],
            "faults": [asdict(one) for one in self._faults],
        }
        write_private(self._path, json.dumps(document, indent=1) + "\n")

    def _load(self) -> None:
        try:
            document = cast("Json", json.loads(self._path.read_text(encoding="utf-8")))
            self._records = [Record(**one) for one in document["records"]]
            self._faults = [
                Fault(**one | {"remembered": tuple(Record(**old) for old in one["remembered"])})
                for one in document["faults"]
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise CloudError(
                f"{self._path} is damaged ({error!r}). Restore or delete it; it holds the records "
                "of the local cloud's DNS and nothing else."
            ) from error


def normal(name: str) -> str:
    return name.strip().lower().removesuffix(".")


def _value(kind: str, value: str) -> str:
    if kind == "TXT":
        return value
    if kind == "CNAME":
        if not _NAME.fullmatch(normal(value)):
            raise RecordError(f"{value!r} is no name that a CNAME can lead to")
        return normal(value)
    return value.strip()
