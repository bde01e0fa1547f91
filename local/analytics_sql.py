"""Analytics Engine's SQL, as much of it as the platform uses, for DuckDB.

What is not named here is refused by name, so that a query that runs here is one that Cloudflare's
reference knows (developers.cloudflare.com/analytics/analytics-engine/sql-reference); the other way
round it may be refused here all the same.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlglot
from sqlglot import Expr, exp
from sqlglot.errors import ParseError, SqlglotError

from local.data_points import BLOBS, DOUBLES

_DIALECT = "clickhouse"
_SHOW_TABLES = re.compile(r"\s*show\s+tables(?:\s+format\s+(\w+))?\s*;?\s*", re.IGNORECASE)
_README = "see the table of what is not emulated, local/README.md"

_PARTS = {"expressions", "from_", "where", "group", "having", "order", "limit", "offset"}
"""Of a SELECT, as sqlglot names them."""
_CLAUSES = (exp.From, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit)
_NAMES = (exp.Offset, exp.Subquery, exp.Alias, exp.Identifier, exp.Star, exp.Paren, exp.Tuple)
_VALUES = (exp.Literal, exp.Boolean, exp.Interval, exp.Var, exp.If)
_LOGIC = (exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_OPERATORS = (exp.In, exp.Between, exp.Like, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg)
_AGGREGATES = (exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.CountIf)
_KNOWN = (*_CLAUSES, *_NAMES, *_VALUES, *_LOGIC, *_OPERATORS, *_AGGREGATES)


class SqlRefusedError(Exception):
    """The query is none, or none of the subset; the message says what of it."""


@dataclass(frozen=True, slots=True)
class ShowTables:
    """The names of the datasets are asked for."""


def translated(sql: str, datasets: Collection[str], now_ms: int) -> "str | ShowTables":
    """The query as DuckDB runs it over `data_point`. `datasets` are those that there are.

    Raises: SqlRefusedError.
    """
    shown = _SHOW_TABLES.fullmatch(sql)
    if shown is not None:
        _check_format(shown[1])
        return ShowTables()
    query = _parsed(sql)
    _check_format(query.args["format"].name if query.args.get("format") else None)
    query.set("format", None)
    for node in list(query.walk()):
        _check(node, datasets)
    return query.transform(_made, now_ms).sql(dialect="duckdb")


def _parsed(sql: str) -> exp.Select:
    try:
        statements = sqlglot.parse(sql, read=_DIALECT)
    except ParseError as error:
        found = error.errors[0] if error.errors else {}
        where = f"{found.get('description')}, line {found.get('line')}, column {found.get('col')}"
        raise SqlRefusedError(f"The query cannot be read: {where}") from error
    except SqlglotError as error:
        raise SqlRefusedError("The query cannot be read.") from error
    query = statements[0] if len(statements) == 1 else None
    if not isinstance(query, exp.Select):
        raise SqlRefusedError(
            "One SELECT, or SHOW TABLES, is taken: other statements, several of them and UNION are "
            f"not; {_README}."
        )
    return query


def _check_format(name: str | None) -> None:
    if name not in (None, "JSON"):
        raise SqlRefusedError(f"FORMAT {name} is not in the subset, only JSON; {_README}.")


def _check(node: Expr, datasets: Collection[str]) -> None:
    refused = _refusal(node, datasets)
    if refused:
        raise SqlRefusedError(f"{refused} (near {node.sql(dialect=_DIALECT)[:80]!r}); {_README}.")


def _refusal(node: Expr, datasets: Collection[str]) -> str | None:
    """What of the node is wrong."""
    if isinstance(node, exp.Table):
        known = node.args.get("db") is None and node.name in datasets
        what = node.sql(dialect=_DIALECT)
        return None if known else f"There is no dataset {what}, which its first point would make"
    foreign = _foreign(node)
    return None if foreign is None else f"{foreign} is not in the subset"


def _foreign(node: Expr) -> str | None:
    """What of the node is not in the subset."""
    name = type(node).__name__
    match node:
        case exp.Anonymous() | exp.CombinedAggFunc() | exp.ParameterizedAgg():
            return None if node.name.lower() in _FUNCTIONS else f"The function {node.name}"
        case exp.TimestampTrunc():
            unit = node.args["unit"].name
            return None if unit in ("DAY", "HOUR") else f"Rounding to {unit}"
        case exp.Distinct():
            return None if isinstance(node.parent, exp.Count) else "DISTINCT outside of count"
        case exp.Select():
            more = [one for one, value in node.args.items() if value and one not in _PARTS]
            return f"The clause {more[0]}" if more else None
        case exp.Column():
            return "A column named with its table" if node.table else None
        case _:
            return None if isinstance(node, _KNOWN) else name


Maker = Callable[[Sequence[Expr], int], Expr]


def _sum_if(given: Sequence[Expr], _: int) -> Expr:
    value, condition = _arguments("sumIf", given, 2)
    return exp.Sum(this=exp.If(this=condition, true=value, false=exp.Literal.number(0)))


def _to_date_time(given: Sequence[Expr], _: int) -> Expr:
    (value,) = _arguments("toDateTime", given, 1)
    if isinstance(value, exp.Literal) and value.is_string:
        return exp.cast(value, "timestamp")
    seconds = exp.cast(value, "bigint")
    return exp.func("make_timestamp", exp.Mul(this=seconds, expression=_number(1_000_000)))


def _to_unix_timestamp(given: Sequence[Expr], _: int) -> Expr:
    (value,) = _arguments("toUnixTimestamp", given, 1)
    return exp.cast(exp.func("epoch", value), "uinteger", dialect="duckdb")


def _to_start_of_interval(given: Sequence[Expr], _: int) -> Expr:
    value, interval = _arguments("toStartOfInterval", given, 2)
    # Weeks begin on Monday, as the epoch's day was no Monday.
    origin = exp.cast(exp.Literal.string("1969-12-29 00:00:00"), "timestamp")
    return exp.func("time_bucket", interval, value, origin)


def _now(given: Sequence[Expr], now_ms: int) -> Expr:
    _arguments("now", given, 0)
    text = datetime.fromtimestamp(now_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return exp.cast(exp.Literal.string(text), "timestamp")


_FUNCTIONS: dict[str, Maker] = {
    "sumif": _sum_if,
    "todatetime": _to_date_time,
    "tounixtimestamp": _to_unix_timestamp,
    "tostartofinterval": _to_start_of_interval,
    "now": _now,
    "quantileexactweighted": lambda given, _: _quantile(given),
}


def _quantile(given: Sequence[Expr]) -> Expr:
    """Every point here stands for one, so the weight that may be asked for changes nothing."""
    level, value, weight = _arguments("quantileExactWeighted(level)", given, 3)
    if not isinstance(weight, exp.Column) or weight.name != "_sample_interval":
        raise SqlRefusedError(
            "quantileExactWeighted is in the subset with the weight _sample_interval only"
            f"; {_README}."
        )
    return exp.func("quantile_disc", value, level)


def _arguments(name: str, given: Sequence[Expr], count: int) -> Sequence[Expr]:
    if len(given) != count:
        raise SqlRefusedError(f"{name} takes {count} arguments here, not {len(given)}; {_README}.")
    return given


def _number(value: int) -> Expr:
    return exp.Literal.number(value)


def _made(node: Expr, now_ms: int) -> Expr:
    if isinstance(node, exp.Table):
        return _points(node.name)
    if isinstance(node, exp.Anonymous | exp.CombinedAggFunc | exp.ParameterizedAgg):
        given = [*node.expressions, *node.args.get("params", [])]
        made = [one.transform(_made, now_ms) for one in given]
        return _FUNCTIONS[node.name.lower()](made, now_ms)
    return node


def _points(dataset: str) -> Expr:
    """The dataset with the columns that it has on Cloudflare."""
    columns = [
        "dataset",
        "make_timestamp(written_at // 1000 * 1000000) AS timestamp",
        "CAST(1 AS UINTEGER) AS _sample_interval",
        "index1",
        *(f"coalesce(blobs[{number}], '') AS blob{number}" for number in range(1, BLOBS + 1)),
        *(f"coalesce(doubles[{number}], 0) AS double{number}" for number in range(1, DOUBLES + 1)),
    ]
    name = exp.Literal.string(dataset).sql(dialect="duckdb")
    return exp.Subquery(
        this=sqlglot.parse_one(
            f"SELECT {', '.join(columns)} FROM data_point WHERE dataset = {name}",  # noqa: S608
            read="duckdb",
        )
    )
