"""Recordings that are paused, and when each goes on by itself. Pure; time is handed in.

What is paused is read off the calls, so one paused at the PBX, or before the service was started anew, goes on as well.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cti.agents.agent import AgentId
from cti.calls.call import Call, CallId, Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    call: CallId
    by: AgentId | None
    """None: nobody asked us."""
    since: datetime
    resumes_at: datetime


@dataclass(slots=True, kw_only=True)
class PausedRecordings:
    most_pause_s: float
    _paused: dict[CallId, Paused] = field(default_factory=dict)
    _asked_by: dict[CallId, AgentId] = field(default_factory=dict)

    def asked(self, call: CallId, agent: AgentId) -> None:
        """An agent asks for a pause; whether it comes to one, the call says."""
        self._asked_by[call] = agent

    def seen(self, call: Call, now: datetime) -> tuple[Paused | None, Paused | None]:
        """The call is now like this. Returns the pause that began with it, and the one that ended."""
        known = self._paused.get(call.id)
        is_paused = call.is_live and call.recording is Recording.PAUSED
        if not call.is_live:
            self._asked_by.pop(call.id, None)
        if is_paused and known is None:
            began = Paused(
                call=call.id, by=self._asked_by.pop(call.id, None), since=now,
                resumes_at=now + timedelta(seconds=self.most_pause_s),
            )  # fmt: skip
            self._paused[call.id] = began
            return began, None
        return None, self._paused.pop(call.id, None) if known and not is_paused else None

    def resumes_at(self, call: CallId) -> datetime | None:
        paused = self._paused.get(call)
        return paused.resumes_at if paused else None

    def due(self, now: datetime, *, again_s: float) -> tuple[Paused, ...]:
        """Those to go on now. Each is due again ``again_s`` later, until its call says that it went on."""
        due = tuple(paused for paused in self._paused.values() if paused.resumes_at <= now)
        for paused in due:
            self._paused[paused.call] = replace(paused, resumes_at=now + timedelta(seconds=again_s))
        return due

    def next_deadline(self) -> datetime | None:
        return min((paused.resumes_at for paused in self._paused.values()), default=None)
