"""One agent's place in the hub: what a desktop of theirs is to show, and the desktop itself while there is one."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cti.agents.agent import Agent
from cti.calls.call import CallId
from cti.screenpop.messages import Delta
from cti.screenpop.outbox import Key, Stream

DISPLACED = 4409
TOO_SLOW = 4413
NOT_GOOD = 4401


class Desktop(Protocol):
    """An open browser as the hub sees it. Neither method may block, wait or raise."""

    session: str
    session_ends_at: datetime

    def wake(self, *, is_urgent: bool = False) -> None:
        """There is something to take; urgent is what an agent waits for whose phone rings."""
        ...

    def close(self, code: int, reason: str, *, last: bytes = b"") -> None:
        """Close soon, after sending ``last``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePop:
    """A pop on its way or on a screen. Made once for one ring; the call and the card in it are looked up when told."""

    id: str
    call: CallId
    at: datetime
    expires_at: datetime


@dataclass(slots=True)
class Desk:
    agent: Agent
    calls: dict[CallId, None] = field(default_factory=dict)
    """In the order they came."""
    pops: dict[CallId, LivePop] = field(default_factory=dict)
    stream: Stream | None = None
    desktop: Desktop | None = None
    since: datetime | None = None
    """When the desktop came, or went."""
    focus: CallId | None = None

    @property
    def is_idle(self) -> bool:
        return not (self.calls or self.pops or self.stream or self.desktop)

    def put(self, key: Key, message: Delta) -> bool:
        """Queue a message where there is someone to read it, now or on return; False: the desktop was dropped."""
        if self.stream is None:
            return True
        if not self.stream.put(key, message):
            self.drop("fell too far behind")
            return False
        if self.desktop:
            self.desktop.wake(is_urgent=key[0] == "pop")
        return True

    def becomes(self, agent: Agent) -> None:
        """What is known of the agent has changed. With another phone, other calls are theirs."""
        has_other_phone, self.agent = agent.device != self.agent.device, agent
        if has_other_phone:
            self.calls.clear()
            self.pops.clear()
            self.drop("another phone")

    def drop(self, reason: str) -> None:
        """No resuming, a snapshot on return."""
        self.stream = None
        self.let_go(TOO_SLOW, reason)

    def let_go(self, code: int, reason: str, *, last: bytes = b"") -> None:
        desktop, self.desktop = self.desktop, None
        if desktop:
            desktop.close(code, reason, last=last)
