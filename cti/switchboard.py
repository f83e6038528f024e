"""What agents ask of a PBX: whose phone, which PBX, and the answer back to the desktop.

A command is accepted at once or refused at once, in words; what became of it follows as ``Hub.command``: one ``done`` or
one ``failed``. The same id again is the same command.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cti import numbers
from cti.agents.agent import Agent
from cti.calls.call import Call, CallId, PbxName
from cti.errors import Conflict, NotFound, PbxUnavailable, RequestError
from cti.log import logger
from cti.screenpop.hub import Hub
from cti.telephony.commands import Command, Done, Hangup, Originate
from cti.telephony.link import PbxLink

log = logger("switchboard")

MOST_KNOWN: Final = 10_000
_AS_WRITTEN: Final = re.compile(r"[0-9+()./\s-]+")
"""What people put between digits. Anything else, left out, would make another number of it."""


@dataclass(slots=True)
class Switchboard:
    """The web room's ``Commands``, over all PBXs."""

    links: Mapping[PbxName, PbxLink]
    hub: Hub
    _known: dict[str, None] = field(default_factory=dict)
    _running: set["asyncio.Task[None]"] = field(default_factory=set)

    async def originate(self, agent: Agent, to: str, command: str) -> None:
        if not agent.device:
            raise Conflict("you have no phone to call from")
        typed = numbers.ascii_digits(to)
        digits = numbers.dialled_digits(typed)
        if not digits.strip("+") or not _AS_WRITTEN.fullmatch(typed):
            raise RequestError("that is no number")
        self._send(agent, self._link_for(agent), Originate(id=command, device=agent.device, to=digits))

    async def hang_up(self, agent: Agent, call: CallId, command: str) -> None:
        link, known = self._find(call)
        leg = next((leg for leg in known.live_legs() if leg.party.device == agent.device), None)
        if leg is None:
            raise Conflict("you are not in this call any more")
        self._send(agent, link, Hangup(id=command, call=call, leg=leg.party.leg))

    def _link_for(self, agent: Agent) -> PbxLink:
        """The PBX where the agent's phone is. With several, the one that has it in a call; else the first that is up."""
        if not self.links:
            raise PbxUnavailable("no PBX is configured")
        for link in self.links.values():
            if any(leg.party.device == agent.device for call in link.calls for leg in call.live_legs()):
                return link
        up = (link for link in self.links.values() if link.status.state == "connected")
        found = next(up, None)
        if found is None:
            raise PbxUnavailable("no connection to the PBX")
        return found

    def _find(self, call: CallId) -> tuple[PbxLink, Call]:
        for link in self.links.values():
            known = next((live for live in link.calls if live.id == call), None)
            if known:
                return link, known
        raise NotFound("no such live call")

    def _send(self, agent: Agent, link: PbxLink, command: Command) -> None:
        if link.status.state != "connected":
            raise PbxUnavailable(f"no connection to {link.name}")
        try:
            link.check(command)
        except ValueError as refused:
            raise RequestError(str(refused)) from refused
        if command.id in self._known:
            return
        self._known[command.id] = None
        while len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]
        task = asyncio.create_task(self._carry_out(agent, link, command), name=f"command-{command.id}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _carry_out(self, agent: Agent, link: PbxLink, command: Command) -> None:
        result = await link.send(command)
        is_done = isinstance(result, Done)
        log.info("command", kind=type(command).__name__.lower(), agent=agent.id, pbx=link.name, is_done=is_done,
                 reason="" if isinstance(result, Done) else result.reason)  # fmt: skip
        self.hub.command(
            agent.id, command.id, "done" if is_done else "failed", "" if isinstance(result, Done) else result.reason
        )

    async def close(self) -> None:
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
