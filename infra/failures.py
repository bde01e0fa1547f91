"""How a provider that the engine runs for us says what went wrong."""

import sys
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def without_trace(kind: type[Exception]) -> Generator[None]:
    """Lets an error of this kind out as its sentence alone.

    The engine shows a provider's exception with its trace, which would bury the sentence that
    matters. The process is the provider's own and answers nothing else.
    """
    try:
        yield
    except kind as error:
        sys.tracebacklimit = 0
        raise error.with_traceback(None) from None
