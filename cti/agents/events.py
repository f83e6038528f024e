"""What can happen to an agent. ``at`` is UTC, by our own clock; ``by`` is a person's id."""

from dataclasses import dataclass
from datetime import datetime

from cti.agents.presence import Maker, Part, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentEvent:
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn(AgentEvent):
    """The first desktop of an agent who was not logged in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedOut(AgentEvent):
    """During a call or wrap-up it waits for the end."""

    made_by: Maker
    by: str = ""
    reason: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetReady(AgentEvent):
    """Take away every pause that ``made_by`` may take away, and a log-out that waits. Ends a wrap-up that may be ended."""

    made_by: Maker
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetNotReady(AgentEvent):
    """The agent's own wish (with one of the site's reasons), or a supervisor's order."""

    made_by: Maker
    by: str = ""
    reason: Reason | None = None
    """None with a supervisor: "forced"; None with an agent: their last pause is kept, an own one without reason is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartIs(AgentEvent):
    """The agent's phone has this part in a call now: a new one, or one that changed."""

    part: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class PartGone(AgentEvent):
    """The agent's phone has no part in that call any more."""

    call: str
    queue: str = ""
    has_spoken: bool = False
    """With the customer: only then there is something to wrap up."""
    is_missed: bool = False
    """Rang until its time was over."""
    is_declined: bool = False
    is_handed_over: bool = False
    """The call goes on with a colleague."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultGiven(AgentEvent):
    """A result of that call was put on record."""

    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpEnded(AgentEvent):
    """The agent has done with it; the pending state follows."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpExtended(AgentEvent):
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpExpired(AgentEvent):
    """Its deadline has passed. Without effect when it has not, or was extended meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesktopGone(AgentEvent):
    """No desktop of the agent for longer than a reload takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesktopBack(AgentEvent):
    """It is there again. A pause for its loss that a call still hides has never taken effect, and goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver(AgentEvent):
    """A log-in at another computer took over this agent's desktop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PausedOnPbx(AgentEvent):
    """Somebody else paused the agent on the PBX."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpausedOnPbx(AgentEvent):
    """Somebody else unpaused the agent on the PBX: takes away what was paused there, and nothing of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceRefused:
    """An event that people asked for and that may not be. ``code`` is for the console's words: ``result_wanted``,
    ``supervisor_only``, ``reason_wanted``, ``not_logged_in``, ``no_wrap_up``, ``extended_enough``.
    """

    code: str
