"""What people ask for: accepted or refused at once, asked of the PBX, and a fact once every PBX has confirmed it."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from cti.agents.agent import Agent, AgentId
from cti.agents.events import AgentEvent, PresenceRefused
from cti.agents.presence import Rules
from cti.errors import Conflict, NotNow, PbxUnavailable
from cti.floor.facts import Facts
from cti.floor.keeper import Keeper
from cti.floor.membership import wanted
from cti.floor.seat import Seat
from cti.floor.view import tried
from cti.log import logger
from cti.screenpop.hub import Hub
from cti.telephony.commands import AddMember

log = logger("floor")

MOST_KNOWN: Final = 10_000
Events = Callable[[datetime], tuple[AgentEvent, ...]]
"""What would happen, were it to happen then."""


class Asking:
    def __init__(self, facts: Facts, keeper: Keeper, *, rules: Rules, hub: Hub, clock: Callable[[], datetime]) -> None:
        self._facts = facts
        self._keeper = keeper
        self._rules = rules
        self._hub = hub
        self._clock = clock
        self._known: dict[str, tuple[AgentId, AgentId, str]] = {}
        """Command -> who gave it, about whom, and what it was."""
        self.running: set[asyncio.Task[None]] = set()

    def ask(self, seat: Seat, events: Events, command: str, by: Agent, what: str) -> None:
        asked_for = (by.id, seat.agent.id, what)
        known = self._known.get(command)
        if known is not None and known != asked_for:
            raise Conflict("this id is another command's")
        if known is not None:
            return
        after = tried(seat.presence, events(self._clock()), self._rules)
        if isinstance(after, PresenceRefused):
            raise NotNow(after.code)
        needs_pbx = wanted(seat.agent, after) != (wanted(seat.agent, seat.presence) if seat.is_known else ())
        if needs_pbx and seat.agent.queues and not self._keeper.is_up:
            raise PbxUnavailable("no connection to the PBX")
        self._known[command] = asked_for
        while len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]
        task = asyncio.create_task(self._carry_out(seat, events, command, by), name=f"state-{command}")
        self.running.add(task)
        task.add_done_callback(self.running.discard)

    async def _carry_out(self, seat: Seat, events: Events, command: str, by: Agent) -> None:
        refused = "failed"
        try:
            async with seat.lock:
                refused = await self._confirmed(seat, events)
                if not refused:
                    seat.is_known = True
                    refused = self._facts.happens(seat, *events(self._clock()))
            self._facts.follower.follow(seat)
            self._facts.show(seat)
        finally:  # whatever went wrong, whoever asked is told how it ended
            log.info("state_asked", agent=seat.agent.id, by=by.id, is_done=not refused, reason=refused)
            self._hub.command(by.id, command, "failed" if refused else "done", refused)

    async def _confirmed(self, seat: Seat, events: Events) -> str:
        """Asked of every PBX there is; why not, where one refuses, and then nothing has changed on any.

        A queue that does not take the agent in (its name is wrong, say) keeps nobody from the others: it is shown as trouble.
        """
        after = tried(seat.presence, events(self._clock()), self._rules)
        if isinstance(after, PresenceRefused):
            return after.code
        _, refusals = await self._keeper.bring((*wanted(seat.agent, after), *seat.former))
        against = [one for one in refusals if not isinstance(one.command, AddMember)]
        if not against and (not refusals or self._keeper.queues_of(seat.agent.device)):
            return ""
        await self._keeper.bring(seat.wants)
        return refusals[0].words
