"""Randomness during import: refused, but for calls that the SDK allows a package by number."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps

_allowed = [0]


@contextmanager
def allow_bad_entropy_calls(n: int) -> Generator[None]:
    """Let `n` reads of system randomness through while a package is imported."""
    before = _allowed[0]
    _allowed[0] = n
    try:
        yield
    finally:
        _allowed[0] = before


def guarded(urandom: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """`os.urandom` that refuses calls nobody allowed."""

    @wraps(urandom)
    def refusing(size: int, /) -> bytes:
        if _allowed[0] <= 0:
            raise OSError(
                "cannot use system randomness at the top level of a Worker's modules: "
                "Cloudflare refuses it; make it part of a request. The SDK allows it to some "
                "packages (fastapi, opentelemetry-api), which it finds by their "
                "python_modules/*.dist-info/METADATA: without these files the bundle does not boot"
            )
        _allowed[0] -= 1
        return urandom(size)

    return refusing
