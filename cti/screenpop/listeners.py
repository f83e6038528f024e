"""Whom the hub tells, and whom it asks. They are made after it, and put themselves here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cti.agents.agent import Agent, AgentId
from cti.calls.call import Call, CallId
from cti.screenpop.figures import Noted
from cti.telephony.phone import Ability


@dataclass(frozen=True, slots=True)
class Arrival:
    """A desktop said hello, and is let in."""

    agent: AgentId
    session: str
    takes_over: bool
    """It closes another one that was open."""
    comes_back: bool
    """It is the same page, whose socket broke; also where we know its stream no more, as after a restart of ours."""


def _quiet(*_: object) -> None:
    pass


def _no_abilities(_call: Call, _agent: Agent) -> frozenset[Ability]:
    return frozenset()


def _never(_: CallId) -> None:
    return None


@dataclass(slots=True, kw_only=True)
class Listeners:
    on_receipt: Callable[[Noted], None] = _quiet
    on_focus: Callable[[AgentId, CallId | None], None] = _quiet
    on_desktop: Callable[[Arrival], None] = _quiet
    on_desktop_gone: Callable[[AgentId], None] = _quiet
    """The agent has none any more. May be told twice."""
    on_call: Callable[[Call], None] = _quiet
    """Told of each step of a call, before any desktop is."""
    abilities: Callable[[Call, Agent], frozenset[Ability]] = _no_abilities
    """What the agent's phone can be made to do in that call."""
    recording_resumes_at: Callable[[CallId], datetime | None] = _never
