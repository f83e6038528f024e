"""``cti backfill``: calls that we missed, filled in by hand from the PBX's own records. The service does it by itself after an
outage; this is for a time before it was there, or for records that could not be read then."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from cti.cli import DONE, AsJson, Config, app, run, say, say_error
from cti.cli.pbxs import pbxs_named
from cti.errors import ConfigError, RequestError
from cti.settings import Settings

if TYPE_CHECKING:
    from cti.envelope import Envelope
    from cti.reconcile.backfill import Backfill, Plan
    from cti.reconcile.reading import RecordsPlaces
    from cti.store.database import Database

LATEST = timedelta(seconds=60)
"""Calls that ended just now may be on their way to the database yet."""


@app.command()
def backfill(
    since: Annotated[str, typer.Option("--from", help="2026-11-21T00:00, by the site's clock; or with a zone.")],
    until: Annotated[str, typer.Option("--to", help="The same; until a minute ago without.", show_default=False)] = "",
    pbx: Annotated[str, typer.Option(help="Which [[pbx]]; all of them without.", show_default=False)] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be filled in, and change nothing.")
    ] = False,
    json: AsJson = False,
    config: Config = None,
) -> None:
    """Fill in calls that were missed, from queue_log and CDR. What is known is left alone, so it may be done twice."""
    run(lambda: _backfill(since, until, pbx, dry_run, json, config))


async def _backfill(since: str, until: str, pbx: str, dry_run: bool, json: bool, config: Path | None) -> int:
    from cti import settings
    from cti.reconcile.backfill import SETTLED, Backfill
    from cti.store.backfills import SqlBackfills
    from cti.store.sql import SqlInteractionLog

    given = settings.load(config)
    zone, latest = ZoneInfo(given.site.time_zone), datetime.now(UTC) - LATEST
    begins, ends = _moment(since, zone, "--from"), min(_moment(until, zone, "--to"), latest) if until else latest
    if begins >= ends:
        raise RequestError(f"--from {since} is not before {ends.astimezone(zone):%Y-%m-%d %H:%M}: nothing lies between")
    chosen = _chosen(given, pbx)
    async with _database(given) as database:
        for places in chosen:
            one = Backfill(places, SqlInteractionLog(database), SqlBackfills(database))
            plan = await one.plan(begins, ends, live=None, settled=datetime.now(UTC) - SETTLED)
            if not dry_run:
                await _carry_out(one, plan, database, quiet=json)
            _report(plan, zone, dry_run=dry_run, json=json)
    return DONE


def _chosen(given: Settings, name: str) -> "list[RecordsPlaces]":
    from cti.app.backfilling import records_of

    found = [records_of(one, given.site.time_zone) for one in pbxs_named(given, name)]
    bare = [one.pbx for one in found if not one.is_known]
    if bare and (name or len(bare) == len(found)):
        raise ConfigError(
            f"[[pbx]] {', '.join(bare)}: neither queue_log nor cdr is set; say where Asterisk writes them, such as"
            ' queue_log = "/var/log/asterisk/queue_log" and cdr = "/var/log/asterisk/cdr-custom/cti.csv"'
        )
    return [one for one in found if one.is_known]


@asynccontextmanager
async def _database(given: Settings) -> "AsyncIterator[Database]":
    from cti.store import schema
    from cti.store.database import Database

    _no_facts_wait(Path(given.spool.dir))
    url = given.database.url.get_secret_value()
    await schema.make_ready(url)
    database = Database(url)
    try:
        await schema.check(database)
        yield database
    finally:
        await database.close()


def _no_facts_wait(folder: Path) -> None:
    """What waits in a spool is known to nobody but the service that wrote it: its calls would be taken for missing. So is what a
    killed one left in its tail; that of one which runs is in the database in a moment."""
    from cti.store.spool import is_in_use

    left = [tail for tail in folder.glob("facts*.tail") if not is_in_use(tail)]
    waiting = [str(file) for file in (*folder.glob("facts*.spool"), *left) if file.stat().st_size]
    if waiting:
        raise RequestError(
            f"facts wait in {', '.join(waiting)}: start the service with its database up, and try again once /readyz says ok"
        )


async def _carry_out(one: "Backfill", plan: "Plan", database: "Database", *, quiet: bool) -> None:
    from cti.store.sql import SqlInteractionLog

    log, wanted = SqlInteractionLog(database), len(plan.missing) + len(plan.partly)

    async def record(facts: "Sequence[Envelope]") -> None:
        await log.append(facts)

    def told(done: int) -> None:
        if not quiet and (done == wanted or done % 1000 == 0):
            say_error(f"{plan.places.pbx}: {done} of {wanted} calls")

    await one.carry_out(plan, record, told)


def _report(plan: "Plan", zone: ZoneInfo, *, dry_run: bool, json: bool) -> None:
    import msgspec

    if json:
        say(msgspec.json.encode(_as_json(plan, dry_run)).decode())
        return
    verb = "would be" if dry_run else "were"
    for call in plan.missing if dry_run else ():
        people = ", ".join(part.member or part.device for part in call.parts if part.spoke)
        by = f" by {people}" if people else ""
        say(
            f"{call.offered_at.astimezone(zone):%Y-%m-%d %H:%M:%S}  {call.pbx}-{call.first_id}  {call.queue}  {call.outcome}{by}"
        )
    for _, name in plan.partly if dry_run else ():
        say(f"{name}: its end")
    span = f"{plan.since.astimezone(zone):%Y-%m-%d %H:%M} to {plan.until.astimezone(zone):%Y-%m-%d %H:%M}"
    say(
        f"{plan.places.pbx}, {span}: {plan.recorded} calls on the PBX's record; {plan.known} known here,"
        f" {len(plan.missing)} {verb} filled in, {len(plan.partly)} {verb} given their true end"
        + (f"; {plan.unsettled} ended just now, and wait for the rest of their CDR" if plan.unsettled else "")
    )


def _as_json(plan: "Plan", dry_run: bool) -> dict[str, Any]:
    return {
        "pbx": plan.places.pbx, "from": plan.since, "to": plan.until, "recorded": plan.recorded, "known": plan.known,
        "later": plan.unsettled,
        "filled_in": [f"{call.pbx}-{call.first_id}" for call in plan.missing], "ends": [name for _, name in plan.partly],
        "dry_run": dry_run,
    }  # fmt: skip


def _moment(text: str, zone: ZoneInfo, option: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):  # the latter at the end of the calendar
        raise RequestError(f"{option} {text}: a time was expected, such as 2026-11-21T00:00") from None
