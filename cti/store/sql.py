"""The record in SQLite or PostgreSQL: ``queries.py`` has the statements."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import and_, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cti.calls.call import CallId
from cti.envelope import Envelope
from cti.journeys import JOURNEY_TYPES
from cti.store import derive, queries, rows
from cti.store.database import Database
from cti.store.digits import ending, same_number
from cti.store.failpoints import failpoint
from cti.store.interactions import Filter, Interaction, Page
from cti.store.lease import Fence
from cti.store.memory import NEWEST_FIRST
from cti.store.paging import checked_limit, cursor_of, place_at, place_of
from cti.store.sql_journeys import SqlJourneyLog, lock_callbacks, write_trails
from cti.store.sql_lease import let_through
from cti.store.sql_shifts import SqlShiftLog, write_intervals
from cti.store.storable import Key, clean, fresh, storable
from cti.store.tables import call_open, fact, interaction, interaction_agent, number_not_contact
from cti.store.trail import TELLING


class SqlInteractionLog(SqlJourneyLog, SqlShiftLog):
    """``devices`` says whose phone is whose, at the time of asking; without it, the table of agents does.

    Close the database yourself: others use it too.
    """

    def __init__(self, database: Database, devices: Callable[[], derive.Devices] | None = None) -> None:
        super().__init__(database)
        self._devices = devices

    async def append(self, facts: Iterable[Envelope], fence: Fence | None = None) -> None:
        told = [storable(one) for one in facts]
        async with self._database.writing() as connection:
            if fence:
                told = await let_through(connection, told, fence, is_sqlite=self._database.is_sqlite)
            new = fresh(told, await queries.types(connection, told))
            if new:
                await lock_callbacks(connection, new)
                await connection.execute(self._database.insert_new(fact), [rows.fact_row(one) for one in new])
                await self._follow(connection, new)
            failpoint("store.before_commit")
        failpoint("store.after_commit")

    async def between(self, wanted: Filter, *, cursor: str | None = None, limit: int = 50) -> Page:
        limit = checked_limit(limit)
        conditions = list(queries.conditions(wanted))
        if cursor is not None:
            conditions.append(queries.behind(place_at(cursor)))
        async with self._database.reading() as connection:
            found = await queries.newest(connection, conditions, limit + 1)
        return Page(found[:limit], cursor_of(place_of(found[limit - 1])) if len(found) > limit else None)

    async def get(self, call: CallId) -> Interaction | None:
        wanted = select(interaction).where(interaction.c.call == clean(call))
        async with self._database.reading() as connection:
            row = (await connection.execute(wanted)).first()
        return rows.interaction_of(row) if row else None

    async def facts(self, call: CallId) -> tuple[Envelope, ...]:
        wanted = select(fact).where(fact.c.call == clean(call)).order_by(fact.c.recorded)
        async with self._database.reading() as connection:
            return tuple(rows.fact_of(row) for row in await connection.execute(wanted))

    async def open_facts(self) -> tuple[Envelope, ...]:
        joined = fact.join(call_open, and_(fact.c.call == call_open.c.call, fact.c.source == call_open.c.source))
        wanted = select(fact).select_from(joined).order_by(fact.c.source, fact.c.call, fact.c.recorded)
        async with self._database.reading() as connection:
            return tuple(rows.fact_of(row) for row in await connection.execute(wanted))

    async def history(
        self, *, contacts: Iterable[str], numbers: Iterable[str], limit: int = 50
    ) -> tuple[Interaction, ...]:
        limit, known = checked_limit(limit), tuple(numbers)
        named = interaction.c.contact.in_(sorted({clean(one) for one in contacts} - {""}))
        async with self._database.reading() as connection:
            found = list(await queries.newest(connection, [named], limit))
            for number in known:
                found += await queries.with_number(connection, number, limit)
        unique = {(item.pbx, item.call): item for item in found}
        return tuple(sorted(unique.values(), key=NEWEST_FIRST, reverse=True)[:limit])

    async def ruled_out(self, number: str) -> frozenset[str]:
        table, end = number_not_contact.c, ending(number)
        if not end:
            return frozenset()
        wanted = select(table.number, table.contact).where(queries.begins(table.number_reversed, end))
        async with self._database.reading() as connection:
            found = (await connection.execute(wanted)).all()
        return frozenset(row.contact for row in found if same_number(row.number, number))

    async def rebuild(self) -> int:
        """A few hundred calls to a transaction, so that the live ones are written in between."""
        done = 0
        async with self._database.reading() as connection:
            of_calls = fact.c.source.startswith("/pbx/", autoescape=True)
            found = await connection.execute(select(fact.c.source, fact.c.call).where(of_calls).distinct())
            keys = [(row.source, row.call) for row in found]
        for start in range(0, len(keys), queries.AT_ONCE):
            async with self._database.writing() as connection:
                done += await self._derive(connection, keys[start : start + queries.AT_ONCE])
        await self._rebuild_intervals()
        return done

    async def close(self) -> None:
        pass

    async def _follow(self, connection: AsyncConnection, new: Sequence[Envelope]) -> None:
        """What these facts change beside themselves."""
        for one in new:
            await self._rule(connection, one)
        await write_intervals(connection, self._database, new)
        events = {(one.source, one.subject) for one in new if one.type in derive.CALL_EVENTS}
        touched = events | {(one.source, one.subject) for one in new if one.type in derive.PEOPLES | JOURNEY_TYPES}
        ended = await queries.ended(connection, sorted(touched))
        in_the_ivr = {(one.source, one.subject) for one in new if one.type in TELLING}
        await self._derive(connection, sorted(in_the_ivr.union(ended)))
        if still_open := sorted(events - set(ended)):
            live = [{"source": source, "call": call} for source, call in still_open]
            await connection.execute(self._database.insert_new(call_open), live)

    async def _rule(self, connection: AsyncConnection, one: Envelope) -> None:
        """Whom an agent picks for a call is ruled out for its number no more."""
        if row := queries.not_contact_row(one):
            await connection.execute(self._database.insert_new(number_not_contact), row)
        if picked := derive.picked_by_hand(one):
            ((_, told),) = await queries.facts_by_key(connection, [(one.source, one.subject)])
            table = number_not_contact.c
            for number in await queries.ruled_numbers(connection, picked, derive.customer_number_of(told)):
                gone = and_(table.number == number, table.contact == picked)
                await connection.execute(delete(number_not_contact).where(gone))

    async def _derive(self, connection: AsyncConnection, keys: Sequence[Key]) -> int:
        """Write anew what follows from these calls' facts; how many have an interaction."""
        if not keys:
            return 0
        known = {(f"/pbx/{item.pbx}", str(item.call)): item for item in await queries.interactions(connection, keys)}
        told = await queries.facts_by_key(connection, keys)
        devices = self._devices() if self._devices else await queries.devices_in(connection, told)
        found, trails = [], []
        for key, facts in told:
            item = derive.interaction_of(facts, derive.kept_devices(known.get(key), devices))
            found += [item] if item else []
            trails.append(derive.trail_of(facts, is_over=item is not None))
            await asyncio.sleep(0)  # many calls at once must not hold the others up
        await self._write(connection, found)
        await write_trails(connection, self._database, trails)
        return len(found)

    async def _write(self, connection: AsyncConnection, found: Sequence[Interaction]) -> None:
        if not found:
            return
        people = [
            {"pbx": item.pbx, "call": item.call, "agent": agent, "ended_at": item.ended_at}
            for item in found
            for agent in derive.people_in(item)
        ]
        upsert = self._database.insert_or_replace
        await connection.execute(upsert(interaction), [rows.interaction_row(item) for item in found])
        if people:
            await connection.execute(upsert(interaction_agent), people)
        sources, calls = sorted({f"/pbx/{item.pbx}" for item in found}), [item.call for item in found]
        gone = and_(call_open.c.call.in_(calls), call_open.c.source.in_(sources))
        await connection.execute(delete(call_open).where(gone))
