"""What can happen to an agent. ``at`` is UTC, by our own clock; ``by`` is a person's id."""

from datetime import datetime

from msgspec import Struct

from cti.agents.presence import Maker, Part, Reason


class AgentEvent(Struct, frozen=True, kw_only=True):
    at: datetime


class LoggedIn(AgentEvent, frozen=True, kw_only=True):
    """The first desktop of an agent who was not logged in."""


class LoggedOut(AgentEvent, frozen=True, kw_only=True):
    """During a call or wrap-up it waits for the end."""

    made_by: Maker
    by: str = ""
    reason: Reason | None = None


class SetReady(AgentEvent, frozen=True, kw_only=True):
    """Take away every pause that ``made_by`` may take away, and a log-out that waits. Ends a wrap-up that may be ended."""

    made_by: Maker
    by: str = ""


class SetNotReady(AgentEvent, frozen=True, kw_only=True):
    """The agent's own wish (with one of the site's reasons), or a supervisor's order."""

    made_by: Maker
    by: str = ""
    reason: Reason | None = None
    """None with a supervisor: "forced"; None with an agent: their last pause is kept, an own one without reason is refused."""


class PartIs(AgentEvent, frozen=True, kw_only=True):
    """The agent's phone has this part in a call now: a new one, or one that changed."""

    part: Part


class PartGone(AgentEvent, frozen=True, kw_only=True):
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


class ResultGiven(AgentEvent, frozen=True, kw_only=True):
    """A result of that call was put on record."""

    call: str


class WrapUpEnded(AgentEvent, frozen=True, kw_only=True):
    """The agent has done with it; the pending state follows."""

    by: str


class WrapUpExtended(AgentEvent, frozen=True, kw_only=True):
    by: str


class WrapUpExpired(AgentEvent, frozen=True, kw_only=True):
    """Its deadline has passed. Without effect when it has not, or was extended meanwhile."""


class DesktopGone(AgentEvent, frozen=True, kw_only=True):
    """No desktop of the agent for longer than a reload takes."""


class DesktopBack(AgentEvent, frozen=True, kw_only=True):
    """It is there again. A pause for its loss that a call still hides has never taken effect, and goes."""


class TakenOver(AgentEvent, frozen=True, kw_only=True):
    """A log-in at another computer took over this agent's desktop."""


class PausedOnPbx(AgentEvent, frozen=True, kw_only=True):
    """Somebody else paused the agent on the PBX."""

    reason: str = ""


class UnpausedOnPbx(AgentEvent, frozen=True, kw_only=True):
    """Somebody else unpaused the agent on the PBX: takes away what was paused there, and nothing of ours."""


class PresenceRefused(Struct, frozen=True, kw_only=True):
    """An event that people asked for and that may not be. ``code`` is for the console's words: ``result_wanted``,
    ``supervisor_only``, ``reason_wanted``, ``not_logged_in``, ``no_wrap_up``, ``extended_enough``.
    """

    code: str
