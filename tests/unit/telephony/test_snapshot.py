"""Lists and live events in any order: in the end what is known is what is true (trust test 16)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest

from cti.calls.call import LegId
from cti.calls.frozen import changed
from cti.calls.transitions import CallChanged
from cti.telephony.asterisk.ami_codec import AmiDecoder, AmiMessage
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.narrator import Narrator
from tests import invariants
from tests.unit.telephony.fake_ami import STAMP, Chan, FakeAmi, block, event, linked, listed, queue_entry

TALKER = Chan(id="100.1", name="PJSIP/trunk-00000001", number="0911111111")
HIS_AGENT = Chan(id="100.2", name="PJSIP/2001-00000002", number="2001", caller_name="Ann", exten="", linked="100.1")
WAITER = Chan(id="100.3", name="PJSIP/trunk-00000003", number="0922222222")
HER_AGENT = Chan(id="100.4", name="PJSIP/2002-00000004", number="2002", caller_name="Bob", exten="", linked="100.3")
NEWCOMER = Chan(id="100.5", name="PJSIP/trunk-00000005", number="0933333333")
BRIDGES = ("bridge-1", "bridge-2")

JOIN = (("Queue", "support"), ("Position", "1"), ("Count", "1"))
MEMBER = (("Queue", "support"), ("Interface", "PJSIP/2001"), ("MemberName", "Ann"))
HANG_UP = (("Cause", "16"), ("Cause-txt", "Normal Clearing"))


def in_bridge(name: str, chan: Chan, bridge: str) -> bytes:
    """``name``: BridgeEnter or BridgeLeave."""
    head = (
        ("BridgeUniqueid", bridge),
        ("BridgeType", "basic"),
        ("BridgeTechnology", "simple_bridge"),
        ("BridgeCreator", "<unknown>"),
    )
    return event(name, chan, before=head)


def rings(caller: Chan, agent: Chan) -> list[bytes]:
    ringing = replace(agent, state="5")
    both = [*caller.headers(), *agent.headers("Dest")]
    head = [("Privilege", "call,all"), ("Timestamp", f"{STAMP:.6f}")]
    return [
        event("Newchannel", replace(agent, state="0")),
        block(("Event", "AgentCalled"), *head, *both, *MEMBER),
        block(("Event", "DialBegin"), *head, *both, ("DialString", agent.number)),
        event("Newstate", ringing),
    ]


def answers(caller: Chan, agent: Chan, bridge: str) -> list[bytes]:
    return [
        event("Newstate", agent),
        event("QueueCallerLeave", caller, ("Queue", "support"), ("Count", "0"), ("Position", "1")),
        in_bridge("BridgeEnter", caller, bridge),
        in_bridge("BridgeEnter", agent, bridge),
    ]


def comes(chan: Chan) -> list[bytes]:
    return [
        event("Newchannel", replace(chan, state="4")),
        event("Newstate", chan),
        event("QueueCallerJoin", chan, *JOIN),
    ]


BEFORE = [*comes(TALKER), *rings(TALKER, HIS_AGENT), *answers(TALKER, HIS_AGENT, BRIDGES[0]), *comes(WAITER)]
"""One talks, one waits."""
ENDS = [
    *[in_bridge("BridgeLeave", chan, BRIDGES[0]) for chan in (TALKER, HIS_AGENT)],
    event("Hangup", HIS_AGENT, *HANG_UP),
    event("Hangup", TALKER, *HANG_UP),
]
MEANWHILE = {
    "the talker hangs up": ENDS,
    "the waiter gives up": [
        event(
            "QueueCallerAbandon",
            WAITER,
            ("Queue", "support"),
            ("Position", "1"),
            ("OriginalPosition", "1"),
            ("HoldTime", "3"),
        ),
        event("QueueCallerLeave", WAITER, ("Queue", "support"), ("Count", "0"), ("Position", "1")),
        event("Hangup", WAITER, *HANG_UP),
    ],
    "the waiter is answered": [*rings(WAITER, HER_AGENT)[1:], *answers(WAITER, HER_AGENT, BRIDGES[1])],
    "somebody comes": comes(NEWCOMER),
}
AFTERWARDS = {
    "the talker hangs up": {"main-100.3": "queued"},
    "the waiter gives up": {"main-100.1": "talking"},
    "the waiter is answered": {"main-100.1": "talking", "main-100.3": "talking"},
    "somebody comes": {"main-100.1": "talking", "main-100.3": "queued", "main-100.5": "queued"},
}
CHANNELS = {
    "the talker hangs up": {"100.3"},
    "the waiter gives up": {"100.1", "100.2"},
    "the waiter is answered": {"100.1", "100.2", "100.3", "100.4"},
    "somebody comes": {"100.1", "100.2", "100.3", "100.5"},
}


def item(chan: Chan, bridge: str = "") -> bytes:
    return listed(chan).replace(b"BridgeId: ", b"BridgeId: " + bridge.encode())


TALKING = [item(TALKER, BRIDGES[0]), item(HIS_AGENT, BRIDGES[0])]
ENTRY = queue_entry(WAITER)
QUEUES_DONE = block(("Event", "QueueStatusComplete"), ("EventList", "Complete"), ("ListItems", "1"))
CHANNELS_DONE = block(("Event", "CoreShowChannelsComplete"), ("EventList", "Complete"), ("ListItems", "1"))
AS_IT_WAS = [ENTRY, QUEUES_DONE, *TALKING, item(WAITER), CHANNELS_DONE]
"""The lists, taken before anything else happened."""
AS_IT_IS = {
    "the talker hangs up": [ENTRY, QUEUES_DONE, item(WAITER), CHANNELS_DONE],
    "the waiter gives up": [QUEUES_DONE, *TALKING, CHANNELS_DONE],
    "the waiter is answered": [
        QUEUES_DONE,
        *TALKING,
        item(WAITER, BRIDGES[1]),
        item(HER_AGENT, BRIDGES[1]),
        CHANNELS_DONE,
    ],
    "somebody comes": [
        ENTRY,
        queue_entry(NEWCOMER),
        QUEUES_DONE,
        *TALKING,
        item(WAITER),
        item(NEWCOMER),
        CHANNELS_DONE,
    ],
}
"""The lists, taken when all had happened already; the events come late."""


def merges(first: Sequence[bytes], second: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Both in their own order, in every way."""
    for places in combinations(range(len(first) + len(second)), len(first)):
        one, other = iter(first), iter(second)
        yield [next(one) if place in places else next(other) for place in range(len(first) + len(second))]


