"""The record in SQLite or PostgreSQL: written by ``following.py``, read by ``queries.py``."""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from sqlalchemy import select

from cti.agent_facts import STATE
from cti.calls.call import CallId
from cti.envelope import Envelope
from cti.errors import StoreUnavailable
from cti.store import derive, queries, quick, rows
from cti.store.database import Database
from cti.store.drivers import AlreadyThereError, Writing
from cti.store.failpoints import failpoint
from cti.store.following import Following, hold
from cti.store.interactions import Filter, Interaction, Page
from cti.store.lease import Fence
from cti.store.paging import checked_limit, cursor_of, is_search, place_at, place_of
from cti.store.past import PastCall
from cti.store.record_statements import record_statements
from cti.store.sql_journeys import SqlJourneyLog
from cti.store.sql_lease import known_types, let_through
from cti.store.sql_shifts import SqlShiftLog
from cti.store.storable import Key, Line, clean, fresh, line_of
from cti.store.tables import call_open, fact, interaction


class SqlInteractionLog(SqlJourneyLog, SqlShiftLog):
    """``devices`` says whose phone is whose, at the time of asking; without it, the table of agents does.

    Close the database yourself: others use it too.
    """

    def __init__(self, database: Database, devices: Callable[[], derive.Devices] | None = None) -> None:
        super().__init__(database)
        self._devices = devices
        self._statements = record_statements(database.engine.dialect)

    async def append(self, facts: Iterable[Envelope], fence: Fence | None = None) -> None:
        await self.write([line_of(one) for one in facts], fence)

    async def write(self, lines: Sequence[Line], fence: Fence | None = None) -> None:
        """Nearly always nothing of it is known yet; where something is, the transaction is made again with more care."""
        if not lines:
            return
        try:
            await self._write(lines, fence, is_known=False)
        except AlreadyThereError:
            await self._write(lines, fence, is_known=True)
        failpoint("store.after_commit")

    async def _write(self, told: Sequence[Line], fence: Fence | None, *, is_known: bool) -> None:
        sql = self._statements
        async with self._database.recording() as writing:
            if fence:
                told = await let_through(writing, sql, told, fence)
            new = fresh(told, await known_types(writing, sql, told) if is_known else {})
            if new:
                facts = [line.fact for line in new]
                await hold(writing, sql, facts)
                statement = sql.new_fact if is_known else sql.fact
                writing.put(statement, statement.rows(map(rows.line_row, new)))
                await self._following(writing).follow(facts)
            failpoint("store.before_commit")

    async def between(self, wanted: Filter, *, cursor: str | None = None, limit: int = 50) -> Page:
        limit, place = checked_limit(limit), place_at(cursor) if cursor is not None else None
        async with self._database.reading() as connection:
            is_common = wanted.number is not None and await queries.is_common(connection, wanted.number)
            order = queries.order_of(wanted, is_common=is_common)
            behind = [] if place is None else [queries.behind(place, order)]
            conditions = [*queries.conditions(wanted, order), *behind]
            end = None
            if is_search(wanted):
                without = [*queries.conditions(replace(wanted, text=None)), *behind]
                end = await queries.searched_to(connection, without)
            if end:
                conditions.append(queries.not_behind(end))
            found = await queries.newest(connection, conditions, limit + 1, order)
        last = place_of(found[limit - 1]) if len(found) > limit else end
        return Page(found[:limit], cursor_of(last) if last else None)

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
        async with self._database.reading() as connection:
            keys = [(source, call) for source, call in await connection.execute(select(call_open))]
            by_key: dict[Key, list[Envelope]] = {key: [] for key in sorted(keys)}
            for start in range(0, len(keys), queries.AT_ONCE):
                calls = [call for _, call in keys[start : start + queries.AT_ONCE]]
                for row in await connection.execute(
                    select(fact).where(fact.c.call.in_(calls)).order_by(fact.c.recorded)
                ):
                    by_key.get((row.source, row.call), []).append(rows.fact_of(row))
        return tuple(one for facts in by_key.values() for one in facts)

    async def history(
        self, *, contacts: Iterable[str], numbers: Iterable[str], limit: int = 50
    ) -> tuple[PastCall, ...]:
        return await self._database.read_quickly(quick.history(contacts, tuple(numbers), checked_limit(limit)))

    async def ruled_out(self, number: str) -> frozenset[str]:
        return await self._database.read_quickly(quick.ruled_out(number))

    async def rebuild(self) -> int:
        """A few hundred calls to a transaction, so that the live ones are written in between."""
        done = 0
        async with self._database.reading() as connection:
            of_calls = fact.c.source.startswith("/pbx/", autoescape=True)
            found = await connection.execute(select(fact.c.source, fact.c.call).where(of_calls).distinct())
            keys = [(row.source, row.call) for row in found]
            of_agents = await connection.execute(select(fact.c.call).where(fact.c.type == STATE).distinct())
            agents = of_agents.scalars().all()
        for start in range(0, len(keys), queries.AT_ONCE):
            done += await self._rebuild(keys[start : start + queries.AT_ONCE])
        for agent in agents:  # a year of one's states is some ten thousand rows
            async with self._database.recording() as writing:
                await self._following(writing).rebuild_shifts(agent)
        return done

    async def _rebuild(self, keys: Sequence[Key]) -> int:
        """Once more where that failed: of two writers that wait for each other's counts PostgreSQL sends one back."""
        with contextlib.suppress(StoreUnavailable):
            return await self._rebuilt(keys)
        return await self._rebuilt(keys)

    async def _rebuilt(self, keys: Sequence[Key]) -> int:
        async with self._database.recording() as writing:
            return await self._following(writing).rebuild(keys)

    async def close(self) -> None:
        pass

    def _following(self, writing: Writing) -> Following:
        return Following(writing, self._statements, self._devices)
