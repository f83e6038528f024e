"""The agent's side of the fake server: a presence that follows what is asked for, a wrap-up, callbacks, a day.

It plays the plain course of things. A test decides when the PBX has said its word (``is_slow``), or that it refuses (``fails``).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from cti.screenpop import messages as m
from cti.web.schemas import CallbackView, DayView

if TYPE_CHECKING:
    from tests.integration.console.fake_server import FakeServer

REASONS: Final = ((1, "Break"), (2, "Lunch"), (3, "Meeting"), (4, "Training"), (5, "Paperwork"))
EXTEND_S: Final = 30
replace = msgspec.structs.replace
State = Any
"""Of the views' literals."""


@dataclass
class Floor:
    server: "FakeServer"
    clock: Callable[[], datetime]
    reasons: tuple[tuple[int, str], ...] = REASONS
    callbacks: dict[str, CallbackView] = field(default_factory=dict)
    mine: set[str] = field(default_factory=set)
    day: DayView | None = None

    is_slow: bool = False
    """Commands wait until ``answer``."""
    fails: str = ""
    """The PBX's words for the next command."""
    refuses: str = ""
    """The service itself does not take the next wish, for this reason."""
    waiting: list[tuple[str, Callable[[], None]]] = field(default_factory=list)

    # ---- what happens to the agent

    def is_now(self, state: State, **more: Any) -> m.PresenceView:
        """The server's word: my state is this now."""
        given: dict[str, Any] = {
            "agent": "mara", "since": self.clock(), "made_by": "agent", "by": "Mara Lind", "queues": self.server.me.queues,
        }  # fmt: skip
        return self.tell(m.PresenceView(state=state, **(given | more)))

    def tell(self, presence: m.PresenceView) -> m.PresenceView:
        presence = replace(presence, actions=actions(presence))
        self.server.presence = presence
        self.server.tell(lambda seq: m.PresenceDelta(seq=seq, presence=presence))
        return presence

    def not_ready(self, code: int = 1, **more: Any) -> m.PresenceView:
        given = {"reason": dict(self.reasons).get(code, ""), "cause": "chosen"} | more
        return self.is_now("NOT_READY", reason_code=code, **given)

    def on_call(self, **more: Any) -> m.PresenceView:
        return self.is_now("TALKING", made_by="pbx", by="", calls=1, **more)

    def wrapping(self, call: str, queue: str = "Billing", **more: Any) -> m.PresenceView:
        at = self.clock()
        seconds = more.pop("seconds", 60)
        wrap_up = m.WrapUpView(
            call=call, queue=queue, kind=more.pop("kind", "optional"), began_at=at,
            deadline=None if seconds is None else at + timedelta(seconds=seconds), has_result=more.pop("has_result", False),
        )  # fmt: skip
        return self.is_now("WORK_READY", made_by="pbx", by="", wrap_up=wrap_up, **more)

    def warn(self, kind: Any, who: str, call: str = "", text: str = "") -> None:
        at = self.clock()
        self.server.tell(
            lambda seq: m.NoticeDelta(
                seq=seq, kind=kind, at=at, agent=who.lower(), agent_name=who, call=call, text=text
            )
        )

    # ---- what the agent asks for

    def command(self, body: Any, effect: Callable[[], object]) -> str:
        """Taken; done at once, unless the test wants the PBX slow or unwilling."""
        name = str(body["id"])

        def done() -> None:
            if self.fails:
                words, self.fails = self.fails, ""
                self.server.command(name, "failed", words)
            else:
                effect()
                self.server.command(name, "done")

        if self.is_slow:
            self.waiting.append((name, done))
        else:
            done()
        return name

    async def is_asked(self) -> None:
        """A command has come that waits: the page shows it before it is sent."""
        async with asyncio.timeout(5.0):
            while not self.waiting:
                await asyncio.sleep(0.01)

    def answer(self) -> None:
        """The PBX says its word on all that waits."""
        waiting, self.waiting = self.waiting, []
        for _, done in waiting:
            done()

    def set_state(self, body: Any) -> str:
        return self.command(body, lambda: self._asked(body["state"], body.get("reason_code")))

    def _asked(self, state: State, code: int | None) -> None:
        presence = self.server.presence
        assert presence is not None
        reason = dict(self.reasons).get(code or 0, "")
        if state == "READY" and presence.calls:
            self.tell(replace(presence, pending=None))
        elif state == "READY":
            self.is_now("READY")
        elif presence.calls or presence.wrap_up:
            pending = m.PendingView(state=state, reason_code=code, reason=reason, cause="chosen")
            self.tell(replace(presence, pending=pending))
        else:
            self.is_now(state, reason_code=code, reason=reason, cause="chosen" if state == "NOT_READY" else "")

    def extend(self, body: Any) -> str:
        return self.command(body, self._extended)

    def _extended(self) -> None:
        presence = self.server.presence
        assert presence is not None
        assert presence.wrap_up is not None
        assert presence.wrap_up.deadline is not None
        later = presence.wrap_up.deadline + timedelta(seconds=EXTEND_S)
        self.tell(replace(presence, wrap_up=replace(presence.wrap_up, deadline=later)))

    def end(self, body: Any) -> str:
        return self.command(body, self.over)

    def over(self) -> m.PresenceView:
        """The wrap-up ends, by whomever; what was pending follows."""
        presence = self.server.presence
        pending = presence.pending if presence else None
        if pending is None:
            return self.is_now("READY")
        return self.is_now(pending.state, reason_code=pending.reason_code, reason=pending.reason, cause=pending.cause)

    def result_given(self, call: str) -> None:
        presence = self.server.presence
        if presence and presence.wrap_up and presence.wrap_up.call == call:
            self.tell(replace(presence, wrap_up=replace(presence.wrap_up, has_result=True)))

    # ---- callbacks

    def listed(self, state: str, *, mine: bool) -> list[CallbackView]:
        return [one for one in self.callbacks.values() if one.state == state and (not mine or one.id in self.mine)]

    def claim(self, name: str) -> CallbackView | None:
        """None: a colleague was quicker."""
        if self.callbacks[name].state == "claimed":
            return None
        self.mine.add(name)
        return self._is(name, "claimed")

    def release(self, name: str) -> CallbackView:
        self.mine.discard(name)
        return self._is(name, "open")

    def close(self, name: str, state: State) -> CallbackView:
        self.mine.discard(name)
        return self._is(name, state)

    def _is(self, name: str, state: State) -> CallbackView:
        self.callbacks[name] = replace(self.callbacks[name], state=state)
        return self.callbacks[name]


def actions(presence: m.PresenceView) -> tuple[m.Action, ...]:
    """What may be asked for, and why not."""
    wrap_up = presence.wrap_up
    is_forced = presence.cause == "forced" or (presence.pending is not None and presence.pending.cause == "forced")
    wants_result = wrap_up is not None and wrap_up.kind == "required" and not wrap_up.has_result
    why_not = "supervisor_only" if is_forced else "result_wanted" if wants_result and not presence.calls else ""
    if presence.state == "LOGOUT":
        why_not = "not_logged_in"
    given = [
        m.Action(name="READY", allowed=not why_not, why_not=why_not),
        m.Action(name="NOT_READY", allowed=presence.state != "LOGOUT", why_not="" if presence.state != "LOGOUT" else "not_logged_in"),
        m.Action(name="LOGOUT", allowed=presence.state != "LOGOUT", why_not="" if presence.state != "LOGOUT" else "not_logged_in"),
    ]  # fmt: skip
    if wrap_up:
        given.append(m.Action(name="extend", allowed=True))
        given.append(m.Action(name="end", allowed=not wants_result, why_not="result_wanted" if wants_result else ""))
    return tuple(given)
