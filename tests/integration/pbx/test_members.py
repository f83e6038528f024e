"""Agents as members of a real Asterisk's queues: what is asked is done when the queue says so, and what others do is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from cti.calls.call import PbxName
from cti.telephony.asterisk.account import Account
from cti.telephony.asterisk.ami_link import AmiLink
from cti.telephony.asterisk.ami_wire import Limits
from cti.telephony.asterisk.control import Control
from cti.telephony.asterisk.dialplan import Dialplan
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.commands import AddMember, Command, Done, Failed, PauseMember, RemoveMember, SetPenalty
from cti.telephony.link import LinkChanged, MemberChanged, MembersRead, News
from tests.testbed import ami
from tests.testbed.asterisk import Asterisk
from tests.testbed.proxy import TcpProxy
from tests.testbed.story import Stage, connect

LIMIT_S = 15.0
MAIN = PbxName("main")
ADD = AddMember(id="add", queue="empty", device="PJSIP/2001", name="ann", penalty=3, reason="lunch break")
PAUSE = PauseMember(id="pause", queue="empty", device="PJSIP/2001", paused=True, reason="team talk")
UNPAUSE = replace(PAUSE, id="unpause", paused=False, reason="")
WEIGH = SetPenalty(id="weigh", queue="empty", device="PJSIP/2001", penalty=7)
REMOVE = RemoveMember(id="remove", queue="empty", device="PJSIP/2001")


@dataclass(slots=True)
class Desk:
    """Who hears the news and gives the commands."""

    link: AmiLink
    news: list[News] = field(default_factory=list)
    _told: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, news: News) -> None:
        self.news.append(news)
        self._told.set()

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not reached():
                self._told.clear()
                await self._told.wait()

    async def send(self, command: Command) -> tuple[Done | Failed, list[MemberChanged]]:
        """Its result, and what had been told of members by then."""
        before = len(self.news)
        result = await asyncio.wait_for(self.link.send(command), LIMIT_S)
        return result, [news for news in self.news[before:] if isinstance(news, MemberChanged)]

    def member(self, queue: str, device: str) -> MemberChanged | None:
        """As last told."""
        told = [n for n in self.news if isinstance(n, MemberChanged) and (n.queue, n.device) == (queue, device)]
        return told[-1] if told and told[-1].is_member else None

    async def connected(self) -> None:
        def is_read() -> bool:
            return bool(self.news) and isinstance(self.news[-1], MembersRead)

        await self.until(is_read)
        while (control := self.link._control) is None or not control.is_connected:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def at_work(asterisk: Asterisk, events_port: int) -> AsyncIterator[Desk]:
    options = asterisk.options
    listens = Account(port=events_port, user=options.events_user, secret=options.events_secret)
    acts = Account(port=asterisk.ports.ami, user=options.commands_user, secret=options.commands_secret)
    control = Control(MAIN, acts, Dialplan(), Limits(backoff_first_s=0.1))
    desk = Desk(AmiLink(MAIN, listens, Endpoints(), control=control))
    running = asyncio.create_task(desk.link.run(desk.hear))
    await asyncio.wait_for(desk.connected(), LIMIT_S)
    yield desk
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await asyncio.to_thread(asterisk.hang_up_everything)


@pytest.fixture
async def desk(asterisk: Asterisk) -> AsyncIterator[Desk]:
    async with at_work(asterisk, asterisk.ports.ami) as desk:
        yield desk


@pytest.fixture
async def supervisor(asterisk: Asterisk) -> AsyncIterator[ami.AmiWire]:
    """Somebody else who may act on queues."""
    wire = await ami.commands_account(asterisk)
    yield wire
    await wire.close()


def state(told: MemberChanged) -> Mapping[str, object]:
    return {
        "device": told.device,
        "name": told.name,
        "is_member": told.is_member,
        "is_dynamic": told.is_dynamic,
        "paused": told.paused,
        "reason": told.reason,
        "penalty": told.penalty,
    }


ANN = {
    "device": "PJSIP/2001", "name": "ann", "is_member": True, "is_dynamic": True, "paused": True, "reason": "lunch break", "penalty": 3,
}  # fmt: skip


async def test_an_agent_s_day_in_a_queue_each_step_done_when_the_queue_has_said_so(desk: Desk) -> None:
    result, told = await desk.send(ADD)
    assert (result, state(told[-1])) == (Done(command="add"), ANN)
    result, told = await desk.send(PAUSE)
    assert (result, [state(one) for one in told]) == (Done(command="pause"), [ANN | {"reason": "team talk"}])
    result, told = await desk.send(UNPAUSE)
    ready = ANN | {"paused": False, "reason": ""}
    assert (result, [state(one) for one in told]) == (Done(command="unpause"), [ready])
    result, told = await desk.send(WEIGH)
    assert (result, [state(one) for one in told]) == (Done(command="weigh"), [ready | {"penalty": 7}])
    result, told = await desk.send(REMOVE)
    assert (result, [state(one) for one in told]) == (
        Done(command="remove"),
        [ready | {"penalty": 7, "is_member": False}],
    )


async def test_an_agent_may_begin_unpaused(desk: Desk) -> None:
    result, told = await desk.send(replace(ADD, paused=False, reason=""))
    assert (result, state(told[-1])) == (Done(command="add"), ANN | {"paused": False, "reason": ""})


async def test_who_is_a_member_already_is_made_as_asked(desk: Desk, supervisor: ami.AmiWire) -> None:
    await supervisor.action("QueueAdd", {"Queue": "empty", "Interface": "PJSIP/2001", "MemberName": "ann"})
    await desk.until(lambda: desk.member("empty", "PJSIP/2001") is not None)
    result, told = await desk.send(ADD)
    assert (result, state(told[-1])) == (Done(command="add"), ANN | {"penalty": 0})


async def test_who_is_no_member_is_as_good_as_removed(desk: Desk) -> None:
    assert await desk.send(REMOVE) == (Done(command="remove"), [])


async def test_a_pause_that_is_there_already_is_confirmed_and_no_news(desk: Desk) -> None:
    await desk.send(ADD)
    for number in range(2):
        again = replace(PAUSE, id=f"again-{number}", reason=ADD.reason)
        assert await desk.send(again) == (Done(command=again.id), [])


async def test_a_pause_without_a_reason_takes_the_old_one_away(desk: Desk) -> None:
    await desk.send(ADD)
    result, told = await desk.send(replace(PAUSE, reason=""))
    assert (result, [state(one) for one in told]) == (Done(command="pause"), [ANN | {"reason": ""}])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (PAUSE, "Interface not found"),
        (WEIGH, "Invalid interface, queuename or penalty"),
        (replace(ADD, queue="nowhere"), "Unable to add interface to queue: No such queue"),
        (replace(REMOVE, queue="nowhere"), "Unable to remove interface from queue: No such queue"),
        (replace(REMOVE, queue="support"), "Member not dynamic"),
    ],
)
async def test_what_cannot_be_is_told_in_the_pbx_s_words(desk: Desk, command: Command, words: str) -> None:
    assert await desk.send(command) == (Failed(command=command.id, reason=words), [])


@pytest.mark.parametrize("queue", ["support", "viaLocal", "viaLocalN"])
async def test_a_member_of_the_configuration_is_paused_by_its_phone(desk: Desk, queue: str) -> None:
    """Also where the queue reaches the phone through a Local channel."""
    before = desk.member(queue, "PJSIP/2001")
    assert before is not None
    assert not before.is_dynamic
    result, told = await desk.send(replace(PAUSE, queue=queue))
    assert result == Done(command="pause")
    assert [(one.queue, one.device, one.paused, one.reason) for one in told] == [
        (queue, "PJSIP/2001", True, "team talk")
    ]


async def test_what_somebody_else_does_to_a_member_is_told(desk: Desk, supervisor: ami.AmiWire) -> None:
    await desk.send(ADD)
    who = {"Interface": "PJSIP/2001", "Queue": "empty"}
    await supervisor.action("QueuePause", who | {"Paused": "true", "Reason": "by hand"})
    await desk.until(lambda: (now := desk.member("empty", "PJSIP/2001")) is not None and now.reason == "by hand")
    await supervisor.action("QueueRemove", who)
    await desk.until(lambda: desk.member("empty", "PJSIP/2001") is None)


async def test_each_time_the_lists_are_read_every_member_is_told_anew(desk: Desk) -> None:
    first = [news for news in desk.news if isinstance(news, MemberChanged)]
    assert {(told.queue, told.device) for told in first} >= {("support", "PJSIP/2001"), ("viaLocal", "PJSIP/2001")}
    desk.news.clear()
    desk.link._reconcile_at_s = 0.0
    await asyncio.wait_for(desk.connected(), LIMIT_S)
    again = [news for news in desk.news if isinstance(news, MemberChanged)]
    assert [state(told) for told in again] == [state(told) for told in first]
    read = desk.news[-1]
    assert isinstance(read, MembersRead)
    assert all(read.began_at <= told.at <= read.at for told in again)


async def test_what_happened_while_we_were_away_is_told_once_commands_are_taken_again(
    asterisk: Asterisk, ami_proxy: TcpProxy, supervisor: ami.AmiWire
) -> None:
    async with at_work(asterisk, ami_proxy.port) as desk:
        await desk.send(ADD)
        desk.news.clear()
        ami_proxy.cut()
        await supervisor.action("QueueRemove", {"Interface": "PJSIP/2001", "Queue": "empty"})
        await desk.connected()
    states = [news.state for news in desk.news if isinstance(news, LinkChanged)]
    told = [news for news in desk.news if isinstance(news, MemberChanged)]
    assert states == ["lost", "connected"]
    assert not any(isinstance(news, MemberChanged) for news in desk.news[:2])
    assert [one.is_member for one in told if one.queue == "empty"] == [False]
    assert {one.queue for one in told if one.is_member} >= {"support", "sales", "billing"}


async def test_the_pbx_itself_holds_the_next_call_back_for_two_seconds_in_all_queues(stage: Stage) -> None:
    """So that our pause comes in time, and nobody waits longer when it never comes."""
    caller, agent = await connect(stage)
    agent.hang_up()
    await caller.until_over()
    ended = asyncio.get_running_loop().time()
    stage.caller("0800100300")
    await stage.agents["2001"].rings()
    assert 1.0 < asyncio.get_running_loop().time() - ended < 4.0
