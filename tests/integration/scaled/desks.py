"""Desktops by the hundred: each says hello, resumes where it was, and goes to another process when its own is gone."""

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import aiohttp
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from cti.agents.agent import Agent, AgentId
from cti.store.people import Session
from cti.store.sql_people import SqlPeople
from cti.web.session import hash_token
from tests.integration.scaled.cluster import Process

ORIGIN: Final = "http://scaled"
AGAIN_S: Final = 0.3


@dataclass(slots=True)
class Desk:
    """``fronts``: those there are now, its own first; the list is the test's and changes."""

    agent: str
    fronts: Sequence[Process]
    home: int
    pops: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By call: the ids it was shown."""
    state: str = ""
    """The agent's, as last told."""
    ends: dict[str, str] = field(default_factory=dict)
    """By command: ``done`` or ``failed``."""
    resumed: int = 0
    begun: int = 0
    is_open: bool = False
    at: str = ""
    """The process it is, or was last, at."""
    _stream: str = ""
    _seq: int = 0

    @property
    def token(self) -> str:
        return f"token-of-{self.agent}"

    async def run(self, web: aiohttp.ClientSession) -> None:
        tries = self.home
        while True:
            with contextlib.suppress(
                OSError, TimeoutError, aiohttp.ClientError, WebSocketException, InvalidHandshake, KeyError
            ):
                front = self.fronts[tries % len(self.fronts)]
                await self._sit(web, front)
            self.is_open = False
            tries += 1
            await asyncio.sleep(AGAIN_S)

    async def _sit(self, web: aiohttp.ClientSession, front: Process) -> None:
        async with asyncio.timeout(5):
            self.at = front.name
            said = {"Authorization": f"Bearer {self.token}"}
            async with web.post(f"{front.origin}/api/v1/session/ticket", headers=said) as answer:
                ticket = (await answer.json())["ticket"]
        async with connect(front.ws_url, origin=ORIGIN, compression=None, ping_interval=None, open_timeout=5) as ws:  # type: ignore[arg-type]
            resume = {"resume": {"stream": self._stream, "seq": self._seq}} if self._stream else {}
            await ws.send(json.dumps({"type": "hello", "ticket": ticket, **resume}))
            async for data in ws:
                for answer in self._hears(json.loads(data)):
                    await ws.send(json.dumps(answer))

    def _hears(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        self._seq = max(self._seq, message.get("seq", 0))
        match message["type"]:
            case "welcome":
                self.is_open = True
                self.resumed += message["resumed"]
                self.begun += not message["resumed"]
                if message["stream"] != self._stream:
                    self._stream, self._seq = message["stream"], 0
            case "command":
                self.ends[message["command"]] = message["status"]
            case "presence":
                self.state = message["presence"]["state"]
            case "snapshot":
                self.state = message["presence"]["state"] if message["presence"] else ""
                return [self._shown(pop) for pop in message["pops"]]
            case "pop":
                return [self._shown(message["pop"])]
        return []

    def _shown(self, pop: dict[str, Any]) -> dict[str, Any]:
        self.pops[pop["call"]["call"]].add(pop["pop"])
        return {"type": "receipt", "pop": pop["pop"], "step": "shown"}


def desks_of(phones: Sequence[int], fronts: Sequence[Process]) -> list[Desk]:
    return [Desk(f"a{phone}", fronts, nr) for nr, phone in enumerate(phones)]


async def put_on_record(people: SqlPeople, phones: Sequence[int], desks: Sequence[Desk]) -> None:
    """As if they had logged in: three hundred passwords would take longer than the test."""
    ends_at = datetime.now(UTC) + timedelta(hours=8)
    for phone, desk in zip(phones, desks, strict=True):
        agent = Agent(
            id=AgentId(desk.agent),
            name=f"Agent {phone}",
            extension=str(phone),
            device=f"PJSIP/{phone}",
            queues=("support",),
        )
        await people.add(agent, "")
        await people.open_session(Session(hash_token(desk.token), agent.id, ends_at))
