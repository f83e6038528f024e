"""The link cut, stalled and silent, Asterisk killed and stopped, the service stopped: in mid-call, with a real Asterisk.

Afterwards the picture is the PBX's: nobody who has left is live, nobody who stayed is doubled, and each call has one row.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cti.calls.call import Outcome
from cti.telephony.asterisk import ami_session
from tests.integration.pbx.service import Service, Site, channels_of, on_22, serving, until_pbx
from tests.testbed import ami, parts, sipp
from tests.testbed.asterisk import Asterisk
from tests.testbed.fixtures import require
from tests.testbed.proxy import TcpProxy
from tests.testbed.sipp import AwaitHangUp, Sipp
from tests.testbed.story import SUPPORT, Stage, connect, hang_up, open_stage

pytestmark = pytest.mark.chaos

ANNOUNCEMENT = "0800100900"
"""Answered by the PBX itself."""
EMPTY = "0800100440"
"""A queue without agents."""


@pytest.fixture
def proxied(asterisk: Asterisk, ami_proxy: TcpProxy, tmp_path: Path) -> Site:
    return Site({"main": asterisk}, tmp_path, {"main": ami_proxy.port})


@contextlib.asynccontextmanager
async def away(service: Service, proxy: TcpProxy) -> AsyncIterator[None]:
    """The link is cut, and cannot be made again before the end."""
    proxy.refuse = True
    proxy.cut()
    await service.until(lambda: service.link.status.state == "lost", "lost")
    yield
    proxy.refuse = False
    await service.until_connected()


def callers(pbx: Asterisk, count: int, dnis: str) -> Sipp:
    rows = [(f"09{number:08}", "Wang", dnis) for number in range(count)]
    return Sipp(sipp.caller(AwaitHangUp()), pbx.ports.sip, rows=rows, calls=count, rate=50)


# ---- the link


async def test_the_link_is_cut_in_mid_call_and_the_call_goes_on(
    stage: Stage, proxied: Site, ami_proxy: TcpProxy
) -> None:
    async with serving(proxied) as service:
        caller, agent = await connect(stage)
        await service.until(lambda: service.calls and service.calls[0].state == "talking", "talking")
        (before,) = service.calls
        async with away(service, ami_proxy):
            pass
        (after,) = service.calls
        assert (after.id, after.state, after.answered_at) == (before.id, "talking", before.answered_at)
        await hang_up(caller, agent, after_s=0.2)
        row = await service.row()
        assert (row.outcome, row.agent, row.cause, row.ended_by) == (Outcome.ANSWERED, "ann", "normal", "customer")
        assert await service.broken() == []


@on_22
async def test_a_call_answered_while_the_link_is_cut(stage: Stage, proxied: Site, ami_proxy: TcpProxy) -> None:
    async with serving(proxied) as service:
        caller = stage.caller()
        ringing = await stage.agents["2001"].rings()
        await service.until(lambda: service.calls and service.calls[0].state == "ringing", "ringing")
        async with away(service, ami_proxy):
            ringing.answer()
            await caller.until_answered()
            await until_pbx(stage.pbx, lambda pbx: pbx.cli("core show channels concise").count("!Up!") == 2)
        assert [call.state for call in service.calls] == ["talking"]
        await hang_up(caller, ringing, after_s=0.2)
        row = await service.row()
        assert (row.outcome, row.agent) == (Outcome.ANSWERED, "ann")
        assert await service.broken() == []


@on_22
async def test_a_call_that_ended_while_the_link_was_cut_has_one_row(
    stage: Stage, proxied: Site, ami_proxy: TcpProxy
) -> None:
    async with serving(proxied) as service:
        caller, agent = await connect(stage)
        await service.until(lambda: service.calls and service.calls[0].state == "talking", "talking")
        async with away(service, ami_proxy):
            await hang_up(caller, agent, after_s=0)
            await until_pbx(stage.pbx, Asterisk.is_idle)
        row = await service.row()
        assert (row.outcome, row.cause, row.ended_by, row.agent) == (Outcome.ANSWERED, "resync", "system", "ann")
        assert await service.broken() == []


async def test_10_reconnect_resync(stage: Stage, proxied: Site, ami_proxy: TcpProxy) -> None:
    """Twenty calls; the session is kicked; seven hang up meanwhile. Then thirteen live, seven ended, none doubled."""
    require("sipp")
    async with serving(proxied) as service:
        leaving = [stage.caller(ANNOUNCEMENT, number=f"0922{number:06}") for number in range(7)]
        async with callers(stage.pbx, 7, EMPTY), callers(stage.pbx, 6, ANNOUNCEMENT):
            await service.until(
                lambda: len(service.calls) == 20 and sum(call.is_waiting for call in service.calls) == 7, "twenty"
            )
            ids = {call.id for call in service.calls}
            ami_proxy.refuse = True
            await asyncio.to_thread(kick, stage.pbx)
            if stage.pbx.version == "16":  # it knows no such command
                ami_proxy.cut()
            await service.until(lambda: service.link.status.state == "lost", "lost")
            for call in leaving:
                call.hang_up()
            await until_pbx(stage.pbx, lambda pbx: channels_of(pbx) == 13)
            ami_proxy.refuse = False
            await service.until_connected()
            live = service.calls
            assert len(live) == 13
            assert {call.id for call in live} <= ids
            assert sum(call.is_waiting for call in live) == 7
            assert service.link.figures.last_resync_s < 2.0
            assert not service.link.narrator.quarantined
            assert await service.broken() == []
            await asyncio.to_thread(stage.pbx.hang_up_everything)
        rows = await service.rows(20)
        assert sorted(row.cause for row in rows).count("resync") == 7
        assert {row.ani[:4] for row in rows if row.cause == "resync"} == {"0922"}
        assert await service.broken() == []


def kick(pbx: Asterisk) -> None:
    """Throw our sessions out, as an operator can."""
    for line in pbx.cli("manager show connected").splitlines():
        if line.split()[:1] == [pbx.options.events_user]:
            pbx.cli(f"manager kick session {line.split()[4]}")


FLOODER = "[flood]\nsecret = " + "f" * 32 + "\nwrite = user\n"
IMPATIENT = "[cti-events](+)\nwritetimeout = 100\n"


@pytest.mark.real_asterisk
@pytest.mark.parametrize("version", parts.ASTERISK_VERSIONS)
async def test_9_slow_consumer_cut(version: str, tmp_path: Path) -> None:
    """We stop reading; Asterisk cuts us off in the middle of an event. What is cut is dropped, the rest is read anew."""
    require(f"asterisk-{version}")
    async with (
        Asterisk(version, extra={"manager.conf": IMPATIENT + FLOODER}) as pbx,
        open_stage(pbx) as stage,
        TcpProxy(pbx.ports.ami) as proxy,
        serving(Site({"main": pbx}, tmp_path, {"main": proxy.port})) as service,
    ):
        caller, agent = await connect(stage)
        staying = stage.caller(EMPTY, number="0933333333")
        await service.until(
            lambda: sorted(str(call.state) for call in service.calls) == ["queued", "talking"],
            "one talks, one waits",
        )
        received = bytearray()
        service.link._tap = received.extend
        proxy.stall()
        await flood_until_cut(pbx)
        await hang_up(caller, agent, after_s=0)
        proxy.go_on()
        await service.until(lambda: service.link.figures.connects == 2, "connected again")
        assert [(call.state, call.ani) for call in service.calls] == [("queued", "0933333333")]
        assert not service.link.narrator.quarantined
        first_connection = bytes(received).partition(b"Asterisk Call Manager/")[0]
        assert first_connection
        assert not first_connection.endswith(b"\r\n\r\n"), "cut in the middle of an event"
        staying.hang_up()
        rows = await service.rows(2)
        assert [row.cause for row in rows] == ["resync", "normal"]
        assert await service.broken() == []


async def flood_until_cut(pbx: Asterisk) -> None:
    """Events of 30 KB, until Asterisk has thrown the listener out."""
    wire = await ami.AmiWire.open(pbx.ports.ami)
    await wire.login("flood", "f" * 32, events=False)
    more = {f"Filler{number}": "x" * 900 for number in range(30)}
    async with asyncio.timeout(60):
        while pbx.options.events_user in await asyncio.to_thread(pbx.cli, "manager show connected"):
            for _ in range(20):
                await wire.action("UserEvent", {"UserEvent": "Flood", **more})
    await wire.close()


async def test_13_half_open_link(
    stage: Stage, proxied: Site, ami_proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link swallows everything and closes nothing. It is noticed by silence, told to the desktop, and commands fail at once.

    Fifteen seconds in real life (test_session.py holds that); here the same clock goes ten times as fast."""
    monkeypatch.setattr(ami_session, "PING_S", 0.5)
    monkeypatch.setattr(ami_session, "DEAD_S", 1.5)
    async with serving(proxied) as service, service.screen() as ann:
        ringing = asyncio.create_task(stage.agents["2001"].rings())
        await ann.asks("POST", "/api/v1/calls", {"to": "2002", "id": "out-before-the-silence"})
        await ringing
        ami_proxy.go_silent()
        await ann.hears("pbx", name="main", state="lost")
        await ann.hears("command", command="out-before-the-silence", status="failed", reason="pbx_lost")
        await ann.asks("POST", "/api/v1/calls", {"to": "2002", "id": "asked-in-the-silence"}, status=503)
        ami_proxy.cut()
        ami_proxy.go_on()
        await ann.hears("pbx", name="main", state="connected")
        await asyncio.to_thread(stage.pbx.hang_up_everything)
        await service.rows(1)


