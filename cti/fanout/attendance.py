"""Who sits where, in every process: desktops come and go by entries on ``desks``, and the last to arrive is where the agent is.

All processes read the same entries in the same order, their own too, so all agree: an arrival that comes after ours in the
stream displaces ours, one that comes before it does not. What was missed is made good by ``ROLL``, where the later arrival
counts. Pure but for the bus, which waits for nobody; time is handed in, monotonic, in seconds.
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from cti.agents.agent import AgentId
from cti.clock import now
from cti.fanout.bodies import Roll, Seated, body_of, read_body
from cti.fanout.bus import Bus
from cti.fanout.entry import Entry, Kind
from cti.screenpop.listeners import Arrival

SILENT_S: Final = 10.0
"""A process that says nothing for so long, while others are heard (we hear ourselves), is gone, and its desktops with it."""
KNOWN_S: Final = 600.0
"""How long the stream of a desktop that left is known: as long as a hub keeps its own (``HubSettings.resume_s``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Where an agent's last desktop is, or was."""

    process: str
    seated: Seated
    left_at: float | None = None


def _quiet(*_: object) -> None:
    pass


@dataclass(slots=True, kw_only=True)
class AttendanceListeners:
    on_desktop: Callable[[Arrival], None] = _quiet
    """Wherever it is: for the floor."""
    on_desktop_gone: Callable[[AgentId], None] = _quiet
    on_displaced: Callable[[AgentId, bool], None] = _quiet
    """The agent's desktop here is to go; True: because it moved to another process."""


def stream_hash(stream: str) -> str:
    return hashlib.sha256(stream.encode(errors="replace")).hexdigest()


class Attendance:
    """Also the hub's ``Elsewhere``."""

    def __init__(
        self,
        bus: Bus,
        process: str,
        *,
        clock: Callable[[], float],
        now: Callable[[], datetime] = now,
    ) -> None:
        self._bus = bus
        self._process = process
        self._clock = clock
        self._now = now
        self.listeners = AttendanceListeners()
        self._seats: dict[AgentId, Seat] = {}
        self._alive: dict[str, float] = {}
        """When each process was last heard."""
        self._gone: set[str] = set()
        """Processes that fell silent. One that is heard again was cut off, and its desktops may never have noticed."""
        self._heard_at = clock()
        self._unheard: Counter[AgentId] = Counter()
        """Our own arrivals that we have not read back yet."""

    # ---- here

    def arrives(self, arrival: Arrival) -> None:
        seated = Seated(
            agent=arrival.agent, session=arrival.session, stream=stream_hash(arrival.stream), since=self._now(),
            takes_over=arrival.takes_over, comes_back=arrival.comes_back,
        )  # fmt: skip
        self._sit(self._process, seated)
        self._unheard[arrival.agent] += 1
        self._say(Kind.ARRIVED, arrival.agent, body_of(seated))

    def leaves(self, agent: AgentId) -> None:
        """It may have moved to another process: then it has not left."""
        seat = self._seats.get(agent)
        if seat and seat.process == self._process and seat.left_at is None:
            self._leave(agent, seat)
            self._say(Kind.LEFT, agent, body_of(seat.seated))

    def say_roll(self) -> None:
        mine = (seat for seat in self._seats.values() if seat.process == self._process and seat.left_at is None)
        self._say(Kind.ROLL, body=body_of(Roll(seated=tuple(seat.seated for seat in mine))))

    # ---- elsewhere, as the hub asks

    def since(self, agent: AgentId) -> datetime | None:
        """While the bus is away nobody knows, and nobody is turned away for it."""
        seat = self._seats.get(agent)
        is_there = seat and seat.process != self._process and seat.left_at is None and self._bus.is_up
        return seat.seated.since if seat and is_there else None

    def knows(self, agent: AgentId, stream: str) -> bool:
        seat = self._seats.get(agent)
        return seat is not None and seat.process != self._process and seat.seated.stream == stream_hash(stream)

    # ---- heard

    def gap(self) -> None:
        """Whoever was not heard may have been heard by others: all get their time anew."""
        self._unheard.clear()
        self._alive = dict.fromkeys(self._alive, self._clock())

    def heard(self, entry: Entry) -> None:
        """Raises ``msgspec.DecodeError`` for what cannot be read."""
        self._is_heard(entry.sender)
        agent = AgentId(entry.key)
        match entry.kind:
            case Kind.ARRIVED if entry.sender == self._process:
                self._unheard[agent] -= 1
                self._unheard += Counter()  # forget those at zero
            case Kind.ARRIVED if not self._unheard[agent]:
                self._has_arrived(entry.sender, read_body(entry.body, Seated))
            case Kind.LEFT:
                self._has_left(entry.sender, agent, read_body(entry.body, Seated))
            case Kind.ROLL if entry.sender != self._process:
                self._has_roll(entry.sender, read_body(entry.body, Roll))
            case _:
                pass

    def expire(self) -> None:
        """Processes that fell silent, and streams that nobody came back to."""
        now = self._clock()
        silent = {process for process, at in self._alive.items() if self._heard_at - at > SILENT_S} - {self._process}
        for agent, seat in tuple(self._seats.items()):
            if seat.left_at is None and seat.process in silent:
                self._leave(agent, seat)
            elif seat.left_at is not None and now - seat.left_at > KNOWN_S:
                del self._seats[agent]
        for process in silent:
            del self._alive[process]
        self._gone |= silent

    def tell_all(self) -> None:
        """Everybody who sits anywhere, as they come back: for a floor that begins."""
        for agent, seat in tuple(self._seats.items()):
            if seat.left_at is None:
                self.listeners.on_desktop(
                    Arrival(agent, seat.seated.session, takes_over=False, comes_back=True, stream="")
                )

    # ---- within

    def _is_heard(self, process: str) -> None:
        self._heard_at = self._alive[process] = self._clock()
        if process in self._gone:
            self._gone.discard(process)
            self._say(Kind.PICTURE_WANTED)

    def _has_arrived(self, process: str, seated: Seated, *, new_at: datetime | None = None) -> None:
        agent = AgentId(seated.agent)
        before = self._seats.get(agent)
        self._sit(process, seated, new_at=new_at)
        if before and before.process == self._process:
            self.listeners.on_displaced(agent, before.seated.stream == seated.stream)

    def _has_left(self, process: str, agent: AgentId, seated: Seated) -> None:
        seat = self._seats.get(agent)
        is_that = seat and seat.process == process and seat.seated.session == seated.session
        if seat and is_that and process != self._process and seat.left_at is None:
            self._leave(agent, seat)

    def _has_roll(self, process: str, roll: Roll) -> None:
        named = {AgentId(seated.agent) for seated in roll.seated}
        for seated in roll.seated:
            seat = self._seats.get(AgentId(seated.agent))
            is_open = seat is not None and seat.left_at is None
            if seat and is_open and (seat.process == process or seat.seated.since > seated.since):
                continue
            back = msgspec.structs.replace(seated, takes_over=False, comes_back=True)
            self._has_arrived(process, back, new_at=None if seated.comes_back else seated.since)
        for agent, seat in tuple(self._seats.items()):
            if seat.process == process and seat.left_at is None and agent not in named:
                self._leave(agent, seat)

    def _sit(self, process: str, seated: Seated, *, new_at: datetime | None = None) -> None:
        agent = AgentId(seated.agent)
        self._seats[agent] = Seat(process=process, seated=seated)
        self._alive.setdefault(process, self._clock())
        self.listeners.on_desktop(
            Arrival(agent, seated.session, seated.takes_over, comes_back=seated.comes_back, stream="", new_at=new_at)
        )

    def _leave(self, agent: AgentId, seat: Seat) -> None:
        self._seats[agent] = Seat(process=seat.process, seated=seat.seated, left_at=self._clock())
        self.listeners.on_desktop_gone(agent)

    def _say(self, kind: Kind, key: str = "", body: bytes = b"") -> None:
        at = self._now().timestamp()
        self._bus.publish("desks", Entry(kind=kind, key=key, sender=self._process, at=at, body=body))
