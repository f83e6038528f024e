"""Calls that we missed, filled in from what the PBX wrote itself, exactly once however often it is done.

A call is looked for by every id that it is known by there. One we know nothing of is told whole; one whose end we did not see,
from where we lost sight of it; all others, and those that are live, are left alone. What is told once stays so; a call of which
some records may not be written yet is therefore left to a later time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from cti.calls.call import Call, CallId
from cti.envelope import Envelope
from cti.reconcile.compare import call_id
from cti.reconcile.fill import candidates, facts_for
from cti.reconcile.reading import RecordsPlaces, calls_in_parts
from cti.reconcile.recorded import RecordedCall
from cti.store.backfills import Standing
from cti.store.failpoints import failpoint
from cti.store.interactions import InteractionLog
from cti.store.unseen import is_backfilled

Record = Callable[[Sequence[Envelope]], Awaitable[None]]
"""Returns when these facts are safe."""
CALLS_AT_ONCE: Final = 50
SETTLED: Final = timedelta(seconds=330)
"""After so long all records of a call are written: with ``batch = yes`` in cdr.conf that is every five minutes."""
_SECONDS: Final = timedelta(seconds=2)


class Known(Protocol):
    async def standings(self, calls: Iterable[CallId]) -> Mapping[CallId, Standing]:
        """Of those of which there is any fact."""
        ...


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
    unsettled: int
    """Left for later: their records may not be all there."""

    @property
    def known(self) -> int:
        return (
            self.recorded
            - len(self.missing)
            - len({call.first_id for call, _ in self.partly})
            - self.live
            - self.unsettled
        )


class Backfill:
    """One PBX's. ``log`` and ``known`` must hold all that was recorded before: have the journal flushed."""

    def __init__(self, places: RecordsPlaces, log: InteractionLog, known: Known) -> None:
        self.places = places
        self._log = log
        self._known = known

    async def plan(
        self,
        since: datetime,
        until: datetime,
        live: Sequence[Call] | None = (),
        *,
        settled: datetime | None = None,
        offered_by: datetime | None = None,
    ) -> Plan:
        """``live``: None where nobody here knows; what has no end on our record is left alone then. ``settled``: all records of
        calls that ended before are there; of all calls, if None. ``offered_by``: what began after it is left alone.

        Raises ``RecordsUnreadable``, ``StoreUnavailable``.
        """
        recorded = list[RecordedCall]()
        async for part in calls_in_parts(self.places, since, until):
            recorded += [call for call in part if offered_by is None or call.offered_at <= offered_by]
        names = await asyncio.to_thread(lambda: {name for call in recorded for name in candidates(call)})
        look = _Look(
            standings=await self._known.standings(names), live=_Live(live or ()), takes_open=live is not None,
            settled=settled if self.places.cdr else None,
        )  # fmt: skip
        return await asyncio.to_thread(look.plan, self.places, since, until, recorded)

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
        return facts_for(call, own)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What is known here of the calls on record there."""

    standings: Mapping[CallId, Standing]
    live: "_Live"
    takes_open: bool
    settled: datetime | None

    def plan(self, places: RecordsPlaces, since: datetime, until: datetime, recorded: Sequence[RecordedCall]) -> Plan:
        """A night's calls are many: not on the event loop."""
        missing, partly, live, unsettled = list[RecordedCall](), list[tuple[RecordedCall, CallId]](), 0, 0
        for call in recorded:
            ours = candidates(call) & self.standings.keys()
            unended = self._unended(ours)
            if self.live.has(call):
                live += 1
            elif ours and not unended:
                continue
            elif self._is_unsettled(call):
                unsettled += 1
            elif ours:
                partly += [(call, name) for name in unended]
            else:
                missing.append(call)
        return Plan(
            places=places, since=since, until=until, recorded=len(recorded), missing=tuple(missing), partly=tuple(partly), live=live,
            unsettled=unsettled,
        )  # fmt: skip

    def _unended(self, ours: Iterable[CallId]) -> list[CallId]:
        """Those of which we missed something. One without any end was forgotten by a start that could not read it, unless it went
        on as another."""
        wanted = {Standing.UNSEEN, Standing.FOUND}
        if self.takes_open and not any(self.standings[name] in {Standing.OVER, Standing.FOUND} for name in ours):
            wanted.add(Standing.OPEN)
        return sorted(name for name in ours if self.standings[name] in wanted)

    def _is_unsettled(self, call: RecordedCall) -> bool:
        return self.settled is not None and not call.is_whole and call.ended_at >= self.settled


def _told_whole(calls: Sequence[RecordedCall]) -> list[Envelope]:
    return [fact for call in calls for fact in facts_for(call)]


class _Live:
    """The calls that go on."""

    def __init__(self, calls: Sequence[Call]) -> None:
        parties = [(leg.party, call) for call in calls for leg in call.live_legs()]
        self._ids = {*(str(call.id) for call in calls), *(str(party.leg) for party, _ in parties)} - {""}
        self._since = {party.channel: call.offered_at for party, call in parties if party.channel}

    def has(self, recorded: RecordedCall) -> bool:
        """By an id; or by a channel's name, which comes again after each start of the PBX, so not where it had ended before."""
        if self._ids & (recorded.ids | candidates(recorded) | {call_id(recorded)}):
            return True
        lasted = recorded.ended_at + _SECONDS
        return any(self._since[name] <= lasted for name in recorded.channels & self._since.keys())
