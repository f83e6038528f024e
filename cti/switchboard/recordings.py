"""The shell over ``pauses.py``: hears of calls, keeps the one timer, asks for recordings to go on."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from cti.agents.agent import AgentId
from cti.calls.call import Call, CallId, Leg, Role
from cti.log import logger
from cti.screenpop.hub import Hub
from cti.switchboard.pauses import Paused, PausedRecordings
from cti.telephony.commands import Command, Record, RecordingStep

log = logger("recordings")

AGAIN_S: Final = 10.0
"""One that the PBX would not let go on is asked for again after this."""


class Recordings:
    """``order`` sends a command of our own about a call."""

    def __init__(
        self, hub: Hub, order: Callable[[Call, Command], None], *, most_pause_s: float, clock: Callable[[], datetime]
    ) -> None:
        self._hub = hub
        self._order = order
        self._clock = clock
        self._pauses = PausedRecordings(most_pause_s=most_pause_s)
        self._timer: asyncio.TimerHandle | None = None
        hub.listeners.on_call = self._seen
        hub.listeners.recording_resumes_at = self._pauses.resumes_at

    def asked(self, call: CallId, agent: AgentId) -> None:
        """An agent asks for a pause."""
        self._pauses.asked(call, agent)

    def expire(self, now: datetime) -> None:
        """Let those go on whose pause has lasted long enough."""
        for paused in self._pauses.due(now, again_s=AGAIN_S):
            self._resume(paused, now)
        self._wait()

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _seen(self, call: Call) -> None:
        began, ended = self._pauses.seen(call, self._clock())
        if began:
            log.info("recording_paused", call=call.id, by=began.by)
            self._wait()
        if ended:
            paused_s = round((self._clock() - ended.since).total_seconds(), 1)
            log.info(
                "recording_pause_over", call=call.id, by=ended.by, paused_s=paused_s, recording=call.recording.value
            )

    def _resume(self, paused: Paused, now: datetime) -> None:
        call = self._hub.call(paused.call)
        leg = _recorded_leg(call) if call else None
        if call and leg:
            log.info("recording_goes_on", call=call.id, paused_by=paused.by)
            name = f"resume-{call.id}-{now.timestamp():.0f}"
            self._order(call, Record(id=name, call=call.id, leg=leg.party.leg, step=RecordingStep.RESUME))

    def _wait(self) -> None:
        """For whichever pause ends first."""
        self.close()
        due = self._pauses.next_deadline()
        if due:
            wait_s = max(0.0, (due - self._clock()).total_seconds())
            self._timer = asyncio.get_running_loop().call_later(wait_s, lambda: self.expire(self._clock()))


def _recorded_leg(call: Call) -> Leg | None:
    """An agent's who speaks to the customer; failing that, anybody's who is there."""
    speaking = [leg for leg in call.live_legs() if leg.connected_at and not leg.consult]
    agents = [leg for leg in speaking if leg.party.role is Role.AGENT]
    return next(iter((*agents, *speaking)), None)
