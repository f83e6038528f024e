"""The bus as the reader of the PBXs has it: its hub tells the others, their desktops are its floor's, their wishes are carried out."""

import asyncio
from collections.abc import Callable

from cti import settings
from cti.app import values
from cti.app.tenure import Tenure
from cti.fanout.asks import Attendant
from cti.fanout.bus import Bus
from cti.fanout.desk_news import DeskNews
from cti.fanout.entry import Entry
from cti.fanout.publishing import PublishingHub
from cti.fanout.redis_bus import RedisBus
from cti.fanout.redis_door import RedisDoor
from cti.web.ports import PartHealth


def make_bus(given: settings.Settings) -> RedisBus:
    return RedisBus(RedisDoor(given.redis.url.get_secret_value()), values.process_name(given))


def bus_health(bus: Bus) -> PartHealth:
    """Redis away: whoever is connected sees what was, calls go on."""
    return PartHealth("bus", "ok" if bus.is_up else "degraded", bus.reason)


class Outward:
    def __init__(self, given: settings.Settings, tenure: Tenure) -> None:
        name = values.process_name(given)
        self._tenure = tenure
        self.bus = make_bus(given)
        self.hub = PublishingHub(values.hub_settings(given), self.bus, name, epoch=tenure.epoch)
        self._desks = DeskNews(self.bus, name)

    async def run(self, attendant: Attendant, roster_changed: Callable[[], None]) -> None:
        """Once hub and floor are as the record has them. The floor listens to the hub; desktops are elsewhere, so what it is told
        comes from there."""
        attendance, listeners = self._desks.attendance.listeners, self._desks.listeners
        attendance.on_desktop = self.hub.listeners.on_desktop
        attendance.on_desktop_gone = self.hub.listeners.on_desktop_gone
        listeners.on_picture_wanted, listeners.on_card = self.hub.picture_wanted, self.hub.card
        listeners.on_roster = roster_changed
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.bus.run(), name="bus")
            tasks.create_task(self.hub.run(), name="news")
            tasks.create_task(self._hear_news(), name="other-news")
            tasks.create_task(self._desks.run(), name="desks")
            tasks.create_task(self.bus.serve(attendant.carry_out), name="asks")

    async def _hear_news(self) -> None:
        """Cut off from the database alone, a reader is replaced and does not hear it there: who has replaced it tells news."""
        async for news in self.bus.read("news"):
            if isinstance(news, Entry):
                self._tenure.hears_of(news.epoch)
