"""Databases for tests: SQLite in a temporary file, and a PostgreSQL server of the run's own. Use them by

``pytest_plugins = ("tests.databases",)`` at the top of a test module. ``database`` runs a test on both. Types are in
``postgres_server.py``, for a module that is a plugin must not be imported before it is one.
"""

from collections.abc import AsyncIterator, Callable, Iterator
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


@pytest.fixture
def make_database(new_url: Callable[[str], str]) -> MakeDatabase:
    """``sqlite`` or ``postgresql`` -> a database with all tables, empty; closed at the end of its ``async with``."""

    @asynccontextmanager
    async def make(kind: str) -> AsyncIterator[Database]:
        url = new_url(kind)
        await schema.upgrade(url)
        database = Database(url)
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
