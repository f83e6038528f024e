"""What is filled in of a recorded call is that call: outcome, people and times, whole or from where we lost sight of it."""

from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from pathlib import Path

import pytest

from cti.calls.call import Direction, Outcome
from cti.calls.frozen import changed
from cti.envelope import INFERRED, Envelope, of_change
from cti.reconcile.compare import compare
from cti.reconcile.fill import facts_for
from cti.reconcile.recorded import RecordedCall
from cti.store.derive import interaction_of, seen_call
from cti.store.interactions import Interaction
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.narrator import Narrator
from tests.unit.reconcile.recorded_traces import TRUTHS, facts_of, name_of, written

every_story = pytest.mark.parametrize("truth", TRUTHS, ids=[name_of(truth) for truth in TRUTHS])


def _alone(truth: Path) -> tuple[RecordedCall, list[Envelope], Interaction] | None:
    """The call of a story that has one: as it is written there, as we told it, and our record of it."""
    calls, told = written(truth).calls(), facts_of(truth)
    whole = interaction_of(next(iter(told.values()), []), {})
    return (calls[0], next(iter(told.values())), whole) if len(calls) == len(told) == 1 and whole else None


_ALONE = {name_of(truth): found for truth in TRUTHS if (found := _alone(truth))}
_SOURCES = {"both": {}, "cdr": {"queue_log": False}, "queue_log": {"cdr": False}}
_BY_SOURCE = {
    f"{name_of(truth)}-{source}": (calls[0], *_ALONE[name_of(truth)][1:])
    for truth in TRUTHS
    if name_of(truth) in _ALONE
    for source, given in _SOURCES.items()
    if len(calls := written(truth).calls(**given)) == 1
}
every_call = pytest.mark.parametrize(("call", "facts", "whole"), _ALONE.values(), ids=_ALONE)


@every_story
def test_a_call_filled_in_whole_is_the_recorded_one(truth: Path) -> None:
    for call in written(truth).calls():
        facts = facts_for(call)
        item = interaction_of(facts, {})
        assert item, call.first_id
        assert (item.is_backfilled, item.outcome) == (True, call.outcome)
        assert compare([call], [item]).agrees
        assert [fact.sequence for fact in facts] == list(range(1, len(facts) + 1))
        assert facts_for(call) == facts


@every_story
def test_alone_either_source_is_filled_in_too(truth: Path) -> None:
    for given in ({"cdr": False}, {"queue_log": False}):
        for call in written(truth).calls(**given):
            item = interaction_of(facts_for(call), {})
            assert item, call.first_id
            assert item.outcome == call.outcome


@pytest.mark.parametrize("version", ["22", "16"])
@pytest.mark.parametrize("told", [1, 2, 3, 4])
@pytest.mark.parametrize("given", [{}, {"queue_log": False}], ids=["both", "cdr"])
def test_wherever_we_lost_sight_of_a_call_its_end_is_the_recorded_one(
    version: str, told: int, given: dict[str, bool]
) -> None:
    """``told`` facts were told of it; then, half an hour later, it was gone."""
    truth = next(one for one in TRUTHS if name_of(one) == f"{version}-plain_inbound_caller_hangs_up")
    (call,) = written(truth).calls(**given)
    ((name, facts),) = facts_of(truth).items()
    whole = interaction_of(facts, {})
    lost = [*facts[:told], *_gone(facts[:told])]
    rest = facts_for(call, lost)
    filled = interaction_of([*lost, *rest], {})
    assert whole
    assert filled
    by = "customer" if call.has_queue_log else "system"
    assert (filled.call, filled.outcome, filled.cause, filled.ended_by) == (name, Outcome.ANSWERED, "normal", by)
    assert len(filled.handled_by) == len(whole.handled_by) == 1
    assert abs(filled.ended_at - whole.ended_at) <= timedelta(seconds=1)
    assert abs(filled.talk_s - whole.talk_s) <= 1.5
    assert [fact.sequence for fact in rest] == list(range(len(lost) + 1, len(lost) + len(rest) + 1))


@pytest.mark.parametrize("version", ["22", "16"])
def test_a_phone_found_ringing_on_our_return_rang_once(version: str) -> None:
    truth = next(one for one in TRUTHS if name_of(one) == f"{version}-ring_no_answer_then_other")
    (call,) = written(truth).calls()
    (facts,) = facts_of(truth).values()
    found = [*facts[:2], changed(facts[2], time=facts[2].time + timedelta(seconds=2.6))]
    lost = [*found, *_gone(found)]
    filled = interaction_of([*lost, *facts_for(call, lost)], {})
    assert filled
    assert [part.device for part in filled.handled_by] == ["PJSIP/2001", "PJSIP/2002"]


