"""An agent's day, told line by line: what the stories and the properties play events with."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from msgspec import structs

from cti.agents.agent import AgentId
from cti.agents.events import (
    AgentEvent,
    LoggedIn,
    LoggedOut,
    PartGone,
    PartIs,
    PresenceRefused,
    ResultGiven,
    SetNotReady,
    SetReady,
    WrapUpEnded,
    WrapUpExpired,
)
from cti.agents.presence import (
    AgentState,
    Maker,
    Part,
    PartState,
    Presence,
    QueueRules,
    Reason,
    Rules,
    WrapUpKind,
)
from cti.agents.transitions import advance, begin, interval_changed, next_deadline

EIGHT = datetime(2026, 11, 2, 8, tzinfo=UTC)
MARA, LUIS = AgentId("mara"), "luis"
"""The agent, and her supervisor."""
LUNCH, TRAINING = Reason(1, "Lunch"), Reason(2, "Training")
RULES = Rules(
    queues={
        "support": QueueRules(wrap_up=WrapUpKind.OPTIONAL, wrap_up_s=30, missed_limit=2),
        "billing": QueueRules(wrap_up=WrapUpKind.REQUIRED, wrap_up_s=60),
        "sales": QueueRules(wrap_up=WrapUpKind.OPTIONAL),
    }
)
"""``support`` leaves half a minute, ``billing`` wants a result within one, ``sales`` has time without end, others have none."""


@dataclass
class Day:
    """Events in, one second after another unless told otherwise; ``kept`` has every presence there was."""

    rules: Rules = RULES
    now: datetime = EIGHT
    presence: Presence = field(default_factory=lambda: begin(MARA, EIGHT))
    kept: list[Presence] = field(default_factory=list)
    refused: str = ""
    """Why the last one was."""

    @property
    def shown(self) -> str:
        """``NOT_READY Lunch``."""
        reason = self.presence.reason
        return f"{self.presence.state}{' ' + reason.label if reason else ''}"

    @property
    def pending(self) -> str:
        if self.presence.pending is None:
            return ""
        state, reason = self.presence.pending
        return f"{state}{' ' + reason.label if reason else ''}"

    @property
    def intervals(self) -> list[str]:
        """The states there were, in order."""
        changed = [
            after for before, after in zip(self.kept, self.kept[1:], strict=False) if interval_changed(before, after)
        ]
        return [f"{one.state}{' ' + one.reason.label if one.reason else ''}" for one in changed]

    def happens(self, event: AgentEvent) -> "Day":
        self.kept = self.kept or [self.presence]
        after = advance(self.presence, event, self.rules)
        self.refused = after.code if isinstance(after, PresenceRefused) else ""
        if isinstance(after, Presence):
            self.presence = after
            self.kept.append(after)
        self.now += timedelta(seconds=1)
        return self

    def later(self, seconds: float) -> "Day":
        """Time passes; what is due meanwhile happens in time."""
        until = self.now + timedelta(seconds=seconds)
        while (due := next_deadline(self.presence)) is not None and due <= until:
            self.now = max(self.now, due)
            self.happens(WrapUpExpired(at=self.now))
        self.now = max(self.now, until)
        return self

    def logs_in(self) -> "Day":
        return self.happens(LoggedIn(at=self.now))

    def is_ready(self) -> "Day":
        return self.happens(SetReady(at=self.now, made_by=Maker.AGENT, by=MARA))

    def pauses(self, reason: Reason | None = LUNCH) -> "Day":
        return self.happens(SetNotReady(at=self.now, made_by=Maker.AGENT, by=MARA, reason=reason))

    def is_forced(self) -> "Day":
        return self.happens(SetNotReady(at=self.now, made_by=Maker.SUPERVISOR, by=LUIS))

    def is_freed(self) -> "Day":
        return self.happens(SetReady(at=self.now, made_by=Maker.SUPERVISOR, by=LUIS))

    def logs_out(self, reason: Reason | None = None) -> "Day":
        return self.happens(LoggedOut(at=self.now, made_by=Maker.AGENT, by=MARA, reason=reason))

    def is_sent_home(self) -> "Day":
        return self.happens(LoggedOut(at=self.now, made_by=Maker.SUPERVISOR, by=LUIS))

    def phone(self, state: PartState, call: str = "a", queue: str = "") -> "Day":
        return self.happens(PartIs(at=self.now, part=Part(call=call, state=state, queue=queue, since=self.now)))

    def rings(self, call: str = "a", queue: str = "") -> "Day":
        return self.phone(PartState.RINGING, call, queue)

    def talks(self, call: str = "a", queue: str = "") -> "Day":
        return self.phone(PartState.TALKING, call, queue)

    def holds(self, call: str = "a", queue: str = "") -> "Day":
        return self.phone(PartState.HELD, call, queue)

    def dials(self, call: str = "a") -> "Day":
        return self.phone(PartState.DIALLING, call)

    def gone(self, call: str = "a", **what: bool) -> "Day":
        return self.happens(structs.replace(PartGone(at=self.now, call=call), **what))

    def spoke(self, call: str = "a", queue: str = "support") -> "Day":
        """A whole call."""
        return self.talks(call, queue).gone(call, has_spoken=True)

    def misses(self, call: str = "a", queue: str = "support") -> "Day":
        return self.rings(call, queue).gone(call, is_missed=True)

    def gives_result(self, call: str = "a") -> "Day":
        return self.happens(ResultGiven(at=self.now, call=call))

    def finishes(self) -> "Day":
        return self.happens(WrapUpEnded(at=self.now, by=MARA))


def at_work(rules: Rules = RULES) -> Day:
    """Logged in and ready."""
    return Day(rules=rules).logs_in().is_ready()


def logged_in_s(kept: list[Presence], until: datetime) -> float:
    """The sum of all intervals that were not LOGOUT."""
    ends = [*(one.since for one in kept[1:]), until]
    return sum(
        (end - one.since).total_seconds()
        for one, end in zip(kept, ends, strict=True)
        if one.state is not AgentState.LOGOUT
    )
