"""The demo's callers in the shipped menu: each script ends as it is meant to, or the demo shows something else than it says."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from cti.calls.call import CallId, PbxName
from cti.calls.journey import (
    CallbackRequested,
    Identified,
    IvrEntered,
    IvrLeft,
    IvrOutcome,
    Journey,
    PinTried,
    Rated,
    StepLeft,
    VoicemailLeft,
    fold,
)
from cti.demo.journeys import (
    IMPATIENT_S,
    ON_THEIR_OWN,
    PIN,
    STRANGERS,
    TO_A_PERSON,
    WRONG,
    Rehearsals,
    Rehearsed,
    Script,
    drawn,
    has_something_to_tell,
    scripts_for,
)
from cti.demo.people import CHINESE, COMPLAINT, KEYED, REPEAT, SHARED, Caller
from cti.demo.serve import LONGEST_MENU_S
from cti.envelope import Envelope
from cti.journeys import journey_of, of_journey
from tests.unit.demo.company import STRANGER, company, contacts, flow
from tests.unit.ivr.playing import T

SCRIPTS = (*TO_A_PERSON, *STRANGERS, *ON_THEIR_OWN)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HERE = CallId("demo-7"), PbxName("demo")
PATIENT = company().rehearsals
PLAIN = next(one for one in company().served if not one.waits_for_nobody)


def caller_of(script: Script) -> Caller:
    return STRANGER if script in STRANGERS else COMPLAINT


def journey(rehearsed: Rehearsed) -> Journey:
    whole: Journey | None = None
    for event in rehearsed.events:
        whole = fold(whole, event)
    assert whole
    return whole


def of(rehearsed: Rehearsed, kind: type[T]) -> list[T]:
    return [event for event in rehearsed.events if isinstance(event, kind)]


async def rehearsed(script: Script) -> Journey:
    return journey(await PATIENT.rehearse(script, caller_of(script)))


# ---- what each script shows


@pytest.mark.parametrize("caller", [COMPLAINT, CHINESE, REPEAT, KEYED], ids=lambda one: one.contact_name)
@pytest.mark.parametrize("script", TO_A_PERSON, ids=repr)
async def test_a_known_customer_ends_in_the_queue_and_is_known_there(script: Script, caller: Caller) -> None:
    came = journey(await PATIENT.rehearse(script, caller))
    assert (came.outcome, came.to, came.contact) == (IvrOutcome.TO_AGENT, "queue support", caller.contact)


@pytest.mark.parametrize("script", STRANGERS, ids=repr)
async def test_a_stranger_ends_in_the_queue_and_nobody_knows_them(script: Script) -> None:
    came = await rehearsed(script)
    assert (came.outcome, came.to, came.contact) == (IvrOutcome.TO_AGENT, "queue support", "")


@pytest.mark.parametrize("caller", company().served, ids=lambda one: one.contact)
async def test_nobody_s_phone_rings_for_whom_the_menu_serves_alone(caller: Caller) -> None:
    """Gold customers, whom the flow puts through at once, are not played as if they had asked to be called back."""
    came = [journey(await PATIENT.rehearse(script, caller)) for script in scripts_for(caller, ON_THEIR_OWN)]
    assert [one.to for one in came if "queue" in one.to] == []


async def test_those_who_are_served_alone_show_everything_the_menu_can_come_to() -> None:
    came = [journey(await PATIENT.rehearse(script, PLAIN)) for script in scripts_for(PLAIN, ON_THEIR_OWN)]
    assert [(one.outcome, one.at_step) for one in came] == [
        (IvrOutcome.SELF_SERVED, "more"),
        (IvrOutcome.SELF_SERVED, "more"),
        (IvrOutcome.SELF_SERVED, "pin_for_balance"),
        (IvrOutcome.ABANDONED, "code"),
        (IvrOutcome.ABANDONED, "menu"),
        (IvrOutcome.ABANDONED, "pin_for_order"),
        (IvrOutcome.TO_AGENT, "goodbye"),
        (IvrOutcome.TO_AGENT, "goodbye"),
    ]
    assert (came[6].callback_number, bool(came[7].voicemail)) == (PLAIN.number, True)


async def test_pins_are_right_wrong_at_first_and_wrong_to_the_end() -> None:
    tried = [
        [event.result for event in of(await PATIENT.rehearse(script, COMPLAINT), PinTried)] for script in TO_A_PERSON
    ]
    assert tried == [[], ["ok"], ["ok"], ["wrong", "wrong", "ok"], [], ["wrong"] * 3]


async def test_who_keys_a_wrong_code_keys_theirs_next() -> None:
    came = await PATIENT.rehearse(TO_A_PERSON[4], COMPLAINT)
    (code,) = [step for step in of(came, StepLeft) if step.step == "code"]
    assert (code.failures, code.keyed, [event.code for event in of(came, Identified)]) == (1, "20118", ["20118"])


@pytest.mark.parametrize("script", SCRIPTS, ids=repr)
async def test_nothing_breaks_and_no_pin_is_told(script: Script) -> None:
    came = await PATIENT.rehearse(script, caller_of(script))
    assert (came.events[0].__class__, came.events[-1].__class__) == (IvrEntered, IvrLeft)
    assert of(came, IvrLeft)[0].outcome is not IvrOutcome.FAILED
    assert [word for word in (PIN, WRONG) if word in repr(came.events)] == []


@pytest.mark.parametrize("script", TO_A_PERSON + STRANGERS, ids=repr)
async def test_afterwards_they_say_how_it_was_as_their_script_says(script: Script) -> None:
    after = await PATIENT.rehearse_after(script, caller_of(script))
    assert [event.score for event in of(after, Rated)] == ([int(script.mark)] if script.mark else [])
    assert of(after, IvrEntered)[0].is_after


# ---- who calls


@pytest.mark.parametrize("caller", [COMPLAINT, CHINESE, REPEAT, KEYED], ids=lambda one: one.contact_name)
async def test_every_named_customer_is_found_by_the_code_they_key(caller: Caller) -> None:
    assert journey(await PATIENT.rehearse(TO_A_PERSON[0], caller)).contact == caller.contact


def test_who_has_no_code_gets_a_stranger_s_script() -> None:
    assert scripts_for(SHARED, TO_A_PERSON) == list(STRANGERS)


def test_every_script_is_drawn_now_and_then_the_heavy_ones_more_often() -> None:
    dice = Random(1)
    count = Counter(drawn(TO_A_PERSON, dice) for _ in range(1300))
    assert set(count) == set(TO_A_PERSON)
    assert count[TO_A_PERSON[0]] > 2 * count[TO_A_PERSON[3]]


def test_the_menu_has_something_to_tell_those_it_serves() -> None:
    served = company().served
    assert len(served) > 1
    assert all(has_something_to_tell(contacts()[one.code]) for one in served)


# ---- when


@pytest.mark.parametrize("speed", [1.0, 2.0, 8.0])
async def test_a_rehearsal_is_told_at_its_time_and_speed(speed: float) -> None:
    came = await PATIENT.rehearse(ON_THEIR_OWN[6], PLAIN)
    told = came.at(NOON, call=HERE[0], pbx=HERE[1], speed=speed)
    assert [(event.at - NOON) * speed for event in told] == [event.at - came.began_at for event in came.events]
    assert (told[-1].at - NOON).total_seconds() == pytest.approx(came.spent_s / speed)
    assert {(event.call, event.pbx) for event in told} == {HERE}


async def test_no_time_in_an_event_is_left_where_it_was() -> None:
    """Also those of a step's beginning, and since when somebody waits to be called back."""
    came = await PATIENT.rehearse(ON_THEIR_OWN[6], PLAIN)
    told = came.at(NOON, call=HERE[0], pbx=HERE[1], speed=2.0)
    begun = [event.entered_at for event in told if isinstance(event, StepLeft | CallbackRequested)]
    assert len(begun) > 5
    assert all(NOON <= at <= told[-1].at for at in begun)
    spent_s = [(event.at - event.entered_at).total_seconds() for event in told if isinstance(event, StepLeft)]
    assert sum(spent_s) == pytest.approx(came.spent_s / 2)


async def test_told_as_facts_it_is_the_same_journey() -> None:
    came = await PATIENT.rehearse(TO_A_PERSON[3], COMPLAINT)
    events = came.at(NOON, call=HERE[0], pbx=HERE[1])
    facts: list[Envelope] = [of_journey(event) for event in events]
    assert journey_of(facts) == journey(Rehearsed(events=events, began_at=NOON))


async def test_live_callers_are_too_impatient_to_bore_who_watches() -> None:
    impatient = Rehearsals(flow(), contacts(), listens_s=IMPATIENT_S)
    for script in TO_A_PERSON:
        quick = (await impatient.rehearse(script, COMPLAINT)).spent_s
        assert 1.0 < quick < LONGEST_MENU_S
        assert quick < (await PATIENT.rehearse(script, COMPLAINT)).spent_s


async def test_a_message_at_night_is_a_message() -> None:
    came = await PATIENT.rehearse(ON_THEIR_OWN[7], COMPLAINT)
    assert [timedelta(seconds=event.length_s) for event in of(came, VoicemailLeft)] == [timedelta(seconds=9)]