@every_call
def test_what_came_and_went_while_we_were_away_has_its_place_before_what_we_found(
    call: RecordedCall, facts: list[Envelope], whole: Interaction
) -> None:
    """Each event in turn is found so on our return, after a gap of every length; then the call is gone."""
    for begins, returns in combinations(range(len(facts) - 1), 2):
        own = [*(facts[:begins] or [_found(facts[0])]), _found(facts[returns])]
        lost = [*own, *_gone(own)]
        item = interaction_of([*lost, *facts_for(call, lost)], {})
        assert item, (begins, returns)
        assert _words(call, item) <= _words(call, whole), (begins, returns)


@every_call
def test_a_call_found_lived_through_for_a_while_and_lost_again_ends_as_recorded(
    call: RecordedCall, facts: list[Envelope], whole: Interaction
) -> None:
    """What came within the second in which we lost it, nobody of ours saw."""
    for lives_to in range(2, len(facts)):
        own = [_found(facts[0]), *facts[1:lives_to]]
        lost = [*own, *_gone(own)]
        item = interaction_of([*lost, *facts_for(call, lost)], {})
        assert item, lives_to
        assert _words(call, item) <= _words(call, whole), lives_to
        assert (item.outcome, item.is_backfilled) == (call.outcome, True), lives_to


@every_call
def test_a_call_found_on_our_return_that_ends_before_our_eyes_is_told_by_the_records_too(
    call: RecordedCall, facts: list[Envelope], whole: Interaction
) -> None:
    for returns in range(1, len(facts) - 1):
        own = [_found(facts[0]), _found(facts[returns]), *facts[returns + 1 :]]
        item = interaction_of([*own, *facts_for(call, own)], {})
        assert item, returns
        assert (_words(call, item) <= _words(call, whole), item.is_backfilled) == (True, True), returns
        assert item.ended_at == whole.ended_at, returns
        assert item.ended_by in {whole.ended_by, call.ended_by}, (
            returns
        )  # hung up by command looks like the caller's doing


@pytest.mark.parametrize(("call", "facts", "whole"), _BY_SOURCE.values(), ids=_BY_SOURCE)
def test_what_we_lived_through_behind_a_gap_no_record_knows_better(
    call: RecordedCall, facts: list[Envelope], whole: Interaction
) -> None:
    """Transfers, parking, holds, who was only asked, why a phone stopped ringing: records have less of it, or other words."""
    for found in (1, 2) if len(facts) > 3 else (1,):
        own = [*map(_found, facts[:found]), *facts[found:]]
        filled = interaction_of([*own, *facts_for(call, own)], {})
        assert filled
        assert filled.is_backfilled
        assert _lived(filled) == _lived(whole)
        assert filled.hold_s == pytest.approx(whole.hold_s, abs=0.01)
        assert filled.talk_s == pytest.approx(whole.talk_s, abs=0.01)
        assert abs(filled.ended_at - whole.ended_at) <= timedelta(seconds=0.01)


def _lived(item: Interaction) -> tuple[object, ...]:
    phones = ((part.device, part.connected_at, part.consult, part.cause) for part in item.handled_by)
    people = (
        sorted(phones, key=str) if item.direction is not Direction.INTERNAL else ()
    )  # there a CDR's word is as good as ours
    return item.outcome, item.agent, item.direction, item.ani, item.dnis, item.queue, people, item.transfers


@pytest.mark.parametrize("version", ["22", "16"])
def test_who_gave_up_while_we_came_back_gave_up(version: str) -> None:
    """All that we saw was a call that is over a moment later: its phone's channel was gone, and the caller's was in the list."""
    truth = next(one for one in TRUTHS if name_of(one) == f"{version}-abandoned_while_ringing")
    (call,) = written(truth).calls()
    (facts,) = facts_of(truth).values()
    over = changed(facts[-1], data={**facts[-1].data, "ended_by": "system"})
    own = [_found(facts[0]), over]
    seen, filled = interaction_of(own, {}), interaction_of([*own, *facts_for(call, own)], {})
    assert seen
    assert filled
    assert (seen.outcome, seen.ended_by) == (Outcome.UNATTENDED, "system")
    assert (filled.outcome, filled.ended_by, filled.ended_at) == (Outcome.ABANDONED, "customer", over.time)


