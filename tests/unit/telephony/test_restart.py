"""Has the PBX been started anew, or was only the connection lost? Also where its clock is an hour off."""

from datetime import UTC, datetime, timedelta

import pytest

from cti.calls.call import Call
from cti.telephony.asterisk.ami_codec import AmiDecoder
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.narrator import Narrator
from tests.unit.telephony.fake_ami import Chan, FakeAmi, event, linked, listed

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
"""By our clock, when the call began."""
CALLER = Chan(id="1.1", state="4")
CLOCKS = pytest.mark.parametrize("ahead_s", [0.0, 3600.0, -3600.0], ids=["right", "an hour ahead", "an hour behind"])


def in_a_call(ahead_s: float) -> Narrator:
    narrator = Narrator("main", Endpoints())
    for message in AmiDecoder().feed(event("Newchannel", CALLER, at=NOON.timestamp() + ahead_s)):
        narrator.feed(message, received_at=NOON, monotonic_s=0.0)
    return narrator


@CLOCKS
def test_a_pbx_that_has_been_up_for_long_ends_no_call(ahead_s: float) -> None:
    narrator = in_a_call(ahead_s)
    assert narrator.booted(1000.0, NOON + timedelta(seconds=30)) == []
    assert len(narrator.tracker.live) == 1


@CLOCKS
def test_a_pbx_that_was_started_since_ends_them_all_when_the_connection_was_lost(ahead_s: float) -> None:
    narrator = in_a_call(ahead_s)
    lost_at = NOON + timedelta(seconds=20)
    (change,) = narrator.booted(5.0, NOON + timedelta(seconds=30), lost_at=lost_at)
    call: Call = change.after
    assert (call.cause, call.ended_by) == ("pbx_restart", "system")
    assert call.ended_at is not None
    assert (call.ended_at - call.offered_at).total_seconds() == 20.0
    assert narrator.tracker.live == ()


async def test_11_asterisk_kill9_on_the_wire() -> None:
    """Ids may be used again after a restart: the old call ends, the new one begins."""
    async with FakeAmi({"CoreShowChannels": [listed(CALLER)]}) as pbx, linked(pbx) as watched:
        await watched.until_connected()
        await pbx.say(event("Newstate", Chan(id="1.1"), at=datetime.now(UTC).timestamp()))
        pbx.uptime_s, pbx.lists = 0, {}
        pbx.cut()
        await watched.until_connected(2)
        assert watched.link.calls == ()
        causes = [getattr(news, "after", None) and news.after.cause for news in watched.news]  # type: ignore[union-attr]
        assert "pbx_restart" in causes


async def test_the_link_was_lost_and_the_pbx_was_not() -> None:
    async with FakeAmi({"CoreShowChannels": [listed(CALLER)]}) as pbx, linked(pbx) as watched:
        await watched.until_connected()
        (before,) = watched.link.calls
        pbx.cut()
        await watched.until_connected(2)
        (after,) = watched.link.calls
        assert (after.id, after.sequence) == (before.id, before.sequence)


async def test_the_loss_is_told_once_with_its_reason() -> None:
    async with FakeAmi() as pbx, linked(pbx) as watched:
        await watched.until_connected()
        pbx.greeting = b"x" * 100_000  # whatever that is
        pbx.cut()
        await watched.until(lambda: pbx.connections >= 3)
        states = [news.state for news in watched.news if hasattr(news, "state")]
        assert states[0] == "connected"
        assert states.count("lost") <= 2
        assert "connected" not in states[1:]


async def test_40_uniqueid_collision_two_links_two_calls() -> None:
    """The same Uniqueid on two PBXs, heard at the same time."""
    async with (
        FakeAmi({"CoreShowChannels": [listed(CALLER)]}) as north,
        FakeAmi({"CoreShowChannels": [listed(CALLER)]}) as south,
        linked(north, "north") as one,
        linked(south, "south") as other,
    ):
        await one.until_connected()
        await other.until_connected()
        assert ([call.id for call in one.link.calls], [call.id for call in other.link.calls]) == (
            ["north-1.1"],
            ["south-1.1"],
        )
        await north.say(event("Hangup", CALLER, ("Cause", "16")))
        await one.until(lambda: not one.link.calls)
        assert len(other.link.calls) == 1
