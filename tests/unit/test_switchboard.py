"""What agents ask of a PBX: whose phone, which PBX, and the answer back to the desktop."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from cti.calls.call import Call, CallId, PbxName
from cti.errors import Conflict, NotFound, PbxUnavailable, RequestError
from cti.screenpop.hub import Hub, HubSettings
from cti.screenpop.views import Site
from cti.switchboard import Switchboard
from cti.telephony.commands import Command, Done, Failed, Hangup, Originate, Result
from cti.telephony.link import LinkChanged, Sink
from tests.unit.screenpop.fakes import PaperDesktop
from tests.unit.screenpop.stories import AGENTS, JON, MARA, Story

FULL_WIDTH = {ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)}
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass(slots=True)
class PaperLink:
    """A PBX that does what the test says."""

    name: PbxName
    state: str = "connected"
    answer: Result | None = None
    refusal: str = ""
    is_stuck: bool = False
    calls: tuple[Call, ...] = ()
    sent: list[Command] = field(default_factory=list)

    @property
    def status(self) -> LinkChanged:
        return LinkChanged(pbx=self.name, state=self.state, at=NOW)  # type: ignore[arg-type]

    def check(self, _command: Command) -> None:
        if self.refusal:
            raise ValueError(self.refusal)

    async def send(self, command: Command) -> Result:
        self.sent.append(command)
        if self.is_stuck:
            await asyncio.Event().wait()
        return self.answer or Done(command=command.id)

    async def run(self, sink: Sink) -> None:
        raise NotImplementedError

    def restore(self, calls: tuple[Call, ...]) -> None:
        raise NotImplementedError


class Desk:
    """A switchboard over PBXs north and south, and Mara's desktop."""

    def __init__(self) -> None:
        self.hub = Hub(HubSettings(site=Site("DE", {})))
        self.hub.roster(AGENTS)
        self.north, self.south = PaperLink(PbxName("north")), PaperLink(PbxName("south"))
        self.board = Switchboard({link.name: link for link in (self.north, self.south)}, self.hub)
        self.desktop = PaperDesktop(self.hub, MARA.id).connect()

    async def told(self) -> list[tuple[str, str, str]]:
        await asyncio.gather(*self.board._running)
        return [
            (one["command"], one["status"], one["reason"]) for one in self.desktop.read() if one["type"] == "command"
        ]


@pytest.fixture
async def desk() -> Desk:
    return Desk()


def talking(story: Story) -> Call:
    story.offered()
    story.rings(MARA)
    return story.answers(MARA).after


async def test_click_to_dial_rings_one_s_own_phone(desk: Desk) -> None:
    await desk.board.originate(MARA, "030 / 555 12-34", "dial-1")
    assert await desk.told() == [("dial-1", "done", "")]
    assert desk.north.sent == [Originate(id="dial-1", device="PJSIP/1001", to="0305551234")]


async def test_a_failure_is_told_in_the_pbx_s_words(desk: Desk) -> None:
    desk.north.answer = Failed(command="dial-1", reason="User busy")
    await desk.board.originate(MARA, "030 5551234", "dial-1")
    assert await desk.told() == [("dial-1", "failed", "User busy")]


async def test_the_same_id_again_is_the_same_command(desk: Desk) -> None:
    for _ in range(3):
        await desk.board.originate(MARA, "030 5551234", "dial-1")
    assert len(await desk.told()) == 1
    assert len(desk.north.sent) == 1


@pytest.mark.parametrize("to", ["", "abc", "+", "2002&PJSIP/trunk/0900", "030 5551234 ext. 12", "0900;x=1"])
async def test_what_is_no_number_is_refused(desk: Desk, to: str) -> None:
    with pytest.raises(RequestError):
        await desk.board.originate(MARA, to, "dial-1")
    assert desk.north.sent == []


async def test_full_width_digits_are_digits(desk: Desk) -> None:
    await desk.board.originate(MARA, "030 5551234".translate(FULL_WIDTH), "dial-1")
    await desk.told()
    assert desk.north.sent[0].to == "0305551234"  # type: ignore[attr-defined]


async def test_what_the_link_refuses_is_told_to_the_asker_and_not_sent(desk: Desk) -> None:
    desk.north.refusal = "to: calls to US are not allowed"
    with pytest.raises(RequestError, match="not allowed"):
        await desk.board.originate(MARA, "+19005551234", "dial-1")
    assert desk.north.sent == []


async def test_who_has_no_phone_cannot_call(desk: Desk) -> None:
    with pytest.raises(Conflict):
        await desk.board.originate(replace(MARA, device=""), "030 5551234", "dial-1")


async def test_the_pbx_that_has_the_phone_in_a_call_is_asked(desk: Desk) -> None:
    desk.south.calls = (talking(Story()),)
    await desk.board.originate(MARA, "030 5551234", "dial-1")
    await desk.told()
    assert (len(desk.north.sent), len(desk.south.sent)) == (0, 1)


async def test_a_pbx_that_is_up_is_asked_before_one_that_is_not(desk: Desk) -> None:
    desk.north.state = "lost"
    await desk.board.originate(MARA, "030 5551234", "dial-1")
    await desk.told()
    assert len(desk.south.sent) == 1


async def test_with_no_pbx_up_nothing_is_accepted(desk: Desk) -> None:
    desk.north.state = desk.south.state = "lost"
    with pytest.raises(PbxUnavailable):
        await desk.board.originate(MARA, "030 5551234", "dial-1")
    with pytest.raises(PbxUnavailable):
        await Switchboard({}, desk.hub).originate(MARA, "030 5551234", "dial-1")


async def test_hanging_up_ends_one_s_own_leg(desk: Desk) -> None:
    call = talking(Story())
    desk.south.calls = (call,)
    await desk.board.hang_up(MARA, call.id, "end-1")
    assert await desk.told() == [("end-1", "done", "")]
    assert desk.south.sent == [Hangup(id="end-1", call=call.id, leg=call.legs[1].party.leg)]


async def test_a_call_one_is_not_in_cannot_be_hung_up(desk: Desk) -> None:
    call = talking(Story())
    desk.south.calls = (call,)
    with pytest.raises(Conflict):
        await desk.board.hang_up(JON, call.id, "end-1")
    with pytest.raises(NotFound):
        await desk.board.hang_up(MARA, CallId("main-9"), "end-1")


async def test_a_stop_leaves_nothing_running(desk: Desk) -> None:
    desk.north.is_stuck = True
    await desk.board.originate(MARA, "030 5551234", "dial-1")
    await desk.board.close()
    assert not desk.board._running
