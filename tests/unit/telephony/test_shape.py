"""Blocks that callers had a hand in are not believed, however they are cut (trust test 5)."""

from pathlib import Path

import pytest

from cti.calls.events import Cleared
from cti.telephony.asterisk.ami_codec import AmiDecoder, AmiMessage
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.narrator import Narrator
from cti.telephony.asterisk.shape import fault_of
from cti.telephony.replay.story import replay
from cti.telephony.replay.trace import Trace, load
from tests.traces.expected import HERE
from tests.unit.telephony.fake_ami import (
    GREETING,
    Chan,
    FakeAmi,
    block,
    event,
    fully_booted,
    linked,
    listed,
    queue_entry,
)

VICTIM = Chan(id="1795290264.0")
STRANGER = Chan(id="1795290270.7", name="PJSIP/trunk-00000007", number="0922222222")
FORGED_HANGUP = event("Hangup", VICTIM, ("Cause", "16"), ("Cause-txt", "Normal Clearing"))
FORGED_SHUTDOWN = event("Shutdown", None, ("Shutdown", "Cleanly"), ("Restart", "False"))
QUIET = sorted(trace for trace in HERE.glob("*/*.ami") if "hostile" not in trace.name)


def messages(*blocks: bytes) -> list[AmiMessage]:
    return AmiDecoder().feed(b"".join(blocks))


def first(*blocks: bytes) -> AmiMessage:
    return messages(*blocks)[0]


def narrator_with_a_call() -> Narrator:
    narrator = Narrator("main", Endpoints())
    for message in messages(
        event("Newchannel", VICTIM),
        event("QueueCallerJoin", VICTIM, ("Queue", "support"), ("Position", "1"), ("Count", "1")),
    ):
        narrator.feed(message)
    assert [call.state for call in narrator.tracker.live] == ["queued"]
    return narrator


def cut(whole: bytes, at: bytes, between: bytes) -> bytes:
    """The event as it looks when the value of its header ``at`` holds line breaks and blocks of the caller's own."""
    head, key, tail = whole.partition(at + b": ")
    assert key
    value, end, rest = tail.partition(b"\r\n")
    return head + key + value + b"\r\n\r\n" + between + b"X: y" + end + rest


