"""A request as handlers see it, their answer, and the row of the route table that ties both to an address."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from cti.agents.agent import Agent
from cti.calls.call import Call, CallId, LegState
from cti.screenpop.access import Deed, Reach, reach, require
from cti.store.interactions import Interaction
from cti.web.parts import Parts
from cti.web.recent import Who

B_co = TypeVar("B_co", covariant=True)
Q_co = TypeVar("Q_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Generic[B_co, Q_co]):
    """``body`` and ``query`` are what the route says they are, checked."""

    parts: Parts
    who: Who
    """Nobody, with no rights at all, on open routes."""
    path: Mapping[str, str]
    body: B_co
    query: Q_co
    address: str
    """Whoever asks, for throttling."""

    @property
    def agent(self) -> Agent:
        return self.who.agent

    @property
    def call(self) -> CallId:
        return CallId(self.path["call"])

    def sees_all(self, deed: Deed) -> bool:
        return reach(self.agent.role, deed) is Reach.ANY

    def require(self, deed: Deed, *, own: bool) -> None:
        """Raises ``Forbidden``."""
        require(self.agent.role, deed, own=own)

    def is_own_call(self, call: Call) -> bool:
        """Has, or had, the agent's phone a part in it? A ring that was not answered is none once it is over."""
        mine = (leg for leg in call.legs if self.agent.device and leg.party.device == self.agent.device)
        return any(leg.state is not LegState.GONE or leg.connected_at is not None for leg in mine)

    def is_own_interaction(self, past: Interaction) -> bool:
        return self.agent.id == past.agent or any(
            part.agent == self.agent.id for part in past.handled_by if part.connected_at
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    value: str
    max_age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    body: msgspec.Struct | None = None
    status: int = 200
    cookie: Cookie | None = None
    """The session's; an empty value takes it away."""
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Asked[Any, Any]], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One line of the REST reference."""

    method: str
    path: str
    handler: Handler
    deed: Deed | None
    """None: open to everyone."""
    gives: type[msgspec.Struct] | None
    status: int = 200
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    refuses: tuple[int, ...] = ()
    """Statuses of its own, beside 400, 401, 403, 429 and 503."""

    @property
    def summary(self) -> str:
        return (self.handler.__doc__ or "").strip()
