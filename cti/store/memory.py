"""The record in a list: for tests, for ``cti replay``, for trying things out. Keeps every promise but to survive."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from operator import attrgetter

from cti.agents.agent import AgentId
from cti.calls.call import CallId, Direction, Outcome
from cti.envelope import Envelope
from cti.store import derive
from cti.store.digits import same_number
from cti.store.interactions import Filter, Interaction, Page
from cti.store.lease import Fence
from cti.store.memory_journeys import MemoryJourneyLog
from cti.store.memory_shifts import MemoryShiftLog
from cti.store.paging import checked_limit, cursor_of, customer_number, is_wanted, place_at, place_of
from cti.store.past import PastCall
from cti.store.shifts import Day, without
from cti.store.storable import Key, Line, fresh, key_of, line_of

NEWEST_FIRST = attrgetter("ended_at", "pbx", "call")


class MemoryInteractionLog(MemoryJourneyLog, MemoryShiftLog):
    """``devices`` says whose phone is whose, at the time of asking."""

    def __init__(self, devices: Callable[[], derive.Devices] = dict) -> None:
        MemoryJourneyLog.__init__(self)
        MemoryShiftLog.__init__(self)
        self._devices = devices
        self._types: dict[Key, str] = {}
        self._facts: dict[Key, list[Envelope]] = defaultdict(list)
        self._rulings: set[tuple[str, str]] = set()
        self._interactions: dict[Key, Interaction] = {}

    async def append(self, facts: Iterable[Envelope], fence: Fence | None = None) -> None:
        await self.write([line_of(fact) for fact in facts], fence)

    async def write(self, lines: Sequence[Line], fence: Fence | None = None) -> None:  # noqa: ARG002 - one process has it
        new = [line.fact for line in fresh(lines, self._types)]
        for fact in new:
            self._types[key_of(fact)] = fact.type
            self._facts[fact.source, fact.subject].append(fact)
            self._recorded.append(fact)
            self._rule(fact)
            self._hear_state(fact)
        for key in dict.fromkeys((fact.source, fact.subject) for fact in new):
            self._derive(key)

    async def between(self, wanted: Filter, *, cursor: str | None = None, limit: int = 50) -> Page:
        limit = checked_limit(limit)
        found = self._newest(lambda item: is_wanted(item, wanted))
        if cursor is not None:
            place = place_at(cursor)
            found = [item for item in found if NEWEST_FIRST(item) < (place.ended_at, place.pbx, place.call)]
        page = tuple(found[:limit])
        return Page(page, cursor_of(place_of(page[-1])) if len(found) > limit else None)

    async def get(self, call: CallId) -> Interaction | None:
        return next((item for item in self._interactions.values() if item.call == call), None)

    async def facts(self, call: CallId) -> tuple[Envelope, ...]:
        return tuple(fact for (_, name), facts in self._facts.items() if name == call for fact in facts)

    async def open_facts(self) -> tuple[Envelope, ...]:
        return tuple(
            fact
            for key, facts in self._facts.items()
            if key not in self._interactions and any(fact.type in derive.CALL_EVENTS for fact in facts)
            for fact in facts
        )

    async def history(
        self, *, contacts: Iterable[str], numbers: Iterable[str], limit: int = 50
    ) -> tuple[PastCall, ...]:
        wanted, known = frozenset(contacts) - {""}, tuple(numbers)
        found = self._newest(
            lambda item: item.contact in wanted or any(same_number(customer_number(item), number) for number in known)
        )
        return tuple(map(_past_call, found[: checked_limit(limit)]))

    async def ruled_out(self, number: str) -> frozenset[str]:
        return frozenset(contact for known, contact in self._rulings if same_number(known, number))

    async def day(self, agent: AgentId, since: datetime, until: datetime) -> Day:
        day = await super().day(agent, since, until)
        return without(day, (item.call for item in self._interactions.values() if not _is_handled(item)))

    async def rebuild(self) -> int:
        for key in self._facts:
            self._derive(key)
        return len(self._interactions)

    async def close(self) -> None:
        pass

    def _rule(self, fact: Envelope) -> None:
        """Whom an agent picks for a call is ruled out for its number no more."""
        if ruling := derive.ruling_of(fact):
            self._rulings.add(ruling)
        if picked := derive.picked_by_hand(fact):
            number = derive.customer_number_of(self._facts[fact.source, fact.subject])
            self._rulings = {one for one in self._rulings if one[1] != picked or not same_number(one[0], number)}

    def _derive(self, key: Key) -> None:
        devices = derive.kept_devices(self._interactions.get(key), self._devices())
        facts = self._facts[key]
        interaction = derive.interaction_of(facts, devices)
        if interaction:
            self._interactions[key] = interaction
        self._trails[key] = derive.trail_of(facts, is_over=interaction is not None)

    def _newest(self, wanted: Callable[[Interaction], bool]) -> list[Interaction]:
        return sorted(filter(wanted, self._interactions.values()), key=NEWEST_FIRST, reverse=True)


def _past_call(item: Interaction) -> PastCall:
    same = {field.name: getattr(item, field.name) for field in fields(PastCall) if field.name != "ivr_outcome"}
    outcome = item.journey.outcome if item.journey else None
    return PastCall(**same, ivr_outcome=outcome.value if outcome else "")


def _is_handled(item: Interaction) -> bool:
    return item.outcome is Outcome.ANSWERED and item.direction is not Direction.INTERNAL
