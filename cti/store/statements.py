"""The statements of the one who writes the record, made once for a database: their text, and rows as its driver takes them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

import msgspec
from sqlalchemy import Dialect, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite

from cti.store.tables import UtcDateTime

Row = Sequence[Any]
Values = Mapping[str, Any]
_Maker = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Statement:
    sql: str
    names: tuple[str, ...] = ()
    """Of the columns, in the order in which a row has them."""
    makers: tuple[_Maker | None, ...] = ()

    def rows(self, values: Iterable[Values]) -> list[Row]:
        pairs = tuple(zip(self.names, self.makers, strict=True))
        return [tuple(make(one[name]) if make else one[name] for name, make in pairs) for one in values]


def insert(table: Table, dialect: Dialect) -> Statement:
    """Fails where a row is there."""
    return _made(_insert(table, dialect), table, dialect)


def insert_new(table: Table, dialect: Dialect) -> Statement:
    """Leaves rows alone which are there already."""
    return _made(_insert(table, dialect).on_conflict_do_nothing(), table, dialect)


def insert_or_replace(table: Table, dialect: Dialect) -> Statement:
    """Overwrites all columns of rows with the same primary key."""
    return _made(replacing(_insert(table, dialect), table), table, dialect)


def replacing(statement: "sqlite.Insert | postgresql.Insert", table: Table) -> Insert:
    keys = [column.name for column in table.primary_key]
    changed = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


def asked(sql: str, *, is_sqlite: bool) -> Statement:
    """``?`` is a value, ``:among`` "is one of", of a list. ``sql`` is text of ours."""
    if is_sqlite:
        return Statement(sql.replace(":among", "IN (SELECT value FROM json_each(?))"))
    places = count(1)
    parts = sql.replace(":among", "= ANY(?::text[])").split("?")
    return Statement("".join(part + f"${next(places)}" for part in parts[:-1]) + parts[-1])


def sqlite_time(value: datetime) -> str:
    """As SQLAlchemy writes it."""
    return value.astimezone(UTC).isoformat(" ", "microseconds")[:_TO_MICROSECONDS]


def time_of(value: Any) -> datetime:
    """As SQLite or PostgreSQL give it."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def json_of(value: Any) -> Any:
    return msgspec.json.decode(value) if isinstance(value, str) else value


_TO_MICROSECONDS: Final = len("2026-11-23 09:00:00.000000")


def _insert(table: Table, dialect: Dialect) -> "sqlite.Insert | postgresql.Insert":
    return sqlite.insert(table) if dialect.name == "sqlite" else postgresql.insert(table)


def _made(statement: Insert, table: Table, dialect: Dialect) -> Statement:
    names = [column.name for column in table.columns if column is not table.autoincrement_column]
    compiled = statement.compile(dialect=dialect, column_keys=names)
    ordered = tuple(compiled.positiontup or ())
    return Statement(str(compiled), ordered, tuple(_maker(table, name, dialect) for name in ordered))


def _maker(table: Table, name: str, dialect: Dialect) -> _Maker | None:
    kind = table.columns[name].type
    if isinstance(kind, UtcDateTime):
        return _sqlite_optional_time if dialect.name == "sqlite" else None
    maker: _Maker | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return maker


def _sqlite_optional_time(value: datetime | None) -> str | None:
    return None if value is None else sqlite_time(value)
