"""The records in tables: queue_log by realtime, CDR by cdr_pgsql, cdr_adaptive_odbc and their like. Read only."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Integer,
    Numeric,
    Select,
    column,
    inspect,
    literal_column,
    make_url,
    select,
    table,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from cti.errors import RecordsUnreadable

DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "mysql": "mysql+aiomysql", "mariadb": "mariadb+aiomysql",
}  # fmt: skip
_TIMES: Final = ("time", "start", "calldate", "eventtime")
"""What the column is called that says when."""
_ZONES: Final = timedelta(hours=15)
Row = Mapping[str, Any]


async def rows_since(place: str, since: datetime, *, default_table: str) -> Sequence[Row]:
    """``place``: a database's URL, with ``#table`` at its end. Somewhat more than asked for, where times have no zone.

    Raises ``RecordsUnreadable``, with what to do about it.
    """
    url, name = _parsed(place, default_table)
    try:
        engine = create_async_engine(url, hide_parameters=True)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise RecordsUnreadable(f"{_named(url, name)}: its driver is not installed: {error}") from error
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_read, name, since)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        words = str(error).strip().splitlines() or [type(error).__name__]
        raise RecordsUnreadable(f"{_named(url, name)}: {words[0]}") from error
    finally:
        await engine.dispose()


def _parsed(place: str, default_table: str) -> tuple[URL, str]:
    address, _, name = place.partition("#")
    try:
        url = make_url(address)
    except ArgumentError:
        raise RecordsUnreadable("not a URL; postgresql://user@host/asterisk#cdr") from None
    return url.set(drivername=DRIVERS.get(url.drivername, url.drivername)), name or default_table


def _named(url: URL, name: str) -> str:
    return f"{url.render_as_string(hide_password=True)}#{name}"


def _read(connection: Connection, name: str, since: datetime) -> Sequence[Row]:
    schema, _, bare = name.rpartition(".")
    columns = {str(one["name"]).lower(): one for one in inspect(connection).get_columns(bare, schema=schema or None)}
    when = next((one for one in _TIMES if one in columns), None)
    if when is None:
        raise RecordsUnreadable(f"{name}: has no column {', '.join(_TIMES[:3])}: is it the right table?")
    found: ColumnElement[Any] = column(columns[when]["name"])
    wanted: Select[Any] = select(literal_column("*")).select_from(table(bare, schema=schema or None))
    rows = connection.execute(wanted.where(_since(found, columns[when]["type"], since)).order_by(found))
    return [dict(row) for row in rows.mappings()]


def _since(when: ColumnElement[Any], kind: object, since: datetime) -> ColumnElement[bool]:
    if isinstance(kind, DateTime) and kind.timezone:
        return when >= since
    if isinstance(kind, Integer | Numeric):
        return when >= int(since.timestamp())
    shown = since.astimezone(UTC).replace(tzinfo=None) - _ZONES
    if isinstance(kind, DateTime):
        return when >= shown
    # Text: a wall clock, or seconds since 1970, which begin with a 1.
    return (when >= shown.isoformat(sep=" ")) | (when.between(str(int(since.timestamp())), "19"))
