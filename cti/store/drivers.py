"""The database's driver itself, for the one who writes the record: what is put waits until something is asked or the
transaction ends, and then goes in one go, by prepared statements and with no layer in between.

SQLite has a thread and a connection of its own for it; of PostgreSQL's pool one connection is kept, until something fails.
One transaction at a time: ``Database`` sees to that.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar, cast

import asyncpg
import msgspec
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.store.statements import Row, Statement, sqlite_time

T = TypeVar("T")
Put = tuple[str, Sequence[Row]]
Question = tuple[Statement, *tuple[Any, ...]]
"""A statement and its values."""


class AlreadyThereError(Exception):
    """A row with one of these keys is there. The transaction is over."""


class Writing(Protocol):
    """One transaction."""

    def put(self, statement: Statement, rows: Iterable[Row]) -> None:
        """Nothing is sent yet: what sends it raises ``AlreadyThereError``, where the statement does not bear that."""
        ...

    async def ask(self, *questions: Question) -> list[Sequence[Row]]:
        """What each finds; what was put before is seen. A list among the values is for ``:among``; of an empty one nothing is."""
        ...


class Driver(Protocol):
    def transaction(self) -> contextlib.AbstractAsyncContextManager[Writing]: ...
    async def close(self) -> None: ...


class SqliteDriver:
    def __init__(self, path: str, pragmas: Iterable[str]) -> None:
        self._path, self._pragmas = path, tuple(pragmas)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="record")
        self._connection: sqlite3.Connection | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Writing]:
        writing = _SqliteWriting(self)
        try:
            yield writing
            await writing.commit()
        except BaseException:
            self._thread.submit(self._roll_back)  # behind what the thread is at, which nobody waits for any more
            raise

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(self._open()))

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._drop)
        self._thread.shutdown(wait=False)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, isolation_level=None, cached_statements=256)
            for pragma in self._pragmas:
                self._connection.execute(f"PRAGMA {pragma}")
        return self._connection

    def _roll_back(self) -> None:
        try:
            if self._connection is not None and self._connection.in_transaction:  # some errors have done it already
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _SqliteWriting:
    def __init__(self, driver: SqliteDriver) -> None:
        self._driver = driver
        self._waiting: list[Put] = [("BEGIN IMMEDIATE", ())]

    def put(self, statement: Statement, rows: Iterable[Row]) -> None:
        if sent := tuple(rows):
            self._waiting.append((statement.sql, sent))

    async def ask(self, *questions: Question) -> list[Sequence[Row]]:
        if all([] in values for _, *values in questions):
            return [()] * len(questions)
        told, self._waiting = self._waiting, []

        def work(connection: sqlite3.Connection) -> list[Sequence[Row]]:
            _tell(connection, told)
            return [
                connection.execute(statement.sql, tuple(map(_for_sqlite, values))).fetchall()
                if [] not in values
                else ()
                for statement, *values in questions
            ]

        return await self._driver.run(work)

    async def commit(self) -> None:
        told = [*self._waiting, ("COMMIT", ())]
        await self._driver.run(lambda connection: _tell(connection, told))


def _tell(connection: sqlite3.Connection, told: Iterable[Put]) -> None:
    try:
        for sql, rows in told:
            if rows:
                connection.executemany(sql, rows)
            else:
                connection.execute(sql)
    except sqlite3.IntegrityError as exc:
        if exc.sqlite_errorcode in _TAKEN:
            raise AlreadyThereError from exc
        raise


_TAKEN: Final = frozenset({sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY})


def _for_sqlite(value: Any) -> Any:
    if isinstance(value, list):
        return msgspec.json.encode(value).decode()
    return sqlite_time(value) if isinstance(value, datetime) else value


class PostgresDriver:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._kept: tuple[AsyncConnection, asyncpg.Connection] | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Writing]:
        try:
            connection = await self._begun()
            writing = _PostgresWriting(connection)
            yield writing
            await writing.commit()
        except AlreadyThereError:
            await connection.execute("ROLLBACK")
            raise
        except BaseException:
            await self.close()  # whatever state it is in: a new one costs some milliseconds
            raise

    async def close(self) -> None:
        kept, self._kept = self._kept, None
        if kept:
            kept[1].terminate()  # says no farewell: the other side may be frozen
            with contextlib.suppress(SQLAlchemyError, OSError):
                await kept[0].invalidate()
                await kept[0].close()

    async def _begun(self) -> asyncpg.Connection:
        """One that was idle for long may have died unseen, so that gets a second chance."""
        if self._kept:
            with contextlib.suppress(asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError):
                await self._kept[1].execute("BEGIN")
                return self._kept[1]
            await self.close()
        connection = await self._engine.connect()
        driver = cast("asyncpg.Connection", (await connection.get_raw_connection()).driver_connection)
        self._kept = connection, driver
        await driver.execute("BEGIN")
        return driver


class _PostgresWriting:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._waiting: list[Put] = []

    def put(self, statement: Statement, rows: Iterable[Row]) -> None:
        if sent := tuple(rows):
            self._waiting.append((statement.sql, sent))

    async def ask(self, *questions: Question) -> list[Sequence[Row]]:
        await self._tell()
        return [
            cast("Sequence[Row]", await self._connection.fetch(statement.sql, *values)) if [] not in values else ()
            for statement, *values in questions
        ]

    async def commit(self) -> None:
        await self._tell()
        await self._connection.execute("COMMIT")

    async def _tell(self) -> None:
        told, self._waiting = self._waiting, []
        try:
            for sql, rows in told:
                await self._connection.executemany(sql, rows)
        except asyncpg.UniqueViolationError as exc:
            raise AlreadyThereError from exc
