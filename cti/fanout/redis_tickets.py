"""Tickets that one process issues and another redeems: in Redis, and while that is away in this process alone.

A token is kept by its hash; what is taken out is gone, so it is good once, whoever asks first.
"""

import asyncio
import hashlib
from datetime import datetime, timedelta
from typing import Final

import msgspec

from cti.agents.agent import AgentId
from cti.fanout.redis_door import BusAway, RedisDoor
from cti.screenpop.tickets import LIFE_S, MemoryTickets, Ticket, new_token

PATIENCE_S: Final = 0.5
"""A log-out is to close sockets within a second, whatever Redis does."""
_KEPT_S: Final = int(LIFE_S) + 1
_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Ticket)


class RedisTickets:
    def __init__(self, door: RedisDoor) -> None:
        self._door = door
        self._here = MemoryTickets()

    async def issue(self, agent: AgentId, session: str, session_ends_at: datetime, now: datetime) -> str:
        token = new_token()
        ticket = Ticket(agent, session, session_ends_at, now + timedelta(seconds=LIFE_S))
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._door.put(_of_token(token), _encoder.encode(ticket), kept_s=_KEPT_S)
        except (BusAway, TimeoutError):
            return await self._here.issue(agent, session, session_ends_at, now)
        return token

    async def redeem(self, token: str, now: datetime) -> Ticket | None:
        here = await self._here.redeem(token, now)
        if here:
            return here
        try:
            async with asyncio.timeout(PATIENCE_S):
                found = await self._door.take_value(_of_token(token))
                ticket = _decoder.decode(found) if found else None
                if ticket is None or now >= ticket.good_until or await self._door.has(_ended(ticket.session)):
                    return None
                return ticket
        except (BusAway, TimeoutError, msgspec.DecodeError):
            return None

    async def revoke(self, session: str) -> None:
        """Its tickets are not looked for: whoever redeems one finds that the session has ended."""
        await self._here.revoke(session)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._door.put(_ended(session), b"1", kept_s=_KEPT_S)
        except (BusAway, TimeoutError):
            return  # what was issued and not used is good for the rest of its half minute; there is one for each socket


def _of_token(token: str) -> str:
    return f"ticket:{hashlib.sha256(token.encode(errors='replace')).hexdigest()}"


def _ended(session: str) -> str:
    return f"ended:{session}"
