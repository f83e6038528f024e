"""One database, SQLite or PostgreSQL: connections, transactions, and its troubles in our words. Only ``cti.store`` sees it.

SQLite is in WAL mode and takes one writer at a time; a transaction that means to write says so at once (BEGIN IMMEDIATE),
for one that begins by reading is refused later, without waiting, when another wrote meanwhile (SQLITE_BUSY_SNAPSHOT).
Within the process writers queue at a lock; other processes (``cti user add``) wait ``busy_timeout``.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import Any, Final, TypeVar

import asyncpg
import msgspec
from sqlalchemy import Connection, Insert, Table, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from cti.errors import ConfigError, StoreError, StoreSchema, StoreUnavailable
from cti.quick_sql import Reading, quick_reader
from cti.store.drivers import Driver, PostgresDriver, SqliteDriver, Writing
from cti.store.statements import replacing

T = TypeVar("T")
DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
BUSY_TIMEOUT_MS: Final = 20_000
_PRAGMAS: Final = (
    f"busy_timeout = {BUSY_TIMEOUT_MS}",
    "journal_mode = WAL",
    "synchronous = FULL",  # a committed call survives a power cut
    "foreign_keys = ON",
)
_POSTGRES: Final = {
    "pool_pre_ping": True,
    "pool_timeout": 5,
}
ANSWER_S: Final = 60.0
"""What a statement may take on PostgreSQL."""
IDLE_MS: Final = 5000
"""PostgreSQL ends a transaction whose process has fallen silent in the middle of it: others would wait for what that has locked as
long as it stands still, or until TCP finds out that its machine is gone. It is less than a journal waits for a commit."""
_BAD_VALUE: Final = ("22", "23", "54")
"""SQLSTATE classes that speak of the values sent, which no retry mends."""
_NO_TABLE: Final = frozenset({"42P01", "42703"})


class Database:
    """``url`` as the operator wrote it: ``sqlite:///cti.db``, ``postgresql://user:secret@host/cti``. ``is_patient``: a statement
    may take as long as it takes, and so may the pause before the next. ``pool_size``: connections to PostgreSQL that are kept; while all are busy, as many again."""

    def __init__(self, url: str, *, is_patient: bool = False, pool_size: int = 10) -> None:
        self.url = async_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = (
            _sqlite_engine(self.url) if self.is_sqlite else _postgres_engine(self.url, pool_size, is_patient=is_patient)
        )
        self._quick = quick_reader(self.url)
        self._writer = asyncio.Lock()
        self._recorder = asyncio.Lock()
        self._driver: Driver = (
            SqliteDriver(self.url.database or "", _PRAGMAS) if self.is_sqlite else PostgresDriver(self.engine)
        )

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        with _translated():
            async with self.engine.connect() as connection:
                yield connection

    async def read_quickly(self, reading: Reading[T]) -> T:
        """By the driver itself: while a phone rings."""
        with _translated():
            return await self._quick.read(reading)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """One transaction, committed at the end unless something is raised."""
        with _translated():
            async with self._writer if self.is_sqlite else nullcontext(), self.engine.connect() as connection:
                await connection.execution_options(cti_writes=True)
                async with connection.begin():
                    yield connection

    @asynccontextmanager
    async def recording(self) -> AsyncIterator[Writing]:
        """As ``writing``, by the driver alone: for the record, where a layer in between costs more than the work."""
        alone = self._writer if self.is_sqlite else nullcontext()
        with _translated():
            async with self._recorder, alone, self._driver.transaction() as writing:
                yield writing

    def insert_new(self, table: Table) -> Insert:
        """An insert that leaves rows alone which are there already."""
        if self.is_sqlite:
            return sqlite.insert(table).on_conflict_do_nothing()
        return postgresql.insert(table).on_conflict_do_nothing()

    def insert_or_replace(self, table: Table) -> Insert:
        """An insert that overwrites all columns of rows with the same primary key."""
        return replacing(sqlite.insert(table) if self.is_sqlite else postgresql.insert(table), table)

    async def close(self) -> None:
        await self._quick.close()
        await self._driver.close()
        await self.engine.dispose()


def async_url(url: str) -> URL:
    """Raises ``ConfigError`` for what is no URL of a database we serve. The secret in it is never repeated."""
    try:
        parsed = make_url(url)
        driver = DRIVERS[parsed.get_backend_name()]
    except (ArgumentError, ValueError):  # the latter of a port that is no number
        raise ConfigError("database: not a URL; sqlite:///cti.db or postgresql://user:secret@host/cti") from None
    except KeyError:
        raise ConfigError(f"database: {parsed.drivername} is not served; sqlite and postgresql are") from None
    return parsed.set(drivername=driver)


def _sqlite_engine(url: URL) -> AsyncEngine:
    engine = _engine(url, {})
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _postgres_engine(url: URL, pool_size: int, *, is_patient: bool) -> AsyncEngine:
    impatient = {"idle_in_transaction_session_timeout": str(IDLE_MS)}
    connect = {
        "timeout": 5, "command_timeout": None if is_patient else ANSWER_S,
        "server_settings": {"application_name": "cti", **({} if is_patient else impatient)},
    }  # fmt: skip
    engine = _engine(url, {**_POSTGRES, "pool_size": pool_size, "max_overflow": pool_size, "connect_args": connect})
    event.listen(engine.sync_engine, "close", _hang_up)
    return engine


def _hang_up(connection: Any, _record: object) -> None:
    """Without a farewell: a server that is frozen or out of reach would never answer it, and we would never stop."""
    connection.driver_connection.terminate()


def _engine(url: URL, more: Mapping[str, Any]) -> AsyncEngine:
    options: dict[str, Any] = {
        "hide_parameters": True,  # errors end in logs, and values are about people
        "json_serializer": lambda value: msgspec.json.encode(value).decode(),
        "json_deserializer": msgspec.json.decode,
        **more,
    }
    try:
        return create_async_engine(url, **options)
    except (NoSuchModuleError, ModuleNotFoundError) as exc:
        raise ConfigError(f"database: {url.drivername} cannot be loaded: {exc}") from exc


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """The driver must not begin transactions by itself: ``_begin_sqlite`` does."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("cti_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as exc:
        raise _of(getattr(exc.orig, "sqlstate", None), exc.orig or exc, type(exc).__name__) from exc
    except StatementError as exc:
        raise StoreError(f"a value cannot be stored: {exc.orig}") from exc
    except asyncpg.PostgresError as exc:
        raise _of(exc.sqlstate, exc, "") from exc
    except sqlite3.Error as exc:
        raise _of(None, exc, "DataError" if "binding parameter" in str(exc) else type(exc).__name__) from exc
    except msgspec.DecodeError as exc:
        raise StoreError(f"what is stored cannot be read: {exc}") from exc
    except (SQLAlchemyError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as exc:
        # An InternalClientError is how asyncpg says that the server ended the connection just before our word.
        raise StoreUnavailable(f"the database does not answer: {_words(exc)}") from exc


def _of(sqlstate: str | None, exc: BaseException, kind: str) -> StoreError:
    words = _words(exc)
    if sqlstate in _NO_TABLE or "no such table" in words or "no such column" in words:
        return StoreSchema(f"the database's tables are not those of this program ({words}); run: cti db upgrade")
    if (sqlstate or "").startswith(_BAD_VALUE) or (sqlstate is None and kind in {"DataError", "IntegrityError"}):
        return StoreError(f"the database refuses a value: {words}")
    return StoreUnavailable(f"the database does not answer: {words}")


def _words(exc: BaseException) -> str:
    return str(exc).strip().split("\n", maxsplit=1)[0] or type(exc).__name__
