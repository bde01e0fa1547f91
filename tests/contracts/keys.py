"""Keys that a client, a proxy, a URL or a file system may well get wrong."""

import unicodedata

COMPOSED = unicodedata.normalize("NFC", "é")
DECOMPOSED = unicodedata.normalize("NFD", "é")

LONGEST_COMPONENT = "c" * 255
LONGEST = "/".join(["l" * 255, "o" * 255, "n" * 255, "g" * 254, "!"])

AWKWARD = (
    "with space",
    " leading and trailing ",
    "plus+plus",
    "percent%",
    "percent%41",
    "encoded%2Fslash",
    "encoded%20space",
    "double%2520encoded",
    "and&and",
    "question?list-type=2",
    "hash#fragment",
    "equals=sign",
    "tilde~",
    "quote'quote",
    'double"quote',
    "angle<b>brackets</b>&amp;",
    "semi;colon,comma:colon@at",
    "dollar$bang!star*(round)[square]{curly}|bar^caret`tick",
    "back\\slash",
    ".hidden",
    "three/.../dots",
    "trailing.dot.",
    "index/uploads",
    f"composed-{COMPOSED}",
    f"decomposed-{DECOMPOSED}",
    f"{COMPOSED}",
    f"{DECOMPOSED}",
    "日本語/ключ/مفتاح",
    "astral-🙂-𠀀",
    "astral-\uffee",
    f"component/{LONGEST_COMPONENT}",
    f"component/{'ü' * 127}x",
    LONGEST,
)
"""No key is a directory of another one, and none has a dot segment (DESIGN 4.13)."""
