"""Each agent's one open desktop: let in, displaced, lost, come back, closed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cti.agents.agent import AgentId
from cti.calls.call import CallId
from cti.errors import Forbidden
from cti.screenpop.desk import DISPLACED, NOT_GOOD, Desk, Desktop
from cti.screenpop.desks import Desks
from cti.screenpop.figures import Step
from cti.screenpop.listeners import Arrival, Listeners
from cti.screenpop.messages import Displaced, Pop, Resume
from cti.screenpop.outbox import Limits, Stream
from cti.screenpop.picture import Picture
from cti.screenpop.teller import Teller

AT_ONCE: Final = 64 * 1024
"""Bytes in one write. A desktop that does not read leaves the rest in its outbox, which is bounded."""


@dataclass(frozen=True, slots=True)
class Attached:
    stream: str
    resumed: bool
    frames: list[bytes]
    """To be sent after the welcome: a snapshot, or what was missed."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The agent has another desktop open."""

    since: datetime


class Desktops:
    def __init__(
        self,
        desks: Desks,
        picture: Picture,
        teller: Teller,
        listeners: Listeners,
        *,
        limits: Limits,
        resume_s: float,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._desks = desks
        self._picture = picture
        self._teller = teller
        self._listeners = listeners
        self._limits = limits
        self._resume = timedelta(seconds=resume_s)
        self._clock = clock
        self._new_id = new_id

    @property
    def count(self) -> int:
        return sum(desk.desktop is not None for desk in self._desks)

    @property
    def sessions(self) -> frozenset[str]:
        """Of those that are open here."""
        return frozenset(desk.desktop.session for desk in self._desks if desk.desktop)

    def attach(
        self, agent: AgentId, desktop: Desktop, *, resume: Resume | None = None, take_over: bool = False
    ) -> Attached | Taken:
        """A desktop said hello. The one that knows the stream's id is the same one come back, and needs no take-over.

        Raises ``NotFound`` for an agent who is not, or no longer, on the roster.
        """
        desk = self._desks.of(agent)
        self._listeners.on_hello(agent)
        comes_back = resume is not None and desk.stream is not None and desk.stream.id == resume.stream
        moves_here = resume is not None and not comes_back and self._listeners.elsewhere.knows(agent, resume.stream)
        is_same = comes_back or moves_here
        taken_since = desk.since if desk.desktop else self._listeners.elsewhere.since(agent)
        if taken_since and not (take_over or is_same):
            return Taken(taken_since)
        takes_over = taken_since is not None and not is_same
        missed = desk.stream.after(resume.seq) if comes_back and desk.stream and resume else None
        goes_on = resume if moves_here or missed is not None else None
        stream = goes_on.stream if goes_on else self._new_id()
        self._displace(desk, is_same=is_same)
        self._listeners.on_desktop(
            Arrival(agent, desktop.session, takes_over, comes_back=resume is not None and not takes_over, stream=stream)
        )
        if missed is None or desk.stream is None:
            missed = self._begin(desk, Stream(stream, self._limits, seq=max(0, goes_on.seq) if goes_on else 0))
            self._catch_up(desk, resume)
        desk.desktop, desk.since = desktop, self._clock()
        self._desks.look_again(desk, desktop.session_ends_at)
        return Attached(stream, goes_on is not None, missed)

    def take(self, agent: AgentId, desktop: Desktop) -> list[bytes]:
        """The next messages for this desktop, numbered and encoded, about ``AT_ONCE`` of them; none when it is not its turn."""
        desk = self._desks.find(agent)
        if desk is None or desk.desktop is not desktop or desk.stream is None or not desk.stream.is_waiting:
            return []
        now, frames, size = self._clock(), list[bytes](), 0
        while size < AT_ONCE and (taken := desk.stream.take(now)):
            frame, message = taken
            if isinstance(message, Pop):
                self._teller.note(message.pop.pop, agent, "sent", now)
            frames.append(frame)
            size += len(frame)
        return frames

    def detach(self, agent: AgentId, desktop: Desktop) -> None:
        """Its socket is gone. What it has not read waits for it ``resume_s``."""
        desk = self._desks.find(agent)
        if desk and desk.desktop is desktop:
            desk.desktop, desk.since = None, self._clock()
            self._desks.look_again(desk, desk.since + self._resume)
        if desk is None or desk.desktop is None:
            self._listeners.on_desktop_gone(agent)
        if desk:
            self._desks.tidy(desk)

    def receipt(self, agent: AgentId, pop: str, step: Step) -> None:
        """Raises ``Forbidden`` for another agent's pop."""
        self._teller.note(pop, agent, step, self._clock())

    def focus(self, agent: AgentId, call: CallId | None) -> None:
        """Raises ``Forbidden`` for a call that is not the agent's."""
        desk = self._desks.of(agent)
        if call is not None and call not in desk.calls:
            raise Forbidden("not your call")
        if desk.focus != call:
            desk.focus = call
            self._listeners.on_focus(agent, call)

    def sits_elsewhere(self, agent: AgentId, *, is_same: bool) -> None:
        """The agent's desktop is at another process now: the one here goes, and cannot resume. ``is_same``: it moved there."""
        desk = self._desks.find(agent)
        if desk:
            self._displace(desk, is_same=is_same)
            desk.stream = None
            self._desks.tidy(desk)

    def close_session(self, session: str) -> None:
        """Logged out, disabled, or the password changed: its desktop goes at once, wherever it is, and cannot resume."""
        self.session_ended(session)
        self._listeners.on_session_ended(session)

    def session_ended(self, session: str) -> None:
        """The same, as another process tells it."""
        for desk in self._desks:
            if desk.desktop and desk.desktop.session == session:
                desk.stream = None
                desk.let_go(NOT_GOOD, "session ended")
                self._desks.tidy(desk)

    def expire(self, desk: Desk, now: datetime) -> None:
        """Its session may have ended; a desktop that did not come back is forgotten."""
        if desk.desktop and desk.desktop.session_ends_at <= now:
            desk.let_go(NOT_GOOD, "session ended")
            desk.since = now
            self._desks.look_again(desk, now + self._resume)
        if desk.stream and not desk.desktop and desk.since and desk.since + self._resume <= now:
            desk.stream = None

    def _begin(self, desk: Desk, stream: Stream) -> list[bytes]:
        """A snapshot of all there is, as the next message of a stream that begins here, or goes on here."""
        now, snapshot = self._clock(), self._picture.snapshot(desk)
        desk.stream = stream
        for pop in snapshot.pops:
            self._teller.note(pop.pop, desk.agent.id, "sent", now)
        return [desk.stream.number(snapshot, now)]

    def _catch_up(self, desk: Desk, resume: Resume | None) -> None:
        """The same page: what was told once, and may have been told to nobody."""
        if resume is not None and desk.stream is not None:
            for key, delta in self._listeners.lately(desk.agent.id):
                desk.stream.put(key, delta)

    def _displace(self, desk: Desk, *, is_same: bool) -> None:
        """Close the desktop there is. One that was lost and comes back by itself is told nothing more."""
        last = b"" if is_same or not desk.stream else desk.stream.number(Displaced(seq=0), self._clock())
        desk.let_go(DISPLACED, "opened elsewhere", last=last)
