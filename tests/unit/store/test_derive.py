"""An interaction says what its facts say, and nothing else."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.calls.call import Direction, Outcome
from cti.envelope import Envelope
from cti.store.derive import CUSTOMER, NOTE, RESULT, interaction_of, kept_devices, people_in
from cti.store.interactions import Interaction
from tests.unit.store.call_stories import CALLER, DEVICES, Story, abandoned_call, answered_call, facts_of


def derived(facts: list[Envelope]) -> Interaction:
    found = interaction_of(facts, DEVICES)
    assert found is not None
    return found


def test_an_answered_call_has_its_times_and_its_agent() -> None:
    call = derived(answered_call())
    assert (call.wait_s, call.ring_s, call.talk_s) == (10.0, 4.0, 30.0)
    assert (call.outcome, call.agent, call.queue, call.ani) == (Outcome.ANSWERED, "mara", "billing", CALLER)


def test_a_live_call_is_no_interaction_yet() -> None:
    assert interaction_of(answered_call()[:-1], DEVICES) is None


def test_an_abandoned_call_has_no_agent() -> None:
    call = derived(abandoned_call())
    assert (call.outcome, call.agent, call.handled_by) == (Outcome.ABANDONED, "", ())


def test_who_rang_and_did_not_answer_is_on_record_but_did_not_handle_it() -> None:
    call = Story()
    events = [call.offered(), call.queued(), call.rings("1001", 5), call.unanswered("1001", 20), call.rings("1002", 21)]
    found = derived(facts_of([*events, call.answers("1002", 24), call.cleared(50)]))
    assert [(part.agent, part.connected_at is not None, part.cause) for part in found.handled_by] == [
        ("mara", False, "no_answer"),
        ("tom", True, "normal"),
    ]
    assert (found.agent, people_in(found)) == ("tom", ("tom",))


def test_after_a_transfer_the_last_who_spoke_to_the_customer_has_it() -> None:
    call = Story()
    begin = [call.offered(), call.queued(), call.rings("1001", 5), call.answers("1001", 8)]
    consult = [call.rings("1002", 30, consult=True), call.answers("1002", 33, consult=True)]
    end = [call.handed_over("1001", "1002", 40), call.leaves("1001", 40), call.cleared(90)]
    found = derived(facts_of([*begin, *consult, *end]))
    assert (found.agent, people_in(found)) == ("tom", ("mara", "tom"))
    assert [part.consult for part in found.handled_by] == [False, False]
    assert [(one["kind"], one["by"], one["to"]) for one in found.transfers] == [("attended", "PJSIP/1001", "1002")]


def test_who_was_only_consulted_did_not_handle_it() -> None:
    call = Story()
    begin = [call.offered(), call.queued(), call.rings("1001", 5), call.answers("1001", 8)]
    consult = [call.rings("1002", 30, consult=True), call.answers("1002", 33, consult=True), call.leaves("1002", 38)]
    found = derived(facts_of([*begin, *consult, call.cleared(90)]))
    assert found.agent == "mara"
    assert [part.consult for part in found.handled_by] == [False, True]


def test_an_outgoing_call_nobody_answered_is_its_diallers() -> None:
    call = Story()
    found = derived(facts_of([call.dialled("1001", "+886223456789"), call.cleared(20, ended_by="agent")]))
    assert (found.direction, found.outcome, found.agent) == (Direction.OUTBOUND, Outcome.CANCELLED, "mara")


def test_the_latest_note_and_result_count() -> None:
    call = Story()
    said = [
        call.said(NOTE, "n1", text="wants a refund", by="mara"),
        call.said(NOTE, "n2", text="got a refund", by="mara"),
        call.said(RESULT, "r1", code="solved", label="Solved", by="mara"),
        call.said(CUSTOMER, "c1", contact="17", name="Ada Example", by="mara"),
    ]
    found = derived([*answered_call(), *said])
    assert (found.note, found.result, found.result_label) == ("got a refund", "solved", "Solved")
    assert (found.contact, found.contact_name) == ("17", "Ada Example")


def test_a_phone_that_changed_hands_does_not_change_who_took_the_call() -> None:
    before = derived(answered_call())
    now = {"PJSIP/1001": "ines"}
    assert interaction_of(answered_call(), kept_devices(before, now)) == before


@given(st.lists(st.integers(0, 5)))
def test_facts_told_twice_change_nothing(again: list[int]) -> None:
    facts = answered_call()
    told = list(facts)
    for index in again:
        told.insert(max(i for i, one in enumerate(told) if one == facts[index]) + 1, facts[index])
    seen: dict[str, Envelope] = {}
    for one in told:
        seen.setdefault(one.id, one)
    assert interaction_of(seen.values(), DEVICES) == derived(facts)


@pytest.mark.parametrize("lost", range(5))
def test_a_lost_fact_never_loses_the_call(lost: int) -> None:
    facts = answered_call()
    call = derived(facts[:lost] + facts[lost + 1 :])
    assert (call.ani, call.direction, call.pbx) == (CALLER, Direction.INBOUND, "main")


def test_an_event_of_a_later_version_is_passed_over() -> None:
    facts = answered_call()
    odd = msgspec.structs.replace(facts[3], data={"party": {"colour": "red"}})
    assert derived([*facts[:3], odd, *facts[4:]]).ani == CALLER
