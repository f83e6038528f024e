"""The statements of the one who writes the record, made once for a database: their text, and rows as its driver takes them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from operator import attrgetter, itemgetter
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
    makers: tuple[tuple[int, _Maker], ...] = ()
    """Where in a row something is not as the driver takes it, and what makes it so."""

    def rows(self, values: Iterable[Values]) -> list[Row]:
        return self._made(map(itemgetter(*self.names), values))

    def rows_of(self, objects: Iterable[object]) -> list[Row]:
        """Of values whose fields are the columns."""
        return self._made(map(attrgetter(*self.names), objects))

    def _made(self, picked: Iterable[Row]) -> list[Row]:
        made = list[Row]()
        for one in picked:
            row = list(one)
            for place, make in self.makers:
                row[place] = make(row[place])
            made.append(row)
        return made


def insert(table: Table, dialect: Dialect, *, encoded: str = "") -> Statement:
    """Fails where a row is there. The column ``encoded`` comes as JSON already."""
    return _made(_insert(table, dialect), table, dialect, encoded)


def insert_new(table: Table, dialect: Dialect, *, encoded: str = "") -> Statement:
    """Leaves rows alone which are there already."""
    return _made(_insert(table, dialect).on_conflict_do_nothing(), table, dialect, encoded)


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
    utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return utc.isoformat(" ", "microseconds")[:_TO_MICROSECONDS]


def time_of(value: Any) -> datetime:
    """As SQLite or PostgreSQL give it."""
    return value.astimezone(UTC) if isinstance(value, datetime) else datetime.fromisoformat(f"{value}+00:00")


def json_of(value: Any) -> Any:
    return msgspec.json.decode(value) if isinstance(value, str) else value


_TO_MICROSECONDS: Final = len("2026-11-23 09:00:00.000000")


def _insert(table: Table, dialect: Dialect) -> "sqlite.Insert | postgresql.Insert":
    return sqlite.insert(table) if dialect.name == "sqlite" else postgresql.insert(table)


def _made(statement: Insert, table: Table, dialect: Dialect, encoded: str = "") -> Statement:
    names = [column.name for column in table.columns if column is not table.autoincrement_column]
    compiled = statement.compile(dialect=dialect, column_keys=names)
    ordered = tuple(compiled.positiontup or ())
    makers = ((place, _maker(table, name, dialect)) for place, name in enumerate(ordered) if name != encoded)
    return Statement(str(compiled), ordered, tuple((place, make) for place, make in makers if make))


def _maker(table: Table, name: str, dialect: Dialect) -> _Maker | None:
    kind = table.columns[name].type
    if isinstance(kind, UtcDateTime):
        return _sqlite_optional_time if dialect.name == "sqlite" else None
    maker: _Maker | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return maker


def _sqlite_optional_time(value: datetime | None) -> str | None:
    return None if value is None else sqlite_time(value)
