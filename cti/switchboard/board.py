"""What agents ask of a PBX: whose phone, which PBX, and the answer back to the desktop.

::

    REST --originate, carry_out, fetch--> allowed? --number--> TollGuard --> one typed Command --> PbxLink.send
                                                                                                       |
    desktop <--------------------------- Hub.command: one ``done`` or one ``failed`` <-----------------/

A command is accepted at once or refused at once, in words. The same id again is the same command, whatever has become of it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from cti import numbers
from cti.agents.agent import Agent, AgentId
from cti.calls.call import Call, CallId, Leg, PbxName
from cti.clock import now
from cti.crm.contact import ContactId
from cti.errors import Conflict, NotFound, NotNow, NumberRefused, PbxUnavailable, RequestError
from cti.log import logger
from cti.screenpop.actions import ActionName
from cti.screenpop.dialled import Dialled, DialledNumbers, Placed
from cti.screenpop.hub import Hub
from cti.screenpop.messages import NoticeDelta
from cti.screenpop.rules import my_leg
from cti.switchboard.guard import TollGuard
from cti.switchboard.orders import TO_A_NUMBER, command_for
from cti.switchboard.recordings import Recordings
from cti.telephony.commands import Command, Failed, FetchParked, Originate, Record, RecordingStep, Result
from cti.telephony.link import PbxLink
from cti.toll import Allowed, Kind, Refused, Verdict

log = logger("switchboard")

MOST_KNOWN: Final = 10_000
LONGEST_S: Final = 180.0
"""Longer than any command may take: a link that forgets one must not leave a button turning for ever."""


@dataclass(slots=True)
class Switchboard:
    """The web room's ``Commands``, over all PBXs."""

    links: Mapping[PbxName, PbxLink]
    hub: Hub
    guard: TollGuard
    dialled: DialledNumbers = field(default_factory=DialledNumbers)
    most_pause_s: float = 120.0
    longest_s: float = LONGEST_S
    clock: Callable[[], datetime] = now
    _known: dict[str, tuple[AgentId, int]] = field(default_factory=dict)
    """Command -> who gave it, and a mark of what they asked for: it may be a PIN, and is not kept."""
    _running: set["asyncio.Task[None]"] = field(default_factory=set)
    recordings: Recordings = field(init=False)

    def __post_init__(self) -> None:
        self.recordings = Recordings(self.hub, self._order, most_pause_s=self.most_pause_s, clock=self.clock)

    # ---- what agents ask

    async def originate(
        self, agent: Agent, to: str, command: str, *, contact: str = "", placed: Placed | None = None
    ) -> None:
        """Ring the agent's phone, then call ``to``; the card of the call is ``contact``'s, where one is given."""
        wish = (agent.id, hash(("dial", to)))
        if self._is_known(command, wish):
            return
        link = self._link_for(agent)
        allowed = self._number(agent, to, link.name)
        self._send(agent, link, Originate(id=command, device=agent.device, to=allowed.to), allowed)
        self._note_wish(command, wish)
        if allowed.kind is not Kind.INTERNAL or contact:
            whom = Dialled(number=allowed.to, contact=ContactId(contact) if contact else None, placed=placed)
            self.dialled.expect(agent.device, whom, self.clock())

    async def carry_out(
        self, agent: Agent, call: CallId, action: ActionName, command: str, *, to: str = "", keys: str = ""
    ) -> None:
        """Do ``action`` with the agent's own leg of the call, if the call's actions have it allowed now."""
        wish = (agent.id, hash((action, call, to, keys)))
        if self._is_known(command, wish):
            return
        known, leg = self._mine(agent, call, action)
        link = self.links[known.pbx]
        allowed = self._number(agent, to, link.name) if action in TO_A_NUMBER else None
        self._must_be_nobodys_space(allowed, link)
        order = command_for(
            action, command=command, call=call, leg=leg.party.leg, to=allowed.to if allowed else "", keys=keys
        )
        self._send(agent, link, order, allowed)
        self._note_wish(command, wish)
        if isinstance(order, Record) and order.step is RecordingStep.PAUSE:
            self.recordings.asked(call, agent.id)

    async def fetch(self, agent: Agent, space: str, command: str) -> None:
        """Ring the agent's phone, then join the call that is parked in ``space``."""
        wish = (agent.id, hash(("fetch", space)))
        if self._is_known(command, wish):
            return
        own = self._link_for(agent).name
        spaces = sorted((one.pbx != own, one.pbx) for one in self.hub.parked if one.space == space)
        if not spaces:
            raise NotFound("no call is parked there")
        link = self.links[PbxName(spaces[0][1])]
        self._send(agent, link, FetchParked(id=command, device=agent.device, space=space))
        self._note_wish(command, wish)

    def number(self, agent: Agent, typed: str) -> Verdict:
        """What a number would get if the agent called it."""
        return self.guard.look(agent.id, typed, pbx=self._usual(agent), now=self.clock())

    # ---- whose phone, which PBX

    def _link_for(self, agent: Agent) -> PbxLink:
        """The PBX where the agent's phone is. With several, the one that has it in a call; else the first that is up."""
        if not agent.device:
            raise Conflict("you have no phone")
        found = self._usual(agent)
        if found is None:
            raise PbxUnavailable("no connection to the PBX" if self.links else "no PBX is configured")
        return self.links[found]

    def _usual(self, agent: Agent) -> PbxName | None:
        for link in self.links.values():
            if any(leg.party.device == agent.device for call in link.calls for leg in call.live_legs()):
                return link.name
        return next((link.name for link in self.links.values() if link.status.state == "connected"), None)

    def _mine(self, agent: Agent, call: CallId, action: ActionName) -> tuple[Call, Leg]:
        """The call and the agent's leg in it. Raises ``NotNow`` with the reason that stands on the button."""
        known = self.hub.call(call)
        if known is None or not known.is_live or known.pbx not in self.links:
            raise NotFound("no such live call")
        offer = next(one for one in self.hub.view_of(known, agent).actions if one.name == action.value)
        leg = my_leg(known, agent.device)
        if not offer.allowed or leg is None:
            raise NotNow(offer.why_not)
        return known, leg

    def _must_be_nobodys_space(self, to: Allowed | None, link: PbxLink) -> None:
        """Raises ``RequestError``: two customers who are nothing to each other would be put through."""
        if to and any((one.pbx, one.space) == (link.name, to.to) for one in self.hub.parked):
            raise RequestError("somebody is parked there")

    def _number(self, agent: Agent, typed: str, pbx: PbxName) -> Allowed:
        """Raises ``NumberRefused``, and says so to those who should know: the first try is the one to hear of."""
        verdict = self.guard.look(agent.id, typed, pbx=pbx, now=self.clock())
        if isinstance(verdict, Allowed):
            return verdict
        self._alert(agent, typed, verdict)
        raise NumberRefused(verdict.why.value, verdict.words)

    def _alert(self, agent: Agent, typed: str, refused: Refused) -> None:
        self.guard.refused[refused.why] += 1
        log.warning("number_refused", agent=agent.id, why=refused.why.value, number=numbers.masked(typed))
        self.hub.notice(
            NoticeDelta(
                seq=0, kind="refused_number", at=self.clock(), agent=agent.id, agent_name=agent.name, text=refused.why.value,
            )
        )  # fmt: skip

    # ---- sending

    def _is_known(self, command: str, wish: tuple[AgentId, int]) -> bool:
        known = self._known.get(command)
        if known is not None and known != wish:
            raise Conflict("this id is another command's")
        return known is not None

    def _note_wish(self, command: str, wish: tuple[AgentId, int]) -> None:
        self._known[command] = wish
        while len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]

    def _send(self, agent: Agent, link: PbxLink, command: Command, number: Allowed | None = None) -> None:
        if link.status.state != "connected":
            raise PbxUnavailable(f"no connection to {link.name}")
        try:
            link.check(command)
        except ValueError as refused:
            raise RequestError(str(refused)) from refused
        if number:
            self.guard.placed(agent.id, number, self.clock())
        self._start(self._carry_out(agent, link, command), command.id)

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=f"command-{name}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _carry_out(self, agent: Agent, link: PbxLink, command: Command) -> None:
        result: Result = Failed(command=command.id, reason="stopped")
        try:
            result = await self._asked(link, command)
        finally:
            reason = self._note(result, command, link, agent.id)
            if isinstance(command, Originate) and reason:
                self.dialled.forget(agent.device)
            self.hub.command(agent.id, command.id, "failed" if reason else "done", reason)

    def _order(self, call: Call, command: Command) -> None:
        """Of our own accord."""
        if call.pbx in self.links:
            self._start(self._ordered(self.links[call.pbx], command), command.id)

    async def _ordered(self, link: PbxLink, command: Command) -> None:
        self._note(await self._asked(link, command), command, link)

    def _note(self, result: Result, command: Command, link: PbxLink, agent: AgentId | None = None) -> str:
        reason = result.reason if isinstance(result, Failed) else ""
        log.info("command", kind=type(command).__name__.lower(), agent=agent, pbx=link.name, is_done=not reason,
                 reason=reason, call=getattr(command, "call", None))  # fmt: skip
        return reason

    async def _asked(self, link: PbxLink, command: Command) -> Result:
        """What became of it, in any case, and in a time."""
        try:
            async with asyncio.timeout(self.longest_s):
                return await link.send(command)
        except TimeoutError:
            return Failed(command=command.id, reason="timeout")
        except Exception as error:  # whoever pressed the button is told, and the log has the rest
            log.exception("command_failed", kind=type(command).__name__.lower(), pbx=link.name)
            return Failed(command=command.id, reason=str(error) or "failed")

    async def close(self) -> None:
        self.recordings.close()
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
