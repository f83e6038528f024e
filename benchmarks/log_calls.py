"""Calls as the record hears of them: facts of call, IVR, pop, customer, agent and result, each with the second it comes at.

A plain call waits in a queue, rings, is talked, and gets a result afterwards: 16 facts. One with a journey comes through a menu
and an identification first: 8 more. Seconds are squeezed, so that a run of half a minute has whole calls in it.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from msgspec import structs

from cti.agent_facts import of_presence
from cti.agents.agent import AgentId
from cti.agents.presence import AgentState, Maker, Part, PartState, Presence
from cti.calls.call import CallId, Direction, LegId, Party, PbxName, Role
from cti.calls.events import CallEvent, Cleared, ConnectionCleared, Delivered, Established, Offered, Queued
from cti.calls.journey import Identified, IvrEntered, IvrLeft, IvrOutcome, JourneyEvent, LeftBy, Noted, StepLeft
from cti.calls.tracker import CallTracker
from cti.calls.transitions import CallChanged
from cti.envelope import Envelope, of_change
from cti.journeys import of_journey
from cti.screenpop import figures
from cti.web import facts

MAIN = PbxName("main")
BEGINS = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
AGENTS_FOR_EACH = 10
"""Agents for each call a second: nobody has two calls at once."""
QUEUES = ("support", "billing", "orders", "sales")
STEPS = ("language", "menu", "code", "status")


@dataclass(frozen=True, slots=True)
class Due:
    at_s: float
    fact: Envelope


def device_of(agent: int) -> str:
    return f"PJSIP/{20_000 + agent}"


def devices(per_s: float) -> dict[str, str]:
    return {device_of(number): f"agent{number:05d}" for number in range(agents(per_s))}


def agents(per_s: float) -> int:
    return max(20, int(per_s * AGENTS_FOR_EACH))


def calls(per_s: float, seconds: float, *, journey: bool, first: int = 0) -> list[Due]:
    """The facts of ``per_s`` new calls a second, in the order they come."""
    chance, found = random.Random(7), list[Due]()
    presences = [
        Presence(agent=AgentId(name), since=BEGINS, changes=0, is_logged_in=True, state=AgentState.READY)
        for name in devices(per_s).values()
    ]
    for nr in range(int(per_s * seconds)):
        agent = nr % len(presences)
        begins_s, pace = nr / per_s, chance.uniform(0.8, 1.2)
        told = list(_Told(first + nr, begins_s, pace, agent).all(journey=journey))
        found += told
        states = _states(presences[agent], told)
        found += states[0]
        presences[agent] = states[1]
    return sorted(found, key=lambda due: due.at_s)


def at(seconds: float) -> datetime:
    return BEGINS + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class _Told:
    nr: int
    begins_s: float
    pace: float
    agent: int

    @property
    def call(self) -> CallId:
        return CallId(f"main-1763888400.{self.nr}")

    def all(self, *, journey: bool) -> Iterator[Due]:
        tracker = CallTracker()
        for event in self._events():
            change = tracker.apply(event)
            if isinstance(change, CallChanged):
                yield Due(self._s(event.at), of_change(change))
        yield from self._around()
        if journey:
            yield from (Due(self._s(event.at), of_journey(event)) for event in self._journey())

    def _events(self) -> Iterator[CallEvent]:
        call, who = self.call, self._party(Role.AGENT, str(20_000 + self.agent))
        yield Offered(
            call=call, at=self._at(0), pbx=MAIN, direction=Direction.INBOUND, ani=f"+49301{self.nr:07d}", ani_name="Ada Example",
            dnis="+4930900", keys=(("customer_code", f"{self.nr:06d}"),), party=self._party(Role.CUSTOMER, "caller"),
        )  # fmt: skip
        yield Queued(call=call, at=self._at(0.8), queue=QUEUES[self.nr % len(QUEUES)])
        yield Delivered(call=call, at=self._at(1.0), party=who)
        yield Established(call=call, at=self._at(1.3), party=who)
        yield ConnectionCleared(call=call, at=self._at(2.4), party=who, cause="normal")
        yield Cleared(call=call, at=self._at(2.4005), cause="normal", ended_by="customer")

    def _around(self) -> Iterator[Due]:
        agent, name = AgentId(f"agent{self.agent:05d}"), f"{self.call}-pop"
        match = Envelope(
            id=f"{self.call}#customer#{self.nr}", source="/pbx/main", type="cti.interaction.customer.v1", subject=self.call,
            time=self._at(0.02), sequence=0, data={"contact": str(self.nr % 50_000), "name": "Ada Example", "by": ""},
        )  # fmt: skip
        yield Due(self._s(match.time), match)
        for after_s, step in zip((1.01, 1.012, 1.015, 1.05), figures.STEPS, strict=True):
            noted = figures.Noted(
                pop=name,
                call=self.call,
                pbx=MAIN,
                agent=agent,
                step=step,
                ms=(after_s - 1.01) * 1000,
                at=self._at(after_s),
            )
            yield Due(self._s(noted.at), figures.fact(noted))
        result = facts.result(
            MAIN, self.call, "solved", "Solved", by=agent, at=self._at(2.9), fields={"amount": "1.00"}
        )
        yield Due(self._s(result.time), replace_id(result, f"{self.call}#result"))

    def _journey(self) -> Iterator[JourneyEvent]:
        nr, session = count(1), f"s{self.nr}"

        def known(after_s: float) -> dict[str, Any]:
            return {"call": self.call, "pbx": MAIN, "at": self._at(after_s), "session": session, "nr": next(nr)}

        yield IvrEntered(flow="main", label="Main", language="en", **known(0.01))
        for place, step in enumerate(STEPS):
            began_s = 0.01 + 0.15 * place
            following = (*STEPS, "")[place + 1]
            yield StepLeft(
                step=step, kind="menu", label=step.title(), entered_at=self._at(began_s), how=LeftBy.DONE, to=following,
                choice="Orders", keyed="1", **known(began_s + 0.15),
            )  # fmt: skip
        yield Identified(contact=str(self.nr % 50_000), name="Ada Example", code="20118", value="20118", **known(0.6))
        yield Noted(name="intent", value="orders", **known(0.61))
        yield IvrLeft(outcome=IvrOutcome.TO_AGENT, step="status", to="queue support", **known(0.7))

    def _party(self, role: Role, who: str) -> Party:
        return Party(
            leg=LegId(f"1763888400.{self.nr}.{who}"), role=role, number=who, name=who, channel=f"PJSIP/{who}-0000002a",
            device=f"PJSIP/{who}", member=f"PJSIP/{who}",
        )  # fmt: skip

    def _at(self, after_s: float) -> datetime:
        return at(self.begins_s + after_s * self.pace)

    def _s(self, moment: datetime) -> float:
        return (moment - BEGINS).total_seconds()


def replace_id(fact: Envelope, name: str) -> Envelope:
    return Envelope(
        id=name,
        source=fact.source,
        type=fact.type,
        subject=fact.subject,
        time=fact.time,
        sequence=fact.sequence,
        data=fact.data,
    )


def _states(before: Presence, told: list[Due]) -> tuple[list[Due], Presence]:
    """What the call makes of its agent."""
    at_s = {due.fact.type: due.at_s for due in told}
    call, found = told[0].fact.subject, list[Due]()
    for kind, state, part in (
        ("cti.call.delivered.v1", AgentState.RESERVED, PartState.RINGING),
        ("cti.call.established.v1", AgentState.TALKING, PartState.TALKING),
        ("cti.call.cleared.v1", AgentState.WORK_READY, None),
        ("cti.interaction.result.v1", AgentState.READY, None),
    ):
        since = at(at_s[kind])
        parts = (Part(call=call, state=part, queue="support", since=since),) if part else ()
        before = structs.replace(
            before, state=state, parts=parts, since=since, changes=before.changes + 1, made_by=Maker.PBX
        )
        found.append(Due(at_s[kind], of_presence(before)))
    return found, before
