"""Time and randomness of the Workers runtime. Neither may be asked for while a module is
imported."""

import secrets
import time


class SystemClock:
    """The runtime holds its clock still between two inputs or outputs, so it measures no
    computation."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class SystemEntropy:
    def token_bytes(self, size: int) -> bytes:
        return secrets.token_bytes(size)
