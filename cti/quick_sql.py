"""Reading from a database while a phone rings: the driver's own prepared statements, without SQLAlchemy in between, which
takes five times as long for each (docs/performance.md). For SQLite and PostgreSQL; everything else goes through SQLAlchemy.

What is read may take several questions, the later ones made of earlier answers. That is written as a generator, which yields
a ``Question`` and is sent its rows, and knows nothing of threads and awaits::

    def customer_with_orders(key: str) -> Reading[tuple[Row, list[Row]]]:
        (customer,) = yield Question("SELECT * FROM customer WHERE id = :key", {"key": key})
        return customer, (yield Question("SELECT * FROM orders WHERE customer IN :keys", {"keys": [key]}))

    await reader.read(customer_with_orders("C000001"))

Drivers' errors are raised where the question was yielded, as they are: ``ERRORS``. Connections cannot write.
"""

import asyncio
import re
import sqlite3
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from threading import local
from typing import Any, Final, Protocol, TypeVar

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.dialects.sqlite.pysqlite import dialect as pysqlite_dialect
from sqlalchemy.engine import URL

THREADS: Final = 4
CONNECTIONS: Final = 6
BUSY_MS: Final = 5000
CONNECT_S: Final = 5.0
ANSWER_S: Final = 15.0
ERRORS: Final = (sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, UnicodeError)
"""TimeoutError is an OSError."""
_PARAMETER: Final = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
"""As SQLAlchemy reads a text: ``::`` is a cast, and ``\\:`` a colon."""

Row = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    sql: str
    """With parameters as ``:name``; ``IN :ids`` takes a list."""
    values: Mapping[str, Any]


Reading = Generator[Question, list[Row], T]


class Reader(Protocol):
    async def read(self, reading: Reading[T]) -> T: ...

    async def close(self) -> None: ...


BACKENDS: Final = frozenset({"sqlite", "postgresql"})


def quick_reader(url: URL) -> Reader:
    """``url`` is of one of the ``BACKENDS``, whichever driver it names. Opens nothing yet."""
    return SqliteReader(url) if url.get_backend_name() == "sqlite" else PostgresReader(url)


def answered(reading: Reading[T], ask: Callable[[Question], list[Row]]) -> T:
    try:
        question = next(reading)
        while True:
            try:
                rows = ask(question)
            except Exception as exc:  # noqa: BLE001 - the generator has the word for it
                question = reading.throw(exc)
            else:
                question = reading.send(rows)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


class SqliteReader:
    """In a few threads: all of an answer's questions in one hop."""

    def __init__(self, url: URL) -> None:
        (self._path,), self._options = pysqlite_dialect().create_connect_args(url)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="quick-sql")
        self._here = local()
        self._opened: list[sqlite3.Connection] = []

    async def read(self, reading: Reading[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._answered, reading)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for connection in self._opened:
            connection.close()

    def _answered(self, reading: Reading[T]) -> T:
        connection = self._connection()
        return answered(reading, lambda question: _rows(connection, question))

    def _connection(self) -> sqlite3.Connection:
        """This thread's own."""
        connection: sqlite3.Connection | None = getattr(self._here, "connection", None)
        if connection is None:
            options = {**self._options, "check_same_thread": False, "isolation_level": None}
            connection = sqlite3.connect(self._path, **options)
            connection.row_factory = sqlite3.Row
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            connection.execute("PRAGMA query_only = ON")
            self._opened.append(connection)
            self._here.connection = connection
        return connection


def _rows(connection: sqlite3.Connection, question: Question) -> list[Row]:
    sql, values = _listed(question)
    return [dict(row) for row in connection.execute(sql, values)]


class _Plain(asyncpg.Connection):
    """Given back as it is, for nobody changes anything on it: to reset it would be a round trip more for each answer."""

    def get_reset_query(self) -> str:
        return ""


class PostgresReader:
    """On a few connections, each question prepared once on each."""

    def __init__(self, url: URL) -> None:
        dialect: Any = asyncpg_dialect  # SQLAlchemy has no types for it
        _, options = dialect().create_connect_args(url.set(drivername="postgresql+asyncpg"))
        self._options = {name: value for name, value in options.items() if "prepared_statement" not in name}
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()

    async def read(self, reading: Reading[T]) -> T:
        pool = self._pool or await self._open()
        async with pool.acquire(timeout=CONNECT_S) as connection:
            return await _answered_on(connection, reading)

    async def close(self) -> None:
        if self._pool:
            self._pool.terminate()

    async def _open(self) -> "asyncpg.Pool[asyncpg.Record]":
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    **self._options, min_size=0, max_size=CONNECTIONS, connection_class=_Plain, timeout=CONNECT_S,
                    command_timeout=ANSWER_S,
                    server_settings={"default_transaction_read_only": "on", "application_name": "cti"},
                )  # fmt: skip
        return self._pool


async def _answered_on(connection: Any, reading: Reading[T]) -> T:
    try:
        question = next(reading)
        while True:
            try:
                sql, values = numbered(question)
                rows: list[Row] = [dict(row) for row in await connection.fetch(sql, *values)]
            except Exception as exc:  # noqa: BLE001 - the generator has the word for it
                question = reading.throw(exc)
            else:
                question = reading.send(rows)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


# ---- parameters as the drivers write them


def _listed(question: Question) -> tuple[str, Mapping[str, Any]]:
    """``IN :ids`` -> ``IN (:ids0, :ids1)``, the way of SQLite's own driver."""
    values, lists = dict(question.values), {}
    for name, value in question.values.items():
        if isinstance(value, list):
            lists[name] = len(value)
            values |= {f"{name}{at}": one for at, one in enumerate(values.pop(name))}
    return _named(question.sql, tuple(lists.items())), values


@lru_cache(maxsize=1024)
def _named(sql: str, lists: tuple[tuple[str, int], ...]) -> str:
    sizes = dict(lists)

    def place(found: re.Match[str]) -> str:
        name = found[1]
        if name not in sizes:
            return found[0]
        return f"({', '.join(f':{name}{at}' for at in range(sizes[name])) or 'NULL'})"

    return _PARAMETER.sub(place, sql).replace("\\:", ":")


def numbered(question: Question) -> tuple[str, list[Any]]:
    """``:e164`` -> ``$1``, the way of PostgreSQL's."""
    sizes = tuple((name, len(value)) for name, value in question.values.items() if isinstance(value, list))
    sql, names = _numbered(question.sql, sizes)
    values: list[Any] = []
    for name in names:
        value = question.values[name]
        values += value if isinstance(value, list) else [value]
    return sql, values


@lru_cache(maxsize=1024)
def _numbered(sql: str, lists: tuple[tuple[str, int], ...]) -> tuple[str, tuple[str, ...]]:
    sizes, places, count = dict(lists), dict[str, str](), 0

    def place(found: re.Match[str]) -> str:
        nonlocal count
        name = found[1]
        if name not in places:
            size = sizes.get(name, 1)
            numbers = ", ".join(f"${count + at + 1}" for at in range(size))
            places[name] = f"({numbers or 'NULL'})" if name in sizes else numbers
            count += size
        return places[name]

    return _PARAMETER.sub(place, sql).replace("\\:", ":"), tuple(places)
