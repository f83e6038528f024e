"""Who there is, read again: when somebody says that it has changed, and now and then, for ``cti user`` tells nobody."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from cti.agents.agent import Agent
from cti.errors import StoreUnavailable
from cti.store.people import People

EVERY_S: Final = 15.0


class RosterKeeper:
    def __init__(self, people: People, becomes: Callable[[tuple[Agent, ...]], None]) -> None:
        self._people = people
        self._becomes = becomes
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """At another process."""
        self._changed.set()

    async def run(self) -> None:
        known: tuple[Agent, ...] = ()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._changed.wait()
            self._changed.clear()
            with contextlib.suppress(StoreUnavailable):
                agents = await self._people.agents()
                if agents != known:
                    self._becomes(agents)
                    known = agents
