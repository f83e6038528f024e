"""What a call's step means to the agents whose phones are in it: calls in, agents' events out. No I/O, no clock.

What was told of each phone is kept, so a call that is told again, or was taken up after a restart, tells nothing twice, and
a leg that was released before it hung up still counts as one that spoke to the customer.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct

from cti.agents.agent import AgentId
from cti.agents.events import PartGone, PartIs
from cti.agents.presence import Part, PartState
from cti.calls.call import Call, CallId, CallState, Leg, LegId, LegState
from cti.screenpop.rules import is_own_call, my_leg

Told = tuple[AgentId, PartIs | PartGone]
_SPEAKING: Final = frozenset({LegState.CONNECTED, LegState.HELD})
_DECLINED: Final = frozenset({"declined", "busy"})
"""What phones answer when somebody presses "reject" while they ring: 603 or 486."""


class _Seen(Struct, frozen=True, kw_only=True):
    part: Part
    device: str
    leg: LegId
    has_spoken: bool


class Parts:
    """Which agent has what part in which live call, as last told."""

    def __init__(self) -> None:
        self._seen: dict[CallId, dict[AgentId, _Seen]] = {}

    def heard(self, call: Call, by_device: Mapping[str, AgentId], at: datetime) -> tuple[Told, ...]:
        """The call is now like this. ``at``: now, by our own clock."""
        devices = dict.fromkeys([leg.party.device for leg in call.live_legs()])
        phones = {device: by_device[device] for device in devices if device in by_device}
        seen = self._seen.get(call.id, {})
        told = (*_gone(call, seen, phones, at), *_parts(call, seen, phones, at))
        if seen and call.is_live:
            self._seen[call.id] = seen
        else:
            self._seen.pop(call.id, None)
        return told

    def has(self, call: CallId, agent: AgentId) -> bool:
        return agent in self._seen.get(call, {})


def _parts(call: Call, seen: dict[AgentId, _Seen], phones: Mapping[str, AgentId], at: datetime) -> Iterator[Told]:
    for device, agent in phones.items():
        leg, before = my_leg(call, device), seen.get(agent)
        state = part_state(call, leg) if leg else None
        if leg is None or state is None:
            continue
        has_spoken = (before is not None and before.has_spoken) or speaks_to_customer(call, leg)
        part = before.part if before else None
        if part is None or part.state is not state:
            part = Part(call=call.id, state=state, queue=part.queue if part else offered_by(call, leg), since=at)
            yield agent, PartIs(at=at, part=part)
        seen[agent] = _Seen(part=part, device=device, leg=leg.party.leg, has_spoken=has_spoken)


def _gone(call: Call, seen: dict[AgentId, _Seen], phones: Mapping[str, AgentId], at: datetime) -> Iterator[Told]:
    for agent, known in tuple(seen.items()):
        if phones.get(known.device) != agent:
            del seen[agent]
            yield agent, _of_gone(call, known, at)


def part_state(call: Call, leg: Leg) -> PartState | None:
    """None: nothing of it is to be seen at the phone yet."""
    is_own = is_own_call(call, leg)
    match leg.state:
        case LegState.INITIATED:
            return PartState.DIALLING if is_own else None
        case LegState.RINGING:
            return PartState.DIALLING if is_own else PartState.RINGING
        case LegState.HELD:
            return PartState.TALKING if _is_consulting(call, leg) else PartState.HELD
        case LegState.CONNECTED:
            return PartState.DIALLING if is_own and _is_put_through(call, leg) else PartState.TALKING
        case _:
            return None


def offered_by(call: Call, leg: Leg) -> str:
    """The queue that offered the call to this phone; empty for a direct or internal call, a consultation, an own call."""
    return call.queue if leg.party.member and not leg.consult and not is_own_call(call, leg) else ""


def speaks_to_customer(call: Call, leg: Leg) -> bool:
    return leg.state in _SPEAKING and not leg.consult and call.answered_at is not None


def _is_consulting(call: Call, leg: Leg) -> bool:
    """The customer is on hold while the agent speaks to somebody else."""
    return any(other.consult for other in call.live_legs() if other.party.leg != leg.party.leg)


def _is_put_through(call: Call, leg: Leg) -> bool:
    others = [other for other in call.live_legs() if other.party.leg != leg.party.leg]
    return not any(other.state in _SPEAKING for other in others)


def _of_gone(call: Call, known: _Seen, at: datetime) -> PartGone:
    leg = call.leg(known.leg)
    rang = known.part.state is PartState.RINGING
    cause = leg.cause if leg else ""
    has_caller_left = not call.is_live and call.ended_by == "customer"
    queue = (
        call.queue if known.has_spoken else known.part.queue
    )  # handed on by a colleague, it is that queue's work still
    return PartGone(
        at=at, call=call.id, queue=queue, has_spoken=known.has_spoken,
        is_missed=rang and cause == "no_answer" and not has_caller_left,
        is_declined=rang and cause in _DECLINED,
        is_handed_over=known.has_spoken and _goes_on(call, known.leg),
    )  # fmt: skip


def _goes_on(call: Call, leg: LegId) -> bool:
    """With a colleague, or on the way to one. The customer's own leg may stay a moment after the last one else is gone."""
    if not call.is_live:
        return False
    is_waiting = call.state in {CallState.PARKED, CallState.QUEUED}
    return is_waiting or any(one.by == leg for one in call.transfers) or len(call.live_legs()) > 1
