"""The part of Cloudflare's rules language that the local cloud understands: text becomes a tree.

    or          := and ("or" and)*
    and         := not ("and" not)*
    not         := "not" not | "(" or ")" | comparison
    comparison  := field ("eq" | "ne" | "contains") text | field "in" "{" text+ "}"
                 | "starts_with(" field "," text ")" | "ends_with(" field "," text ")"
                 | 'any(http.request.headers["name"][*]' ("eq" | "contains") text ")"

Fields: http.host, http.request.method, http.request.uri.path, http.request.uri.query. A tree is a
list that begins with its operator: `["and", tree, ...]`, `["eq", field, text]`,
`["header_eq", name, text]`; workerd/storage/rules.mjs evaluates it.
https://developers.cloudflare.com/ruleset-engine/rules-language/
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

FIELDS = frozenset(
    {"http.host", "http.request.method", "http.request.uri.path", "http.request.uri.query"}
)
_HEADERS = "http.request.headers"
_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\["\\])*"|[a-z_]+(?:\.[a-z_]+)*|\[\*\]|[](){},[])')
_MOST_DEPTH = 50

Tree = list[object]


class UnknownExpressionError(Exception):
    """The expression is wrong, or uses what is not here. The message quotes no text of it: texts
    may be secret."""


def parse(expression: str) -> Tree:
    """The tree of an expression.

    Raises:
        UnknownExpressionError: it is not of the grammar above.
    """
    reader = _Reader(_tokens(expression))
    tree = reader.alternatives(0)
    if reader.position < len(reader.tokens):
        raise reader.unexpected("the end")
    return tree


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    at: int

    @property
    def is_text(self) -> bool:
        return self.text.startswith('"')


def _tokens(expression: str) -> list[_Token]:
    found: list[_Token] = []
    position = 0
    end = len(expression.rstrip())
    while position < end:
        match = _TOKEN.match(expression, position)
        if match is None:
            raise UnknownExpressionError(f"cannot be read from character {position} on")
        found.append(_Token(match[1], match.start(1)))
        position = match.end()
    return found


class _Reader:
    """Recursive descent; each method reads one rule of the grammar."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.position = 0

    def alternatives(self, depth: int) -> Tree:
        return self._joined("or", lambda: self._joined("and", lambda: self._factor(depth)))

    def unexpected(self, wanted: str) -> UnknownExpressionError:
        if self.position >= len(self.tokens):
            return UnknownExpressionError(f"ends where {wanted} is needed")
        token = self.tokens[self.position]
        shown = "a text" if token.is_text else f"`{token.text}`"
        return UnknownExpressionError(f"has {shown} at character {token.at}, not {wanted}")

    def _joined(self, word: str, part: Callable[[], Tree]) -> Tree:
        parts = [part()]
        while self._next_is(word):
            self._take(word)
            parts.append(part())
        return parts[0] if len(parts) == 1 else [word, *parts]

    def _factor(self, depth: int) -> Tree:
        if depth > _MOST_DEPTH:
            raise UnknownExpressionError(f"is nested deeper than {_MOST_DEPTH}")
        if self._next_is("not"):
            self._take("not")
            return ["not", self._factor(depth + 1)]
        if self._next_is("("):
            self._take("(")
            tree = self.alternatives(depth + 1)
            self._take(")")
            return tree
        return self._comparison()

    def _comparison(self) -> Tree:
        for function in ("starts_with", "ends_with"):
            if self._next_is(function):
                return self._affix(function)
        if self._next_is("any"):
            return self._any_header()
        field = self._field()
        if self._next_is("in"):
            return ["in", field, self._texts()]
        operator = self._one_of("eq", "ne", "contains", "in")
        return [operator, field, self._text()]

    def _affix(self, function: str) -> Tree:
        self._take(function)
        self._take("(")
        field = self._field()
        self._take(",")
        text = self._text()
        self._take(")")
        return [function, field, text]

    def _any_header(self) -> Tree:
        for word in ("any", "(", _HEADERS, "["):
            self._take(word)
        name = self._text()
        for word in ("]", "[*]"):
            self._take(word)
        operator = self._one_of("eq", "contains")
        text = self._text()
        self._take(")")
        return [f"header_{operator}", name.lower(), text]

    def _texts(self) -> list[str]:
        self._take("in")
        self._take("{")
        texts = [self._text()]
        while not self._next_is("}"):
            texts.append(self._text())
        self._take("}")
        return texts

    def _field(self) -> str:
        return self._one_of(*sorted(FIELDS))

    def _text(self) -> str:
        if self.position >= len(self.tokens) or not self.tokens[self.position].is_text:
            raise self.unexpected("a text in quotes")
        token = self.tokens[self.position]
        self.position += 1
        return re.sub(r"\\(.)", r"\1", token.text[1:-1])

    def _one_of(self, *words: str) -> str:
        for word in words:
            if self._next_is(word):
                self._take(word)
                return word
        raise self.unexpected(f"one of {', '.join(words)}")

    def _take(self, word: str) -> None:
        if not self._next_is(word):
            raise self.unexpected(f"`{word}`")
        self.position += 1

    def _next_is(self, word: str) -> bool:
        return self.position < len(self.tokens) and self.tokens[self.position].text == word
