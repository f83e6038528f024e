"""An agent's state as a fact, and back."""

from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cti.agent_facts import AGENTS, of_presence, presence_of
from cti.agents.agent import AgentId
from cti.agents.presence import (
    AgentState,
    Cause,
    Maker,
    Part,
    PartState,
    Pause,
    Presence,
    Reason,
    WrapUp,
    WrapUpKind,
)
from cti.envelope import decode, encode
from tests.unit.store.call_stories import NINE

MOMENTS = st.integers(0, 10**9).map(lambda ms: NINE + timedelta(milliseconds=ms))
REASONS = st.builds(Reason, st.integers(1, 999), st.text(max_size=5))
PRESENCES = st.builds(
    Presence,
    agent=st.sampled_from([AgentId("mara"), AgentId("o'neil@x")]),
    is_logged_in=st.booleans(),
    pauses=st.lists(
        st.builds(Pause, cause=st.sampled_from(Cause), reason=REASONS, owner=st.text(max_size=5), since=MOMENTS),
        max_size=2,
    ).map(tuple),
    parts=st.lists(
        st.builds(Part, call=st.text(max_size=5), state=st.sampled_from(PartState), since=MOMENTS), max_size=2
    ).map(tuple),
    wrap_up=st.none()
    | st.builds(
        WrapUp,
        call=st.text(max_size=5),
        queue=st.just("billing"),
        kind=st.sampled_from(WrapUpKind),
        began_at=MOMENTS,
        deadline=st.none() | MOMENTS,
    ),
    missed=st.dictionaries(st.text(max_size=3), st.integers(0, 5), max_size=2),
    state=st.sampled_from(AgentState),
    reason=st.none() | REASONS,
    since=MOMENTS,
    made_by=st.sampled_from(Maker),
    by=st.text(max_size=5),
    changes=st.integers(0, 10**6),
)


@given(PRESENCES)
def test_a_presence_comes_back_from_its_fact(presence: Presence) -> None:
    assert presence_of(decode(encode(of_presence(presence)))) == presence


def test_a_fact_names_who_and_when() -> None:
    fact = of_presence(Presence(agent=AgentId("mara"), since=NINE, changes=7))
    assert (fact.source, fact.subject, fact.time, fact.sequence) == (AGENTS, "mara", NINE, 0)
    assert fact.id == "mara@2026-11-23T09:00:00+00:00#7"


def test_what_changes_within_a_state_is_a_fact_of_its_own() -> None:
    before = Presence(agent=AgentId("mara"), since=NINE)
    pause = Pause(cause=Cause.CHOSEN, reason=Reason(1, "Break"), since=NINE + timedelta(seconds=9))
    later = of_presence(Presence(agent=AgentId("mara"), since=NINE, pauses=(pause,)), pause.since)
    assert (later.id == of_presence(before).id, later.time) == (False, pause.since)
    at_once = of_presence(Presence(agent=AgentId("mara"), since=NINE, pauses=(pause,)), NINE)
    assert at_once.id != of_presence(before).id
    assert at_once.id != of_presence(before, NINE).id


def test_what_cannot_be_read_is_no_presence() -> None:
    fact = of_presence(Presence(agent=AgentId("mara"), since=NINE))
    changed = msgspec.structs.replace
    assert presence_of(changed(fact, data=fact.data | {"state": "DREAMING"})) is None
    assert presence_of(changed(fact, type="cti.call.offered.v1")) is None
    assert presence_of(changed(fact, source="/pbx/main")) is None
