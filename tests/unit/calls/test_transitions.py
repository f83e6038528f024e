"""The call model: what each event makes of a call, and that nothing can make nonsense of one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.calls.call import (
    Anomaly,
    Call,
    CallId,
    CallState,
    Direction,
    LegId,
    LegState,
    Outcome,
    Party,
    PbxName,
    Role,
    TransferKind,
)
from cti.calls.events import (
    CallEvent,
    CallInformation,
    Cleared,
    Conferenced,
    ConnectionCleared,
    Delivered,
    Diverted,
    Established,
    Held,
    Offered,
    Queued,
    Retrieved,
    Transferred,
)
from cti.calls.frozen import changed
from cti.calls.tracker import CallTracker
from cti.calls.transitions import NEXT, CallChanged, advance, begin
from tests import invariants

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
CALL = CallId("main-1.1")
CUSTOMER = Party(
    leg=LegId("1.1"), role=Role.CUSTOMER, number="0912345678", channel="PJSIP/trunk-1", device="PJSIP/trunk"
)
ANN, BOB, CHO = (
    Party(
        leg=LegId(f"1.{n}"),
        role=Role.AGENT,
        number=f"200{n - 1}",
        channel=f"PJSIP/200{n - 1}-1",
        device=f"PJSIP/200{n - 1}",
    )
    for n in (2, 3, 4)
)


def at(seconds: float) -> Any:
    return {"call": CALL, "at": NOON + timedelta(seconds=seconds)}


def offered(direction: Direction = Direction.INBOUND, party: Party = CUSTOMER) -> Offered:
    return Offered(**at(0), pbx=PbxName("main"), direction=direction, ani="0912345678", dnis="0800100100", party=party)


def played(*events: CallEvent) -> Call:
    call = begin(offered()).after
    for event in events:
        change = advance(call, event)
        assert isinstance(change, CallChanged), change
        call = change.after
    return call


ANSWERED = (
    Queued(**at(1), queue="support", position=1),
    Delivered(**at(3), party=ANN),
    Established(**at(7), party=ANN),
)
END = (ConnectionCleared(**at(20), party=ANN, cause="normal"), Cleared(**at(20), cause="normal", ended_by="customer"))


def test_a_plain_call() -> None:
    call = played(*ANSWERED, *END)
    assert (call.state, call.outcome, call.ended_by, call.sequence) == (
        CallState.ENDED,
        Outcome.ANSWERED,
        "customer",
        6,
    )
    assert (call.wait_s, call.ring_s, call.talk_s, call.hold_s) == (6.0, 4.0, 13.0, 0.0)
    assert not call.live_legs()


def test_holding_is_not_talking() -> None:
    call = played(*ANSWERED, Held(**at(10), party=ANN), Retrieved(**at(14), party=ANN), *END)
    assert (call.talk_s, call.hold_s) == (9.0, 4.0)


def test_unanswered_it_is_back_in_its_place() -> None:
    call = played(*ANSWERED[:2], Diverted(**at(5), party=ANN, cause="no_answer"))
    assert (call.state, call.is_waiting, call.queue, call.queued_at) == (
        CallState.QUEUED,
        True,
        "support",
        NOON + timedelta(seconds=1),
    )
    assert call.leg(ANN.leg).cause == "no_answer"  # type: ignore[union-attr]


def test_with_another_phone_ringing_it_still_rings() -> None:
    call = played(*ANSWERED[:2], Delivered(**at(3), party=BOB), Diverted(**at(5), party=ANN, cause="declined"))
    assert call.state is CallState.RINGING


def test_blind_handed_over_it_waits_for_the_next() -> None:
    moved = Transferred(**at(10), kind=TransferKind.BLIND, by=ANN, to_number="2002")
    call = played(
        *ANSWERED,
        moved,
        ConnectionCleared(**at(10), party=ANN),
        Delivered(**at(11), party=BOB),
        Established(**at(12), party=BOB),
    )
    assert (call.state, call.transfers[0].kind, call.transfers[0].to) == (CallState.TALKING, TransferKind.BLIND, "2002")
    assert call.talk_s == 3.0


def test_a_consultation_changes_nothing_for_the_customer() -> None:
    consulted = (
        Held(**at(10), party=ANN),
        Delivered(**at(11), party=BOB, consult=True),
        Established(**at(12), party=BOB, consult=True),
    )
    call = played(*ANSWERED, *consulted)
    assert (call.state, call.leg(BOB.leg).consult) == (CallState.HELD, True)  # type: ignore[union-attr]
    assert (
        played(*ANSWERED, *consulted, ConnectionCleared(**at(13), party=BOB), Retrieved(**at(14), party=ANN)).state
        is CallState.TALKING
    )


def test_three_speak_and_one_leaves() -> None:
    conference = (
        Delivered(**at(11), party=BOB, consult=True),
        Established(**at(12), party=BOB, consult=True),
        Conferenced(**at(13), party=BOB, by=ANN),
    )
    call = played(*ANSWERED, *conference, ConnectionCleared(**at(15), party=ANN))
    assert call.state is CallState.TALKING
    assert [leg.party.number for leg in call.live_legs()] == ["0912345678", "2002"]


def test_parked_is_on_hold_until_fetched() -> None:
    call = played(
        *ANSWERED,
        Diverted(**at(10), cause="parked", to="701"),
        ConnectionCleared(**at(10), party=ANN),
        Established(**at(16), party=CHO),
    )
    assert (call.state, call.hold_s, call.talk_s) == (CallState.TALKING, 6.0, 3.0)


@pytest.mark.parametrize("state", CallState)
def test_every_live_state_can_end_and_the_end_is_the_end(state: CallState) -> None:
    call = changed(begin(offered()).after, state=state)
    change = advance(call, END[1])
    assert isinstance(change, Anomaly if state is CallState.ENDED else CallChanged)


@pytest.mark.parametrize(
    "kind",
    [
        Queued,
        Delivered,
        Diverted,
        Established,
        Held,
        Retrieved,
        Transferred,
        Conferenced,
        ConnectionCleared,
        Cleared,
        CallInformation,
    ],
)
def test_every_event_has_a_place(kind: type[CallEvent]) -> None:
    assert any(known is kind for _, known in NEXT)


def test_an_event_out_of_place_is_counted_and_changes_nothing() -> None:
    tracker = CallTracker()
    assert isinstance(tracker.apply(Queued(**at(1), queue="support")), Anomaly)
    tracker.apply(offered())
    before = tracker.live
    assert isinstance(tracker.apply(Retrieved(**at(1), party=ANN)), Anomaly)
    assert isinstance(tracker.apply(offered()), Anomaly)
    assert tracker.live == before


def test_an_ended_call_is_no_longer_known() -> None:
    tracker = CallTracker()
    for event in (offered(), *ANSWERED, *END):
        tracker.apply(event)
    assert (tracker.live, tracker.get(CALL)) == ((), None)


PARTIES = st.sampled_from([CUSTOMER, ANN, BOB, CHO])
FLAGS = st.booleans()
EVENTS = st.one_of(
    st.builds(lambda q: (Queued, {"queue": q}), st.sampled_from(["support", "sales"])),
    st.builds(lambda p, c: (Delivered, {"party": p, "consult": c}), PARTIES, FLAGS),
    st.builds(lambda p, c: (Established, {"party": p, "consult": c}), PARTIES, FLAGS),
    st.builds(
        lambda p, c: (Diverted, {"party": p, "cause": c}),
        st.one_of(st.none(), PARTIES),
        st.sampled_from(["no_answer", "parked", "timeout"]),
    ),
    st.builds(lambda p: (Held, {"party": p}), PARTIES),
    st.builds(lambda p: (Retrieved, {"party": p}), PARTIES),
    st.builds(
        lambda p, k: (Transferred, {"by": p, "kind": k, "to_number": "2002"}),
        PARTIES,
        st.sampled_from(list(TransferKind)),
    ),
    st.builds(lambda p: (Conferenced, {"party": p}), PARTIES),
    st.builds(lambda p: (ConnectionCleared, {"party": p}), PARTIES),
    st.just((Cleared, {"cause": "normal"})),
)


@given(st.lists(st.tuples(EVENTS, st.floats(-5, 60)), max_size=40))
def test_39_whatever_happens_times_add_up(story: list[tuple[tuple[type[CallEvent], dict[str, Any]], float]]) -> None:
    """Any events in any order, some of them late by the clock: no negative time, and no more of it than has passed."""
    tracker, changes, now_s = CallTracker(), [begin(offered())], 0.0
    tracker.apply(offered())
    for (kind, fields), step_s in story:
        now_s += step_s
        change = tracker.apply(kind(**at(now_s), **fields))
        if isinstance(change, CallChanged):
            changes.append(change)
    changes += [
        change
        for change in [tracker.apply(Cleared(**at(max(now_s, 0)), cause="trace_end"))]
        if isinstance(change, CallChanged)
    ]
    assert invariants.broken_story(changes) == []
    call = changes[-1].after
    assert call.ended_at is not None
    assert call.ring_s + call.talk_s + call.hold_s <= (call.ended_at - call.offered_at).total_seconds() + 1e-6
    assert call.outcome is not None
    assert all(leg.state is LegState.GONE for leg in call.legs)
