"""Who waits, and since when."""

from datetime import UTC, datetime, timedelta

from cti.calls.call import Call, CallId, Direction, LegId, Party, PbxName, Role
from cti.calls.events import CallEvent, Cleared, Delivered, Diverted, Established, Offered, Queued
from cti.calls.tracker import CallTracker
from cti.calls.transitions import CallChanged
from cti.routing.waiting import QueueFigures, WaitingRoom

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
AGENT = Party(leg=LegId("a"), role=Role.AGENT, device="PJSIP/1001")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def calls(*events: CallEvent) -> list[Call]:
    tracker = CallTracker()
    changes = [tracker.apply(event) for event in events]
    return [change.after for change in changes if isinstance(change, CallChanged)]


def begun(name: str, seconds: float) -> tuple[CallEvent, ...]:
    call, party = CallId(name), Party(leg=LegId(name), role=Role.CUSTOMER)
    return (
        Offered(call=call, at=at(seconds), pbx=PbxName("main"), direction=Direction.INBOUND, party=party),
        Queued(call=call, at=at(seconds), queue="support"),
    )


def test_the_oldest_is_who_waits_longest() -> None:
    room = WaitingRoom()
    for call in calls(*begun("one", 0), *begun("two", 5)):
        room.seen(call)
    assert room.figures("support") == QueueFigures("support", 2, at(0))


def test_a_call_whose_phone_rings_still_waits() -> None:
    room = WaitingRoom()
    for call in calls(*begun("one", 0), Delivered(call=CallId("one"), at=at(1), party=AGENT)):
        room.seen(call)
    assert room.figures("support") == QueueFigures("support", 1, at(0))


def test_answered_calls_wait_no_longer() -> None:
    room = WaitingRoom()
    told = [room.seen(call) for call in calls(*begun("one", 0), Established(call=CallId("one"), at=at(1), party=AGENT))]
    assert told[-1] == (QueueFigures("support", 0, None),)


def test_callers_who_leave_by_key_or_hang_up_wait_no_longer() -> None:
    room = WaitingRoom()
    left = Diverted(call=CallId("one"), at=at(2), cause="key")
    gone = Cleared(call=CallId("two"), at=at(3), cause="normal")
    for call in calls(*begun("one", 0), *begun("two", 1), left, gone):
        room.seen(call)
    assert room.figures("support") == QueueFigures("support", 0, None)


def test_nothing_is_said_when_nothing_changed() -> None:
    room = WaitingRoom()
    (_, waiting) = calls(*begun("one", 0))
    room.seen(waiting)
    assert room.seen(waiting) == ()


def test_a_call_that_goes_to_another_queue_is_told_of_both() -> None:
    room = WaitingRoom()
    elsewhere = Queued(call=CallId("one"), at=at(7), queue="billing")
    told = [room.seen(call) for call in calls(*begun("one", 0), elsewhere)]
    assert told[-1] == (QueueFigures("support", 0, None), QueueFigures("billing", 1, at(0)))
