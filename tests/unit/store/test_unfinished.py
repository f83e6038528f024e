"""What a start needs of a spool: the calls that go on, whatever else stands there."""

from itertools import chain

from cti.envelope import Envelope
from cti.store.storable import line_of
from cti.store.unfinished import Unfinished, together, unfinished
from tests.unit.store.call_stories import answered_call
from tests.unit.store.shift_stories import Shift

DONE, GOING_ON = answered_call("1.1"), answered_call("2.1")[:4]


def left(*facts: Envelope) -> Unfinished:
    return unfinished(line_of(fact).json for fact in facts)


def test_of_calls_that_ended_only_that_is_kept() -> None:
    found = left(*DONE[:3], *GOING_ON[:2], *DONE[3:], *GOING_ON[2:])
    assert found.facts == tuple(GOING_ON)
    assert found.ended == {("/pbx/main", "main-1.1")}


def test_calls_come_one_after_the_other_however_they_stand_there() -> None:
    mixed = chain(*zip(GOING_ON, answered_call("3.1"), strict=False))
    assert left(*mixed).facts == (*GOING_ON, *answered_call("3.1")[:4])


def test_what_stands_there_twice_is_told_once() -> None:
    assert left(*GOING_ON[:2], *GOING_ON).facts == tuple(GOING_ON)


def test_what_is_said_of_a_call_after_its_end_is_not_kept() -> None:
    assert left(*DONE, DONE[1]).facts == ()


def test_of_an_agent_the_last_state_is_kept() -> None:
    mara = Shift()
    states = [mara.ready(0), mara.pauses(5), mara.ready(9)]
    assert [fact.id for fact in left(*states).facts] == [states[-1].id]


def test_a_line_of_another_version_is_passed_over() -> None:
    assert unfinished([b"{}", b"[1]", line_of(GOING_ON[0]).json]).facts == (GOING_ON[0],)


def test_what_is_on_record_goes_on_with_what_was_not_written() -> None:
    assert together(GOING_ON[:2], left(*GOING_ON[1:])) == tuple(GOING_ON)


def test_a_call_whose_end_was_not_written_yet_is_over() -> None:
    assert together(DONE[:4], left(*DONE[4:])) == ()


def test_calls_that_only_the_record_has_and_such_as_only_the_spool_has_come_together() -> None:
    other = answered_call("3.1")[:2]
    assert together(other, left(*GOING_ON)) == (*other, *GOING_ON)
