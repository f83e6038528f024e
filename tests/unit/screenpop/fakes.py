"""A desktop without a socket, and a clock that is set by hand."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cti.agents.agent import AgentId
from cti.screenpop.desktops import Attached
from cti.screenpop.figures import Noted
from cti.screenpop.hub import Hub, HubSettings
from cti.screenpop.messages import Resume
from cti.screenpop.outbox import Limits
from cti.screenpop.views import Site
from tests.unit.screenpop.stories import AGENTS, MARA, T0, at

SITE = Site("DE", {"4930999": "Billing"})


class Clock:
    def __init__(self, now: datetime = T0) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def goes(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


@dataclass(eq=False)
class PaperDesktop:
    """Reads when asked to, and remembers how it was closed."""

    hub: Hub
    agent: AgentId = MARA.id
    session: str = "session-1"
    session_ends_at: datetime = field(default_factory=lambda: at(40_000))
    woken: int = 0
    closed: tuple[int, str] | None = None
    last: bytes = b""
    stream: str = ""
    resumed: bool = False
    seen: list[dict[str, Any]] = field(default_factory=list)

    def wake(self, *, is_urgent: bool = False) -> None:  # noqa: ARG002
        self.woken += 1

    def close(self, code: int, reason: str, *, last: bytes = b"") -> None:
        self.closed = (code, reason)
        self.last = last

    def connect(self, resume: Resume | None = None, *, take_over: bool = False) -> "PaperDesktop":
        attached = self.hub.desktops.attach(self.agent, self, resume=resume, take_over=take_over)
        assert isinstance(attached, Attached), attached
        self.stream, self.resumed = attached.stream, attached.resumed
        self.seen += map(json.loads, attached.frames)
        return self

    def read(self) -> list[dict[str, Any]]:
        """What came since the last time."""
        new = [json.loads(frame) for frame in self.hub.desktops.take(self.agent, self)]
        self.seen += new
        return new

    def types(self) -> list[str]:
        return [message["type"] for message in self.read()]

    def leave(self) -> Resume:
        self.hub.desktops.detach(self.agent, self)
        return self.place

    @property
    def place(self) -> Resume:
        return Resume(stream=self.stream, seq=self.seen[-1]["seq"])


class Stage:
    """A hub with Mara and Jon, a clock, and what the hub reported."""

    def __init__(self, limits: Limits | None = None, **settings: Any) -> None:
        self.clock = Clock()
        self.noted: list[Noted] = []
        self.focused: list[tuple[str, str | None]] = []
        ids = iter(f"id{number}" for number in range(10_000))
        self.hub = Hub(
            HubSettings(site=SITE, limits=limits or Limits(), **settings),
            clock=self.clock,
            new_id=lambda: next(ids),
        )
        self.hub.listeners.on_receipt = self.noted.append
        self.hub.listeners.on_focus = lambda agent, call: self.focused.append((agent, call))
        self.hub.roster(AGENTS)

    def desktop(self, agent: AgentId = MARA.id, **more: Any) -> PaperDesktop:
        return PaperDesktop(self.hub, agent, **more)
