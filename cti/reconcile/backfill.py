"""Calls that we missed, filled in from what the PBX wrote itself, exactly once however often it is done.

A call is looked for by every id that it is known by there. One we know nothing of is told whole; one whose end we did not see,
from where we lost sight of it; all others, and those that are live, are left alone.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from cti.calls.call import Call, CallId
from cti.envelope import Envelope
from cti.reconcile.compare import call_id
from cti.reconcile.fill import candidates, facts_for
from cti.reconcile.reading import RecordsPlaces, calls_ended
from cti.reconcile.recorded import RecordedCall
from cti.store.derive import seen_call
from cti.store.failpoints import failpoint
from cti.store.interactions import Filter, Interaction, InteractionLog
from cti.store.unseen import UNSEEN, is_backfilled

Record = Callable[[Sequence[Envelope]], Awaitable[None]]
"""Returns when these facts are safe."""
CALLS_AT_ONCE: Final = 50
_AROUND: Final = timedelta(minutes=10)
"""A call that was gone when we came back has the time of that, or of when the connection was lost."""
_PART: Final = timedelta(hours=6)
_PAGE: Final = 500


class Known(Protocol):
    async def known(self, calls: Iterable[CallId]) -> frozenset[CallId]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What there is to do; nothing is done yet."""

    places: RecordsPlaces
    since: datetime
    until: datetime
    recorded: int
    """Calls that ended in this time, as the PBX has it."""
    missing: tuple[RecordedCall, ...]
    partly: tuple[tuple[RecordedCall, CallId], ...]
    """Their end was not seen; and what we call them."""
    live: int

    @property
    def known(self) -> int:
        return self.recorded - len(self.missing) - len(self.partly) - self.live


class Backfill:
    """One PBX's. ``log`` and ``known`` must hold all that was recorded before: have the journal flushed."""

    def __init__(self, places: RecordsPlaces, log: InteractionLog, known: Known) -> None:
        self.places = places
        self._log = log
        self._known = known

    async def plan(self, since: datetime, until: datetime, live: Sequence[Call] = ()) -> Plan:
        """Raises ``RecordsUnreadable``, ``StoreUnavailable``."""
        recorded = [call async for call in self._recorded(since, until)]
        names = await asyncio.to_thread(lambda: [name for call in recorded for name in candidates(call)])
        known = await self._known.known(names)
        unseen = {item.call for item in await self._unseen(since, until)}
        missing, partly, alive = await asyncio.to_thread(_sorted_out, recorded, known, unseen, _names(live))
        return Plan(
            places=self.places,
            since=since,
            until=until,
            recorded=len(recorded),
            missing=missing,
            partly=partly,
            live=alive,
        )

    async def _recorded(self, since: datetime, until: datetime) -> AsyncIterator[RecordedCall]:
        """Part by part, so that a week's records are never in memory at once."""
        told = set[str]()
        while since < until:
            end = min(since + _PART, until)
            for call in await calls_ended(self.places, since, end):
                if call.first_id not in told:  # one that ended in the second between two parts is in both
                    told.add(call.first_id)
                    yield call
            since = end

    async def carry_out(self, plan: Plan, record: Record, told: Callable[[int], None] = lambda _: None) -> None:
        """``told`` hears how many calls are done."""
        failpoint("backfill.planned")
        for start in range(0, len(plan.missing), CALLS_AT_ONCE):
            some = plan.missing[start : start + CALLS_AT_ONCE]
            await record(await asyncio.to_thread(_told_whole, some))
            failpoint("backfill.recorded")
            told(start + len(some))
        for done, (call, name) in enumerate(plan.partly, 1):
            await record(await self._rest_of(call, name))
            told(len(plan.missing) + done)

    async def _rest_of(self, call: RecordedCall, name: CallId) -> list[Envelope]:
        """Told before, and cut short by a crash, it is told again: the same facts have the same ids."""
        own = [fact for fact in await self._log.facts(name) if not is_backfilled(fact)]
        seen = seen_call(own)
        return facts_for(call, seen=seen, told=max((fact.sequence for fact in own), default=0) if seen else 0)

    async def _unseen(self, since: datetime, until: datetime) -> list[Interaction]:
        found, cursor = list[Interaction](), None
        wanted = Filter(since=since - _AROUND, until=until + _AROUND, backfilled=False)
        while True:
            page = await self._log.between(wanted, cursor=cursor, limit=_PAGE)
            found += [item for item in page.items if item.pbx == self.places.pbx and item.cause in UNSEEN]
            cursor = page.cursor
            if cursor is None:
                return found


def _sorted_out(
    recorded: Sequence[RecordedCall], known: frozenset[CallId], unseen: set[CallId], going_on: frozenset[str]
) -> tuple[tuple[RecordedCall, ...], tuple[tuple[RecordedCall, CallId], ...], int]:
    """Those missing, those whose end was not seen, and how many are live. A night's calls are many: not on the event loop."""
    missing, partly, alive = list[RecordedCall](), list[tuple[RecordedCall, CallId]](), 0
    for call in recorded:
        ours = known & candidates(call)
        if _is_live(call, going_on):
            alive += 1
        elif not ours:
            missing.append(call)
        else:
            partly += [(call, name) for name in sorted(ours & unseen)]
    return tuple(missing), tuple(partly), alive


def _told_whole(calls: Sequence[RecordedCall]) -> list[Envelope]:
    return [fact for call in calls for fact in facts_for(call)]


def _names(live: Sequence[Call]) -> frozenset[str]:
    """Ids and channels of calls that go on."""
    parties = [leg.party for call in live for leg in call.live_legs()]
    return frozenset({*(call.id for call in live), *(p.leg for p in parties), *(p.channel for p in parties)}) - {""}


def _is_live(call: RecordedCall, going_on: frozenset[str]) -> bool:
    return bool(going_on & (call.ids | call.channels | candidates(call) | {call_id(call)}))
