"""A connection to our own database that writes customers: each piece of work is one transaction."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_POSTGRES: Final = {"timeout": 5, "command_timeout": 15, "server_settings": {"application_name": "cti"}}
T = TypeVar("T")


class WritingDatabase(Protocol):
    async def run(self, work: Callable[[Connection], T]) -> T: ...

    async def close(self) -> None: ...


class _Postgres:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def run(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        await self._engine.dispose()


class _Sqlite:
    """One thread: SQLite has one writer anyway. It waits while the record is written."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="crm-writing")

    async def run(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._begun, work)

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()

    def _begun(self, work: Callable[[Connection], T]) -> T:
        with self._engine.begin() as connection:
            return work(connection)


def writing(url: str) -> WritingDatabase:
    """Opens nothing yet. ``url`` is of SQLite or PostgreSQL, whichever driver it names."""
    parsed = make_url(url)
    options: dict[str, Any] = {"pool_timeout": 5, "hide_parameters": True}
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed.set(drivername="sqlite"), **options)
        event.listen(engine, "connect", _prepare)
        return _Sqlite(engine)
    asynchronous = parsed.set(drivername="postgresql+asyncpg")
    return _Postgres(
        create_async_engine(asynchronous, **options, connect_args=_POSTGRES, pool_size=2, pool_pre_ping=True)
    )


def _prepare(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 20000")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
