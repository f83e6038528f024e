"""The schema: made, upgraded, refused when it is too new or too old."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from cti.errors import ConfigError, StoreSchema, StoreUnavailable
from cti.store import schema
from cti.store.database import Database


async def test_migrations_make_the_tables_of_the_program(database: Database) -> None:
    async with database.reading() as connection:
        assert await connection.run_sync(schema.differences) == []


async def test_upgrading_twice_changes_nothing(empty_database_url: str) -> None:
    assert await schema.upgrade(empty_database_url) == await schema.upgrade(empty_database_url)


@pytest.mark.postgres
async def test_an_upgrade_takes_as_long_as_it_takes(
    new_url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cti.store.database.ANSWER_S", 0.001)
    assert await schema.upgrade(new_url("postgresql")) == schema.head()


async def test_an_empty_database_says_what_to_run(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    with pytest.raises(StoreSchema, match="cti db upgrade"):
        await schema.check(database)
    await database.close()


async def test_a_newer_database_is_not_touched(database: Database, empty_database_url: str) -> None:
    async with database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))
    with pytest.raises(StoreSchema, match=r"too new .* upgrade cti"):
        await schema.check(database)
    with pytest.raises(StoreSchema, match="too new"):
        await schema.upgrade(empty_database_url)


async def test_an_upgraded_database_passes(database: Database) -> None:
    await schema.check(database)


async def test_an_embedded_database_is_made_at_start(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new/folder/cti.db"
    await schema.make_ready(url)
    await schema.make_ready(url)
    database = Database(url)
    await schema.check(database)
    await database.close()


def test_an_embedded_database_is_read_by_its_user_only(tmp_path: Path) -> None:
    asyncio.run(schema.make_ready(f"sqlite:///{tmp_path}/cti.db"))
    assert {path.stat().st_mode & 0o077 for path in tmp_path.glob("cti.db*")} == {0}


async def test_a_database_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot be made: "):
        await schema.make_ready(f"sqlite:///{tmp_path}/file/cti.db")


async def test_a_database_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable, match="does not answer"):
        await schema.upgrade("postgresql://cti@127.0.0.1:1/cti")


@pytest.mark.parametrize("url", ["cti.db", "mysql://root@localhost/cti", ""])
def test_a_database_we_do_not_serve_is_the_operators_mistake(url: str) -> None:
    with pytest.raises(ConfigError, match="database:"):
        Database(url)
