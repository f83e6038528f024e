"""What was changed behind our back is found."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from cti.app.roster import RosterKeeper
from cti.screenpop.hub import Hub, HubSettings
from cti.store.people import MemoryPeople, Session
from tests.unit.screenpop.fakes import SITE, Clock, PaperDesktop
from tests.unit.screenpop.stories import JON, MARA, T0


class Read(MemoryPeople):
    """Says when all was read."""

    def __init__(self) -> None:
        super().__init__()
        self.times = asyncio.Semaphore(0)

    async def sessions(self) -> frozenset[str]:
        self.times.release()
        return await super().sessions()


@pytest.fixture
async def people() -> Read:
    people = Read()
    for agent in (MARA, JON):
        await people.add(agent, "")
        await people.open_session(Session(f"of-{agent.id}", agent.id, T0 + timedelta(hours=12)))
    return people


@contextlib.asynccontextmanager
async def keeping(people: Read, hub: Hub) -> AsyncIterator[RosterKeeper]:
    keeper = RosterKeeper(people, hub.roster, hub.desktops)
    task = asyncio.create_task(keeper.run())
    try:
        async with asyncio.timeout(5):
            yield keeper
    finally:
        task.cancel()


async def test_48_a_session_that_the_command_line_ended_loses_its_desktop_and_no_other_does(people: Read) -> None:
    hub = Hub(HubSettings(site=SITE), clock=Clock())
    hub.roster((MARA, JON))
    desktops = [PaperDesktop(hub, agent.id, f"of-{agent.id}").connect() for agent in (MARA, JON)]
    async with keeping(people, hub) as keeper:
        await people.end_sessions(MARA.id)
        keeper.changed()
        await people.times.acquire()
        await asyncio.sleep(0)
    assert [desktop.closed for desktop in desktops] == [(4401, "session ended"), None]


async def test_48_a_desktop_that_comes_while_sessions_are_read_stays(people: Read) -> None:
    hub = Hub(HubSettings(site=SITE), clock=Clock())
    hub.roster((MARA, JON))
    PaperDesktop(hub, JON.id, "of-jon").connect()
    late = PaperDesktop(hub, MARA.id, "of-mara")
    await people.end_sessions(MARA.id)
    known = people.sessions

    async def meanwhile() -> frozenset[str]:
        before = await known()
        await people.open_session(Session("of-mara", MARA.id, T0 + timedelta(hours=12)))
        late.connect()
        return before

    people.sessions = meanwhile  # type: ignore[method-assign]
    async with keeping(people, hub) as keeper:
        keeper.changed()
        await people.times.acquire()
        await asyncio.sleep(0)
    assert (late.stream != "", late.closed) == (True, None)
