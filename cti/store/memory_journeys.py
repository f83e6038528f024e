"""Journeys on record, in memory: the reading half of ``memory.py`` that ``JourneyLog`` asks for."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from cti.calls.frozen import changed
from cti.calls.journey import Journey
from cti.envelope import Envelope
from cti.store.journeys import (
    Callback,
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
from cti.store.storable import Key
from cti.store.trail import RECOMMENDATION, SATISFACTION, Step, Trail, last_mark, spent_s

T = TypeVar("T")


class MemoryJourneyLog:
    def __init__(self) -> None:
        self._recorded: list[Envelope] = []
        self._trails: dict[Key, Trail] = {}

    async def facts_of(self, kind: str, *, since: datetime) -> tuple[Envelope, ...]:
        return tuple(fact for fact in self._recorded if fact.type == kind and fact.time >= since)

    async def callbacks(self, sought: Sought, *, cursor: str | None = None, limit: int = 50) -> PageOf[Callback]:
        found = [
            one
            for one in self._callbacks()
            if sought.is_met(queue=one.queue, state=one.state, claimed_by=one.claimed_by)
        ]
        return _page(found, lambda one: (one.entered_at, one.id), cursor, limit)

    async def callback(self, callback: str) -> Callback | None:
        return next((one for one in self._callbacks() if one.id == callback), None)

    async def voicemails(self, sought: Sought, *, cursor: str | None = None, limit: int = 50) -> PageOf[Voicemail]:
        found = [one for one in self._voicemails() if sought.is_met(queue=one.queue)]
        return _page(found, lambda one: (one.at, one.id), cursor, limit, newest_first=True)

    async def voicemail(self, voicemail: str) -> Voicemail | None:
        return next((one for one in self._voicemails() if one.id == voicemail), None)

    async def flow_counts(self, flow: str, period: Period) -> FlowCounts:
        journeys = [one for one in self._journeys(period) if one.flow == flow]
        trails = self._trails.values()
        steps = (one for trail in trails for one in trail.steps if one.journey.flow == flow)
        return FlowCounts(
            journeys=_counted(one for one in journeys if not one.is_after),
            steps=_counted_steps(one for one in steps if period.holds(one.journey.entered_at)),
            marks=_counted_marks(journeys),
        )

    async def journey_counts(self, period: Period) -> tuple[JourneyCount, ...]:
        known = (one for one in self._journeys(period) if not one.is_after)
        return _counted(changed(one, reason="", at_step="") for one in known)

    def _journeys(self, period: Period) -> Iterator[Journey]:
        known = (one for trail in self._trails.values() for one in trail.journeys)
        return (one for one in known if period.holds(one.entered_at))

    def _callbacks(self) -> Iterator[Callback]:
        return (one for trail in self._trails.values() for one in trail.callbacks)

    def _voicemails(self) -> Iterator[Voicemail]:
        return (one for trail in self._trails.values() for one in trail.voicemails)


def _page(
    found: list[T],
    key: Callable[[T], tuple[datetime, str]],
    cursor: str | None,
    limit: int,
    *,
    newest_first: bool = False,
) -> PageOf[T]:
    limit = checked_limit(limit)
    ordered = sorted(found, key=key, reverse=newest_first)
    if cursor is not None:
        spot = spot_at(cursor)
        place = (spot.at, spot.id)
        ordered = [one for one in ordered if (key(one) < place if newest_first else key(one) > place)]
    page = tuple(ordered[:limit])
    return PageOf(page, cursor_of(Spot(*key(page[-1]))) if len(ordered) > limit else None)


def _counted(journeys: Iterable[Journey]) -> tuple[JourneyCount, ...]:
    alike = Counter(
        JourneyCount(
            flow=one.flow, label=one.label, outcome=one.outcome, reason=one.reason, at_step=one.at_step, spent_s=spent_s(one),
            journeys=0,
        )
        for one in journeys
    )  # fmt: skip
    return tuple(replace(one, journeys=count) for one, count in alike.items())


def _counted_marks(journeys: Iterable[Journey]) -> tuple[MarkCount, ...]:
    alike = Counter((last_mark(one, SATISFACTION), last_mark(one, RECOMMENDATION)) for one in journeys)
    return tuple(
        MarkCount(satisfaction=satisfaction, recommendation=recommendation, journeys=count)
        for (satisfaction, recommendation), count in alike.items()
        if satisfaction is not None or recommendation is not None
    )


def _counted_steps(steps: Iterable[Step]) -> tuple[StepCount, ...]:
    found: dict[StepCount, StepCount] = {}
    for one in steps:
        taken = one.taken
        alike = StepCount(
            step=taken.step, kind=taken.kind, label=taken.label, how=taken.how, to=taken.to, spent_s=one.spent_s,
            visits=0, journeys=0, failures=0, place=0,
        )  # fmt: skip
        known = found.get(alike, replace(alike, place=one.nr))
        found[alike] = replace(
            known, visits=known.visits + 1, journeys=known.journeys + (one.visit == 1),
            failures=known.failures + taken.failures, place=min(known.place, one.nr),
        )  # fmt: skip
    return tuple(found.values())
