"""The models that requests and answers share: strict bodies, times, problem documents."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from functions.core.times import parse_rfc3339, rfc3339


class Body(BaseModel):
    """A request's JSON object: unknown members are refused, and no value is turned into another
    type (`"1"` and `true` are no integers)."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True
    )


class Answer(BaseModel):
    """A member of an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _milliseconds(value: object) -> object:
    if value is None:
        return None
    moment = parse_rfc3339(value) if isinstance(value, str) else None
    if moment is None:
        raise PydanticCustomError(
            "rfc3339", "must be a time of RFC 3339 such as 2026-01-31T12:00:00Z, or null"
        )
    return moment


_DATE_TIME = WithJsonSchema({"type": "string", "format": "date-time"})

TimeGiven = Annotated[int, BeforeValidator(_milliseconds), _DATE_TIME]
"""Read from RFC 3339 text; milliseconds inside."""
Time = Annotated[int, PlainSerializer(rfc3339, return_type=str), _DATE_TIME]
"""Milliseconds inside; written as RFC 3339, UTC, with milliseconds."""


class WrongValue(Answer):
    pointer: str
    """JSON pointer into the request's body, or `?name` for a parameter of the query."""
    detail: str


class ProblemDocument(BaseModel):
    """RFC 9457. Further members depend on the type."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: list[WrongValue] | None = None
