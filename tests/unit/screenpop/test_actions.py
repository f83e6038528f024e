"""Which buttons stand on the call bar: the same ones always, each to be pressed or with its reason."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cti.agents.agent import Agent, AgentId
from cti.calls.call import Call, Direction, LegId, Party, Recording, Role, TransferKind
from cti.calls.events import (
    Conferenced,
    Delivered,
    Diverted,
    Established,
    Held,
    RecordingChanged,
    Retrieved,
    Transferred,
)
from cti.screenpop.actions import TABLE, ActionName, call_actions
from cti.screenpop.rules import my_leg
from cti.telephony.phone import Ability
from tests.unit.screenpop.stories import JON, MARA, Story, at

ALL = frozenset(Ability)
SUE = replace(JON, id=AgentId("sue"), extension="1003", device="PJSIP/1003")
WITH_CUSTOMER = {"hold", "keys", "transfer", "consult", "park", "record"}


def allowed(call: Call, agent: Agent = MARA, **more: object) -> set[str]:
    return {name for name, why_not in reasons(call, agent, **more).items() if not why_not}


def reasons(call: Call, agent: Agent = MARA, **more: object) -> dict[str, str]:
    given: dict[str, object] = {"abilities": ALL} | more
    actions = call_actions(call, my_leg(call, agent.device), **given)  # type: ignore[arg-type]
    assert all(bool(action.why_not) != action.allowed for action in actions)
    return {action.name: action.why_not for action in actions}


# ---- the stations of a call


def rings() -> Story:
    story = Story()
    story.offered()
    story.rings(MARA)
    return story


def talks() -> Story:
    story = rings()
    story.answers(MARA)
    return story


def holds() -> Story:
    story = talks()
    story.tell(Held(call=story.id, at=at(50), party=story.phone(MARA)))
    return story


def asks_jon() -> Story:
    story = holds()
    story.rings(JON, consult=True)
    return story


def consults() -> Story:
    story = asks_jon()
    story.answers(JON, consult=True)
    return story


def alternates() -> Story:
    story = consults()
    story.tell(Retrieved(call=story.id, at=at(60), party=story.phone(MARA)))
    return story


def confers() -> Story:
    story = consults()
    story.tell(Conferenced(call=story.id, at=at(60), party=story.phone(JON), by=story.phone(MARA)))
    return story


def dials() -> Story:
    story = Story(direction=Direction.OUTBOUND)
    story.placed_by(MARA)
    story.rings(MARA)
    return story


def dials_and_customer_rings() -> Story:
    story = dials()
    story.tell(Delivered(call=story.id, at=at(20), party=story.customer()))
    return story


def dialled_and_answered() -> Story:
    story = dials_and_customer_rings()
    story.tell(Established(call=story.id, at=at(30), party=story.customer()))
    return story


def records() -> Story:
    story = talks()
    story.tell(RecordingChanged(call=story.id, at=at(40), recording=Recording.ON))
    return story


def pauses_the_recording() -> Story:
    story = records()
    story.tell(RecordingChanged(call=story.id, at=at(50), recording=Recording.PAUSED))
    return story


def parked() -> Story:
    story = talks()
    story.tell(Diverted(call=story.id, at=at(50), cause="parked", to="701"))
    story.leaves(MARA)
    return story


@pytest.mark.parametrize(
    ("told", "agent", "may"),
    [
        (rings, MARA, {"answer", "hangup"}),
        (rings, JON, set()),
        (talks, MARA, WITH_CUSTOMER | {"hangup"}),
        (holds, MARA, {"retrieve", "transfer", "consult", "park", "record", "hangup"}),
        (asks_jon, MARA, {"keys", "complete", "reconnect", "record", "hangup"}),
        (asks_jon, JON, {"answer", "hangup"}),
        (consults, MARA, {"keys", "complete", "conference", "reconnect", "alternate", "record", "hangup"}),
        (consults, JON, {"keys", "hangup"}),
        (alternates, MARA, {"keys", "complete", "conference", "reconnect", "alternate", "record", "hangup"}),
        (confers, MARA, {"hold", "keys", "record", "hangup"}),
        (confers, JON, {"hold", "keys", "record", "hangup"}),
        (dials, MARA, {"hangup"}),
        (dials_and_customer_rings, MARA, {"hangup"}),
        (dialled_and_answered, MARA, WITH_CUSTOMER | {"hangup"}),
        (records, MARA, (WITH_CUSTOMER - {"record"}) | {"record_pause", "record_stop", "hangup"}),
        (pauses_the_recording, MARA, (WITH_CUSTOMER - {"record"}) | {"record_resume", "record_stop", "hangup"}),
        (parked, MARA, set()),
    ],
)
def test_what_may_be_done_follows_from_the_call_and_ones_part_in_it(
    told: Callable[[], Story], agent: Agent, may: set[str]
) -> None:
    assert may == allowed(told().call, agent)


@pytest.mark.parametrize(
    ("told", "agent", "action", "why_not"),
    [
        (talks, JON, "hangup", "not_your_call"),
        (parked, MARA, "hangup", "not_your_call"),
        (dials, MARA, "answer", "not_answered"),
        (rings, MARA, "hold", "not_connected"),
        (talks, MARA, "answer", "not_ringing"),
        (talks, MARA, "retrieve", "not_held"),
        (talks, MARA, "complete", "not_consulting"),
        (holds, MARA, "hold", "already_held"),
        (holds, MARA, "keys", "held"),
        (asks_jon, MARA, "conference", "consult_ringing"),
        (asks_jon, MARA, "transfer", "consulting"),
        (asks_jon, MARA, "retrieve", "consulting"),
        (consults, JON, "transfer", "consulted"),
        (consults, JON, "complete", "consulted"),
        (confers, MARA, "transfer", "in_conference"),
        (records, MARA, "record", "recording"),
        (records, MARA, "record_resume", "not_paused"),
        (talks, MARA, "record_pause", "not_recording"),
        (pauses_the_recording, MARA, "record_pause", "paused"),
    ],
)
def test_a_button_that_may_not_be_pressed_says_why(
    told: Callable[[], Story], agent: Agent, action: str, why_not: str
) -> None:
    assert why_not == reasons(told().call, agent)[action]


@pytest.mark.parametrize(
    "told", [rings, talks, holds, asks_jon, consults, alternates, confers, dials, records, pauses_the_recording, parked]
)
def test_the_buttons_are_always_the_same_in_the_same_order(told: Callable[[], Story]) -> None:
    names = [name.value for name in ActionName]
    assert names == list(reasons(told().call)) == list(reasons(told().call, JON))
    assert names == [row.name.value for row in TABLE]


def test_a_phone_that_cannot_be_moved_can_still_be_hung_up() -> None:
    assert allowed(talks().call, abilities=frozenset()) == {"hangup"}
    assert reasons(talks().call, abilities=ALL - {Ability.HOLD})["hold"] == "phone_cannot"


def test_without_the_pbx_nothing_may_be_done() -> None:
    assert set(reasons(talks().call, pbx_is_up=False).values()) == {"pbx_lost"}


def test_where_the_site_does_not_let_agents_record_the_button_says_so() -> None:
    offered = reasons(talks().call, is_recording_offered=False)
    assert {offered[name] for name in offered if name.startswith("record")} == {"recording_off"}
    assert offered["hold"] == ""


def test_an_outside_number_that_was_asked_in_counts_as_a_colleague() -> None:
    story = holds()
    outside = Party(leg=LegId("x1"), role=Role.EXTERNAL, number="+49891234", device="PJSIP/trunk")
    story.tell(Established(call=story.id, at=at(55), party=outside, consult=True))
    assert "complete" in allowed(story.call)


def test_whoever_handed_a_call_over_and_still_hangs_on_is_no_consultation() -> None:
    story = consults()
    story.tell(
        Transferred(
            call=story.id, at=at(60), kind=TransferKind.ATTENDED, by=story.phone(MARA), to_number="1002",
            to=story.phone(JON),
        )
    )  # fmt: skip
    assert allowed(story.call, JON) == WITH_CUSTOMER | {"hangup"}
    assert allowed(story.call, MARA) == {"keys", "hangup"}


def test_of_two_agents_with_a_customer_the_consultation_is_whose_who_holds() -> None:
    story = confers()
    story.tell(Held(call=story.id, at=at(70), party=story.phone(JON)))
    story.rings(SUE, consult=True)
    assert "complete" in allowed(story.call, JON)
    assert reasons(story.call, MARA)["complete"] == "not_consulting"
