"""Databases for tests: SQLite in a temporary file, and a PostgreSQL server of the run's own.

``database`` runs a test on both, ``make_database(kind)`` makes one of a kind. Types are in ``postgres_server.py``, for a
module that is a plugin must not be imported before it is one.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from cti.store import schema
from cti.store.database import Database
from tests.postgres_server import MakeDatabase, PostgresServer, running_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server all tests share."""
    yield from running_server()


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A server to kill."""
    yield from running_server(is_durable=True)


BOTH = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgres))


@pytest.fixture
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """``sqlite`` or ``postgresql`` -> the URL of an empty database of that kind."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path}/{uuid4().hex[:12]}.db"
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.new_database()

    return make


def _upgraded(url: str) -> None:
    """In a thread of its own, for the test that asks first may have a loop running in this one."""
    with ThreadPoolExecutor() as pool:
        pool.submit(lambda: asyncio.run(schema.upgrade(url))).result()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables, made once: making them takes longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "cti.db"
    _upgraded(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> str:
    url = postgres.new_database()
    _upgraded(url)
    return url.rpartition("/")[2]


@pytest.fixture
def ready_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """``sqlite`` or ``postgresql`` -> the URL of a database of that kind with all tables, empty; this test's alone."""
    taken: list[str] = []

    def make(kind: str) -> str:
        if kind == "sqlite":
            copied = shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / f"{uuid4().hex[:12]}.db")
            return f"sqlite:///{copied}"
        server: PostgresServer = request.getfixturevalue("postgres")
        template: str = request.getfixturevalue("postgres_template")
        taken.append(server.used.pop() if server.used else server.new_database(template))
        return taken[-1]

    yield make
    for url in taken:
        request.getfixturevalue("postgres").empty(url)


@pytest.fixture
def make_database(ready_url: Callable[[str], str]) -> MakeDatabase:
    """``sqlite`` or ``postgresql`` -> a database with all tables, empty; closed at the end of its ``async with``."""

    @asynccontextmanager
    async def make(kind: str) -> AsyncIterator[Database]:
        database = Database(ready_url(kind))
        try:
            yield database
        finally:
            await database.close()

    return make


@pytest.fixture(params=BOTH)
def empty_database_url(request: pytest.FixtureRequest, new_url: Callable[[str], str]) -> str:
    return new_url(request.param)


@pytest.fixture
async def database(empty_database_url: str) -> AsyncIterator[Database]:
    """With all tables, empty."""
    await schema.upgrade(empty_database_url)
    made = Database(empty_database_url)
    yield made
    await made.close()