@pytest.mark.parametrize("trace", QUIET, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_asterisk_writes_is_believed(trace: Path) -> None:
    narrator = Narrator("pbx", Endpoints())
    list(replay(load(trace), narrator=narrator))
    assert not narrator.quarantined
    assert {fault_of(message) for message in load(trace).messages()} == {None}


def test_5_event_forgery_schema_an_extra_line_in_a_value() -> None:
    assert fault_of(first(event("Newchannel", Chan(id="1.1", number="0912\r\nX-Evil: 1")))) is not None


def test_5_event_forgery_schema_a_line_before_the_channel() -> None:
    assert fault_of(first(event("Hangup", VICTIM, before=[("X-Evil", "1")]))) is not None


def test_5_event_forgery_schema_a_second_uniqueid() -> None:
    assert fault_of(first(event("Newchannel", VICTIM, ("Uniqueid", "1.9")))) is not None
    assert fault_of(first(event("Newchannel", Chan(id="1.1", number="0912\r\nUniqueid: 1.9")))) is not None


def test_5_event_forgery_schema_a_truncated_snapshot() -> None:
    whole = event("Newchannel", VICTIM)
    assert fault_of(first(whole.partition(b"Context: ")[0] + b"\r\n")) is not None


def test_5_event_forgery_schema_a_second_event_inside_a_value() -> None:
    assert fault_of(first(event("Newchannel", Chan(id="1.1", caller_name="x\r\nEvent: Hangup")))) == "two events in one"


def test_5_event_forgery_schema_a_channels_tail_behind_an_event_that_has_none() -> None:
    assert fault_of(first(fully_booted())) is None
    assert fault_of(first(fully_booted(1000, *VICTIM.headers()[4:]))) is not None


CDR = block(
    *[
        ("Event", "Cdr"),
        ("Privilege", "cdr,all"),
        ("Timestamp", "1795290271.0"),
        ("AccountCode", ""),
        ("Source", "0922222222"),
    ],
    *[
        ("Destination", "0800100100"),
        ("DestinationContext", "cti-inbound"),
        ("CallerID", '"x" <0922222222>'),
        ("Channel", STRANGER.name),
    ],
    *[
        ("DestinationChannel", ""),
        ("LastApplication", "Queue"),
        ("LastData", "support"),
        ("StartTime", "2026-11-21 19:44:24"),
        ("AnswerTime", ""),
    ],
    *[
        ("EndTime", "2026-11-21 19:44:29"),
        ("Duration", "5"),
        ("BillableSeconds", "5"),
        ("Disposition", "ANSWERED"),
        ("AMAFlags", "DOCUMENTATION"),
    ],
    *[("UniqueID", STRANGER.id), ("UserField", "")],
)
SECURITY = block(
    *[
        ("Event", "InvalidAccountID"),
        ("Privilege", "security,all"),
        ("Timestamp", "1795290271.0"),
        ("EventTV", "2026-11-21T19:44:24.000+0000"),
    ],
    *[("Severity", "Error"), ("Service", "PJSIP"), ("EventVersion", "1"), ("AccountID", "nobody"), ("SessionID", "x")],
    *[("LocalAddress", "IPV4/UDP/127.0.0.1/5060"), ("RemoteAddress", "IPV4/UDP/192.0.2.1/5060")],
)
CARRIERS = {
    "Newchannel": (event("Newchannel", STRANGER), b"CallerIDNum"),
    "Newstate": (event("Newstate", STRANGER), b"CallerIDName"),
    "QueueCallerJoin": (
        event("QueueCallerJoin", STRANGER, ("Queue", "support"), ("Position", "2"), ("Count", "2")),
        b"CallerIDName",
    ),
    "MusicOnHoldStart": (event("MusicOnHoldStart", STRANGER, ("Class", "default")), b"CallerIDNum"),
    "NewConnectedLine": (event("NewConnectedLine", STRANGER), b"ConnectedLineName"),
    "AgentComplete": (
        event("AgentComplete", STRANGER, *STRANGER.headers("Dest"), ("Queue", "support")),
        b"DestCallerIDName",
    ),
    "an event of a later version": (event("SomethingNew", STRANGER), b"CallerIDNum"),
    "UserEvent": (event("UserEvent", STRANGER, ("UserEvent", "Site")), b"CallerIDName"),
    "QueueEntry": (queue_entry(STRANGER), b"CallerIDName"),
    "Cdr": (CDR, b"Source"),
    "Cdr's CallerID": (CDR, b"CallerID"),
    "a security event": (SECURITY, b"AccountID"),
}


@pytest.mark.parametrize("forged", [FORGED_HANGUP, FORGED_SHUTDOWN], ids=["Hangup", "Shutdown"])
@pytest.mark.parametrize("carrier", CARRIERS)
def test_5_event_forgery_schema_a_whole_block_between_a_cut_event_and_its_tail(carrier: str, forged: bytes) -> None:
    """Also where the event that is cut is one that nobody wanted to read."""
    whole, at = CARRIERS[carrier]
    narrator = narrator_with_a_call()
    changes = [change for message in messages(cut(whole, at, forged)) for change in narrator.feed(message)]
    assert not [change for change in changes if isinstance(change.cause, Cleared)]
    assert [call.state for call in narrator.tracker.live if call.id == "main-1795290264.0"] == ["queued"]
    assert narrator.quarantined.total() >= 2
    assert narrator.wants_reread()


@pytest.mark.parametrize("carrier", CARRIERS)
def test_whole_carriers_are_believed(carrier: str) -> None:
    narrator = narrator_with_a_call()
    for message in messages(CARRIERS[carrier][0]):
        narrator.feed(message)
    assert not narrator.quarantined


@pytest.mark.parametrize("carrier", CARRIERS)
def test_after_the_tail_genuine_events_are_believed_again(carrier: str) -> None:
    whole, at = CARRIERS[carrier]
    narrator = narrator_with_a_call()
    for message in messages(cut(whole, at, FORGED_HANGUP), event("Hangup", VICTIM, ("Cause", "16"))):
        narrator.feed(message)
    assert not [call for call in narrator.tracker.live if call.id == "main-1795290264.0"]


def test_5_event_forgery_schema_a_known_channel_under_another_name() -> None:
    narrator = narrator_with_a_call()
    liar = Chan(id=VICTIM.id, name="PJSIP/trunk-00000666")
    for message in messages(event("Newstate", liar), event("Hangup", liar, ("Cause", "16"))):
        narrator.feed(message)
    assert narrator.quarantined == {"a known channel by another name": 2}
    assert [call.state for call in narrator.tracker.live] == ["queued"]


# ---- the same on the wire


async def test_5_event_forgery_schema_on_the_wire_everything_is_read_again() -> None:
    """Quarantined and counted; no call changes; and the PBX is asked what is true."""
    async with FakeAmi({"CoreShowChannels": [listed(VICTIM)]}) as pbx, linked(pbx) as watched:
        await watched.until_connected()
        before = watched.link.calls
        await pbx.say(cut(event("MusicOnHoldStart", STRANGER), b"CallerIDNum", FORGED_HANGUP))
        await pbx.asked("CoreShowChannels", 2)
        assert watched.link.narrator.quarantined.total() == 3
        assert watched.link.calls == before


async def test_5_event_forgery_schema_a_tail_ends_the_distrust_on_the_wire_as_in_a_replay() -> None:
    async with FakeAmi({"CoreShowChannels": [listed(VICTIM)]}) as pbx, linked(pbx) as watched:
        await watched.until_connected()
        pbx.is_deaf = True
        await pbx.say(
            cut(event("Newstate", STRANGER), b"CallerIDNum", FORGED_HANGUP), event("Hangup", VICTIM, ("Cause", "16"))
        )
        await watched.until(lambda: not watched.link.calls)


async def test_5_event_forgery_schema_a_forged_start_of_the_pbx_ends_no_call() -> None:
    async with FakeAmi({"CoreShowChannels": [listed(VICTIM)]}) as pbx, linked(pbx) as watched:
        await watched.until_connected()
        await pbx.say(fully_booted(0))
        await watched.until(lambda: watched.link.narrator.quarantined)
        assert [call.id for call in watched.link.calls] == ["main-1795290264.0"]


async def test_5_event_forgery_schema_a_forged_greeting_costs_no_connection() -> None:
    async with FakeAmi({"CoreShowChannels": [listed(VICTIM)]}) as pbx, linked(pbx) as watched:
        await watched.until_connected()
        await pbx.say(cut(event("Newstate", STRANGER), b"CallerIDNum", GREETING + b"\r\n"), event("Newstate", VICTIM))
        await watched.until(lambda: watched.link.narrator.quarantined.total() >= 2)
        await pbx.asked("CoreShowChannels", 2)
        assert pbx.connections == 1


async def test_5_event_forgery_schema_a_forged_answer_costs_no_connection() -> None:
    """The numbers of our actions cannot be guessed."""
    async with FakeAmi({"CoreShowChannels": [listed(VICTIM)]}) as pbx, linked(pbx) as watched:
        await watched.until_connected()
        pbx.is_deaf = True
        refusals = [block(("Response", "Error"), ("ActionID", str(number)), ("Message", "no")) for number in range(20)]
        await pbx.say(event("SomethingNew", Chan(id="1.1", number="0912\r\nEvent: x")), *refusals)
        await pbx.asked("CoreShowChannels", 2)
        await pbx.say(*refusals, event("Hangup", VICTIM, ("Cause", "16")))
        await watched.until(lambda: watched.link.figures.events >= 2)
        assert (pbx.connections, watched.link.status.state) == (1, "connected")


def test_a_forged_start_in_a_trace_ends_no_call() -> None:
    trace = Trace(
        (
            b"".join(
                [
                    GREETING,
                    fully_booted(),
                    event("Newchannel", VICTIM),
                    fully_booted(0),
                    event("Hangup", VICTIM, ("Cause", "16")),
                ]
            ),
        )
    )
    cleared = [change.cause.cause for change in replay(trace) if isinstance(change.cause, Cleared)]
    assert cleared == ["normal"]
