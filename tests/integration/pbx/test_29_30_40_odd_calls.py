"""Calls that others disturb: joined late, or ended while somebody listens elsewhere. And two PBXs that count alike."""

import asyncio
import time
from pathlib import Path

import pytest
from pydantic import SecretStr
from streams import generated

from cti import app, settings
from cti.calls.call import LegId, Outcome, PbxName
from cti.store import schema
from cti.store.database import Database
from cti.store.interactions import Filter, Interaction
from cti.store.sql import SqlInteractionLog
from cti.telephony.asterisk.account import Account
from cti.telephony.asterisk.ami_link import AmiLink
from cti.telephony.asterisk.endpoints import Endpoints
from tests.integration.pbx.service import Service
from tests.ports import free_port
from tests.testbed import stories_transfer
from tests.testbed.phone import PhoneCall
from tests.testbed.story import SUPPORT, Stage, connect, hang_up
from tests.unit.telephony.fake_ami import SECRET, FakeAmi

SOON_S = 0.1
LISTENS_S = 3.0
"""A whole one is ten times as long; what delays others begins with the listening."""
NOBODY_ANSWERS, AN_APPLICATION = "0800100440", "0800100900"


@pytest.mark.real_asterisk
async def test_29_linkedid_merge(stage: Stage, service: Service) -> None:
    """A caller in a queue and an agent on another call are bridged by command: two linkedids become one. Both rows are there,
    the second says that it went on in another, and what its channel does from then on is told of the first."""

    def channels() -> tuple[str, str]:
        first = {call.ani: call.legs[0].party.channel for call in service.calls}
        return first["0912345678"], first["2001"]

    playing = asyncio.create_task(stories_transfer.bridged_late_by_command(stage, channels))
    await service.until(lambda: len(service.calls) == 2, "two calls")
    await service.until(lambda: len(service.calls) == 1, "one of them, bridged")
    (live,) = service.calls
    await playing
    rows = {row.ani: row for row in await service.rows(2)}
    customers, colleagues = rows["0912345678"], rows["2001"]
    assert (live.id, live.state) == (customers.call, "talking")
    assert live.leg(LegId(colleagues.call.removeprefix("main-"))) is not None
    assert (customers.outcome, customers.agent, customers.ended_by) == (Outcome.ANSWERED, "ann", "customer")
    assert (colleagues.outcome, colleagues.cause) == (Outcome.MERGED, "merged")
    (ann,) = customers.handled_by
    assert ann.connected_at == colleagues.ended_at
    assert [part.number for part in colleagues.handled_by] == ["2001", "2003"]


@pytest.mark.real_asterisk
async def test_30_chanspy_listen(stage: Stage, service: Service) -> None:
    """A supervisor listens to one call while five others end. Asterisk's own CEL tells of those late; we have AMI's word,
    and the row ends when the caller's phone hung up."""
    spied, agent = await connect(stage, SUPPORT)
    ear = stage.agents["2006"].dial("8101")
    await ear.until_answered()
    began = time.monotonic()
    callers = {
        f"09330000{number:02}": stage.caller(AN_APPLICATION if number % 2 else NOBODY_ANSWERS, f"09330000{number:02}")
        for number in range(5)
    }
    for caller in callers.values():
        await caller.until_answered()
    hung_up_at = {number: await _ends(caller) for number, caller in callers.items()}
    await service.until(lambda: not {call.ani for call in service.calls} & set(callers), "the five ended")
    assert ear.is_talking
    assert spied.is_talking
    await asyncio.sleep(max(0.0, LISTENS_S - (time.monotonic() - began)))
    ear.hang_up()
    await hang_up(spied, agent)
    rows = {row.ani: row for row in await service.rows(len(callers) + 2)}
    for number, at in hung_up_at.items():
        assert rows[number].ended_at.timestamp() == pytest.approx(at, abs=SOON_S), number


async def _ends(caller: PhoneCall) -> float:
    """When, in epoch seconds; the phone, Asterisk and we have one clock here."""
    await asyncio.sleep(0.2)
    at = time.time()
    caller.hang_up()
    await caller.until_over()
    return at


CALLS = 20


async def test_40_uniqueid_collision(tmp_path: Path) -> None:
    """Two Asterisks that were started alike give the same ids, to the letter, at the same time; each call stays its own."""
    url = f"sqlite:///{tmp_path / 'cti.db'}"
    await schema.upgrade(url)
    events = list(generated(CALLS))
    async with FakeAmi() as north, FakeAmi() as south:
        links = {"north": _link("north", north), "south": _link("south", south)}
        serving = asyncio.create_task(app.run(_given(url, tmp_path, [*links]), links=[*links.values()]))
        async with asyncio.timeout(30):
            while any(link.status.state != "connected" for link in links.values()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert not serving.done(), serving
        for event in events:
            await north.say(event)
            await south.say(event)
        rows = await _rows(url, 2 * CALLS)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    assert {row.outcome for row in rows} == {Outcome.ANSWERED}
    assert all(row.call.startswith(f"{row.pbx}-") for row in rows)
    of_each = {pbx: {row.call.removeprefix(f"{pbx}-") for row in rows if row.pbx == pbx} for pbx in links}
    assert len(of_each["north"]) == CALLS
    assert of_each["north"] == of_each["south"]


def _link(name: str, pbx: FakeAmi) -> AmiLink:
    return AmiLink(PbxName(name), Account(port=pbx.port, user="cti-events", secret=SECRET), Endpoints())


def _given(url: str, folder: Path, names: list[str]) -> settings.Settings:
    secret = SecretStr(SECRET)
    return settings.Settings(
        pbx=tuple(settings.Pbx(name=name, events_secret=secret, commands_secret=secret) for name in names),
        web=settings.Web(port=free_port()),
        push=settings.Push(port=free_port()),
        database=settings.Database(url=SecretStr(url)),
        spool=settings.Spool(dir=folder / "spool"),
    )


async def _rows(url: str, count: int) -> tuple[Interaction, ...]:
    database = Database(url)
    found: tuple[Interaction, ...] = ()
    async with asyncio.timeout(30):
        while len(found) < count:
            await asyncio.sleep(0.05)
            found = (await SqlInteractionLog(database).between(Filter(), limit=500)).items
    await database.close()
    return found
