"""The shell that reads ``desks`` in every process: who sits where, and what is asked of whom.

What a process makes of it is in ``DeskListeners``; each sets those that are its business:

- with desktops: ``on_displaced`` of the attendance closes the one here, ``on_session_ended`` its sockets and tickets
- the one that reads the PBXs: ``on_desktop`` and ``on_desktop_gone`` of the attendance feed the floor, ``on_picture_wanted``
  and ``on_card`` the ``PublishingHub``
- all: ``on_roster``
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from cti.clock import now
from cti.fanout.attendance import Attendance
from cti.fanout.bodies import read_body
from cti.fanout.bus import Bus, Gap
from cti.fanout.entry import Entry, Kind
from cti.log import logger
from cti.screenpop.hub import Hub
from cti.screenpop.messages import CustomerCard

log = logger("desks")

ALIVE_S: Final = 1.0
_TICK_S: Final = 0.1


def _quiet(*_: object) -> None:
    pass


@dataclass(slots=True, kw_only=True)
class DeskListeners:
    on_picture_wanted: Callable[[], None] = _quiet
    on_card: Callable[[CustomerCard], None] = _quiet
    on_roster: Callable[[], None] = _quiet
    """People were changed at another process."""
    on_session_ended: Callable[[str], None] = _quiet
    """At another process."""


class DeskNews:
    def __init__(
        self,
        bus: Bus,
        process: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = now,
    ) -> None:
        self._bus = bus
        self._process = process
        self._clock = clock
        self._now = now
        self._is_roll_wanted = False
        self.attendance = Attendance(bus, process, clock=clock, now=now)
        self.listeners = DeskListeners()

    def serves(self, hub: Hub) -> None:
        """The hub with this process's desktops: it tells of them, and asks where others are."""
        attendance = self.attendance
        hub.listeners.elsewhere = attendance
        hub.listeners.on_desktop = attendance.arrives
        hub.listeners.on_desktop_gone = attendance.leaves
        hub.listeners.on_session_ended = self.session_ended
        attendance.listeners.on_displaced = lambda agent, is_same: hub.desktops.sits_elsewhere(agent, is_same=is_same)

    def session_ended(self, session: str) -> None:
        self._say(Kind.SESSION_ENDED, session)

    def roster_changed(self) -> None:
        self._say(Kind.ROSTER)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read(), name="desks")
            tasks.create_task(self._live(), name="desks-alive")

    async def _read(self) -> None:
        async for news in self._bus.read("desks"):
            self.heard(news)

    async def _live(self) -> None:
        alive_at = self._clock()
        while True:
            if self._clock() >= alive_at:
                alive_at = self._clock() + ALIVE_S
                self._say(Kind.ALIVE)
                self.look()
            self._answer()
            await asyncio.sleep(_TICK_S)

    def look(self) -> None:
        self._answer()
        self.attendance.expire()

    def _answer(self) -> None:
        """Once, however many asked."""
        if self._is_roll_wanted:
            self._is_roll_wanted = False
            self.attendance.say_roll()

    def heard(self, news: Entry | Gap) -> None:
        """A mistake in one piece of news costs that piece."""
        try:
            if isinstance(news, Gap):
                self.attendance.gap()
                self._say(Kind.PICTURE_WANTED)
            else:
                self.attendance.heard(news)
                self._act(news)
        except msgspec.DecodeError as error:
            log.warning("desk_news_not_understood", reason=str(error))
        except Exception:
            log.exception("desk_news_failed")

    def _act(self, news: Entry) -> None:
        if news.kind is Kind.PICTURE_WANTED:
            self._is_roll_wanted = True
            self.listeners.on_picture_wanted()
        if news.sender == self._process:
            return
        match news.kind:
            case Kind.CARD:
                self.listeners.on_card(read_body(news.body, CustomerCard))
            case Kind.ROSTER:
                self.listeners.on_roster()
            case Kind.SESSION_ENDED:
                self.listeners.on_session_ended(news.key)
            case _:
                pass

    def _say(self, kind: Kind, key: str = "") -> None:
        entry = Entry(kind=kind, key=key, sender=self._process, at=self._now().timestamp())
        self._bus.publish("desks", entry)
