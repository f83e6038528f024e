"""SQLite, in one thread: all of an answer's questions in one hop. More threads answer no more, for they and the one that serves
the desktops take turns at Python, and the more there are the longer each waits (benchmarks/bench_pop.py)."""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec
from sqlalchemy.dialects.sqlite.pysqlite import dialect
from sqlalchemy.engine import URL

from cti.quick_sql.parameters import named
from cti.quick_sql.reading import Asked, Question, Reading, Row, T, Together, answered

BUSY_MS: Final = 5000
_rows: Final = msgspec.json.Decoder(list[list[object]])


class SqliteReader:
    def __init__(self, url: URL) -> None:
        (self._path,), self._options = dialect().create_connect_args(url)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="quick-sql")
        self._opened: sqlite3.Connection | None = None
        self._together: dict[tuple[str, ...], tuple[str, list[list[str]]]] = {}

    async def read(self, reading: Reading[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._answered, reading)

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._opened:
            self._opened.close()

    def _answered(self, reading: Reading[T]) -> T:
        connection = self._connection()
        return answered(reading, lambda asked: self._asked(connection, asked))

    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            options = {**self._options, "check_same_thread": False, "isolation_level": None}
            self._opened = sqlite3.connect(self._path, **options)
            self._opened.row_factory = sqlite3.Row
            self._opened.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            self._opened.execute("PRAGMA query_only = ON")
        return self._opened

    def _asked(self, connection: sqlite3.Connection, asked: Asked) -> object:
        if isinstance(asked, Question):
            return [dict(row) for row in connection.execute(*named(asked.sql, asked.values))]
        sql, columns = self._as_one(connection, asked)
        found = connection.execute(*named(sql, asked.values)).fetchone()
        return [_with_names(names, text) for names, text in zip(columns, found, strict=True)]

    def _as_one(self, connection: sqlite3.Connection, asked: Together) -> tuple[str, list[list[str]]]:
        """One row of JSON lists. What columns there are is asked once."""
        key = tuple(question.sql for question in asked.questions)
        if key not in self._together:
            columns = [_columns(connection, question) for question in asked.questions]
            parts = map(_as_json, key, columns)
            self._together[key] = f"SELECT {', '.join(parts)}", columns
        return self._together[key]


def _columns(connection: sqlite3.Connection, question: Question) -> list[str]:
    empty = f"SELECT * FROM (\n{question.sql}\n) LIMIT 0"  # noqa: S608 - wraps what is asked anyway
    return [name for name, *_ in connection.execute(*named(empty, question.values)).description]


def _as_json(sql: str, columns: list[str]) -> str:
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
    return f"(SELECT json_group_array(json_array({names})) FROM (\n{sql}\n))"  # noqa: S608


def _with_names(names: list[str], text: str) -> list[Row]:
    return [dict(zip(names, row, strict=True)) for row in _rows.decode(text)]