def told(narrator: Narrator, blocks: Iterable[bytes]) -> list[CallChanged]:
    messages: list[AmiMessage] = AmiDecoder().feed(b"".join(blocks))
    return [change for message in messages for change in narrator.feed(message)]


def known() -> tuple[Narrator, list[CallChanged]]:
    narrator = Narrator("main", Endpoints())
    changes = told(narrator, BEFORE)
    assert {call.id: call.state for call in narrator.tracker.live} == {"main-100.1": "talking", "main-100.3": "queued"}
    return narrator, changes


def alive(narrator: Narrator) -> dict[str, str]:
    return {call.id: str(call.state) for call in narrator.tracker.live}


def after(narrator: Narrator, blocks: list[bytes]) -> tuple[dict[str, str], set[str], list[CallChanged]]:
    narrator.begin_sync()
    changes = told(narrator, blocks)
    return alive(narrator), set(narrator._mirror.channels), changes


@pytest.mark.parametrize("story", MEANWHILE)
def test_16_list_interleave_with_lists_of_before(story: str) -> None:
    for blocks in merges(AS_IT_WAS, MEANWHILE[story]):
        narrator, changes = known()
        calls, channels, more = after(narrator, blocks)
        assert calls == AFTERWARDS[story], [block.split(b"\r\n")[0] for block in blocks]
        assert channels == CHANNELS[story]
        assert invariants.broken_story([*changes, *more, *narrator.end_all("trace_end")]) == []


@pytest.mark.parametrize("story", MEANWHILE)
def test_16_list_interleave_with_lists_of_after(story: str) -> None:
    for blocks in merges(AS_IT_IS[story], MEANWHILE[story]):
        narrator, changes = known()
        calls, channels, more = after(narrator, blocks)
        assert calls == AFTERWARDS[story], [block.split(b"\r\n")[0] for block in blocks]
        assert channels == CHANNELS[story]
        assert invariants.broken_story([*changes, *more, *narrator.end_all("trace_end")]) == []


