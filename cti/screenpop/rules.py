"""Which desktops are to be told what about one step of a call.

Everything follows from the legs before and after the step: whose phone began to ring gets a pop, whose phone stopped
ringing has it withdrawn, who has a live leg sees the call. Nobody else hears of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from cti.agents.agent import AgentId
from cti.calls.call import Call, Direction, Leg, LegState

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


def decide(before: Call | None, after: Call, by_device: Mapping[str, AgentId]) -> tuple[Told, ...]:
    """In the order to be told: withdrawals, pops, then the call itself. ``before`` None: nothing was told of it yet."""
    told: list[Told] = [*_withdrawals(before, after, by_device), *_pops(before, after, by_device)]
    had_part = taking_part(before, by_device) if before else []
    has_part = taking_part(after, by_device)
    told += [Shown(agent) for agent in has_part]
    told += [Left(agent) for agent in had_part if agent not in has_part]
    return tuple(told)


def taking_part(call: Call, by_device: Mapping[str, AgentId]) -> list[AgentId]:
    """The agents with a live leg, each once."""
    devices = (leg.party.device for leg in call.live_legs())
    return list(dict.fromkeys(by_device[device] for device in devices if device in by_device))


def my_leg(call: Call, device: str) -> Leg | None:
    """The leg of the phone ``device``: the one that speaks, else a live one, else the last there was."""
    mine = [leg for leg in call.legs if device and leg.party.device == device]
    live = sorted((leg for leg in mine if leg.is_live), key=lambda leg: leg.state is LegState.RINGING)
    return live[0] if live else mine[-1] if mine else None


def is_own_call(call: Call, leg: Leg) -> bool:
    """Is ``leg`` the phone of whoever places this call? It rings to be picked up, not to announce anyone."""
    if call.direction is Direction.INBOUND:
        return False
    others = [other for other in call.live_legs() if other.party.leg != leg.party.leg]
    return not others or call.legs[0].party.leg == leg.party.leg


def _pops(before: Call | None, after: Call, by_device: Mapping[str, AgentId]) -> Iterator[Popped]:
    rang = _ringing(before, by_device) if before else {}
    yield from (Popped(agent, leg) for agent, leg in _ringing(after, by_device).items() if agent not in rang)


def _withdrawals(before: Call | None, after: Call, by_device: Mapping[str, AgentId]) -> Iterator[Withdrawn]:
    ringing = _ringing(after, by_device)
    for agent, leg in (_ringing(before, by_device) if before else {}).items():
        if agent not in ringing:
            yield Withdrawn(agent, _reason(my_leg(after, leg.party.device), after))


def _ringing(call: Call, by_device: Mapping[str, AgentId]) -> dict[AgentId, Leg]:
    """Each agent whose phone announces this call, and the leg that does; of a phone with several contacts the first."""
    found: dict[AgentId, Leg] = {}
    for leg in call.live_legs():
        agent = by_device.get(leg.party.device)
        if agent and leg.state is LegState.RINGING and not is_own_call(call, leg) and not _has_answered(call, leg):
            found.setdefault(agent, leg)
    return found


def _has_answered(call: Call, leg: Leg) -> bool:
    """Another contact of the same phone was picked up; this one rings a moment longer. (One that was picked up before it
    rang is another matter: a transfer that failed rings the phone it came from.)"""
    others = (other for other in call.live_legs() if other.party.device == leg.party.device and other.connected_at)
    return any(leg.rang_at is not None and other.connected_at >= leg.rang_at for other in others if other.connected_at)


def _reason(leg: Leg | None, call: Call) -> Reason:
    if leg and leg.is_live and leg.state is not LegState.RINGING:
        return "answered"
    known = _REASON_OF_A_PHONE.get(leg.cause) if leg else None
    if known:
        return known
    spoken_to = any(other.state in {LegState.CONNECTED, LegState.HELD} for other in call.live_legs()[1:])
    return "answered_elsewhere" if spoken_to else "caller_gone"
