"""What every ``PbxLink`` does with members of queues: the twin that plays recordings, and real Asterisks.

Done means that the PBX's event said so: the news is there before the result. What only a real Asterisk has (members of its
configuration, others who change them) is in ``tests/integration/pbx/test_members.py``.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

import pytest

from cti.calls.call import PbxName
from cti.telephony.asterisk.dialplan import Dialplan
from cti.telephony.commands import AddMember, Command, Done, Failed, Originate, PauseMember, RemoveMember, SetPenalty
from cti.telephony.link import LinkChanged, MembersRead
from cti.telephony.replay.player import Player
from cti.telephony.replay.score import Play
from tests.integration.pbx.test_members import Desk, at_work, state
from tests.testbed import parts
from tests.testbed.asterisk import Asterisk

ADD = AddMember(id="add", queue="empty", device="PJSIP/2001", name="ann", penalty=3, reason="lunch break")
PAUSE = PauseMember(id="pause", queue="empty", device="PJSIP/2001", paused=True, reason="team talk")
WEIGH = SetPenalty(id="weigh", queue="empty", device="PJSIP/2001", penalty=7)
REMOVE = RemoveMember(id="remove", queue="empty", device="PJSIP/2001")
ANN = {
    "device": "PJSIP/2001", "name": "ann", "is_member": True, "is_dynamic": True, "paused": True, "reason": "lunch break", "penalty": 3,
}  # fmt: skip
REAL = [
    pytest.param(version, id=f"asterisk {version}", marks=pytest.mark.real_asterisk)
    for version in parts.ASTERISK_VERSIONS
]


class Silence:
    """A programme in which nobody calls."""

    def begin(self, now_s: float, busy: frozenset[str]) -> Sequence[Play]:  # noqa: ARG002
        return ()

    def next_s(self) -> float:
        return float("inf")

    def rings(self, play: Play, phone: str, taken: frozenset[str], now_s: float) -> Play:  # noqa: ARG002
        return play

    def ended(self, play: Play, now_s: float) -> None: ...

    def member(self, member: object) -> None: ...

    def dialled(self, command: Originate) -> None: ...


@contextlib.asynccontextmanager
async def twin() -> AsyncIterator[Desk]:
    desk = Desk(Player(PbxName("demo"), Silence(), dialplan=Dialplan()))  # type: ignore[arg-type]
    running = asyncio.create_task(desk.link.run(desk.hear))
    await desk.until(lambda: bool(desk.news) and isinstance(desk.news[-1], MembersRead))
    yield desk
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.fixture(params=["twin", *REAL])
async def desk(request: pytest.FixtureRequest, asterisk_of: Callable[[str], Asterisk]) -> AsyncIterator[Desk]:
    if request.param == "twin":
        async with twin() as opened:
            yield opened
        return
    asterisk = asterisk_of(request.param)
    if not asterisk.is_running:
        asterisk.start()
    async with at_work(asterisk, asterisk.ports.ami) as opened:
        await opened.send(replace(REMOVE, id="before"))
        yield opened


async def test_the_lists_are_read_once_the_link_is_up(desk: Desk) -> None:
    kinds = [type(news) for news in desk.news if isinstance(news, LinkChanged | MembersRead)]
    assert kinds[:2] == [LinkChanged, MembersRead]


async def test_an_agents_day_in_a_queue_each_step_told_before_it_is_done(desk: Desk) -> None:
    result, told = await desk.send(ADD)
    assert (result, state(told[-1])) == (Done(command="add"), ANN)
    result, told = await desk.send(PAUSE)
    assert (result, [state(one) for one in told]) == (Done(command="pause"), [ANN | {"reason": "team talk"}])
    ready = ANN | {"paused": False, "reason": ""}
    result, told = await desk.send(replace(PAUSE, id="unpause", paused=False, reason=""))
    assert (result, [state(one) for one in told]) == (Done(command="unpause"), [ready])
    heavy = ready | {"penalty": 7}
    result, told = await desk.send(WEIGH)
    assert (result, [state(one) for one in told]) == (Done(command="weigh"), [heavy])
    result, told = await desk.send(REMOVE)
    assert (result, [state(one) for one in told]) == (Done(command="remove"), [heavy | {"is_member": False}])


async def test_who_is_a_member_already_is_paused_as_asked_and_stays_one(desk: Desk) -> None:
    await desk.send(ADD)
    result, told = await desk.send(replace(ADD, id="again", paused=False, reason="", penalty=9))
    ready = ANN | {"paused": False, "reason": ""}
    assert (result, [state(one) for one in told]) == (Done(command="again"), [ready])


async def test_what_is_so_already_is_done_and_no_news(desk: Desk) -> None:
    await desk.send(ADD)
    assert await desk.send(replace(PAUSE, reason="lunch break")) == (Done(command="pause"), [])
    await desk.send(REMOVE)
    assert await desk.send(replace(REMOVE, id="twice")) == (Done(command="twice"), [])


@pytest.mark.parametrize(
    ("command", "words"),
    [(PAUSE, "Interface not found"), (WEIGH, "Invalid interface, queuename or penalty")],
    ids=["paused", "weighed"],
)
async def test_who_is_no_member_can_be_neither(desk: Desk, command: Command, words: str) -> None:
    assert await desk.send(command) == (Failed(command=command.id, reason=words), [])


async def test_the_same_command_twice_is_done_once(desk: Desk) -> None:
    await desk.send(ADD)
    first = await desk.send(REMOVE)
    await desk.send(replace(ADD, id="anew"))
    assert (await desk.send(REMOVE), first[0]) == ((Done(command="remove"), []), Done(command="remove"))
    assert desk.member("empty", "PJSIP/2001") is not None


@pytest.mark.parametrize(
    "command",
    [replace(PAUSE, reason="x" * 61), replace(PAUSE, reason="a\r\nAction: x"), replace(ADD, device="SIP&")],
    ids=["a long reason", "lines", "no device"],
)
async def test_what_must_not_be_sent_is_not(desk: Desk, command: Command) -> None:
    with pytest.raises(ValueError, match=r"reason|device"):
        await desk.send(command)