@pytest.mark.parametrize("story", MEANWHILE)
def test_16_list_interleave_for_a_newcomer_who_knows_nothing(story: str) -> None:
    for blocks in merges(AS_IT_WAS, MEANWHILE[story]):
        narrator = Narrator("main", Endpoints())
        calls, channels, changes = after(narrator, blocks)
        assert calls == AFTERWARDS[story], [block.split(b"\r\n")[0] for block in blocks]
        assert channels == CHANNELS[story]
        assert invariants.broken_story([*changes, *narrator.end_all("trace_end")]) == []


@pytest.mark.parametrize("story", MEANWHILE)
def test_what_happens_while_the_lists_are_read_is_told_at_once(story: str) -> None:
    """A phone that is picked up before they are read is to pop first."""

    def by_each(narrator: Narrator, blocks: Sequence[bytes]) -> list[list[CallChanged]]:
        each = [(block, told(narrator, [block])) for block in blocks]
        return [changes for block, changes in each if block in MEANWHILE[story]]

    narrator, _ = known()
    without = by_each(narrator, MEANWHILE[story])
    assert any(without)
    for blocks in merges(AS_IT_WAS, MEANWHILE[story]):
        narrator, _ = known()
        narrator.begin_sync()
        assert by_each(narrator, blocks) == without


@pytest.mark.parametrize("was_away", [False, True])
def test_what_is_read_off_the_lists_after_an_absence_says_so(was_away: bool) -> None:  # noqa: FBT001 - a parameter
    """And what is heard afterwards does not; nor what a look in between finds, which is a moment old."""
    narrator = Narrator("main", Endpoints())
    narrator.begin_sync(was_away=was_away)
    found = told(narrator, AS_IT_WAS)
    assert found
    assert {change.is_inferred for change in found} == {was_away}
    assert {change.is_inferred for change in told(narrator, ENDS)} == {False}


@pytest.mark.parametrize(
    ("clock_s", "duration", "ago_s"),
    [
        (0, "00:00:02", 3),
        (0, "00:00:03", 3),
        (40, "00:00:02", 2),
        (-40, "00:00:02", 2),
        (3600, "00:00:02", 2),
        (-3600, "00:00:02", 2),
    ],
)
def test_a_call_found_on_our_return_began_in_the_second_of_its_id(clock_s: int, duration: str, ago_s: int) -> None:
    """Asterisk counts what is over of its seconds, and we are late; but a clock that was set since is no clock."""
    found_at = datetime.fromtimestamp(STAMP, UTC)
    began = replace(NEWCOMER, id=f"{STAMP - 3 + clock_s:.0f}.7")
    narrator = Narrator("main", Endpoints())
    narrator.begin_sync()
    messages = AmiDecoder().feed(b"".join([QUEUES_DONE, listed(began, duration), CHANNELS_DONE]))
    (offered,) = [change for message in messages for change in narrator.feed(message, received_at=found_at)]
    assert offered.cause.at == found_at - timedelta(seconds=ago_s)


def test_a_call_found_on_our_return_began_with_its_first_channel_wherever_that_is_listed() -> None:
    found_at = datetime.fromtimestamp(STAMP, UTC)
    caller = replace(NEWCOMER, id=f"{STAMP - 6:.0f}.7")
    agent = replace(HIS_AGENT, id=f"{STAMP - 2:.0f}.9", linked=caller.id, state="5")
    for order in ((caller, agent), (agent, caller)):
        narrator = Narrator("main", Endpoints())
        narrator.begin_sync()
        blocks = [QUEUES_DONE, *(listed(one, "00:00:02") for one in order), CHANNELS_DONE]
        messages = AmiDecoder().feed(b"".join(blocks))
        offered, *_ = [change for message in messages for change in narrator.feed(message, received_at=found_at)]
        assert offered.cause.at == found_at - timedelta(seconds=6)


async def test_16_list_interleave_on_the_wire() -> None:
    """The talker hangs up between the first and the last item of a list that still has him."""
    lists = {"CoreShowChannels": [*TALKING, item(WAITER)], "QueueStatus": [ENTRY]}
    happened = b"".join(ENDS)
    async with (
        FakeAmi(lists, chop=7, among=lambda name: happened if name == "CoreShowChannels" else b"") as pbx,
        linked(pbx) as watched,
    ):
        await watched.until_connected()
        assert {call.id: call.state for call in watched.link.calls} == {"main-100.3": "queued"}


