"""Which desktops are to be told what about one step of a call.

Everything follows from the legs before and after the step: whose phone began to ring gets a pop, whose phone stopped
ringing has it withdrawn, who has a live leg sees the call. Nobody else hears of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from cti.agents.agent import AgentId
from cti.calls.call import Call, Direction, Leg, LegId, LegState
from cti.calls.transitions import CallChanged

Reason = Literal["answered", "answered_elsewhere", "no_answer", "declined", "caller_gone", "expired"]


@dataclass(frozen=True, slots=True)
class Popped:
    """This agent's phone began to ring."""

    agent: AgentId
    leg: Leg


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """This agent's phone no longer rings."""

    agent: AgentId
    leg: LegId
    reason: Reason


@dataclass(frozen=True, slots=True)
class Shown:
    """The agent has a part in the call, which is now like this."""

    agent: AgentId


@dataclass(frozen=True, slots=True)
class Left:
    """The agent has a part in it no longer; the call may go on."""

    agent: AgentId


Told = Popped | Withdrawn | Shown | Left

_REASON_OF_A_PHONE: Final[Mapping[str, Reason]] = {
    "no_answer": "no_answer",
    "unreachable": "no_answer",
    "declined": "declined",
    "busy": "declined",
    "forwarded": "declined",
    "answered_elsewhere": "answered_elsewhere",
    "picked_up": "answered_elsewhere",
}


def decide(change: CallChanged, by_device: Mapping[str, AgentId]) -> tuple[Told, ...]:
    """In the order to be told: withdrawals, pops, then the call itself."""
    told: list[Told] = [*_withdrawals(change, by_device), *_pops(change, by_device)]
    before = _taking_part(change.before, by_device)
    now = _taking_part(change.after, by_device)
    told += [Shown(agent) for agent in now]
    told += [Left(agent) for agent in before if agent not in now]
    return tuple(told)


def my_leg(call: Call, device: str) -> Leg | None:
    """The leg of the phone ``device``: the live one, else the last there was."""
    mine = [leg for leg in call.legs if device and leg.party.device == device]
    return next((leg for leg in mine if leg.is_live), mine[-1] if mine else None)


def is_own_call(call: Call, leg: Leg) -> bool:
    """Is ``leg`` the phone of whoever places this call? It rings to be picked up, not to announce anyone."""
    if call.direction is Direction.INBOUND:
        return False
    others = [other for other in call.live_legs() if other.party.leg != leg.party.leg]
    return not others or call.legs[0].party.leg == leg.party.leg


def _taking_part(call: Call | None, by_device: Mapping[str, AgentId]) -> list[AgentId]:
    legs = call.live_legs() if call else ()
    return list(dict.fromkeys(by_device[leg.party.device] for leg in legs if leg.party.device in by_device))


def _pops(change: CallChanged, by_device: Mapping[str, AgentId]) -> Iterator[Popped]:
    for leg in change.after.legs:
        agent = by_device.get(leg.party.device)
        begins = leg.state is LegState.RINGING and not _rang(change.before, leg.party.leg)
        if agent and begins and not is_own_call(change.after, leg):
            yield Popped(agent, leg)


def _withdrawals(change: CallChanged, by_device: Mapping[str, AgentId]) -> Iterator[Withdrawn]:
    for leg in change.before.legs if change.before else ():
        agent = by_device.get(leg.party.device)
        if agent and leg.state is LegState.RINGING:
            now = change.after.leg(leg.party.leg)
            if now is None or now.state is not LegState.RINGING:
                yield Withdrawn(agent, leg.party.leg, _reason(now, change.after))


def _rang(call: Call | None, leg: LegId) -> bool:
    known = call.leg(leg) if call else None
    return known is not None and known.state is LegState.RINGING


def _reason(leg: Leg | None, call: Call) -> Reason:
    if leg and leg.is_live:
        return "answered"
    known = _REASON_OF_A_PHONE.get(leg.cause) if leg else None
    if known:
        return known
    spoken_to = any(other.state in {LegState.CONNECTED, LegState.HELD} for other in call.live_legs()[1:])
    return "answered_elsewhere" if spoken_to else "caller_gone"
