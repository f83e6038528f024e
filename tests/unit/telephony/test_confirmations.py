"""Which event ends which command."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.calls.call import CallId, LegId
from cti.telephony.asterisk.actions import expectation_of
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.confirmations import REMEMBERED, Confirmations
from cti.telephony.asterisk.dialplan import Dialplan
from cti.telephony.asterisk.kinds.kind import Expectation, Given, Message
from cti.telephony.asterisk.kinds.of_calls import GRACE_S, MARGIN_S
from cti.telephony.commands import (
    AddMember,
    Command,
    Done,
    Failed,
    Hangup,
    Originate,
    PauseMember,
    RemoveMember,
    SetPenalty,
)
from tests.unit.telephony import every_command

DIAL = Originate(id="dial", device="PJSIP/2001", to="0223334444", ring_timeout_s=30.0)
END = Hangup(id="end", call=CallId("main-1.1"), leg=LegId("1.1"))
NEW_LEG = LegId("cti1-1763754000.1")


def event(name: str, **headers: str) -> AmiMessage:
    return AmiMessage.of([("Event", name), *((key.replace("_", "-"), value) for key, value in headers.items())])


def answer(response: str, reason: str = "4", action_id: str = "a-dial") -> AmiMessage:
    return event("OriginateResponse", ActionID=action_id, Response=response, Reason=reason, Uniqueid="<null>")


def gone(leg: LegId = NEW_LEG, cause: str = "16", words: str = "Normal Clearing") -> AmiMessage:
    return event("Hangup", Uniqueid=leg, Cause=cause, Cause_txt=words)


def out(*commands: Command, now: float = 0.0) -> Confirmations:
    confirmations = Confirmations()
    for command in commands:
        given = Given(action_id=f"a-{command.id}", leg=NEW_LEG, dialplan=Dialplan())
        confirmations.begin(expectation_of(command, given), now)
    return confirmations


def test_a_picked_up_phone_is_done_and_names_its_leg() -> None:
    assert out(DIAL).feed(answer("Success"), 3.0) == [Done(command="dial", leg=NEW_LEG)]


@pytest.mark.parametrize(
    ("reason", "words"), [("1", "no answer"), ("3", "no answer"), ("5", "busy"), ("8", "congestion")]
)
def test_a_phone_that_was_not_picked_up_fails_with_the_pbx_s_reason(reason: str, words: str) -> None:
    assert out(DIAL).feed(answer("Failure", reason), 3.0) == [Failed(command="dial", reason=words)]


def test_a_hang_up_explains_a_reason_that_says_nothing() -> None:
    confirmations = out(DIAL)
    assert confirmations.feed(gone(cause="21", words="Call Rejected"), 3.0) == []
    assert confirmations.feed(answer("Failure", "0"), 3.1) == [Failed(command="dial", reason="Call Rejected")]


def test_the_explanation_may_come_second() -> None:
    confirmations = out(DIAL)
    assert confirmations.feed(answer("Failure", "0"), 3.0) == []
    assert confirmations.feed(gone(cause="17", words="User busy"), 3.1) == [Failed(command="dial", reason="User busy")]


def test_a_phone_that_does_not_exist_never_hangs_up() -> None:
    confirmations = out(DIAL)
    confirmations.feed(answer("Failure", "0"), 3.0)
    assert confirmations.next_deadline() == 3.0 + GRACE_S
    assert confirmations.expire(3.0 + GRACE_S) == [Failed(command="dial", reason="unavailable")]


def test_a_hang_up_without_an_answer_has_to_do() -> None:
    confirmations = out(DIAL)
    confirmations.feed(gone(cause="21", words="Call Rejected"), 3.0)
    assert confirmations.next_deadline() == 3.0 + GRACE_S
    assert confirmations.expire(3.0 + GRACE_S) == [Failed(command="dial", reason="Call Rejected")]


@pytest.mark.parametrize(
    ("cause", "words"), [("0", "Unknown"), ("127", "Interworking, unspecified"), ("", ""), ("99", "")]
)
def test_a_cause_that_says_nothing_is_not_quoted(cause: str, words: str) -> None:
    confirmations = out(DIAL)
    confirmations.feed(gone(cause=cause, words=words), 3.0)
    assert confirmations.expire(9.0) == [Failed(command="dial", reason="unavailable")]


def test_another_s_answer_and_another_leg_s_hang_up_decide_nothing() -> None:
    confirmations = out(DIAL, END)
    assert confirmations.feed(answer("Success", action_id="a-other"), 1.0) == []
    assert confirmations.feed(gone(LegId("9.9")), 1.0) == []
    assert confirmations.feed(event("Newchannel", Uniqueid="1.1"), 1.0) == []
    assert confirmations.is_out("dial")
    assert confirmations.is_out("end")


def test_an_answer_that_bears_a_hang_up_s_id_decides_nothing() -> None:
    assert out(END).feed(answer("Success", action_id="a-end"), 1.0) == []


def test_a_leg_that_hangs_up_ends_its_command() -> None:
    assert out(END).feed(gone(LegId("1.1")), 1.0) == [Done(command="end")]


def test_a_leg_that_is_gone_already_is_as_good() -> None:
    assert out(END).refuse("end", "No such channel", 1.0) == [Done(command="end")]


def test_two_who_end_the_same_leg_are_both_told() -> None:
    second = Hangup(id="end2", call=END.call, leg=END.leg)
    assert out(END, second).feed(gone(LegId("1.1")), 1.0) == [Done(command="end"), Done(command="end2")]


def test_a_refusal_is_told_in_the_pbx_s_words() -> None:
    assert out(DIAL).refuse("dial", "Permission denied", 1.0) == [Failed(command="dial", reason="Permission denied")]


def test_a_ring_has_its_own_time_and_a_margin() -> None:
    confirmations = out(DIAL, now=100.0)
    assert confirmations.next_deadline() == 130.0 + MARGIN_S
    assert confirmations.expire(130.0) == []
    assert confirmations.expire(130.0 + MARGIN_S) == [Failed(command="dial", reason="timeout")]
    assert confirmations.next_deadline() is None


def test_17_action_timeout_a_late_answer_is_ignored() -> None:
    confirmations = out(DIAL)
    confirmations.expire(1000.0)
    assert confirmations.feed(answer("Success"), 1001.0) == []
    assert confirmations.refuse("dial", "late", 1.0) == []
    assert confirmations.result("dial") == Failed(command="dial", reason="timeout")


@pytest.mark.parametrize("command", every_command.EVERY, ids=lambda command: type(command).__name__)
def test_17_action_timeout_of_each_kind_nothing_that_comes_later_counts(command: Command) -> None:
    confirmations = Confirmations()
    expectation = expectation_of(command, every_command.given(command))
    confirmations.begin(expectation, 0.0)
    assert confirmations.expire(expectation.limit_s - 0.01) == []
    assert confirmations.expire(expectation.limit_s) == [Failed(command=command.id, reason="timeout")]
    assert confirmations.accept(command.id, {"Response": "Success"}, 200.0) == []
    assert confirmations.answer(command.id, {"Response": "Success"}, 200.0) == []
    assert confirmations.refuse(command.id, "late", 200.0) == []
    assert not [name for name in expectation.events if confirmations.watches(name)]
    assert confirmations.result(command.id) == Failed(command=command.id, reason="timeout")


# ---- members of queues

WHO = {"Queue": "support", "Interface": "PJSIP/2001"}
JOIN = AddMember(id="join", queue="support", device="PJSIP/2001", name="ann", penalty=3, reason="lunch break")
PAUSE = PauseMember(id="pause", queue="support", device="PJSIP/2001", paused=True, reason="lunch break")
LEAVE = RemoveMember(id="leave", queue="support", device="PJSIP/2001")
WEIGH = SetPenalty(id="weigh", queue="support", device="PJSIP/2001", penalty=7)


@pytest.mark.parametrize(
    ("command", "name", "headers"),
    [
        (JOIN, "QueueMemberPause", {"Paused": "1", "PausedReason": "lunch break"}),
        (PAUSE, "QueueMemberPause", {"Paused": "1", "PausedReason": "lunch break"}),
        (replace(PAUSE, paused=False), "QueueMemberPause", {"Paused": "0", "PausedReason": ""}),
        (LEAVE, "QueueMemberRemoved", {}),
        (WEIGH, "QueueMemberPenalty", {"Penalty": "7"}),
    ],
)
def test_a_queue_s_event_about_that_member_confirms(command: Command, name: str, headers: dict[str, str]) -> None:
    assert out(command).feed(event(name, **WHO, **headers), 1.0) == [Done(command=command.id)]


@pytest.mark.parametrize(
    ("command", "name", "headers"),
    [
        (PAUSE, "QueueMemberPause", {"Paused": "0", "PausedReason": "lunch break"}),
        (PAUSE, "QueueMemberPause", {"Paused": "1", "PausedReason": "another"}),
        (PAUSE, "QueueMemberPause", {"Paused": "1", "PausedReason": "lunch break", "Queue": "sales"}),
        (PAUSE, "QueueMemberPause", {"Paused": "1", "PausedReason": "lunch break", "Interface": "PJSIP/2002"}),
        (JOIN, "QueueMemberAdded", {"Paused": "1", "PausedReason": "lunch break"}),
        (LEAVE, "QueueMemberRemoved", {"Interface": "PJSIP/2002"}),
        (WEIGH, "QueueMemberPenalty", {"Penalty": "3"}),
    ],
)
def test_what_is_not_quite_what_was_asked_does_not(command: Command, name: str, headers: dict[str, str]) -> None:
    confirmations = out(command)
    assert confirmations.feed(event(name, **WHO | headers), 1.0) == []
    assert confirmations.is_out(command.id)


def test_a_member_who_is_there_already_is_no_failure_yet() -> None:
    confirmations = out(JOIN, PAUSE)
    assert confirmations.refuse("join", "Unable to add interface: Already there", 1.0) == []
    assert confirmations.is_out("join")
    words = "Interface not found"
    assert confirmations.refuse("join", words, 1.0) == [Failed(command="join", reason=words)]
    assert confirmations.refuse("pause", words, 1.0) == [Failed(command="pause", reason=words)]


def test_a_member_who_is_not_there_is_as_good_as_removed() -> None:
    assert out(LEAVE).refuse("leave", "Unable to remove interface: Not there", 1.0) == [Done(command="leave")]
    words = "Member not dynamic"
    assert out(LEAVE).refuse("leave", words, 1.0) == [Failed(command="leave", reason=words)]


def test_a_lost_connection_fails_what_is_out() -> None:
    assert out(DIAL, END).lose() == [
        Failed(command="dial", reason="pbx_lost"),
        Failed(command="end", reason="pbx_lost"),
    ]


def test_results_are_not_remembered_for_ever() -> None:
    confirmations = Confirmations()
    for number in range(REMEMBERED + 1):
        given = Given(action_id=str(number), leg=NEW_LEG, dialplan=Dialplan())
        confirmations.begin(expectation_of(replace(END, id=str(number)), given), 0.0)
    confirmations.lose()
    assert confirmations.result("0") is None
    assert confirmations.result("1") is not None


def test_of_thousands_who_log_in_a_members_event_is_shown_to_whom_it_may_concern() -> None:
    shown: list[str] = []

    class Watching(Expectation):
        events = frozenset({"QueueMemberPause"})

        def saw(self, event: Message) -> None:  # noqa: ARG002
            shown.append(self.command)

    confirmations = Confirmations()
    for number in range(1000, 1500):
        confirmations.begin(Watching(command=str(number), interface=f"PJSIP/{number}"), 0.0)
    confirmations.begin(Watching(command="whoever"), 0.0)
    confirmations.feed(event("QueueMemberPause", Interface="PJSIP/1234"), 1.0)
    confirmations.feed(event("QueueMemberPause"), 1.0)
    assert shown == ["whoever", "1234", "whoever"]


def test_the_next_deadline_is_that_of_a_command_still_out() -> None:
    first, second = replace(END, id="first"), replace(END, id="second")
    confirmations = out(first)
    later = expectation_of(second, Given(action_id="a-second", leg=NEW_LEG, dialplan=Dialplan()))
    confirmations.begin(later, 2.0)
    confirmations.refuse("first", "no", 3.0)
    assert confirmations.next_deadline() == 2.0 + later.limit_s


_STEPS = st.sampled_from(["success", "failure", "unexplained", "gone", "refuse", "expire", "lose"])


@given(st.lists(_STEPS, max_size=12))
def test_whatever_comes_a_command_ends_once_and_its_result_stays(steps: list[str]) -> None:
    confirmations, told = out(DIAL), []
    take = {
        "success": lambda: confirmations.feed(answer("Success"), 1.0),
        "failure": lambda: confirmations.feed(answer("Failure", "5"), 1.0),
        "unexplained": lambda: confirmations.feed(answer("Failure", "0"), 1.0),
        "gone": lambda: confirmations.feed(gone(), 1.0),
        "refuse": lambda: confirmations.refuse("dial", "no", 1.0),
        "expire": lambda: confirmations.expire(1000.0),
        "lose": confirmations.lose,
    }
    for step in steps:
        told += take[step]()
    is_over = bool(set(steps) - {"gone", "unexplained"}) or {"gone", "unexplained"} <= set(steps)
    assert len(told) == is_over
    assert confirmations.result("dial") == (told[0] if told else None)