def test_a_call_of_before_a_restart_of_ours_is_taken_up_and_none_is_doubled() -> None:
    before, _ = known()
    narrator = Narrator("main", Endpoints())
    narrator.restore(before.tracker.live)
    calls, _, changes = after(narrator, AS_IT_WAS)
    assert calls == {"main-100.1": "talking", "main-100.3": "queued"}
    assert changes == []


def test_who_is_in_no_list_any_more_after_an_absence_has_ended_with_cause_resync() -> None:
    narrator, _ = known()
    narrator.begin_sync(was_away=True)
    changes = told(narrator, [QUEUES_DONE, CHANNELS_DONE])
    assert alive(narrator) == {}
    assert {change.after.cause for change in changes if not change.after.is_live} == {"resync"}


def test_a_look_in_between_is_believed_when_the_next_one_misses_the_same() -> None:
    """Lists are ahead of events: the first look is not late, but early. Where an event was lost, the second one ends the call."""
    narrator, _ = known()
    calls, _, changes = after(narrator, [QUEUES_DONE, CHANNELS_DONE])
    assert (calls, changes) == ({"main-100.1": "talking", "main-100.3": "queued"}, [])
    assert narrator.wants_reread()
    calls, _, changes = after(narrator, [QUEUES_DONE, CHANNELS_DONE])
    assert calls == {}
    assert {change.after.cause for change in changes if not change.after.is_live} == {"resync"}
    assert not narrator.wants_reread()


@pytest.mark.parametrize("what", ["the talker hangs up", "the waiter gives up"])
def test_a_call_whose_end_is_late_behind_the_lists_ends_as_it_did(what: str) -> None:
    narrator, _ = known()
    expected = {
        change.after.id: (change.after.cause, change.after.ended_by) for change in told(known()[0], MEANWHILE[what])
    }
    after(narrator, AS_IT_IS[what])
    changes = told(narrator, MEANWHILE[what])
    assert {change.after.id: (change.after.cause, change.after.ended_by) for change in changes} == expected
    assert alive(narrator) == AFTERWARDS[what]
    assert not narrator.wants_reread()


@pytest.mark.parametrize("was_away", [True, False])
def test_an_end_just_after_a_return_of_which_nobody_saw_the_beginning_is_inferred(*, was_away: bool) -> None:
    """The records of the PBX know who hung up."""
    before, _ = known()
    calls = [changed(call, offered_at=call.offered_at - timedelta(minutes=1)) for call in before.tracker.live]
    narrator = Narrator("main", Endpoints())
    narrator.restore(calls)
    narrator.begin_sync(was_away=was_away)
    for message in AmiDecoder().feed(b"".join(AS_IT_WAS)):
        narrator.feed(message, received_at=datetime.fromtimestamp(STAMP, UTC))
    (end,) = [change for change in told(narrator, ENDS) if not change.after.is_live]
    assert (end.after.ended_by, end.is_inferred) == ("system", was_away)


def test_a_list_that_still_has_a_phone_ringing_does_not_make_it_ring_again() -> None:
    narrator, _ = known()
    late = listed(replace(HIS_AGENT, state="5")).replace(b"BridgeId: ", b"BridgeId: " + BRIDGES[0].encode())
    calls, _, changes = after(
        narrator, [ENTRY, QUEUES_DONE, item(TALKER, BRIDGES[0]), late, item(WAITER), CHANNELS_DONE]
    )
    assert calls == {"main-100.1": "talking", "main-100.3": "queued"}
    assert changes == []
    assert narrator._mirror.channels[LegId(HIS_AGENT.id)].is_up


def test_the_next_list_is_believed_again() -> None:
    """What moved live before this list was asked for is no reason to doubt it."""
    narrator, _ = known()
    after(narrator, [ENTRY, QUEUES_DONE, item(TALKER), item(HIS_AGENT), item(WAITER), CHANNELS_DONE])
    assert narrator._mirror.bridges == {}
    assert narrator._mirror.left == set()
