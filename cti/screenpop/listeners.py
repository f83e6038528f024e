"""Whom the hub tells, and whom it asks. They are made after it, and put themselves here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from cti.agents.agent import Agent, AgentId
from cti.calls.call import Call, CallId
from cti.screenpop.figures import Noted
from cti.screenpop.messages import Delta
from cti.screenpop.outbox import Key
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
    stream: str = ""
    """What it reads: a secret of that desktop."""
    new_at: datetime | None = None
    """Of one that is heard of late: when its page was opened, and not just its socket."""


class Elsewhere(Protocol):
    """What is known of desktops at other processes."""

    def since(self, agent: AgentId) -> datetime | None:
        """Since when the agent has one open there; None: they have none."""
        ...

    def knows(self, agent: AgentId, stream: str) -> bool:
        """Was that the stream of the agent's last desktop there?"""
        ...


class Nowhere:
    """There is one process."""

    def since(self, _: AgentId) -> datetime | None:
        return None

    def knows(self, _agent: AgentId, _stream: str) -> bool:
        return False


NOWHERE: Final = Nowhere()


def _quiet(*_: object) -> None:
    pass


def _no_abilities(_call: Call, _agent: Agent) -> frozenset[Ability]:
    return frozenset()


def _never(_: CallId) -> None:
    return None


def _nothing(_: AgentId) -> Iterable[tuple[Key, Delta]]:
    return ()


@dataclass(slots=True, kw_only=True)
class Listeners:
    on_receipt: Callable[[Noted], None] = _quiet
    on_focus: Callable[[AgentId, CallId | None], None] = _quiet
    on_desktop: Callable[[Arrival], None] = _quiet
    on_desktop_gone: Callable[[AgentId], None] = _quiet
    """The agent has none any more. May be told twice."""
    on_hello: Callable[[AgentId], None] = _quiet
    """Before the agent's desktop is let in, and shown what there is."""
    on_session_ended: Callable[[str], None] = _quiet
    on_call: Callable[[Call], None] = _quiet
    """Told of each step of a call, before any desktop is."""
    abilities: Callable[[Call, Agent], frozenset[Ability]] = _no_abilities
    """What the agent's phone can be made to do in that call."""
    recording_resumes_at: Callable[[CallId], datetime | None] = _never
    elsewhere: Elsewhere = NOWHERE
    lately: Callable[[AgentId], Iterable[tuple[Key, Delta]]] = _nothing
    """What is told once, and a desktop that comes back from elsewhere may have missed: ends of commands, notices."""
