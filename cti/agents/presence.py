"""Where an agent is: frozen values. Words and meaning are Finesse's (User.state); times are UTC, durations seconds.

A presence has three things that do not depend on each other: the parts the agent's phone has in calls, the wrap-up that is
open, and the pauses that lie on the agent. The state follows from them (``transitions.py``): a call hides a wrap-up, a wrap-up
hides the pauses, and without any of them the agent is ready. So a change asked for during a call waits for its end by
itself, and whatever ends returns the agent to where they were before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from cti.agents.agent import AgentId


class AgentState(StrEnum):
    LOGOUT = "LOGOUT"
    NOT_READY = "NOT_READY"
    READY = "READY"
    RESERVED = "RESERVED"
    """A call was offered and rings."""
    TALKING = "TALKING"
    """Also while the agent's own call to somebody is being put through."""
    HOLD = "HOLD"
    WORK = "WORK"
    """After a call; NOT_READY (or LOGOUT) follows."""
    WORK_READY = "WORK_READY"
    """After a call; READY follows."""
    RESERVED_OUTBOUND = "RESERVED_OUTBOUND"
    """The dialler's; nothing leads here yet."""


class Maker(StrEnum):
    """Who made a change."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    SYSTEM = "system"
    PBX = "pbx"
    """A call came, was answered, ended; or somebody paused the agent on the PBX itself."""


class Cause(StrEnum):
    """What a pause is there for, and so who may take it away. At most one pause of each cause lies on an agent."""

    CHOSEN = "chosen"
    """The agent's own wish, with one of the site's reasons."""
    FORCED = "forced"
    """A supervisor's; only a supervisor takes it away."""
    LOGGED_IN = "logged_in"
    """Just logged in, not ready yet."""
    MISSED_CALL = "missed_call"
    DECLINED = "declined"
    CONNECTION_LOST = "connection_lost"
    """The desktop is gone."""
    ELSEWHERE = "elsewhere"
    """Taken over by a log-in at another computer."""
    PBX = "pbx"
    """Paused on the PBX, by a feature code or another program."""


class Reason(Struct, frozen=True):
    """Why NOT_READY or LOGOUT. The site's own have numbers 1 to 899, the system's 900 to 999."""

    code: int
    label: str
    """The site's words; of a system reason its name (``missed_call``), which the console translates."""


SYSTEM_REASONS: Final[Mapping[Cause, Reason]] = {
    Cause.FORCED: Reason(900, "forced"),
    Cause.LOGGED_IN: Reason(901, "logged_in"),
    Cause.MISSED_CALL: Reason(902, "missed_call"),
    Cause.DECLINED: Reason(903, "declined"),
    Cause.CONNECTION_LOST: Reason(904, "connection_lost"),
    Cause.ELSEWHERE: Reason(905, "elsewhere"),
    Cause.PBX: Reason(906, "pbx"),
}
WRAP_UP: Final = Reason(907, "wrap_up")
"""What the PBX is told while an agent is in WORK or WORK_READY; no pause of ours."""


class Pause(Struct, frozen=True, kw_only=True):
    cause: Cause
    reason: Reason
    owner: str = ""
    """The agent or supervisor whose it is; empty: the system's."""
    since: datetime
    has_shown: bool = False
    """It has been the agent's state; not so while a call or a wrap-up has hidden it since it came."""


class Leave(Struct, frozen=True, kw_only=True):
    """A log-out: one that waits for the end of a call or a wrap-up, or the last one that was."""

    made_by: Maker
    by: str = ""
    reason: Reason | None = None


class PartState(StrEnum):
    DIALLING = "dialling"
    """The agent's own call, not answered yet: their phone or the other's rings."""
    RINGING = "ringing"
    TALKING = "talking"
    HELD = "held"


