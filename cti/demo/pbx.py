"""The demo's PBX: recorded calls, and before each the caller's way through the menu."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import Any, Final

from cti.calls.call import Call, Direction, Outcome
from cti.calls.frozen import changed
from cti.calls.journey import JourneyEvent
from cti.calls.transitions import CallChanged
from cti.demo.day import Coming, Day
from cti.demo.journeys import Rehearsals, Rehearsed
from cti.telephony.commands import Command, Result
from cti.telephony.link import LinkChanged, News, Sink
from cti.telephony.phone import Ability
from cti.telephony.replay.player import Player

ANSWERS: Final = 0.5
"""The share of callers who stay on the line to say how it was."""


class DemoPbx:
    """A ``PbxLink``: the player's calls, with journeys told as time passes."""

    def __init__(
        self, player: Player, day: Day, rehearsals: Rehearsals, *, speed: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self.name = player.name
        self._player = player
        self._day = day
        self._rehearsals = rehearsals
        self._speed = speed
        self._sleep = sleep
        self._dice = Random(2)  # noqa: S311 - nothing is secret here
        self._who: dict[str, Coming] = {}
        self._telling: set[asyncio.Task[None]] = set()

    # ---- what PbxLink asks

    async def run(self, sink: Sink) -> None:
        def told(news: News) -> None:
            sink(news)
            if isinstance(news, CallChanged) and news.after.direction is Direction.INBOUND:
                self._follow(news, sink)

        try:
            await self._player.run(told)
        finally:
            for task in self._telling:
                task.cancel()

    def restore(self, calls: tuple[Call, ...]) -> None:
        self._player.restore(calls)

    def check(self, command: Command) -> None:
        self._player.check(command)

    def abilities(self, device: str) -> frozenset[Ability]:
        return self._player.abilities(device)

    async def send(self, command: Command) -> Result:
        return await self._player.send(command)

    @property
    def calls(self) -> tuple[Call, ...]:
        return self._player.calls

    @property
    def status(self) -> LinkChanged:
        return self._player.status

    # ---- the menu

    def _follow(self, change: CallChanged, sink: Sink) -> None:
        call = change.after
        if change.before is None:
            coming = self._day.comes(call.ani)
            if coming is not None:
                self._who[call.id] = coming
                self._start(self._enter(coming, call, sink))
        elif not call.is_live:
            known = self._who.pop(call.id, None)
            if known and known.script.mark and call.outcome is Outcome.ANSWERED and self._dice.random() < ANSWERS:
                self._start(self._ask_after(known, call, sink))

    def _start(self, telling: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(telling)
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _enter(self, coming: Coming, call: Call, sink: Sink) -> None:
        await self._tell(await self._rehearsals.rehearse(coming.script, coming.caller), call, sink)

    async def _ask_after(self, coming: Coming, call: Call, sink: Sink) -> None:
        rehearsed = await self._rehearsals.rehearse_after(coming.script, coming.caller)
        ended = changed(call, offered_at=call.ended_at or call.since)
        await self._tell(rehearsed, ended, sink)

    async def _tell(self, rehearsed: Rehearsed, call: Call, sink: Sink) -> None:
        """Each event when it is its time."""
        before: JourneyEvent | None = None
        for event in rehearsed.at(call.offered_at, call=call.id, pbx=call.pbx, speed=self._speed):
            await self._sleep((event.at - (before.at if before else call.offered_at)).total_seconds())
            sink(event)
            before = event
