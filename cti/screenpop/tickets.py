"""One-time tickets: a session's way from REST to its socket, so that no secret stands in an address or a log.

``Tickets`` has two keepers: ``MemoryTickets`` for one process, and ``cti/fanout/redis_tickets.py`` for several."""

import secrets
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

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


class Tickets(Protocol):
    async def issue(self, agent: AgentId, session: str, session_ends_at: datetime, now: datetime) -> str: ...

    async def redeem(self, token: str, now: datetime) -> Ticket | None:
        """The ticket, once; None for one that is unknown, used, expired or revoked."""
        ...

    async def revoke(self, session: str) -> None: ...


def new_token() -> str:
    return secrets.token_urlsafe(_BYTES)


class MemoryTickets:
    """Those issued and not yet used, the oldest first; of one session only the latest eight."""

    def __init__(self) -> None:
        self._issued: dict[str, Ticket] = {}
        self._of_session: defaultdict[str, list[str]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._issued)

    async def issue(self, agent: AgentId, session: str, session_ends_at: datetime, now: datetime) -> str:
        self._forget_expired(now)
        mine = self._of_session[session]
        if len(mine) >= _PER_SESSION:
            self._take(mine[0])
        token = new_token()
        self._issued[token] = Ticket(agent, session, session_ends_at, now + timedelta(seconds=LIFE_S))
        self._of_session[session].append(token)
        return token

    async def redeem(self, token: str, now: datetime) -> Ticket | None:
        ticket = self._take(token)
        return ticket if ticket and now < ticket.good_until else None

    async def revoke(self, session: str) -> None:
        for token in tuple(self._of_session.get(session, ())):
            self._take(token)

    def _take(self, token: str) -> Ticket | None:
        ticket = self._issued.pop(token, None)
        if ticket:
            of_session = self._of_session[ticket.session]
            of_session.remove(token)
            if not of_session:
                del self._of_session[ticket.session]
        return ticket

    def _forget_expired(self, now: datetime) -> None:
        while self._issued:
            oldest, ticket = next(iter(self._issued.items()))
            if ticket.good_until > now:
                return
            self._take(oldest)
