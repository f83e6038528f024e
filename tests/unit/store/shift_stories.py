"""An agent's shift told as facts, for tests of the record."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import structs

from cti.agent_facts import of_presence
from cti.agents.agent import AgentId
from cti.agents.presence import SYSTEM_REASONS, AgentState, Cause, Maker, Part, PartState, Pause, Presence, Reason
from cti.envelope import Envelope
from tests.unit.store.call_stories import NINE

MARA = AgentId("mara")
BREAK = Reason(1, "Break")


class Shift:
    """Minutes are counted from ``begins``. Presences are made by hand: the record keeps what it is told, it does not judge."""

    def __init__(self, agent: AgentId = MARA, begins: datetime = NINE) -> None:
        self.begins = begins
        self.now = Presence(agent=agent, since=begins, changes=-1)

    def at(self, minutes: float) -> datetime:
        return self.begins + timedelta(minutes=minutes)

    def becomes(self, minutes: float, state: AgentState, **more: Any) -> Envelope:
        is_in = state is not AgentState.LOGOUT
        made_by = more.pop("made_by", Maker.AGENT)
        known = {"parts": (), "pauses": (), "wrap_up": None, "reason": None} | more
        self.now = structs.replace(
            self.now, state=state, is_logged_in=is_in, since=self.at(minutes), made_by=made_by,
            changes=self.now.changes + 1, **known,
        )  # fmt: skip
        return of_presence(self.now)

    def ready(self, minutes: float, **more: Any) -> Envelope:
        return self.becomes(minutes, AgentState.READY, **more)

    def pauses(self, minutes: float, cause: Cause = Cause.CHOSEN, **more: Any) -> Envelope:
        reason = SYSTEM_REASONS.get(cause, BREAK)
        pause = Pause(cause=cause, reason=reason, since=self.at(minutes), owner=self.now.agent)
        return self.becomes(minutes, AgentState.NOT_READY, pauses=(pause,), reason=reason, **more)

    def in_call(self, minutes: float, state: AgentState, call: str = "main-1.1", queue: str = "support") -> Envelope:
        kind = {AgentState.RESERVED: PartState.RINGING, AgentState.HOLD: PartState.HELD}.get(state, PartState.TALKING)
        part = Part(call=call, state=kind, queue=queue, since=self.at(minutes))
        return self.becomes(minutes, state, parts=(part,), made_by=Maker.PBX)

    def leaves(self, minutes: float) -> Envelope:
        return self.becomes(minutes, AgentState.LOGOUT)
