"""The desktops' sockets, as a stranger, a clumsy client and a good one meet them."""

import asyncio
import contextlib
import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.protocol import Event

from cti.screenpop.messages import QueueView
from cti.screenpop.socket import FRAMES_AT_ONCE, DesktopConnection
from tests.integration.desktop.browser import Browser, Desktop, open_socket
from tests.integration.desktop.conftest import LogIn
from tests.integration.desktop.house import JON, MARA, House, build, opened
from tests.unit.screenpop.stories import Story


async def rings(house: House, name: str = "1") -> Story:
    story = Story(name)
    for change in (story.offered(), story.queued(), story.rings(MARA)):
        await house.changed(change)
    return story


# ---- who gets a socket


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", None, "http://127.0.0.1", "HTTP://127.0.0.1.evil.example"]
)
async def test_42_ws_origin_other_pages_get_no_socket(house: House, origin: str | None) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(house, origin):
            pass
    assert refused.value.response.status_code == 403
    assert house.hub.refused["origin"] == 1


async def test_42_two_origins_are_none(house: House) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(house, house.origin, additional_headers=[("Origin", "https://evil.example")]):
            pass
    assert refused.value.response.status_code == 403


async def test_h40_nothing_in_the_address_is_taken(house: House) -> None:
    from websockets.asyncio.client import connect

    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{house.ws_url}?ticket=abc", origin=house.origin):  # type: ignore[arg-type]
            pass
    assert refused.value.response.status_code == 404


async def hello(house: House, **message: object) -> int | None:
    async with open_socket(house, house.origin) as ws:
        desktop = Desktop(ws)
        await desktop.say(**message)
        return await desktop.closed()


async def test_43_ws_auth_no_ticket_no_desktop(house: House) -> None:
    assert await hello(house, type="hello", ticket="made-up") == 4401


async def test_43_a_ticket_is_good_once(house: House, log_in: LogIn) -> None:
    ticket = await (await log_in()).ticket()
    async with open_socket(house, house.origin) as ws:
        desktop = Desktop(ws)
        await desktop.say(type="hello", ticket=ticket)
        assert (await desktop.hears())["me"]["agent"] == "mara"
    assert await hello(house, type="hello", ticket=ticket) == 4401


async def test_43_a_ticket_30_s_old_is_no_good(house: House, log_in: LogIn) -> None:
    ticket = await (await log_in()).ticket()
    house.sockets._wall = lambda: datetime.now(UTC) + timedelta(seconds=30)
    assert await hello(house, type="hello", ticket=ticket) == 4401


async def test_43_a_ticket_of_a_session_that_ended_is_no_good(house: House, log_in: LogIn) -> None:
    browser = await log_in()
    ticket = await browser.ticket()
    await browser.ask("DELETE", "/api/v1/session")
    assert await hello(house, type="hello", ticket=ticket) == 4401


async def test_43_somebody_elses_ticket_shows_somebody_elses_calls_only_to_them(house: House, log_in: LogIn) -> None:
    async with (await log_in("jon")).socket() as desktop:
        assert (await desktop.hears())["me"]["agent"] == "jon"
        await desktop.hears_of("snapshot")
        await rings(house)
        house.hub.queue(QueueView(name="billing", waiting=1))
        assert (await desktop.hears_of("queue", "pop", "call", "card"))["type"] == "queue"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "hello",
        "[]",
        '{"type":"focus"}',
        '{"type":"hello"}',
        '{"type":"hello","ticket":7}',
        b'{"type":"hello","ticket":"\xff"}',
    ],
)
async def test_who_does_not_say_hello_first_is_closed(house: House, said: str | bytes) -> None:
    async with open_socket(house, house.origin) as ws:
        await ws.send(said)
        assert await Desktop(ws).closed() == 4400


async def test_who_says_nothing_is_closed_after_the_hellos_time() -> None:
    async with opened(await build(settings={"hello_s": 0.2})) as house, open_socket(house, house.origin) as ws:
        async with asyncio.timeout(5):
            assert await Desktop(ws).closed() == 4408


async def test_who_says_hello_and_goodbye_in_one_breath_leaves_no_ghost(house: House, log_in: LogIn) -> None:
    browser = await log_in()
    async with open_socket(house, house.origin) as ws:
        ws.protocol.send_text(json.dumps({"type": "hello", "ticket": await browser.ticket()}).encode())
        ws.protocol.send_close(1001)
        ws.transport.write(b"".join(ws.protocol.data_to_send()))
        async with asyncio.timeout(5):
            await house.sockets.left.wait()
    assert house.hub.desktops.count == 0
    async with browser.socket() as reloaded:
        assert (await reloaded.hears())["type"] == "welcome"


# ---- pops


