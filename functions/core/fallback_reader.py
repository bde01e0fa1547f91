"""Reading while objects move from one storage to another: the new one first, the old one for what
has not arrived."""

from typing import Generic, TypeVar

from functions.ports.object_store import ByteRange, ObjectInfo, ObjectReader, StoredObject

R = TypeVar("R", bound=ObjectReader)


class FallbackReader(Generic[R]):
    """`second` is asked only where `first` has no such object. Where `first` fails, the call fails:
    an outage must not bring back what lies in `second` and was replaced or deleted since."""

    def __init__(self, first: R, second: R) -> None:
        self._first = first
        self._second = second

    async def head(self, key: str) -> ObjectInfo | None:
        found = await self._first.head(key)
        return found if found is not None else await self._second.head(key)

    async def get(
        self,
        key: str,
        byte_range: ByteRange | None = None,
        *,
        unless_etags: frozenset[str] | None = None,
    ) -> StoredObject | ObjectInfo | None:
        found = await self._first.get(key, byte_range, unless_etags=unless_etags)
        if found is not None:
            return found
        return await self._second.get(key, byte_range, unless_etags=unless_etags)
