"""A connection to a customer database that cannot write there, whatever a query says."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection, Engine, TextClause, bindparam, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from cti.crm.mapping import CrmMapping, parameters_of
from cti.errors import ConfigError
from cti.quick_sql import Question, Reading, Row, answered, one_by_one

_DRIVERS: Final = {"sqlite+aiosqlite": "sqlite", "postgresql": "postgresql+asyncpg"}
THREADS: Final = 4
_POSTGRES: Final = {
    "timeout": 5,
    "command_timeout": 15,
    "server_settings": {"default_transaction_read_only": "on", "application_name": "cti"},
}


T = TypeVar("T")


class ReadingDatabase(Protocol):
    async def run(self, work: Callable[[Connection], T]) -> T:
        """``work`` on a connection. Each query is a transaction of its own: that saves two round trips."""
        ...

    async def close(self) -> None: ...


class AsyncDatabase:
    """By an asynchronous driver."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def run(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.connect() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        await self._engine.dispose()


class ThreadedDatabase:
    """By any other driver, in a few threads of its own. SQLite too: one hop for all of an answer's queries."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="crm")

    async def run(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._connected, work)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()

    def _connected(self, work: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            return work(connection)


class SqlAlchemyReader:
    """Any database there is a driver for."""

    def __init__(self, database: ReadingDatabase) -> None:
        self._database = database

    async def read(self, reading: Reading[T]) -> T:
        def on(connection: Connection) -> T:
            return answered(reading, lambda asked: one_by_one(asked, lambda question: _rows(connection, question)))

        return await self._database.run(on)

    async def close(self) -> None:
        """The database is closed by itself."""


def _rows(connection: Connection, question: Question) -> list[Row]:
    found = connection.execute(statement(question.sql), dict(question.values))
    return [dict(row) for row in found.mappings()]


def reading(mapping: CrmMapping, url: str) -> ReadingDatabase:
    """``url`` is stronger than the mapping's. Raises ``ConfigError`` for a database that there is no driver for."""
    parsed = url_of(mapping, url)
    try:
        return _reading(parsed)
    except (NoSuchModuleError, ModuleNotFoundError, ArgumentError) as exc:
        raise ConfigError(f"{mapping.place}: {parsed.drivername} cannot be used: {exc}") from exc


def _reading(url: URL) -> ReadingDatabase:
    # Errors end in logs, and parameters are callers' numbers.
    options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "pool_timeout": 5, "hide_parameters": True}
    if url.get_backend_name() == "postgresql":
        return AsyncDatabase(create_async_engine(url, **options, connect_args=_POSTGRES, pool_pre_ping=True))
    if url.get_dialect().is_async:
        return AsyncDatabase(create_async_engine(url, **options, pool_pre_ping=True))
    engine = create_engine(url, **options)
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _query_only)
    return ThreadedDatabase(engine)


@lru_cache(maxsize=256)
def statement(query: str) -> TextClause:
    """``IN :ids`` takes as many as there are."""
    made = text(query)
    return made.bindparams(bindparam("ids", expanding=True)) if "ids" in parameters_of(query) else made


def url_of(mapping: CrmMapping, given: str) -> URL:
    try:
        url = make_url(given or mapping.url)
    except ArgumentError:
        raise ConfigError(f"{mapping.place}: [database] url is missing, or no URL of a database") from None
    if mapping.password_file:
        url = url.set(password=_password(mapping))
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


def _password(mapping: CrmMapping) -> str:
    try:
        return Path(mapping.password_file).read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise ConfigError(f"{mapping.place}: password_file cannot be read: {exc.strerror}") from exc


def _query_only(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA query_only = ON")
    cursor.execute("PRAGMA busy_timeout = 5000")
    cursor.close()
