"""Brings the news of the bus to this process's hub: in the right epoch, whole after a gap, and honest when nobody tells any.

After a gap the picture is asked for; until it has come, what comes is taken as far as it follows on what is known. Of an epoch
older than one seen before nothing is taken: whoever was frozen past its lease can tell nobody anything. Where the older one
goes on alone, the database was set back to it (restored), and it is the lease's.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from cti.clock import now
from cti.fanout.bodies import read_body
from cti.fanout.bus import Bus, Gap
from cti.fanout.entry import Entry, Kind
from cti.fanout.fed_hub import FedHub
from cti.log import logger
from cti.screenpop.messages import PbxView

log = logger("feeder")

SILENT_S: Final = 5.0
"""No news for so long: the process that reads the PBXs is away."""
SET_BACK_S: Final = 10.0
"""An older epoch that goes on for so long, with nothing of the newer one: who was frozen, or was replaced, knows it by then."""
ASK_AGAIN_S: Final = 2.0
_TICK_S: Final = 0.25


@dataclass(slots=True)
class _Seen:
    """What a picture has named so far."""

    calls: set[str] = field(default_factory=set)
    pbxs: set[str] = field(default_factory=set)
    queues: set[str] = field(default_factory=set)
    agents: set[str] = field(default_factory=set)

    def note(self, entry: Entry) -> None:
        match entry.kind:
            case Kind.CALL | Kind.CALL_WHOLE:
                self.calls.add(entry.key)
            case Kind.PBX:
                self.pbxs.add(entry.key)
            case Kind.QUEUE:
                self.queues.add(entry.key)
            case Kind.PRESENCE:
                self.agents.add(entry.key)
            case _:
                pass


class Feeder:
    def __init__(
        self,
        hub: FedHub,
        bus: Bus,
        process: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = now,
    ) -> None:
        self._hub = hub
        self._bus = bus
        self._process = process
        self._clock = clock
        self._now = now
        self._seen: _Seen | None = None
        self._asked_at: float | None = None
        self._heard_at = clock()
        self._older_since: float | None = None
        self._older_at: float | None = None
        self._pbxs: dict[str, PbxView] = {}
        """As last told; shown as lost while nobody tells anything."""
        self.epoch = 0
        self.stale = 0
        """Entries of older epochs."""
        self.is_silent = False

    @property
    def is_whole(self) -> bool:
        """Nothing is missing that we know of."""
        return self._asked_at is None and self._seen is None and not self.is_silent

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read(), name="feeder")
            tasks.create_task(self._watch(), name="feeder-watch")

    async def _read(self) -> None:
        async for news in self._bus.read("news"):
            self.feed(news)

    async def _watch(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(_TICK_S)

    def feed(self, news: Entry | Gap) -> None:
        """A mistake in one piece of news costs that piece, until the next picture."""
        if isinstance(news, Gap):
            self._want(news.reason)
            return
        if news.epoch < self.epoch and not self._is_set_back():
            self.stale += 1
            return
        if news.epoch != self.epoch:
            self._new_epoch(news)
        self._is_heard()
        try:
            self._take(news)
        except msgspec.DecodeError as error:
            log.warning("news_not_understood", kind=news.kind, reason=str(error))
        except Exception:
            log.exception("news_not_shown", kind=news.kind)

    def look(self) -> None:
        """Is somebody there? Has the picture come?"""
        now = self._clock()
        if not self.is_silent and now - self._heard_at > SILENT_S:
            self.is_silent = True
            log.warning("news_silent", reason=self._bus.reason or "nobody reads the PBXs")
            since = self._now()
            for view in self._pbxs.values():
                lost = msgspec.structs.replace(view, state="lost", since=since, reason="reader_away")
                self._hub.pbx(lost)
        if self._asked_at is not None and now - self._asked_at > ASK_AGAIN_S:
            self._want("no picture came")

    def _take(self, news: Entry) -> None:
        if self._seen:
            self._seen.note(news)
        match news.kind:
            case Kind.PICTURE_BEGINS:
                if self._asked_at is not None:
                    self._asked_at, self._seen = None, _Seen()
            case Kind.PICTURE_ENDS:
                self._picture_ends()
            case Kind.CALL_WHOLE if self._seen is None:
                pass  # a picture that others asked for
            case Kind.PBX:
                self._pbxs[news.key] = read_body(news.body, PbxView)
                self._hub.take(news)
            case _:
                if not self._hub.take(news) and self._seen is None and self._asked_at is None:
                    self._want("a step of a call does not follow")

    def _picture_ends(self) -> None:
        seen, self._seen = self._seen, None
        if seen:
            self._pbxs = {name: view for name, view in self._pbxs.items() if name in seen.pbxs}
            self._hub.forget_all_but(calls=seen.calls, pbxs=seen.pbxs, queues=seen.queues, agents=seen.agents)
            log.info("picture_taken", epoch=self.epoch, calls=len(seen.calls))

    def _new_epoch(self, news: Entry) -> None:
        """Another process reads the PBXs now, and tells all at the start; where that was missed, it is asked for."""
        self.epoch, self._seen = news.epoch, None
        if news.kind is Kind.PICTURE_BEGINS:
            self._asked_at = self._clock()
        else:
            self._want("a new epoch")

    def _is_set_back(self) -> bool:
        """Does the older one go on, without a silence, and alone? Single entries may be of a reader that was frozen."""
        now, before = self._clock(), self._older_at
        if self._older_since is None or before is None or now - before > SILENT_S:
            self._older_since = now
        self._older_at = now
        return now - self._older_since > SET_BACK_S

    def _is_heard(self) -> None:
        self._heard_at, self._older_since = self._clock(), None
        if self.is_silent:
            self.is_silent = False
            log.info("news_again")
            for view in self._pbxs.values():
                self._hub.pbx(view)

    def _want(self, reason: str) -> None:
        if self._asked_at is None:
            log.info("picture_wanted", reason=reason)
        self._asked_at, self._seen = self._clock(), None
        self._bus.publish("desks", Entry(kind=Kind.PICTURE_WANTED, sender=self._process))
