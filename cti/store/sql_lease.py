"""Leases in SQLite or PostgreSQL, and the look at them that every fenced write takes."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy import ColumnElement, Float, and_, literal_column, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cti.agent_facts import AGENTS
from cti.envelope import Envelope
from cti.errors import StaleEpoch
from cti.log import logger
from cti.store.database import Database
from cti.store.drivers import Writing
from cti.store.lease import Fence, Lease, is_fenced
from cti.store.record_statements import RecordStatements
from cti.store.statements import time_of
from cti.store.storable import Key, Line, fresh, key_of, other_key_of
from cti.store.tables import lease

log = logger("lease")

_T: Final = lease.c


_IDLE_MS: Final = 3000
"""PostgreSQL ends a transaction about leases whose process falls silent in the middle of it: nobody else could take one for as
long as it stands still."""


class SqlLeases:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self, names: Iterable[str]) -> tuple[Lease, ...]:
        wanted = select(lease, (_T.good_until_s - self._now_s).label("left_s")).where(_T.name.in_(sorted(names)))
        async with self._database.reading() as connection:
            found = (await connection.execute(wanted.order_by(_T.name))).all()
        return tuple(Lease(name=one.name, holder=one.holder, epoch=one.epoch, left_s=one.left_s) for one in found)

    async def take(self, names: Iterable[str], holder: str, *, life_s: float) -> Mapping[str, int]:
        """One after the other in their order, so that two who want some of the same never wait for each other."""
        taken: dict[str, int] = {}
        try:
            async with self._writing() as connection:
                for name in sorted(names):
                    taken[name] = await self._take(connection, name, holder, life_s)
        except _HeldByAnother:
            return {}
        return taken

    async def renew(self, epochs: Mapping[str, int], holder: str, *, life_s: float) -> bool:
        async with self._writing() as connection:
            renewed = 0
            for name, epoch in sorted(epochs.items()):
                mine = update(lease).where(_is(name, holder, epoch)).values(good_until_s=self._now_s + life_s)
                renewed += (await connection.execute(mine)).rowcount
        return renewed == len(epochs)

    async def release(self, epochs: Mapping[str, int], holder: str) -> None:
        async with self._writing() as connection:
            for name, epoch in sorted(epochs.items()):
                await connection.execute(update(lease).where(_is(name, holder, epoch)).values(good_until_s=0.0))

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        async with self._database.writing() as connection:
            if not self._database.is_sqlite:
                await connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = {_IDLE_MS}"))
            yield connection

    async def _take(self, connection: AsyncConnection, name: str, holder: str, life_s: float) -> int:
        new = {"name": name, "holder": "", "epoch": 0, "good_until_s": 0.0}
        await connection.execute(self._database.insert_new(lease), new)
        free = update(lease).where(_T.name == name, _T.good_until_s <= self._now_s)
        taking = free.values(holder=holder, epoch=_T.epoch + 1, good_until_s=self._now_s + life_s).returning(_T.epoch)
        epoch = (await connection.execute(taking)).scalar()
        if epoch is None:
            raise _HeldByAnother
        return int(epoch)

    @property
    def _now_s(self) -> ColumnElement[float]:
        """The database's clock, as it runs on while a transaction waits."""
        if self._database.is_sqlite:
            return literal_column("((julianday('now') - 2440587.5) * 86400.0)", Float)
        return literal_column("extract(epoch FROM clock_timestamp())::double precision", Float)


class _HeldByAnother(Exception):  # noqa: N818 - never leaves this file: it rolls the transaction back
    pass


def _is(name: str, holder: str, epoch: int) -> ColumnElement[bool]:
    return and_(_T.name == name, _T.holder == holder, _T.epoch == epoch)


async def let_through(
    writing: Writing, statements: RecordStatements, lines: Sequence[Line], fence: Fence
) -> Sequence[Line]:
    """The facts that may be written, within the transaction that writes them. Raises ``StaleEpoch``.

    Until that transaction ends nobody can take the lease. Its holder can renew it: the epoch is part of a unique key, so
    only who changes that waits for a KEY SHARE lock.
    """
    fenced = [one.fact for one in lines if is_fenced(one.fact)]
    if names := sorted({one.source for one in fenced} & set(fence.epochs)):
        (held,) = await writing.ask((statements.epochs, names))
        _check(fence, names, {row[0]: row[1] for row in held})
    return await _of_late(writing, statements, lines, fence) if fence.is_late else lines


async def known_types(writing: Writing, statements: RecordStatements, lines: Iterable[Line]) -> dict[Key, str]:
    """Which of these are there already, under which of their keys."""
    names = sorted({name for one in lines for _, name in (key_of(one.fact), other_key_of(one.fact))})
    (found,) = await writing.ask((statements.types, names))
    return {(source, name): kind for source, name, kind in found}


async def _of_late(writing: Writing, statements: RecordStatements, lines: Sequence[Line], fence: Fence) -> list[Line]:
    """Without those that are there already (written, and then we were killed before that was noted), and without those of which
    the record knows better."""
    new = fresh(lines, await known_types(writing, statements, lines))
    better = await _known_better(writing, statements, [one.fact for one in new if is_fenced(one.fact)])
    if better:
        fence.dropped["late"] += len(better)
        log.warning("late_facts_dropped", count=len(better), reason="the record has the end of these calls already")
    return [one for one in new if id(one.fact) not in better]


def _check(fence: Fence, names: Sequence[str], now: Mapping[str, int]) -> None:
    for name in names:
        if now.get(name) != fence.epochs[name]:
            raise StaleEpoch(name, fence.epochs[name], now.get(name, 0))


async def _known_better(writing: Writing, statements: RecordStatements, fenced: Sequence[Envelope]) -> set[int]:
    """Steps of calls that are cleared in the record, and states of agents who have had a later one since."""
    calls = sorted({one.subject for one in fenced if one.source != AGENTS})
    agents = sorted({one.subject for one in fenced if one.source == AGENTS})
    ended, latest = await writing.ask((statements.ended, calls), (statements.latest, agents))
    cleared = {(source, call) for source, call in ended}
    since = {agent: time_of(at) for agent, at in latest}
    return {
        id(one)
        for one in fenced
        if (one.source, one.subject) in cleared
        or (one.source == AGENTS and one.subject in since and one.time < since[one.subject])
    }