class Part(Struct, frozen=True, kw_only=True):
    """The agent's part in one live call."""

    call: str
    state: PartState
    queue: str = ""
    """The queue that offered it; empty: a direct, internal or own call."""
    since: datetime
    has_result: bool = False
    """A result was put on record while the call still goes on."""


class WrapUpKind(StrEnum):
    OFF = "off"
    OPTIONAL = "optional"
    """There is time for it; the agent may leave without a result."""
    REQUIRED = "required"
    """The agent leaves with a result, or is late: "not classified"."""


class WrapUp(Struct, frozen=True, kw_only=True):
    call: str
    queue: str
    kind: WrapUpKind
    began_at: datetime
    deadline: datetime | None
    """None: no limit."""
    extended: int = 0
    """How often it was."""
    has_result: bool = False


class Presence(Struct, frozen=True, kw_only=True):
    """One agent, as known now. ``state`` follows from ``pauses``, ``parts`` and ``wrap_up``; never set it by hand."""

    agent: AgentId
    is_logged_in: bool = False
    leaving: Leave | None = None
    """The log-out that waits for the end of a call or a wrap-up; of one who is not logged in, the last there was."""
    pauses: tuple[Pause, ...] = ()
    """The newest last; it is the one that shows."""
    parts: tuple[Part, ...] = ()
    wrap_up: WrapUp | None = None
    """The open one; a call that comes meanwhile hides it."""
    owed: tuple[WrapUp, ...] = ()
    """Those whose turn comes after the last call, or after the open one: oldest first, without a deadline yet."""
    missed: Mapping[str, int] = {}
    """Queue -> rings in a row that nobody answered; an answer sets all to 0."""
    state: AgentState = AgentState.LOGOUT
    reason: Reason | None = None
    """Of NOT_READY and LOGOUT."""
    since: datetime
    """When state and reason became what they are."""
    made_by: Maker = Maker.SYSTEM
    by: str = ""
    """The person who made it, by id; empty for PBX and system."""
    changes: int = 0
    """How many intervals there were before this one."""

    @property
    def leaves(self) -> bool:
        """A log-out waits."""
        return self.is_logged_in and self.leaving is not None

    @property
    def is_ordered_out(self) -> bool:
        """By a supervisor's log-out, which nobody else takes back."""
        return self.leaving is not None and self.leaving.made_by is Maker.SUPERVISOR

    @property
    def is_busy(self) -> bool:
        """In a call or a wrap-up: what is asked for now comes later."""
        return self.is_logged_in and (bool(self.parts) or self.wrap_up is not None)

    @property
    def pause(self) -> Pause | None:
        return self.pauses[-1] if self.pauses else None

    @property
    def resting(self) -> tuple[AgentState, Reason | None]:
        """Where the agent is when neither call nor wrap-up hides it."""
        if not self.is_logged_in or self.leaving:
            return AgentState.LOGOUT, self.leaving.reason if self.leaving else None
        return (AgentState.NOT_READY, self.pauses[-1].reason) if self.pauses else (AgentState.READY, None)

    @property
    def pending(self) -> tuple[AgentState, Reason | None] | None:
        """What follows the call or wrap-up, where that is not simply READY; None while not busy."""
        return self.resting if self.is_busy and self.resting[0] is not AgentState.READY else None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRules:
    """What a queue asks of its agents."""

    wrap_up: WrapUpKind = WrapUpKind.OFF
    wrap_up_s: float = 0.0
    """0: no deadline."""
    missed_limit: int = 1
    """So many rings in a row without an answer make an agent NOT_READY; 0: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    queues: Mapping[str, QueueRules] = field(default_factory=dict)
    usual: QueueRules = QueueRules()
    """For queues that are not named, and for calls of none."""
    wrap_up_extend_s: float = 30.0
    most_extensions: int = 5
    is_ready_at_login: bool = False
    declined_is_pause: bool = True

    def of(self, queue: str) -> QueueRules:
        return self.queues.get(queue, self.usual) if queue else QueueRules()
