"""Grammars and bounds of the values that callers send, with every mistake collected.

Values are checked here however strictly the transport has checked them before.
"""

import re
import unicodedata

from functions.core.problems import FieldError, invalid

APP_ID = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
"""Lower-case labels of letters and digits, joined by single dots, hyphens or underscores; 3 to 128
characters in all. It is one path component of an object key and one part of a cache tag as it
stands, and never looks like an id."""
APP_ID_LENGTH = (3, 128)
MAX_VERSION_CODE = 2**53 - 1
"""The largest integer that every JSON reader keeps exact."""
MAX_NAME_CHARACTERS = 100
MAX_VERSION_NAME_CHARACTERS = 64
MAX_REASON_CHARACTERS = 500

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SHA256 = re.compile(r"[0-9a-f]{64}")
_PART = "[A-Za-z0-9][A-Za-z0-9.+~_-]*"
DISTRIBUTION = re.compile(f"{_PART}(?:/{_PART})*")
MAX_DISTRIBUTION_CHARACTERS = 100


class Collector:
    """Collects what is wrong with a request; `check` raises it all at once."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def add(self, pointer: str, detail: str) -> None:
        self.errors.append(FieldError(pointer, detail))

    def check(self) -> None:
        """Raises: ProblemError 422 where anything was added."""
        if self.errors:
            raise invalid(self.errors)

    def app_id(self, value: object, pointer: str = "/app_id") -> None:
        low, high = APP_ID_LENGTH
        if not isinstance(value, str) or APP_ID.fullmatch(value) is None:
            self.add(
                pointer,
                "must be lower-case letters and digits in labels joined by single '.', '-' or '_', "
                "such as 'org.example.app'",
            )
        elif not low <= len(value) <= high:
            self.add(pointer, f"must have {low} to {high} characters")
        elif _UUID.fullmatch(value) is not None:
            self.add(pointer, "must not look like a UUID")

    def name(self, value: object, pointer: str = "/name") -> None:
        self._text(value, pointer, MAX_NAME_CHARACTERS)

    def version_name(self, value: object, pointer: str = "/version_name") -> None:
        self._text(value, pointer, MAX_VERSION_NAME_CHARACTERS)

    def reason(self, value: object, pointer: str = "/reason") -> None:
        self._text(value, pointer, MAX_REASON_CHARACTERS)

    def one_of(self, value: object, choices: tuple[str, ...], pointer: str) -> None:
        if value not in choices:
            self.add(pointer, f"must be one of {', '.join(choices)}")

    def integer(self, value: object, low: int, high: int, pointer: str) -> None:
        # bool is an int to Python, but `true` is no version code.
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.add(pointer, f"must be an integer from {low} to {high}")

    def sha256(self, value: object, pointer: str = "/sha256") -> None:
        if not isinstance(value, str) or SHA256.fullmatch(value) is None:
            self.add(pointer, "must be a SHA-256 digest of 64 lower-case hexadecimal digits")

    def distribution(self, value: object, pointer: str = "/distribution") -> None:
        if (
            not isinstance(value, str)
            or len(value) > MAX_DISTRIBUTION_CHARACTERS
            or DISTRIBUTION.fullmatch(value) is None
        ):
            self.add(
                pointer,
                "must name a distribution such as 'stable' or 'bookworm/updates': letters, digits "
                f"and '.+~_-', at most {MAX_DISTRIBUTION_CHARACTERS} characters",
            )

    def _text(self, value: object, pointer: str, limit: int) -> None:
        if not isinstance(value, str) or not value.strip():
            self.add(pointer, "must be a text that is not empty")
        elif len(value) > limit:
            self.add(pointer, f"must have at most {limit} characters")
        elif value != value.strip() or any(_is_control(character) for character in value):
            self.add(pointer, "must hold no control characters and no white space at either end")


# Overrides and isolates that reorder the text around them (Unicode TR 36), so that a name can pose
# as another.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _is_control(character: str) -> bool:
    return character in _BIDI or unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
