"""Journeys on record, in SQLite or PostgreSQL: what ``JourneyLog`` asks for."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Row, Select, Table, and_, or_, select

from cti.calls.call import CallId, PbxName
from cti.calls.journey import IvrOutcome, LeftBy, PinTried
from cti.envelope import Envelope
from cti.journeys import TYPE_OF
from cti.store import rows, sql_counts
from cti.store.database import Database
from cti.store.journeys import (
    Callback,
    CallbackState,
    FlowCounts,
    JourneyCount,
    MarkCount,
    PageOf,
    Period,
    Sought,
    StepCount,
    Voicemail,
)
from cti.store.paging import Spot, checked_limit, cursor_of, spot_at
from cti.store.storable import clean
from cti.store.tables import PIN_TRIED, callback, fact, voicemail

T = TypeVar("T")


class SqlJourneyLog:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def facts_of(self, kind: str, *, since: datetime) -> tuple[Envelope, ...]:
        table = fact.c
        of_kind = PIN_TRIED if kind == TYPE_OF[PinTried] else table.type == kind
        wanted = select(fact).where(of_kind, table.at >= since).order_by(table.recorded)
        return tuple(rows.fact_of(row) for row in await self._read(wanted))

    async def callbacks(self, sought: Sought, *, cursor: str | None = None, limit: int = 50) -> PageOf[Callback]:
        return await self._page(_CALLBACKS, sought, cursor, limit)

    async def callback(self, callback_id: str) -> Callback | None:
        found = await self._read(select(callback).where(callback.c.id == clean(callback_id)))
        return _callback_of(found[0]) if found else None

    async def voicemails(self, sought: Sought, *, cursor: str | None = None, limit: int = 50) -> PageOf[Voicemail]:
        return await self._page(_VOICEMAILS, sought, cursor, limit)

    async def voicemail(self, voicemail_id: str) -> Voicemail | None:
        found = await self._read(select(voicemail).where(voicemail.c.id == clean(voicemail_id)))
        return _voicemail_of(found[0]) if found else None

    async def flow_counts(self, flow: str, period: Period) -> FlowCounts:
        flow = clean(flow)
        async with self._database.reading() as connection:
            journeys = (await connection.execute(sql_counts.journeys_of(flow, period))).all()
            steps = (await connection.execute(sql_counts.steps_of(flow, period))).all()
            marks = (await connection.execute(sql_counts.marks_of(flow, period))).all()
        return await asyncio.to_thread(_flow_counts, journeys, steps, marks)

    async def journey_counts(self, period: Period) -> tuple[JourneyCount, ...]:
        found = await self._read(sql_counts.journeys_of_all(period))
        return await asyncio.to_thread(lambda: tuple(map(_journey_count, found)))

    async def _page(self, kind: "_List[T]", sought: Sought, cursor: str | None, limit: int) -> PageOf[T]:
        limit = checked_limit(limit)
        wanted = kind.wanted(sought)
        if cursor is not None:
            wanted = wanted.where(kind.behind(spot_at(cursor)))
        found = await self._read(wanted.limit(limit + 1))
        page = found[:limit]
        return PageOf(tuple(map(kind.value, page)), cursor_of(kind.spot(page[-1])) if len(found) > limit else None)

    async def _read(self, wanted: Select[Any]) -> Sequence[Row[Any]]:
        async with self._database.reading() as connection:
            found: Sequence[Row[Any]] = (await connection.execute(wanted)).all()
            return found


def _callback_of(row: Row[Any]) -> Callback:
    values = dict(row._mapping)  # noqa: SLF001 - a row's public name for its columns
    state = CallbackState(row.state)
    return Callback(**values | {"pbx": PbxName(row.pbx), "call": CallId(row.call), "state": state})


def _voicemail_of(row: Row[Any]) -> Voicemail:
    values = dict(row._mapping)  # noqa: SLF001 - a row's public name for its columns
    return Voicemail(**values | {"pbx": PbxName(row.pbx), "call": CallId(row.call)})


def _flow_counts(journeys: Sequence[Row[Any]], steps: Sequence[Row[Any]], marks: Sequence[Row[Any]]) -> FlowCounts:
    """A busy month is tens of thousands of rows, a third of a second: in a thread, for calls go on meanwhile."""
    return FlowCounts(
        journeys=tuple(map(_journey_count, journeys)),
        steps=tuple(map(_step_count, steps)),
        marks=tuple(MarkCount(**row._mapping) for row in marks),  # noqa: SLF001 - a row's public name for its columns
    )


def _journey_count(row: Row[Any]) -> JourneyCount:
    flow, label, outcome, *where, spent_s, journeys = tuple[Any, ...](row)
    reason, at_step = where or ("", "")
    ended = IvrOutcome(outcome) if outcome else None
    return JourneyCount(
        flow=flow, label=label, outcome=ended, reason=reason, at_step=at_step, spent_s=spent_s, journeys=journeys
    )


def _step_count(row: Row[Any]) -> StepCount:
    step, kind, label, how, to, spent_s, visits, journeys, failures, place = tuple[Any, ...](row)
    return StepCount(
        step=step, kind=kind, label=label, how=LeftBy(how), to=to, spent_s=spent_s, visits=visits, journeys=journeys,
        failures=failures, place=place,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _List(Generic[T]):
    """A table that is read page by page, in the order of ``at`` and id."""

    table: Table
    at: ColumnElement[datetime]
    value: Callable[[Row[Any]], T]
    newest_first: bool = False

    def wanted(self, sought: Sought) -> Select[Any]:
        wanted = select(self.table)
        if sought.queues is not None:
            wanted = wanted.where(self.table.c.queue.in_(sorted(map(clean, sought.queues))))
        if sought.state is not None:
            wanted = wanted.where(self.table.c.state == sought.state)
        if sought.claimed_by is not None:
            wanted = wanted.where(self.table.c.claimed_by == clean(sought.claimed_by))
        order = (self.at, self.table.c.id)
        return wanted.order_by(*((one.desc() for one in order) if self.newest_first else order))

    def behind(self, spot: Spot) -> ColumnElement[bool]:
        at, name = self.at, self.table.c.id
        if self.newest_first:
            return or_(at < spot.at, and_(at == spot.at, name < spot.id))
        return or_(at > spot.at, and_(at == spot.at, name > spot.id))

    def spot(self, row: Row[Any]) -> Spot:
        return Spot(row._mapping[self.at], row.id)  # noqa: SLF001 - a row's public name for its columns


_CALLBACKS: Final = _List(table=callback, at=callback.c.entered_at, value=_callback_of)
_VOICEMAILS: Final = _List(table=voicemail, at=voicemail.c.at, value=_voicemail_of, newest_first=True)