@pytest.mark.parametrize("version", ["22", "16"])
def test_who_answered_and_was_hung_up_on_while_we_came_back_answered(version: str) -> None:
    """All that we saw was a phone that rang and stopped, and a caller who left the queue."""
    truth = next(one for one in TRUTHS if name_of(one) == f"{version}-plain_inbound_caller_hangs_up")
    (call,) = written(truth).calls()
    (facts,) = facts_of(truth).values()
    rang = next(fact for fact in facts if fact.type == "cti.call.delivered.v1")
    (part,), back = call.parts, rang.time + timedelta(seconds=4)
    answered, over = back + timedelta(milliseconds=9), back + timedelta(milliseconds=11)
    brief = replace(
        call, parts=(replace(part, connected_at=answered, cleared_at=over),), answered_at=answered, ended_at=over
    )
    left = {name: value for name, value in rang.data.items() if name != "party"}
    own = [
        _found(facts[0]),
        facts[1],
        _found(changed(rang, time=back)),
        changed(rang, type="cti.call.diverted.v1", time=over, data={**left, "cause": "key"}),
        changed(rang, type="cti.call.diverted.v1", time=over, data={**rang.data, "cause": "no_answer"}),
        _found(changed(facts[-1], time=over, data={**facts[-1].data, "ended_by": "system"})),
    ]
    seen, filled = interaction_of(own, {}), interaction_of([*own, *facts_for(brief, own)], {})
    assert seen
    assert filled
    assert (seen.outcome, filled.outcome) == (Outcome.QUEUE_EXIT, Outcome.ANSWERED)
    assert [(phone.device, phone.connected_at) for phone in filled.handled_by] == [(part.device, answered)]


@pytest.mark.parametrize("version", ["22", "16"])
def test_holds_seen_behind_a_gap_are_kept(version: str) -> None:
    truth = next(one for one in TRUTHS if name_of(one) == f"{version}-hold_and_retrieve")
    (call,) = written(truth).calls()
    (facts,) = facts_of(truth).values()
    answered = next(n for n, fact in enumerate(facts) if fact.type == "cti.call.established.v1")
    own = [_found(facts[0]), _found(facts[answered]), *facts[answered + 1 : -2]]
    lost = [*own, *_gone(own)]
    whole, filled = interaction_of(facts, {}), interaction_of([*lost, *facts_for(call, lost)], {})
    assert whole
    assert filled
    assert (filled.is_backfilled, filled.hold_s > 0) == (True, True)
    assert filled.hold_s == pytest.approx(whole.hold_s, abs=0.01)


@pytest.mark.parametrize("version", ["22", "16"])
def test_an_answer_seen_behind_a_gap_keeps_its_time(version: str) -> None:
    """A queue's seconds are cut off."""
    truth = next(one for one in TRUTHS if name_of(one) == f"{version}-ring_no_answer_then_other")
    (call,) = written(truth).calls()
    (facts,) = facts_of(truth).values()
    answered = next(n for n, fact in enumerate(facts) if fact.type == "cti.call.established.v1")
    own = [_found(facts[0]), _found(facts[1]), *facts[2 : answered + 1]]
    lost = [*own, *_gone(own)]
    filled = interaction_of([*lost, *facts_for(call, lost)], {})
    assert filled
    assert (filled.is_backfilled, filled.answered_at) == (True, facts[answered].time)
    assert [part.rang_at for part in filled.handled_by] == [
        fact.time for fact in own if fact.type == "cti.call.delivered.v1"
    ]


@pytest.mark.parametrize("version", ["22", "16"])
def test_a_phone_that_rang_twice_within_seconds_answered_when_it_did(version: str) -> None:
    """By its device alone, the answer would go to the first ring."""
    truth = next(one for one in TRUTHS if name_of(one) == f"{version}-declined_then_other")
    (call,) = written(truth).calls()
    (facts,) = facts_of(truth).values()
    first, second = (part for part in call.parts)
    twice = replace(call, parts=(replace(first, device=second.device), second))
    rings = [fact for fact in facts if fact.type == "cti.call.delivered.v1"]
    party = {**rings[0].data["party"], "device": second.device}
    legs_of_one = [
        changed(
            fact,
            data={
                **fact.data,
                "party": {**party, "leg": fact.data["party"]["leg"], "channel": fact.data["party"]["channel"]},
            },
        )
        if "party" in fact.data and fact.type != "cti.call.offered.v1"
        else fact
        for fact in facts
    ]
    answered = next(n for n, fact in enumerate(facts) if fact.type == "cti.call.established.v1")
    own = [_found(legs_of_one[0]), *legs_of_one[1 : answered + 1]]
    lost = [*own, *_gone(own)]
    filled = interaction_of([*lost, *facts_for(twice, lost)], {})
    assert filled
    assert [(part.rang_at, part.connected_at) for part in filled.handled_by] == [
        (rings[0].time, None), (rings[1].time, facts[answered].time),
    ]  # fmt: skip


def _words(call: RecordedCall, item: Interaction) -> set[str]:
    """Where the PBX's record and ours differ; of a pickup by another phone, say, also when we saw all of it."""
    return {difference.words for difference in compare([call], [item]).differences}


def _found(fact: Envelope) -> Envelope:
    return changed(fact, data={**fact.data, INFERRED: True})


def _gone(facts: list[Envelope]) -> list[Envelope]:
    """What the event plane tells of a call that is in no list any more."""
    call = seen_call(facts)
    assert call
    narrator = Narrator(call.pbx, Endpoints())
    narrator.restore([call])
    return [of_change(change) for change in narrator.end_all("resync", call.since + timedelta(minutes=30))]
