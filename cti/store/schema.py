"""Which tables the database has, and which this program needs. ``migrations/`` holds the steps from one to the next.

``upgrade`` takes a database of any age to the newest; so does ``make_ready`` for an embedded one at start. A database
that is too new is never touched.
"""

import asyncio
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from cti.errors import StoreSchema, StoreUnavailable
from cti.store.database import Database

_MIGRATIONS: Final = Path(__file__).parent / "migrations"


async def upgrade(url: str, to: str = "head") -> str:
    """Take the database to the newest schema (a bench: to an older one); that revision. Raises ``StoreSchema`` for one that is
    newer than we are."""
    database = Database(url, is_patient=True)
    try:
        await _known(database)
        async with database.writing() as connection:
            await connection.run_sync(_upgrade, to)
    finally:
        await database.close()
    return head() if to == "head" else to


async def check(database: Database) -> None:
    """Raises ``StoreSchema``, with what to do about it, unless the database is as this program needs it."""
    found = await _known(database)
    if found is None:
        raise StoreSchema("the database is empty; run: cti db upgrade")
    if found != head():
        raise StoreSchema(f"the database is too old ({found}, this program needs {head()}); run: cti db upgrade")


async def make_ready(url: str) -> None:
    """At start: an embedded database is made or upgraded, a server's is only looked at: upgrading it is the operator's."""
    database = Database(url)
    try:
        if not database.is_sqlite:
            await check(database)
            return
    finally:
        await database.close()
    await asyncio.to_thread(_make_file, Path(database.url.database or ""))
    await upgrade(url)


def _make_file(path: Path) -> None:
    """Readable by the service's user only: what is on record is about people. SQLite's other files take after this one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
    except OSError as exc:
        raise StoreUnavailable(f"the database {path} cannot be made: {exc.strerror}") from exc


def head() -> str:
    return ScriptDirectory(str(_MIGRATIONS)).get_current_head() or ""


async def _known(database: Database) -> str | None:
    """The database's revision; None for an empty one."""
    async with database.reading() as connection:
        found = await connection.run_sync(_revision)
    if found is not None and found not in {
        step.revision for step in ScriptDirectory(str(_MIGRATIONS)).walk_revisions()
    }:
        raise StoreSchema(f"the database is too new ({found}; this program knows up to {head()}); upgrade cti")
    return found


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection, to: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def differences(connection: Connection) -> list[Any]:
    """What ``tables.py`` has that the migrations do not make, or the other way round; a test holds it empty."""
    from alembic.autogenerate import compare_metadata

    from cti.store.tables import metadata

    return list(compare_metadata(MigrationContext.configure(connection), metadata))