# ---- Asterisk


async def test_11_asterisk_kill9(stage: Stage, site: Site) -> None:
    """Ten calls, kill -9, a new start: all ten ended by the restart, the agent of one is free, new ones come in."""
    require("sipp")
    pbx = stage.pbx
    async with serving(site) as service, service.screen() as ann:
        async with callers(pbx, 5, EMPTY), callers(pbx, 4, ANNOUNCEMENT):
            _, talking = await connect(stage)
            await ann.hears("presence", state="TALKING")
            await service.until(lambda: len(service.calls) == 10, "ten calls")
            await asyncio.to_thread(pbx.kill)
            await ann.hears("pbx", state="lost")
        talking.abandon()
        await asyncio.to_thread(pbx.start)
        await ann.hears("presence", state="READY")
        await service.until_connected(40)
        rows = await service.rows(10)
        assert {(row.cause, row.ended_by) for row in rows} == {("pbx_restart", "system")}
        assert [row.agent for row in rows if row.agent] == ["ann"]
        assert await service.broken() == []
        caller, agent = await connect(stage)
        await ann.hears("presence", state="TALKING")
        await hang_up(caller, agent)
        last = (await service.rows(11))[-1]
        assert (last.outcome, last.agent, last.cause) == (Outcome.ANSWERED, "ann", "normal")
        assert last.call not in {row.call for row in rows}
        assert await service.broken() == []