async def test_a_ring_reaches_the_socket_and_its_receipts_come_back(house: House, log_in: LogIn) -> None:
    async with (await log_in()).socket() as desktop:
        await desktop.hears_of("snapshot")
        await rings(house)
        pop = (await desktop.hears_of("pop"))["pop"]
        assert pop["card"]["contacts"][0]["name"] == "Anna Berg"
        await desktop.say(type="receipt", pop=pop["pop"], step="received")
        await desktop.say(type="receipt", pop=pop["pop"], step="shown")
        await desktop.say(type="unheard-of")
        await desktop.hears_of("problem")
    assert dict.fromkeys(("decided", "sent", "received", "shown"), 1) == {
        step: histogram.count for step, histogram in house.hub.receipts.steps.items()
    }


async def test_44_a_message_about_somebody_elses_call_or_pop_is_refused_and_audited(
    house: House, log_in: LogIn
) -> None:
    story = await rings(house)
    pop = next(iter(house.hub._desks.of(MARA.id).pops.values()))
    jon = await log_in("jon")
    with capture_logs() as lines:
        async with jon.socket() as desktop:
            await desktop.hears_of("snapshot")
            await desktop.say(type="receipt", pop=pop.id, step="shown")
            await desktop.say(type="focus", call=story.id)
            assert [(await desktop.hears_of("problem"))["code"] for _ in range(2)] == ["forbidden", "forbidden"]
    assert house.hub.receipts.steps["shown"].count == 0
    assert [(line["event"], line.get("agent")) for line in lines if "denied" in line["event"]] == [
        ("desktop_denied", "jon")
    ] * 2


async def test_a_message_not_understood_is_answered_and_the_socket_stays(house: House, log_in: LogIn) -> None:
    async with (await log_in()).socket() as desktop:
        await desktop.hears_of("snapshot")
        for said in ("nonsense", '{"type":"later-version"}', '{"type":"hello","ticket":"again"}'):
            await desktop.ws.send(said)
            assert (await desktop.hears_of("problem", "snapshot"))["type"] == "problem"
        await rings(house)
        assert (await desktop.hears_of("pop"))["type"] == "pop"


async def test_a_desktop_of_a_later_version_may_say_more(log_in: LogIn) -> None:
    async with (await log_in()).socket(colour="blue") as desktop:
        assert (await desktop.hears())["type"] == "welcome"


async def test_two_desktops_of_one_agent_one_at_a_time(log_in: LogIn) -> None:
    browser = await log_in()
    async with browser.socket() as first:
        await first.hears_of("snapshot")
        async with browser.socket() as second:
            assert (await second.hears())["type"] == "occupied"
            assert await second.closed() == 4409
        async with browser.socket(take_over=True) as third:
            assert (await third.hears())["type"] == "welcome"
            assert (await first.hears_of("displaced", "call", "pop"))["type"] == "displaced"
            assert await first.closed() == 4409


async def test_45_a_reader_that_never_reads_again_is_cut_after_a_second(log_in: LogIn, house: House) -> None:
    async with (await log_in("jon")).socket() as slow:
        await slow.hears_of("snapshot")
        slow.ws.transport.pause_reading()
        while not house.hub.dropped:
            for name in range(300):
                house.hub.command(JON.id, f"{time.monotonic_ns()}-{name}", "done", "x" * 1000)
                await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await house.sockets.left.wait()
        slow.ws.transport.abort()


# ---- 46: coming back


async def test_46_ws_resume_after_a_dropped_link(house: House, log_in: LogIn) -> None:
    browser = await log_in()
    async with browser.socket() as desktop:
        stream = (await desktop.hears())["stream"]
        story = await rings(house)
        seq = (await desktop.hears_of("call"))["seq"]
        desktop.ws.transport.abort()
    await house.changed(story.answers(MARA))
    async with browser.socket(resume={"stream": stream, "seq": seq}) as back:
        welcome = await back.hears()
        assert (welcome["resumed"], welcome["stream"]) == (True, stream)
        messages = [await back.hears() for _ in range(3)]
    assert [message["type"] for message in messages] == ["card", "pop_withdrawn", "call"]
    assert list(range(seq + 1, seq + 4)) == [message["seq"] for message in messages]


async def test_46_ws_resume_after_a_restart_of_the_server_is_a_snapshot(house: House, log_in: LogIn) -> None:
    await rings(house)
    async with (await log_in()).socket(resume={"stream": "of-the-server-before", "seq": 40}) as desktop:
        assert (await desktop.hears())["resumed"] is False
        snapshot = await desktop.hears()
    assert (snapshot["type"], len(snapshot["calls"]), len(snapshot["pops"])) == ("snapshot", 1, 1)


# ---- 45: what one client may cost


async def pops_arrive(house: House, desktop: Desktop, times: int = 30) -> None:
    """So many rings, one after the other, each on screen before the next. How fast is the benchmark's business."""
    for number in range(times):
        story = Story(f"pop{number}-{time.monotonic_ns()}")
        house.hub.call_changed(story.offered())
        house.hub.call_changed(story.rings(MARA))
        await desktop.hears_of("pop")
        house.hub.call_changed(story.ends())
        await asyncio.sleep(0)


