"""What has happened to an agent: advanced by the table, written down, shown, and followed by the PBX."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from cti.agent_facts import of_presence
from cti.agents.agent import Agent
from cti.agents.events import AgentEvent, PresenceRefused
from cti.agents.presence import Cause, Presence, Rules
from cti.agents.transitions import advance, interval_changed, is_foreseen
from cti.agents.wrap_ups import not_classified
from cti.calls.call import CallId
from cti.envelope import Envelope
from cti.floor.deadlines import Deadlines
from cti.floor.follower import Follower
from cti.floor.keeper import Keeper
from cti.floor.seat import Seat
from cti.floor.seats import Seats
from cti.floor.view import actions, presence_view, tried
from cti.log import logger
from cti.screenpop.hub import Hub
from cti.screenpop.messages import NoticeDelta, PresenceView

log = logger("floor")

Record = Callable[[Envelope], None]
_Notice = Literal["not_classified", "missed_call", "connection_lost"]


class Facts:
    def __init__(
        self,
        seats: Seats,
        deadlines: Deadlines,
        keeper: Keeper,
        *,
        rules: Rules,
        hub: Hub,
        record: Record,
        clock: Callable[[], datetime],
    ) -> None:
        self._seats = seats
        self._deadlines = deadlines
        self._keeper = keeper
        self._rules = rules
        self._hub = hub
        self._record = record
        self._clock = clock
        self.follower = Follower(keeper, clock, moved=self.moved)

    def happens(self, seat: Seat, *events: AgentEvent) -> str:
        """Facts, all or none; why not, where the machine refuses."""
        whole = tried(seat.presence, events, self._rules)
        if isinstance(whole, PresenceRefused):
            return whole.code
        for event in events:
            before = seat.presence
            after = whole if len(events) == 1 else advance(before, event, self._rules)
            if isinstance(after, Presence) and after is not before:
                seat.turns(after)
                self._changed(seat, before)
        return ""

    def notice(self, kind: _Notice, seat: Seat, *, call: str = "", text: str = "") -> None:
        agent = seat.agent
        self._hub.notice(
            NoticeDelta(
                seq=0, kind=kind, at=self._clock(), agent=agent.id, agent_name=agent.name, call=call, text=text
            )
        )  # fmt: skip

    def moved(self, seat: Seat) -> None:
        self.show(seat)
        self.tidy(seat)

    def tidy(self, seat: Seat) -> None:
        """People who are no longer there, once they have left."""
        is_done = not seat.is_known or seat.is_settled
        if not seat.is_on_roster and not seat.presence.is_logged_in and not seat.presence.parts and is_done:
            self._seats.remove(seat)

    def view(self, seat: Seat, by: Agent) -> PresenceView:
        standing = self.follower.standing(seat)
        allowed = actions(seat.presence, standing, by, self._rules)
        return presence_view(seat.presence, standing, self._seats.names, allowed)

    def show(self, seat: Seat, *, anew: bool = False) -> None:
        view = self.view(seat, seat.agent)
        if seat.is_on_roster and (anew or view != seat.shown):
            seat.shown = view
            self._hub.presence(view)

    def _changed(self, seat: Seat, before: Presence) -> None:
        after = seat.presence
        is_new = interval_changed(before, after)
        if not is_foreseen(before, after):
            log.error("state_not_foreseen", agent=seat.agent.id, before=before.state, after=after.state)
        if seat.is_known:
            self._record(of_presence(after, None if is_new else max(self._clock(), after.since)))
        if is_new:
            log.info("agent_state", agent=seat.agent.id, state=after.state, made_by=after.made_by,
                     reason=after.reason.label if after.reason else "")  # fmt: skip
        for left in not_classified(before, after):
            self._not_classified(seat, CallId(left.call), left.queue)
        self.follower.follow(seat)
        self._deadlines.plan(seat)
        self.show(seat)

    def _not_classified(self, seat: Seat, call: CallId, queue: str) -> None:
        known = self._hub.call(call)
        pbx = known.pbx if known else next((name for name in self._keeper.links if call.startswith(f"{name}-")), "")
        self._record(
            Envelope(
                id=f"{call}#not_classified#{seat.agent.id}", source=f"/pbx/{pbx}",
                type="cti.interaction.not_classified.v1", subject=call, time=self._clock(), sequence=0, data={"by": seat.agent.id},
            )
        )  # fmt: skip
        self.notice("not_classified", seat, call=call, text=queue)


def newly(cause: Cause, before: Presence, after: Presence) -> bool:
    """Is there a pause of that cause that was not there before?"""
    had, has = (any(pause.cause is cause for pause in one.pauses) for one in (before, after))
    return has and not had
