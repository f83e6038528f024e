"""The bare floor beside the journal: the same rows, made beforehand, and written by ``executemany`` of the driver alone, one
transaction for what came within the same time. It checks nothing, derives nothing, and has no spool.
"""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import asyncpg
from log_calls import Due
from msgspec import structs
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from cti.envelope import Envelope
from cti.store import derive, rows, tables
from cti.store.database import Database
from cti.store.shifts import interval_of

Written = dict[Table, list[dict[str, Any]]]


def rows_of(due: Iterable[Due], devices: derive.Devices) -> dict[str, Written]:
    """Fact -> what is written with it: itself, and at the end of its call all that follows from the call."""
    facts = [one.fact for one in due]
    found: dict[str, Written] = {fact.id: defaultdict(list, {tables.fact: [rows.fact_row(fact)]}) for fact in facts}
    by_call: dict[tuple[str, str], list[Envelope]] = defaultdict(list)
    for fact in facts:
        by_call[fact.source, fact.subject].append(fact)
    for told in by_call.values():
        if item := derive.interaction_of(told, devices):
            _call(found[told[-1].id], item, derive.trail_of(told, is_over=True))
        for one, after in pairwise(filter(None, map(interval_of, told))):
            values = structs.asdict(one) | {"ended_at": after.began_at}
            found[next(fact.id for fact in told if fact.time == one.began_at)][tables.agent_interval].append(values)
    return found


def _call(written: Written, item: Any, trail: Any) -> None:
    written[tables.interaction].append(rows.interaction_row(item))
    for agent in derive.people_in(item):
        written[tables.interaction_agent].append(
            {"pbx": item.pbx, "call": item.call, "agent": agent, "ended_at": item.ended_at}
        )
    written[tables.ivr_journey] += [rows.journey_row(one) for one in trail.journeys]
    written[tables.ivr_step] += [rows.step_row(one) for one in trail.steps]


class Floor:
    """Has the journal's face: ``record``, ``run``, ``drained``."""

    def __init__(self, url: str, written: dict[str, Written], linger_s: float, batch: int) -> None:
        self._database = Database(url)
        self._url, self._written, self._linger_s, self._batch = url, written, linger_s, batch
        self._waiting: list[Envelope] = []
        self._awake = asyncio.Event()
        self._connection: Any = None
        self.stored: list[tuple[str, float]] = []

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def record(self, fact: Envelope) -> None:
        self._waiting.append(fact)
        self._awake.set()

    async def run(self) -> None:
        await self._connect()
        while True:
            await self._awake.wait()
            await asyncio.sleep(self._linger_s)
            taken, self._waiting = self._waiting[: self._batch], self._waiting[self._batch :]
            await self._write(_together(self._written[fact.id] for fact in taken))
            now_s = asyncio.get_running_loop().time()
            self.stored += [(fact.id, now_s) for fact in taken]
            if not self._waiting:
                self._awake.clear()

    async def close(self) -> None:
        await self._database.close()

    async def _connect(self) -> None:
        if self._database.is_sqlite:
            self._connection = sqlite3.connect(self._database.url.database or "", check_same_thread=False)
            self._connection.isolation_level = None
            self._connection.execute("PRAGMA synchronous = FULL")
        else:
            self._connection = await asyncpg.connect(self._url)

    async def _write(self, written: Written) -> None:
        some = [(self._statement(table), self._values(table, values)) for table, values in written.items()]
        if self._database.is_sqlite:
            await asyncio.to_thread(_into_sqlite, self._connection, some)
            return
        async with self._connection.transaction():
            for statement, values in some:
                await self._connection.executemany(statement, values)

    def _statement(self, table: Table) -> str:
        columns = [column for column in table.columns if column.name != "recorded"]
        names = ", ".join(f'"{column.name}"' for column in columns)
        holes = ["?" if self._database.is_sqlite else f"${place}" for place in range(1, len(columns) + 1)]
        return f"INSERT INTO {table.name} ({names}) VALUES ({', '.join(holes)}) ON CONFLICT DO NOTHING"  # noqa: S608 - names of ours

    def _values(self, table: Table, values: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
        """As the driver takes them. Made here, as anybody must make them."""
        columns = [column for column in table.columns if column.name != "recorded"]
        dialect = sqlite.dialect() if self._database.is_sqlite else postgresql.asyncpg.dialect()
        makers = [(column.name, column.type.dialect_impl(dialect).bind_processor(dialect)) for column in columns]
        return [tuple(make(row[name]) if make else row[name] for name, make in makers) for row in values]


def _into_sqlite(connection: sqlite3.Connection, some: Sequence[tuple[str, list[tuple[Any, ...]]]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for statement, values in some:
        connection.executemany(statement, values)
    connection.execute("COMMIT")


def _together(all_written: Iterable[Written]) -> Written:
    found: Written = defaultdict(list)
    for written in all_written:
        for table, values in written.items():
            found[table] += values
    return found