async def test_45_ws_flood_10000_messages_a_second_close_that_socket_only(house: House, log_in: LogIn) -> None:
    mara, jon = await log_in(), await log_in("jon")
    async with mara.socket() as good, jon.socket() as bad:
        await good.hears_of("snapshot")
        await bad.hears_of("snapshot")
        flood = asyncio.create_task(_flood(bad))
        await pops_arrive(house, good)
        assert await flood == 4429
        await house.sockets.left.wait()
        assert house.hub.refused["4429"] == 1


async def _flood(desktop: Desktop) -> int | None:
    try:
        for number in range(10_000):
            await desktop.ws.send('{"type":"focus","call":null}')
            if number % 100 == 0:
                await asyncio.sleep(0)
    except ConnectionClosed:
        pass
    return await desktop.closed()


@pytest.mark.parametrize("opcode", [0x9, 0xA, 0x1], ids=["ping", "pong", "message"])
async def test_45_a_stranger_s_flood_of_empty_frames_is_broken_off_before_it_is_read(
    house: House, opcode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, process = [], DesktopConnection.process_event

    def noting(connection: DesktopConnection, event: Event) -> None:
        read.append(event)
        process(connection, event)

    monkeypatch.setattr(DesktopConnection, "process_event", noting)
    async with asyncio.timeout(5), open_socket(house, house.origin) as ws:
        ws.transport.write(bytes((0x80 | opcode, 0x80, 0, 0, 0, 0)) * 20_000)
        assert await Desktop(ws).closed() in {4429, 4400}  # an empty message is no hello
    assert FRAMES_AT_ONCE < len(read) < FRAMES_AT_ONCE + 100


async def test_45_a_frame_of_1_mb_closes_that_socket_only(house: House, log_in: LogIn) -> None:
    mara, jon = await log_in(), await log_in("jon")
    async with mara.socket() as good, jon.socket() as bad:
        await good.hears_of("snapshot")
        await bad.hears_of("snapshot")
        await bad.ws.send("x" * 1_000_000)
        assert await bad.closed() == 1009
        await rings(house)
        assert (await good.hears_of("pop"))["type"] == "pop"


async def test_45_a_reader_that_stopped_is_dropped_and_costs_only_itself(log_in: LogIn, house: House) -> None:
    mara, jon = await log_in(), await log_in("jon")
    async with mara.socket() as good, jon.socket() as slow:
        await good.hears_of("snapshot")
        await slow.hears_of("snapshot")
        slow.ws.transport.pause_reading()
        for number in range(200):
            for name in range(40):
                house.hub.command(JON.id, f"{number}-{name}", "done", "x" * 1000)
            await asyncio.sleep(0)
            if house.hub.dropped:
                break
        assert house.hub.dropped == 1
        await pops_arrive(house, good, 10)
        slow.ws.transport.resume_reading()
        assert await slow.closed() in {4413, 1006}
    async with jon.socket() as back:
        await back.hears_of("snapshot")


async def test_45_idle_sockets_that_say_nothing_keep_nobody_out() -> None:
    async with opened(await build(settings={"hello_s": 3.0, "unknown_per_address": 200})) as house:
        idle = [asyncio.create_task(_idle(house)) for _ in range(300)]
        statuses = [await task for task in idle]
        assert 503 in statuses
        assert sum(status == 101 for status in statuses) <= 200
        async with Browser(house) as browser, (await browser.log_in()).socket() as desktop:
            assert (await desktop.hears())["type"] == "welcome"


@pytest.mark.parametrize(("proxies", "is_let_in"), [(frozenset({"127.0.0.1"}), True), (frozenset(), False)])
async def test_45_behind_a_proxy_of_ours_a_stranger_s_idle_sockets_are_counted_as_theirs(
    proxies: frozenset[str],
    is_let_in: bool,  # noqa: FBT001
) -> None:
    async with opened(await build(settings={"unknown_per_address": 1, "proxies": proxies})) as house:
        stranger = [("X-Forwarded-For", "10.0.0.7"), ("X-Forwarded-For", "6.6.6.6")]
        async with open_socket(house, house.origin, additional_headers=stranger):
            assert await _status(house, "6.6.6.6") == 503
            assert (await _status(house, "10.0.0.7") == 101) is is_let_in


async def _status(house: House, forwarded: str) -> int:
    try:
        async with open_socket(house, house.origin, additional_headers=[("X-Forwarded-For", forwarded)]):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


async def _idle(house: House) -> int:
    try:
        ws = await open_socket(house, house.origin)
    except InvalidStatus as refused:
        return refused.response.status_code
    try:
        await ws.wait_closed()
    finally:
        await ws.close()
    return 101


async def test_the_server_says_goodbye_when_it_stops() -> None:
    house = await build()
    async with Browser(house) as browser, contextlib.AsyncExitStack() as stack:
        async with opened(house):
            desktop = await stack.enter_async_context((await browser.log_in()).socket())
            await desktop.hears_of("snapshot")
        assert await desktop.closed() == 1001
