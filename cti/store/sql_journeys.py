"""Journeys on record, in SQLite or PostgreSQL: what ``JourneyLog`` asks for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Row, Select, Table, and_, case, func, literal, or_, select

from cti.calls.call import CallId, PbxName
from cti.calls.journey import IvrOutcome, LeftBy
from cti.envelope import Envelope
from cti.store import rows
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
from cti.store.tables import callback, fact, ivr_journey, ivr_step, voicemail

T = TypeVar("T")
_ALIKE: Final[tuple[ColumnElement[Any], ...]] = tuple(
    ivr_step.c[name] for name in ("step", "kind", "label", "how", "to", "spent_s")
)
_COUNT: Final = func.count().label("journeys")
_LED_THERE: Final = ivr_journey.c.is_after.is_(False)
"""What is asked after the conversation led nowhere, and is no journey to be counted."""
_STEP_SUMS: Final[tuple[ColumnElement[Any], ...]] = (
    func.count().label("visits"),
    func.sum(case((ivr_step.c.visit == 1, 1), else_=0)).label("journeys"),
    func.sum(ivr_step.c.failures).label("failures"),
    func.min(ivr_step.c.nr).label("place"),
)


class SqlJourneyLog:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def facts_of(self, kind: str, *, since: datetime) -> tuple[Envelope, ...]:
        table = fact.c
        wanted = select(fact).where(table.type == kind, table.at >= since).order_by(table.recorded)
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
        journeys, steps, marks = ivr_journey.c, ivr_step.c, (ivr_journey.c.satisfaction, ivr_journey.c.recommendation)
        alike = (journeys.flow, journeys.label, journeys.outcome, journeys.reason, journeys.at_step, journeys.spent_s)
        of_flow = and_(journeys.flow == clean(flow), _within(journeys.entered_at, period))
        marked = and_(of_flow, or_(*(mark.is_not(None) for mark in marks)))
        of_steps = and_(steps.flow == clean(flow), _within(steps.entered_at, period))
        async with self._database.reading() as connection:
            found = await connection.execute(select(*alike, _COUNT).where(of_flow, _LED_THERE).group_by(*alike))
            taken = await connection.execute(select(*_ALIKE, *_STEP_SUMS).where(of_steps).group_by(*_ALIKE))
            given = await connection.execute(select(*marks, _COUNT).where(marked).group_by(*marks))
            return FlowCounts(
                journeys=tuple(_journey_count(row) for row in found),
                steps=tuple(_step_count(row) for row in taken),
                marks=tuple(MarkCount(**row._mapping) for row in given),  # noqa: SLF001 - a row's public name for its columns
            )

    async def journey_counts(self, period: Period) -> tuple[JourneyCount, ...]:
        table = ivr_journey.c
        alike = (table.flow, table.label, table.outcome, table.spent_s)
        nowhere = (literal("").label("reason"), literal("").label("at_step"))
        counted = select(*alike, *nowhere, _COUNT).where(_within(table.entered_at, period), _LED_THERE).group_by(*alike)
        return tuple(_journey_count(row) for row in await self._read(counted))

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


def _within(at: ColumnElement[datetime], period: Period) -> ColumnElement[bool]:
    return and_(at >= period.since, at < period.until)


def _callback_of(row: Row[Any]) -> Callback:
    values = dict(row._mapping)  # noqa: SLF001 - a row's public name for its columns
    state = CallbackState(row.state)
    return Callback(**values | {"pbx": PbxName(row.pbx), "call": CallId(row.call), "state": state})


def _voicemail_of(row: Row[Any]) -> Voicemail:
    values = dict(row._mapping)  # noqa: SLF001 - a row's public name for its columns
    return Voicemail(**values | {"pbx": PbxName(row.pbx), "call": CallId(row.call)})


def _journey_count(row: Row[Any]) -> JourneyCount:
    values = dict(row._mapping)  # noqa: SLF001 - a row's public name for its columns
    return JourneyCount(**values | {"outcome": IvrOutcome(row.outcome) if row.outcome else None})


def _step_count(row: Row[Any]) -> StepCount:
    values = dict(row._mapping)  # noqa: SLF001 - a row's public name for its columns
    return StepCount(**values | {"how": LeftBy(row.how)})


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
