"""What was read in the PBX's records stands in for an end that nobody saw, and for nothing else."""

from datetime import timedelta

import msgspec

from cti.calls.call import Outcome
from cti.calls.events import Cleared, ConnectionCleared
from cti.envelope import Envelope
from cti.store.derive import interaction_of, seen_call
from tests.unit.store.call_stories import DEVICES, Story, answered_call, facts_of


def read_up(facts: list[Envelope]) -> list[Envelope]:
    """The same facts as backfill writes them."""
    return [
        msgspec.structs.replace(
            fact, id=f"{fact.subject}#backfilled#{fact.sequence}", data={**fact.data, "backfilled": True}
        )
        for fact in facts
    ]


def lost_call(story: Story) -> list[Envelope]:
    """Answered at 10 s; the connection went, and at 100 s it was found to be gone."""
    whole = answered_call()
    answered = next(n for n, fact in enumerate(whole) if fact.type == "cti.call.established.v1")
    party = story.party("1001")
    gone = [
        ConnectionCleared(call=story.call, at=story.at(100), party=party, cause="resync"),
        Cleared(call=story.call, at=story.at(100), cause="resync", ended_by="system"),
    ]
    return facts_of([*_events(whole[: answered + 1]), *gone])


def _events(facts: list[Envelope]) -> list:  # type: ignore[type-arg]
    from cti.envelope import event_of

    return [event for fact in facts if (event := event_of(fact))]


def test_a_call_that_nobody_saw_is_what_was_read_and_says_so() -> None:
    seen = interaction_of(answered_call(), DEVICES)
    read = interaction_of(read_up(answered_call()), DEVICES)
    assert seen
    assert read
    assert (seen.is_backfilled, read.is_backfilled) == (False, True)
    assert (read.outcome, read.agent, read.talk_s, read.ended_at) == (
        seen.outcome,
        seen.agent,
        seen.talk_s,
        seen.ended_at,
    )


def test_an_end_nobody_saw_is_replaced_by_the_one_that_was_read() -> None:
    story = Story()
    lost = lost_call(story)
    inferred = interaction_of(lost, DEVICES)
    call = seen_call(lost)
    assert inferred
    assert call
    assert (inferred.cause, call.is_live) == ("resync", True)
    end = facts_of(
        [*_events(lost[:-2]), Cleared(call=story.call, at=story.at(40), cause="normal", ended_by="customer")]
    )[-1:]
    filled = interaction_of([*lost, *read_up(end)], DEVICES)
    assert filled
    assert (filled.is_backfilled, filled.outcome, filled.cause, filled.ended_by) == (
        True,
        Outcome.ANSWERED,
        "normal",
        "customer",
    )
    assert filled.ended_at == story.at(40)
    assert timedelta(seconds=filled.talk_s) == story.at(40) - (filled.answered_at or story.at(0))


def test_what_was_lived_through_wins_over_what_was_read_whichever_came_first() -> None:
    own, other = answered_call(), read_up(lost_call(Story()))
    assert (
        interaction_of([*other, *own], DEVICES)
        == interaction_of(own, DEVICES)
        == interaction_of([*own, *other], DEVICES)
    )


def test_what_was_found_so_on_our_return_is_marked() -> None:
    """Answered while we were away, ended before our eyes: the answer has the time of our return, and the row says so."""
    whole = answered_call()
    found = [
        msgspec.structs.replace(fact, data={**fact.data, "inferred": True})
        if fact.type == "cti.call.established.v1"
        else fact
        for fact in whole
    ]
    seen, marked = interaction_of(whole, DEVICES), interaction_of(found, DEVICES)
    assert seen
    assert marked
    assert (seen.is_backfilled, marked.is_backfilled) == (False, True)


def test_an_end_found_on_our_return_waits_to_be_filled_in() -> None:
    lost = [msgspec.structs.replace(fact, data={**fact.data, "inferred": True}) for fact in lost_call(Story())]
    waiting = interaction_of(lost, DEVICES)
    assert waiting
    assert not waiting.is_backfilled


def test_what_was_filled_in_without_its_end_is_no_end() -> None:
    """Killed in the midst of it: the beginning is on record, and on our return the call is found to be gone."""
    lost = lost_call(Story())
    cut_short = interaction_of([*read_up(answered_call()[:2]), lost[-1]], DEVICES)
    assert cut_short
    assert (cut_short.cause, cut_short.is_backfilled) == ("resync", False)
