"""What users of other systems asked for (one call must be one record), each held over calls that were really made."""

from pathlib import Path

import pytest

from cti.calls.call import Call, Direction, Outcome, Role
from cti.calls.events import Cleared, Established, Offered
from cti.calls.transitions import CallChanged
from cti.telephony.replay.story import replay
from cti.telephony.replay.trace import load
from tests.traces.expected import HERE

both = pytest.mark.parametrize("version", ["22", "16"])
EVERY = sorted(HERE.glob("*/*.ami"))


def told(version: str, story: str) -> list[CallChanged]:
    return list(replay(load(HERE / version / f"{story}.ami"), pbx="pbx"))


def ended(version: str, story: str) -> list[Call]:
    return [change.after for change in told(version, story) if isinstance(change.cause, Cleared)]


def one(version: str, story: str) -> Call:
    (call,) = ended(version, story)
    return call


def spoke(call: Call) -> list[str]:
    """Who spoke with the customer, in order."""
    others = (leg for leg in call.legs if leg.party.role is not Role.CUSTOMER and leg.connected_at)
    return [leg.party.number for leg in others]


@both
@pytest.mark.parametrize(
    "story", ["attended_transfer_by_command", "attended_transfer_by_refer", "consulted_and_swapped_by_command"]
)
def test_ask_07_the_end_is_told_when_the_customer_is_gone_not_at_the_attended_transfer(
    version: str, story: str
) -> None:
    changes = told(version, story)
    call = one(version, story)
    handed_over = call.transfers[-1].at
    assert [type(change.cause) for change in changes].count(Cleared) == 1
    assert call.ended_at
    assert (call.ended_at - handed_over).total_seconds() > 1
    assert (spoke(call), call.ended_by) == (["2001", "2002"], "customer")


@pytest.mark.parametrize("trace", EVERY, ids=lambda trace: f"{trace.parent.name}-{trace.stem}")
def test_ask_08_every_call_that_began_ends_exactly_once(trace: Path) -> None:
    began, over = dict[str, int](), dict[str, int]()
    for change in replay(load(trace), pbx="pbx"):
        tally = {Offered: began, Cleared: over}.get(type(change.cause), {})
        tally[change.after.id] = tally.get(change.after.id, 0) + 1
    assert set(began.values()) <= {1}
    assert began == over


@both
@pytest.mark.parametrize("story", ["ring_no_answer_then_other", "declined_then_other", "ringall_three_phones"])
def test_ask_09_a_queue_call_is_one_call_and_another_s_silence_no_missed_call(version: str, story: str) -> None:
    call = one(version, story)
    assert call.outcome is Outcome.ANSWERED
    assert len(spoke(call)) == 1
    assert len([leg for leg in call.legs if leg.rang_at]) > 1


@both
@pytest.mark.parametrize("story", ["attended_transfer_by_command", "agent_by_local_channel", "blonde_transfer_by_key"])
def test_ask_10_nobody_answers_twice_and_nothing_is_over_before_the_hang_up(version: str, story: str) -> None:
    changes = told(version, story)
    answers = [change.cause.party.leg for change in changes if isinstance(change.cause, Established)]
    assert len(answers) == len(set(answers))
    assert isinstance(changes[-1].cause, Cleared)


@both
@pytest.mark.parametrize("story", ["blind_transfer_by_command", "blind_transfer_by_refer_to_queue"])
def test_ask_11_a_blind_transfer_ends_once_under_the_id_it_began_with(version: str, story: str) -> None:
    changes = told(version, story)
    assert len({change.after.id for change in changes}) == 1
    assert one(version, story).talk_s > 1


@both
@pytest.mark.parametrize("story", ["transferred_twice", "three_way_by_command", "parked_and_fetched"])
def test_ask_12_a_call_that_changed_hands_is_still_the_same_call(version: str, story: str) -> None:
    first, last = told(version, story)[0].after, one(version, story)
    assert (first.id, first.ani, first.dnis, first.queue or last.queue) == (last.id, last.ani, last.dnis, "support")
    assert len(spoke(last)) > 1


@both
@pytest.mark.parametrize(
    ("story", "direction"),
    [
        ("click_to_dial_answered", Direction.OUTBOUND),  # the agent's phone is rung first, as if it were called
        ("outbound_dialled_at_the_phone", Direction.OUTBOUND),
        ("plain_inbound_agent_hangs_up", Direction.INBOUND),
        ("internal_call", Direction.INTERNAL),
    ],
)
def test_ask_13_the_direction_is_not_whose_phone_rang_first(version: str, story: str, direction: Direction) -> None:
    assert one(version, story).direction is direction
