"""Call control as desktops are told it: buttons by the phone, parked calls for everybody, recordings that go on."""

from dataclasses import replace
from typing import Any

import pytest

from cti.agents.agent import AgentId, AgentRole
from cti.calls.call import Call, Recording
from cti.calls.events import Diverted, RecordingChanged
from cti.crm.contact import Contact, ContactId, Flag, Found, Match, MatchedBy
from cti.screenpop import views
from cti.screenpop.messages import NoticeDelta, ParkedView
from cti.telephony.phone import Ability
from tests.unit.screenpop.fakes import Stage
from tests.unit.screenpop.stories import JON, MARA, Story, at

ANNA = Contact(id=ContactId("k1"), name="Anna Berg")


def ringing(stage: Stage) -> Story:
    story = Story()
    stage.hub.call_changed(story.offered())
    stage.hub.call_changed(story.rings(MARA))
    return story


def parks(stage: Stage) -> Story:
    story = Story()
    for change in (story.offered(ani_name="A. Berg"), story.queued(), story.rings(MARA), story.answers(MARA)):
        stage.hub.call_changed(change)
    stage.hub.call_changed(story.tell(Diverted(call=story.id, at=at(60), cause="parked", to="701")))
    stage.hub.call_changed(story.leaves(MARA))
    return story


def test_everybody_is_told_who_is_parked_where_and_by_whom() -> None:
    stage = Stage()
    jon = stage.desktop(JON.id).connect()
    story = parks(stage)
    (told,) = (message["parked"] for message in jon.read() if message["type"] == "parked")
    assert [(one["call"], one["space"], one["by"], one["name"], one["number_shown"]) for one in told] == [
        (story.id, "701", "Mara Lind", "A. Berg", "+49 30 5551234")
    ]
    assert stage.desktop().connect().seen[0]["parked"] == told


def test_a_parked_call_bears_the_name_the_customer_system_knows() -> None:
    stage = Stage()
    jon = stage.desktop(JON.id).connect()
    story = parks(stage)
    jon.read()
    stage.hub.card(views.answered(story.call, Found((Match(ANNA, MatchedBy.NUMBER, ""),), "own", at(9))))
    assert [message["parked"][0]["name"] for message in jon.read()] == ["Anna Berg"]


def test_whoever_is_fetched_is_parked_no_longer() -> None:
    stage = Stage()
    jon = stage.desktop(JON.id).connect()
    story = parks(stage)
    stage.hub.call_changed(story.answers(JON))
    assert [message["parked"] for message in jon.read() if message["type"] == "parked"][-1] == []
    assert stage.hub.parked == ()


def test_the_buttons_go_by_what_the_phone_can_do() -> None:
    stage = Stage()
    stage.hub.listeners.abilities = lambda _call, agent: frozenset(Ability) if agent == MARA else frozenset()
    story = ringing(stage)
    view = stage.hub.view_of(story.call, MARA)
    assert {action.name for action in view.actions if action.allowed} == {"answer", "hangup"}


def test_a_paused_recording_says_when_it_goes_on() -> None:
    stage = Stage()
    stage.hub.listeners.recording_resumes_at = lambda _: at(120)
    story = ringing(stage)
    stage.hub.call_changed(story.answers(MARA))
    for recording, resumes_at in ((Recording.ON, None), (Recording.PAUSED, at(120))):
        stage.hub.call_changed(story.tell(RecordingChanged(call=story.id, at=at(70), recording=recording)))
        view = stage.hub.view_of(story.call, MARA)
        assert (view.recording, view.recording_resumes_at) == (recording.value, resumes_at)


def test_h26_a_customer_who_refuses_recording_is_not_recorded() -> None:
    stage = Stage()
    stage.hub.listeners.abilities = lambda _call, _agent: frozenset(Ability)
    mara, story = stage.desktop().connect(), ringing(stage)
    stage.hub.call_changed(story.answers(MARA))
    mara.read()
    shy = replace(ANNA, flags=frozenset({Flag.RECORDING_REFUSED}))
    stage.hub.card(views.answered(story.call, Found((Match(shy, MatchedBy.NUMBER, ""),), "own", at(9))))
    (call,) = (message["call"] for message in mara.read() if message["type"] == "call")
    offered = {action["name"]: action["why_not"] for action in call["actions"]}
    assert (offered["record"], offered["hold"]) == ("recording_refused", "")
    stage.hub.call_changed(story.tell(RecordingChanged(call=story.id, at=at(70), recording=Recording.ON)))
    assert {one.name: one.allowed for one in stage.hub.view_of(story.call, MARA).actions}["record_stop"]


def test_supervisors_are_told_what_an_agent_was_refused() -> None:
    stage = Stage()
    sue = replace(JON, id=AgentId("sue"), name="Sue Park", role=AgentRole.SUPERVISOR, device="")
    stage.hub.roster((MARA, JON, sue))
    mara, boss = stage.desktop().connect(), stage.desktop(sue.id).connect()
    stage.hub.notice(
        NoticeDelta(seq=0, kind="refused_number", at=at(0), agent="mara", agent_name="Mara Lind", text="premium")
    )
    assert [(one["kind"], one["agent"], one["text"]) for one in boss.read()] == [("refused_number", "mara", "premium")]
    assert mara.read() == []


def test_what_a_call_costs_does_not_grow_with_those_that_are_parked(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    parks(stage)
    looked_at: list[str] = []
    parked_view = views.parked_view

    def counted(call: Call, *rest: Any, **more: Any) -> ParkedView:
        looked_at.append(call.id)
        return parked_view(call, *rest, **more)

    monkeypatch.setattr(views, "parked_view", counted)
    other = Story("2")
    for change in (other.offered(), other.queued(), other.rings(JON), other.answers(JON), other.ends()):
        stage.hub.call_changed(change)
    assert looked_at == []