@on_22
async def test_asterisk_is_killed_while_two_talk(stage: Stage, site: Site) -> None:
    async with serving(site) as service:
        await connect(stage)
        await service.until(lambda: service.calls and service.calls[0].state == "talking", "talking")
        await asyncio.to_thread(stage.pbx.kill)
        await asyncio.to_thread(stage.pbx.start)
        await service.until(lambda: service.link.figures.connects == 2, "connected again", 40)
        row = await service.row()
        assert (row.outcome, row.cause, row.agent) == (Outcome.ANSWERED, "pbx_restart", "ann")
        assert 0 < row.talk_s < 10
        assert await service.broken() == []


async def test_12_asterisk_graceful(asterisk: Asterisk, site: Site) -> None:
    """Asterisk says that it stops; the calls are over, desktops are told, and the link comes back with it."""
    require("sipp")
    async with serving(site) as service, service.screen() as ann:
        async with callers(asterisk, 3, ANNOUNCEMENT):
            await service.until(lambda: len(service.calls) == 3, "three calls")
            await asyncio.to_thread(asterisk.stop)
        await ann.hears("pbx", state="lost")
        rows = await service.rows(3)
        assert {row.cause for row in rows} == {"pbx_restart"}
        await asyncio.to_thread(asterisk.start)
        await ann.hears("pbx", state="connected")
        await one_more_call(asterisk, service, 4)


