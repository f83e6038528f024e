"""The link in trouble of its own making."""

import asyncio
from datetime import UTC, datetime

import pytest

from cti.calls.call import PbxName
from cti.cli.check import clock_offset_s
from cti.telephony.asterisk.account import Account
from cti.telephony.asterisk.ami_codec import AmiDecoder, AmiMessage
from cti.telephony.asterisk.ami_link import AmiLink
from cti.telephony.asterisk.control import Control
from cti.telephony.asterisk.dialplan import Dialplan
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.kinds.kind import Message
from cti.telephony.asterisk.narrator import Narrator
from tests.unit.telephony.fake_ami import SECRET, Chan, FakeAmi, event, linked, listed

CALL = Chan(id="1.1")


async def test_a_mistake_of_ours_in_one_event_costs_a_connection_and_not_the_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feed, broken = Narrator.feed, [True]

    def breaks_once(self: Narrator, message: AmiMessage, **more: object) -> object:
        if message.event == "Hold" and broken:
            broken.clear()
            raise KeyError("a mistake of ours")
        return feed(self, message, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Narrator, "feed", breaks_once)
    async with FakeAmi({"CoreShowChannels": [listed(CALL)]}) as pbx, linked(pbx) as watched:
        await watched.until_connected()
        await pbx.say(event("Hold", CALL))
        await watched.until_connected(2)
        assert [call.id for call in watched.link.calls] == ["main-1.1"]
        await pbx.say(event("Hangup", CALL, ("Cause", "16")))
        await watched.until(lambda: not watched.link.calls)


async def test_a_stamp_that_comes_after_all_the_lists_still_tells_the_clock() -> None:
    async with FakeAmi() as pbx, linked(pbx) as watched:
        await watched.until_connected()
        asked = asyncio.create_task(clock_offset_s(watched.link, within_s=10))
        await asyncio.sleep(0)
        assert not asked.done()
        await pbx.say(event("SuccessfulAuth", at=datetime.now(UTC).timestamp() + 100))
        assert await asked == pytest.approx(100, abs=5)


async def test_a_pbx_that_stamps_nothing_tells_no_clock() -> None:
    async with FakeAmi() as pbx, linked(pbx) as watched:
        await watched.until_connected()
        assert await clock_offset_s(watched.link, within_s=0) is None


class Listening(Control):
    """A command plane that notes the events it is shown."""

    def __init__(self) -> None:
        super().__init__(PbxName("main"), Account(user="u", secret=SECRET), Dialplan())
        self.heard: list[str] = []

    def feed(self, message: Message) -> None:
        self.heard.append(message.event)


def test_what_is_not_believed_confirms_no_command() -> None:
    """A stranger's name may hold a whole event; that the agent's leg was hung up is not its to say."""
    control = Listening()
    link = AmiLink(PbxName("main"), Account(user="u", secret=SECRET), Endpoints(), control=control)
    forged = event("OriginateResponse", None, ("ActionID", "cti-1"), ("Response", "Success")).decode()
    cut = event("Newchannel", Chan(id="1.2", caller_name=f"x\r\n\r\n{forged}CallerIDName: y"))
    for message in AmiDecoder().feed(event("Newchannel", CALL) + cut + event("Hangup", CALL, ("Cause", "16"))):
        link._hear(message, datetime(2026, 1, 1, tzinfo=UTC), 0.0)
    assert control.heard == ["Newchannel", "Hangup"]
    assert link.narrator.not_believed == 3
