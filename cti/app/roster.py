"""Who there is and who is logged in, read again: when somebody says that it has changed, and now and then, for ``cti user`` tells
nobody.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from cti.agents.agent import Agent
from cti.errors import StoreUnavailable
from cti.screenpop.desktops import Desktops
from cti.store.people import People

EVERY_S: Final = 15.0


class RosterKeeper:
    def __init__(self, people: People, becomes: Callable[[tuple[Agent, ...]], None], desktops: Desktops) -> None:
        self._people = people
        self._becomes = becomes
        self._desktops = desktops
        self._known: tuple[Agent, ...] = ()
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """At another process."""
        self._changed.set()

    async def run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._changed.wait()
            self._changed.clear()
            with contextlib.suppress(StoreUnavailable):
                await self._read()
                await self._close_ended()

    async def _read(self) -> None:
        agents = await self._people.agents()
        if agents != self._known:
            self._becomes(agents)
            self._known = agents

    async def _close_ended(self) -> None:
        """Desktops whose session was ended by somebody who could not tell us."""
        open_here = self._desktops.sessions  # first: a session is on record before its desktop comes
        if open_here:
            for session in open_here - await self._people.sessions():
                self._desktops.session_ended(session)
