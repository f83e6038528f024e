"""One-time tickets: a session's way from REST to its socket, so that no secret stands in an address or a log."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cti.agents.agent import AgentId

LIFE_S: Final = 30.0
_BYTES: Final = 32
_PER_SESSION: Final = 8


@dataclass(frozen=True, slots=True)
class Ticket:
    agent: AgentId
    session: str
    """What the session is known by, never its token."""
    session_ends_at: datetime
    good_until: datetime


class Tickets:
    """Those issued and not yet used; of one session only the latest eight."""

    def __init__(self) -> None:
        self._issued: dict[str, Ticket] = {}

    def issue(self, agent: AgentId, session: str, session_ends_at: datetime, now: datetime) -> str:
        self._forget(lambda ticket: ticket.good_until <= now)
        self._keep_few(session)
        token = secrets.token_urlsafe(_BYTES)
        self._issued[token] = Ticket(agent, session, session_ends_at, now + timedelta(seconds=LIFE_S))
        return token

    def redeem(self, token: str, now: datetime) -> Ticket | None:
        """The ticket, once; None for one that is unknown, used, expired or revoked."""
        ticket = self._issued.pop(token, None)
        return ticket if ticket and now < ticket.good_until else None

    def revoke(self, session: str) -> None:
        self._forget(lambda ticket: ticket.session == session)

    def _keep_few(self, session: str) -> None:
        mine = [token for token, ticket in self._issued.items() if ticket.session == session]
        for token in mine[: max(0, len(mine) - _PER_SESSION + 1)]:
            del self._issued[token]

    def _forget(self, is_gone: Callable[[Ticket], bool]) -> None:
        for token in [token for token, ticket in self._issued.items() if is_gone(ticket)]:
            del self._issued[token]
