"""SQLite, in one thread. More threads answer no more, for they and the one that serves the desktops take turns at Python, and the
more there are the longer each waits (benchmarks/bench_pop.py)."""

import sqlite3
from functools import partial
from typing import Final

import msgspec
from sqlalchemy.dialects.sqlite.pysqlite import dialect
from sqlalchemy.engine import URL

from cti.quick_sql.detailed import as_one
from cti.quick_sql.parameters import named
from cti.quick_sql.reading import Asked, Detailed, Details, Question, Reading, Row, T, answered
from cti.quick_sql.turns import Turns

BUSY_MS: Final = 5000
_json: Final = msgspec.json.Decoder(list[list[object]])
_Columns = list[str]


class SqliteReader:
    def __init__(self, url: URL) -> None:
        (self._path,), self._options = dialect().create_connect_args(url)
        self._opened: sqlite3.Connection | None = None
        self._turns = Turns("quick-sql", self._end)
        self._columns: dict[str, _Columns] = {}
        self._statements: dict[tuple[str, ...], tuple[str, list[_Columns]]] = {}

    async def read(self, reading: Reading[T]) -> T:
        return await self._turns.ask(partial(self._answered, reading))

    async def close(self) -> None:
        await self._turns.stop()

    def _answered(self, reading: Reading[T]) -> T:
        connection = self._connection()
        return answered(reading, lambda asked: self._tried(connection, asked))

    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            self._opened = sqlite3.connect(self._path, **self._options, isolation_level=None)
            self._opened.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            self._opened.execute("PRAGMA query_only = ON")
        return self._opened

    def _tried(self, connection: sqlite3.Connection, asked: Asked) -> object:
        try:
            return self._asked(connection, asked)
        except sqlite3.Error:
            self._columns.clear()  # they may have other names by now
            self._statements.clear()
            raise

    def _asked(self, connection: sqlite3.Connection, asked: Asked) -> object:
        if isinstance(asked, Question) and asked.is_at_once:
            return self._rows_at_once(connection, asked)
        if isinstance(asked, Question):
            return _rows(connection.execute(*named(asked.sql, asked.values)))
        sql, columns = self._statement(connection, asked)
        cursor = connection.execute(*named(sql, asked.question.values))
        found = cursor.fetchall()
        names = _names(cursor)[: -len(columns)]
        rows = [dict(zip(names, row, strict=False)) for row in found]
        if not 0 < len(rows) <= asked.most:
            return Details(rows, ())
        texts = found[0][-len(columns) :]
        return Details(rows, [_decoded(text, its) for text, its in zip(texts, columns, strict=True)])

    def _rows_at_once(self, connection: sqlite3.Connection, asked: Question) -> list[Row]:
        if asked.sql not in self._columns:
            self._columns[asked.sql] = _columns(connection, asked)
        columns = self._columns[asked.sql]
        (text,) = connection.execute(*named(f"SELECT {_as_json(asked.sql, columns)}", asked.values)).fetchone()
        return _decoded(text, columns)

    def _statement(self, connection: sqlite3.Connection, asked: Detailed) -> tuple[str, list[_Columns]]:
        """And the columns of its details, which are asked for once."""
        key = (asked.question.sql, *asked.details)
        if key not in self._statements:
            columns = [_columns(connection, Question(sql, {"ids": []})) for sql in asked.details]
            details = map(_as_json, asked.details, columns)
            whole = as_one(asked.question.sql, details, key=asked.key, most=asked.most, among="IN {}")
            self._statements[key] = whole, columns
        return self._statements[key]

    def _end(self) -> None:
        if self._opened:
            self._opened.close()


def _columns(connection: sqlite3.Connection, asked: Question) -> _Columns:
    empty = f"SELECT * FROM (\n{asked.sql}\n) LIMIT 0"  # noqa: S608 - wraps what is asked anyway
    return _names(connection.execute(*named(empty, asked.values)))


def _as_json(sql: str, columns: _Columns) -> str:
    """Columns are said to be of ``t``, for a word in quotes that names none is a text to SQLite."""
    names = ", ".join('t."' + name.replace('"', '""') + '"' for name in columns)
    return f"(SELECT json_group_array(json_array({names})) FROM (\n{sql}\n) AS t)"  # noqa: S608


def _decoded(text: str, columns: _Columns) -> list[Row]:
    return [dict(zip(columns, row, strict=True)) for row in _json.decode(text)]


def _rows(cursor: sqlite3.Cursor) -> list[Row]:
    names = _names(cursor)
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _names(cursor: sqlite3.Cursor) -> _Columns:
    """Of several with one name the first has it, and the others are called as SQLite calls them in a subquery: ``id:1``."""
    names = [name for name, *_ in cursor.description or ()]
    if len(set(names)) == len(names):
        return names
    return [f"{name}:{at}" if name in names[:at] else name for at, name in enumerate(names)]
