"""Wanted, there, and the commands between: for every presence and every member the commands lead to what is wanted."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from cti.agents.presence import SYSTEM_REASONS, Cause, Leave, Maker, Pause, Presence, Reason, WrapUp, WrapUpKind
from cti.floor.membership import LOGGED_OUT, Members, Wanted, is_ours, member_name, missing, reason_text, wanted
from cti.telephony.commands import AddMember, Command, PauseMember, RemoveMember, SetPenalty
from cti.telephony.link import MemberChanged
from tests.unit.floor.fakes import MAIN, REASONS
from tests.unit.screenpop.stories import MARA, at

ids = map(str, itertools.count())
HERE = Presence(agent=MARA.id, is_logged_in=True, since=at(0))
LUNCH = Pause(cause=Cause.CHOSEN, reason=Reason(2, "Lunch"), since=at(0))
PBX_PAUSE = Pause(cause=Cause.PBX, reason=SYSTEM_REASONS[Cause.PBX], since=at(0))
WRAP_UP = WrapUp(call="c", queue="support", kind=WrapUpKind.OPTIONAL, began_at=at(0), deadline=None)


def want(presence: Presence) -> Wanted:
    (one,) = wanted(MARA, presence)
    return one


def commands(one: Wanted, member: MemberChanged | None) -> list[Command]:
    return list(missing(one, member, lambda: next(ids)))


def a_member(**more: object) -> MemberChanged:
    base = MemberChanged(pbx=MAIN, queue="support", device=MARA.device, is_member=True, at=at(0))
    return replace(base, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("presence", "is_in", "reason"),
    [
        (HERE, True, None),
        (structs.replace(HERE, pauses=(LUNCH,)), True, "Lunch"),
        (structs.replace(HERE, pauses=(LUNCH,), wrap_up=WRAP_UP), True, "wrap_up"),
        (structs.replace(HERE, owed=(WRAP_UP,)), True, "wrap_up"),
        (structs.replace(HERE, pauses=(LUNCH, PBX_PAUSE)), True, ""),
        (structs.replace(HERE, leaving=Leave(made_by=Maker.AGENT), wrap_up=WRAP_UP), True, "wrap_up"),
        (structs.replace(HERE, is_logged_in=False), False, LOGGED_OUT),
    ],
    ids=["ready", "pause", "wrap_up_hides_it", "owed", "paused_there", "leaving", "out"],
)
def test_what_a_presence_wants_of_a_queue(presence: Presence, reason: str | None, *, is_in: bool) -> None:
    one = want(presence)
    assert (one.is_member, one.paused, one.reason if one.paused else None) == (is_in, reason is not None, reason)


def test_a_pause_with_another_reason_is_told_anew() -> None:
    (command,) = commands(want(structs.replace(HERE, pauses=(LUNCH,))), a_member(paused=True, reason="Break"))
    assert isinstance(command, PauseMember)
    assert (command.paused, command.reason) == (True, "Lunch")


def test_a_pause_made_there_keeps_the_reason_it_has() -> None:
    assert commands(want(structs.replace(HERE, pauses=(PBX_PAUSE,))), a_member(paused=True, reason="nightshift")) == []


def test_a_member_that_stands_in_queues_conf_is_paused_once_when_the_agent_leaves() -> None:
    out = want(structs.replace(HERE, is_logged_in=False))
    (command,) = commands(out, a_member(is_dynamic=False))
    assert isinstance(command, PauseMember)
    assert commands(out, a_member(is_dynamic=False, paused=True, reason=LOGGED_OUT)) == []


@given(
    is_in=st.booleans(), paused=st.booleans(), reason=st.sampled_from(["", "Lunch", "wrap_up"]),
    penalty=st.sampled_from([None, 0, 3]), is_there=st.booleans(), is_dynamic=st.booleans(), was_paused=st.booleans(),
    had_reason=st.sampled_from(["", "Lunch", "other"]), had_penalty=st.sampled_from([0, 3, 7]),
)  # fmt: skip
def test_whatever_there_is_the_commands_lead_to_what_is_wanted(
    *, is_in: bool, paused: bool, reason: str, penalty: int | None, is_there: bool, is_dynamic: bool, was_paused: bool,
    had_reason: str, had_penalty: int,
) -> None:  # fmt: skip
    one = Wanted(
        queue="support", device=MARA.device, name="Mara", is_member=is_in, paused=paused or not is_in,
        reason=reason if is_in else LOGGED_OUT, penalty=penalty,
    )  # fmt: skip
    members = Members()
    if is_there:
        members.told(a_member(is_dynamic=is_dynamic, paused=was_paused, reason=had_reason, penalty=had_penalty))
    for command in commands(one, members.of(MAIN, MARA.device).get("support")):
        members.carried_out(MAIN, command, at(1))
    assert commands(one, members.of(MAIN, MARA.device).get("support")) == []


def test_the_first_command_says_all_there_is_to_say() -> None:
    one = Wanted(queue="support", device=MARA.device, name="Mara", paused=True, reason="Lunch", penalty=4)
    (command,) = commands(one, None)
    assert isinstance(command, AddMember)
    assert (command.paused, command.reason, command.penalty) == (True, "Lunch", 4)
    assert {type(command) for command in commands(one, a_member())} == {PauseMember, SetPenalty}
    assert [type(one) for one in commands(want(structs.replace(HERE, is_logged_in=False)), a_member())] == [
        RemoveMember
    ]


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("Lunch", "Lunch"),
        ("A/B break; now", "A B break now"),
        ("會議", "reason 3"),
        ("x" * 80, "x" * 60),
        ("會議 1", "1"),
    ],
)
def test_a_reason_is_told_in_what_a_pbx_takes(label: str, text: str) -> None:
    assert reason_text(Reason(3, label)) == text


def test_our_own_pauses_are_known_again() -> None:
    assert all(is_ours(text, REASONS) for text in ("wrap_up", "missed_call", LOGGED_OUT, "Lunch", "reason 3"))
    assert not any(is_ours(text, REASONS) for text in ("", "nightshift"))


@pytest.mark.parametrize(
    ("name", "said"),
    [("Mara Lind", "Mara Lind"), ("陳美玲", "陳美玲"), ("a|b", "mara"), ("", "mara"), ("美" * 40, "mara")],
)
def test_a_name_that_a_queue_log_cannot_hold_is_the_log_in_name(name: str, said: str) -> None:
    assert member_name(replace(MARA, name=name)) == said


def test_who_was_not_told_since_the_lists_were_begun_is_not_there() -> None:
    members = Members()
    members.told(a_member(at=at(0)))
    members.told(a_member(queue="billing", at=at(10)))
    members.read(MAIN, at(5))
    assert list(members.of(MAIN, MARA.device)) == ["billing"]
    assert members.is_known(MAIN)
    members.lost(MAIN)
    assert (members.of(MAIN, MARA.device), members.is_known(MAIN)) == ({}, False)