async def test_15_fullybooted_gate(asterisk: Asterisk, site: Site) -> None:
    """The service is there first. It connects while Asterisk loads, and knows every queue member once it is connected."""
    await asyncio.to_thread(asterisk.stop)
    async with serving(site, connected=False) as service:
        await asyncio.to_thread(asterisk.start)
        await service.until_connected(40)
        members = service.link.narrator._mirror.members
        assert {"PJSIP/2001", "PJSIP/2002", "PJSIP/2003"} <= members
        await one_more_call(asterisk, service, 1)


async def one_more_call(pbx: Asterisk, service: Service, rows: int) -> None:
    """Everything works as before."""
    agent = Sipp(sipp.agent(ring_s=0.2), pbx.ports.sip, pbx.ports.agents["2001"])
    caller = Sipp(sipp.caller(sipp.Wait(1.0), sipp.HangUp()), pbx.ports.sip, rows=[("0912345678", "Wang", SUPPORT)])
    async with agent as ann, caller as wang:
        assert [await wang.wait(), await ann.wait()] == [0, 0], wang.errors() + ann.errors()
    last = (await service.rows(rows))[-1]
    assert (last.outcome, last.agent, last.cause) == (Outcome.ANSWERED, "ann", "normal")
    assert await service.broken() == []


# ---- the service itself


async def test_the_service_is_restarted_in_mid_call_and_the_call_goes_on(stage: Stage, site: Site) -> None:
    async with serving(site) as service:
        caller, agent = await connect(stage)
        await service.until(lambda: service.calls and service.calls[0].state == "talking", "talking")
        (before,) = service.calls
    async with serving(site) as service:
        (after,) = service.calls
        assert (after.id, after.state, after.answered_at) == (before.id, "talking", before.answered_at)
        await hang_up(caller, agent, after_s=0.2)
        row = await service.row()
        assert (row.outcome, row.agent, row.cause) == (Outcome.ANSWERED, "ann", "normal")
        assert await service.broken() == []


@on_22
async def test_the_service_is_restarted_while_a_phone_rings(stage: Stage, site: Site) -> None:
    async with serving(site) as service:
        caller = stage.caller("0800100200")
        ringing = [await stage.agents[number].rings() for number in ("2001", "2002", "2003")]
        await service.until(lambda: service.calls and service.calls[0].state == "ringing", "ringing")
    async with serving(site) as service, service.screen("bob") as bob:
        assert [pop["call"]["number"] for pop in bob.snapshot["pops"]] == ["0912345678"]
        ringing[1].answer()
        await caller.until_answered()
        await hang_up(caller, ringing[1], after_s=0.5)
        row = await service.row()
        assert (row.outcome, row.agent) == (Outcome.ANSWERED, "bob")
        assert await service.broken() == []


@on_22
async def test_a_call_that_ended_while_the_service_was_down_has_one_row(stage: Stage, site: Site) -> None:
    async with serving(site) as service:
        caller, agent = await connect(stage)
        await service.until(lambda: service.calls and service.calls[0].state == "talking", "talking")
    await hang_up(caller, agent, after_s=0)
    async with serving(site) as service:
        row = await service.row()
        assert (row.outcome, row.cause, row.agent) == (Outcome.ANSWERED, "resync", "ann")
        assert await service.broken() == []


@on_22
async def test_asterisk_was_restarted_while_the_service_was_down(stage: Stage, site: Site) -> None:
    async with serving(site) as service:
        await connect(stage)
        await service.until(lambda: service.calls and service.calls[0].state == "talking", "talking")
    await asyncio.to_thread(stage.pbx.kill)
    await asyncio.to_thread(stage.pbx.start)
    async with serving(site) as service:
        row = await service.row()
        assert (row.outcome, row.cause) == (Outcome.ANSWERED, "pbx_restart")
        assert await service.broken() == []
