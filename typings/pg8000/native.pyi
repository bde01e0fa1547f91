from collections.abc import Mapping, Sequence

BIGINT: int
NULLTYPE: int
TEXT: int

class Error(Exception): ...
class InterfaceError(Error): ...
class DatabaseError(Error): ...

class Connection:
    columns: Sequence[Mapping[str, object]] | None
    row_count: int | None
    def __init__(
        self,
        user: str,
        host: str | None = ...,
        database: str | None = ...,
        port: int = ...,
        password: str | None = ...,
        *,
        unix_sock: str | None = ...,
        timeout: float | None = ...,
    ) -> None: ...
    def run(
        self,
        sql: str,
        stream: None = ...,
        types: Mapping[str, int] | None = ...,
        **params: object,
    ) -> Sequence[Sequence[object]] | None: ...
    def close(self) -> None: ...
