"""``Commands`` of a process without a PBX: asked of the one that has it. Numbers are looked at here, for that is quick."""

from collections.abc import Callable
from datetime import datetime

from cti.agents.agent import Agent
from cti.calls.call import CallId, PbxName
from cti.clock import now
from cti.fanout import wishes
from cti.fanout.remote_asker import Asker
from cti.screenpop.actions import ActionName
from cti.screenpop.dialled import Placed
from cti.screenpop.hub import Hub
from cti.switchboard.guard import TollGuard
from cti.toll import Verdict


class RemoteCommands:
    def __init__(self, asker: Asker, hub: Hub, guard: TollGuard, *, clock: Callable[[], datetime] = now) -> None:
        self._asker = asker
        self._hub = hub
        self._guard = guard
        self._clock = clock

    async def originate(
        self, agent: Agent, to: str, command: str, *, contact: str = "", placed: Placed | None = None
    ) -> None:
        told = placed(CallId(""), self._clock()) if placed else None
        await self._asker.ask(wishes.Originate(agent=agent, to=to, command=command, contact=contact, placed=told))

    async def carry_out(
        self, agent: Agent, call: CallId, action: ActionName, command: str, *, to: str = "", keys: str = ""
    ) -> None:
        await self._asker.ask(wishes.CarryOut(agent=agent, call=call, action=action, command=command, to=to, keys=keys))

    async def fetch(self, agent: Agent, space: str, command: str) -> None:
        await self._asker.ask(wishes.Fetch(agent=agent, space=space, command=command))

    def number(self, agent: Agent, typed: str) -> Verdict:
        """By the rules of the first PBX that is up. How often the agent has called outside only the other side knows: it
        refuses one too many when it is asked to call."""
        up = next((PbxName(pbx.name) for pbx in self._hub.pbxs if pbx.state == "connected"), None)
        return self._guard.look(agent.id, typed, pbx=up, now=self._clock())
