"""``cti db upgrade`` and ``cti rebuild``."""

from cti.cli import DONE, Config, app, db_verbs, run, say


@db_verbs.command()
def upgrade(config: Config = None) -> None:
    """Bring the database's tables to what this version needs. Safe to repeat."""
    run(lambda: _upgrade(config))


async def _upgrade(config: "Config") -> int:
    from cti import settings
    from cti.store import schema

    given = settings.load(config)
    revision = await schema.upgrade(given.database.url.get_secret_value())
    say(f"the database is at {revision}")
    return DONE


@app.command()
def rebuild(config: Config = None) -> None:
    """Derive every interaction anew from the facts. The rows are the same as before, unless the rules have changed."""
    run(lambda: _rebuild(config))


async def _rebuild(config: "Config") -> int:
    from cti import settings
    from cti.store.database import Database
    from cti.store.sql import SqlInteractionLog

    database = Database(settings.load(config).database.url.get_secret_value())
    try:
        count = await SqlInteractionLog(database).rebuild()
    finally:
        await database.close()
    say(f"{count} interactions derived from their facts")
    return DONE
