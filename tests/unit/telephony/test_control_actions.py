"""What is sent to a PBX, and what never is."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.calls.call import CallId, LegId
from cti.telephony.asterisk import actions
from cti.telephony.asterisk.actions import actions_for, checked, excess_privileges
from cti.telephony.asterisk.ami_codec import encode
from cti.telephony.asterisk.dialplan import Dialplan, destination
from cti.telephony.asterisk.kinds.kind import Action, Given
from cti.telephony.commands import AddMember, Command, Hangup, Originate, PauseMember, RemoveMember, SetPenalty
from tests.unit.telephony import every_command

PLAN = Dialplan(country="TW", emergency_numbers=frozenset({"112", "119"}))
DIAL = Originate(id="d", device="PJSIP/2001", to="+886223334444", ring_timeout_s=20.0)
END = Hangup(id="h", call=CallId("main-1.1"), leg=LegId("1763754000.12"))


def action(command: Command, plan: Dialplan = PLAN) -> Action:
    (only,) = actions_for(command, Given(action_id="cti-1", leg=LegId("cti1-1763754000.1"), dialplan=plan))
    return only


def test_click_to_dial_rings_the_agent_and_then_goes_to_the_outgoing_context() -> None:
    assert action(DIAL) == {
        "Action": "Originate",
        "ActionID": "cti-1",
        "Channel": "PJSIP/2001",
        "Context": "cti-outbound",
        "Exten": "+886223334444",
        "Priority": "1",
        "Timeout": "20000",
        "Async": "true",
        "ChannelId": "cti1-1763754000.1",
    }


def test_a_hang_up_names_the_leg() -> None:
    assert action(END) == {"Action": "Hangup", "ActionID": "cti-1", "Channel": "1763754000.12"}


def test_a_caller_id_is_digits_and_a_trunk_is_a_variable_of_ours() -> None:
    made = action(replace(DIAL, caller_id="0222220000"), replace(PLAN, outgoing_trunk="itsp-2"))
    assert (made["CallerID"], made["Variable"]) == ("0222220000", ("CTI_TRUNK=itsp-2",))


@pytest.mark.parametrize(
    ("to", "national", "expected"),
    [
        ("+886223334444", False, ("cti-outbound", "+886223334444")),
        ("0223334444", False, ("cti-outbound", "+886223334444")),
        ("+886223334444", True, ("cti-outbound", "0223334444")),
        ("2002", False, ("cti-internal", "2002")),
        ("112", False, ("cti-outbound", "112")),
    ],
)
def test_where_a_number_goes(to: str, national: bool, expected: tuple[str, str]) -> None:  # noqa: FBT001
    assert destination(to, replace(PLAN, national=national)) == expected


def test_another_country_is_dialled_in_full_where_it_is_allowed() -> None:
    plan = replace(PLAN, national=True, allowed_countries=frozenset({"TW", "DE"}))
    assert destination("+49301234567", plan) == ("cti-outbound", "+49301234567")


@pytest.mark.parametrize("to", ["+49301234567", "+870772001234", "+80012345678"])
def test_a_country_that_is_not_allowed_is_not_called(to: str) -> None:
    with pytest.raises(ValueError, match="are not allowed"):
        destination(to, PLAN)


@pytest.mark.parametrize(
    "to",
    ["", "+", "0223334444&PJSIP/itsp/1900", "0223334444,1", "0223334444@trunk", "Local/1", "${EXTEN}", "0223334444\r\nX: 1", "٠٢٢", "0" * 21],
)  # fmt: skip
def test_a_dial_string_cannot_be_smuggled_into_a_number(to: str) -> None:
    with pytest.raises(ValueError, match=r"^to: "):
        action(replace(DIAL, to=to))


@pytest.mark.parametrize("device", ["", "2001", "PJSIP/", "PJSIP/2001&PJSIP/2002", "PJSIP/2001@trunk", "PJSIP/trunk/sip:1@h", "Local/1@ctx", "PJSIP/../x", "PJSIP/2001\n"])  # fmt: skip
def test_a_device_is_one_phone(device: str) -> None:
    with pytest.raises(ValueError, match="device"):
        action(replace(DIAL, device=device))


@pytest.mark.parametrize("leg", ["", "/.*/", "PJSIP/2001-00000001", "1.1\n", "-1"])
def test_a_leg_is_one_leg(leg: str) -> None:
    """Asterisk takes /.../ for a pattern and would hang up all that match."""
    with pytest.raises(ValueError, match="leg"):
        action(replace(END, leg=LegId(leg)))


@pytest.mark.parametrize("ring_s", [0.0, -1.0, 121.0, math.inf, math.nan])
def test_a_ring_has_an_end(ring_s: float) -> None:
    with pytest.raises(ValueError, match="ring_timeout_s"):
        action(replace(DIAL, ring_timeout_s=ring_s))


@pytest.mark.parametrize("value", ["SHELL(x)=1", "__CTI_X=1", "CTI_X=1,EXEC_COMMAND=rm", "CTI_X=${SHELL(x)}", "CTI_X=a b", "CTI_X", "cti_x=1"])  # fmt: skip
def test_only_plain_variables_of_ours_are_set(value: str) -> None:
    with pytest.raises(ValueError, match="Variable"):
        checked({"Action": "Originate", "Variable": (value,)})


@pytest.mark.parametrize(
    "made",
    [
        {"Action": "Command", "Command": "core stop now"},
        {"Action": "Originate", "Application": "System"},
        {"Action": "Originate", "Data": "x"},
        {"Action": "Hangup", "Cause": "16"},
        {},
    ],
)
def test_an_action_we_do_not_use_is_not_sent(made: Action) -> None:
    with pytest.raises(ValueError, match="not an action of ours"):
        checked(made)


# ---- members of queues

JOIN = AddMember(id="j", queue="support", device="PJSIP/2001", name="王小明", penalty=3, reason="lunch break")


def test_an_agent_is_added_and_then_paused_as_16_takes_no_reason_with_the_adding() -> None:
    who = {"Queue": "support", "Interface": "PJSIP/2001"}
    assert actions_for(JOIN, every_command.given(JOIN)) == (
        {
            "Action": "QueueAdd", "ActionID": "a-j", **who, "StateInterface": "PJSIP/2001", "MemberName": "王小明", "Penalty": "3",
            "Paused": "true", "Reason": "lunch break",
        },
        {"Action": "QueuePause", "ActionID": "a-j-2", **who, "Paused": "true", "Reason": "lunch break"},
    )  # fmt: skip


def test_other_commands_about_a_member_are_one_action() -> None:
    who = {"ActionID": "cti-1", "Queue": "support", "Interface": "PJSIP/2001"}
    queue, device = "support", "PJSIP/2001"
    assert action(PauseMember(id="p", queue=queue, device=device, paused=False)) == {
        "Action": "QueuePause",
        "Paused": "false",
        **who,
    }
    assert action(SetPenalty(id="s", queue=queue, device=device, penalty=0)) == {
        "Action": "QueuePenalty",
        "Penalty": "0",
        **who,
    }
    assert action(RemoveMember(id="r", queue=queue, device=device)) == {"Action": "QueueRemove", **who}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"reason": "午休"}, "reason"), ({"reason": "x" * 61}, "reason"), ({"reason": " x"}, "reason"), ({"reason": "a|b"}, "reason"),
        ({"name": ""}, "name"), ({"name": "a|b"}, "name"), ({"name": "a,b"}, "name"), ({"name": "王" * 27}, "name"),
        ({"queue": ""}, "queue"), ({"queue": "a b"}, "queue"), ({"device": "Local/2001"}, "device"), ({"device": "local/1@x"}, "device"),
        ({"penalty": -1}, "penalty"),
    ],
)  # fmt: skip
def test_what_a_queue_would_not_keep_as_it_is_is_refused(change: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        actions_for(replace(JOIN, **change), every_command.given(JOIN))


@given(st.text(), st.text(), st.text(), st.text())
def test_whatever_a_command_holds_its_action_is_one_block_or_refused(
    device: str, to: str, caller_id: str, leg: str
) -> None:
    command = Originate(id="d", device=device, to=to, caller_id=caller_id)
    try:
        (made,) = actions_for(command, Given(action_id="cti-1", leg=LegId(leg), dialplan=PLAN))
    except ValueError:
        return
    sent = encode([(key, str(value)) for key, value in made.items()])
    assert sent.count(b"\r\n") == len(made) + 1


@given(st.from_regex(r"\A\+?[0-9]{1,20}\Z"))
def test_only_digits_are_ever_dialled(to: str) -> None:
    try:
        _, exten = destination(to, PLAN)
    except ValueError:
        return
    assert exten.removeprefix("+").isascii()
    assert exten.removeprefix("+").isdigit()


SHIPPED = {
    "Originate": "Originate a call.  (Priv: originate,all)",
    "Hangup": "Hangup channel.  (Priv: system,call,all)",
    "QueuePause": "Pause a queue member.  (Priv: agent,all)",
    "GetVar": "Gets a channel variable.  (Priv: call,reporting,all)",
    "CoreStatus": "Status.  (Priv: system,reporting,all)",
    "MailboxCount": "Count.  (Priv: call,reporting,all)",
    "Park": "Park a channel.  (Priv: call,all)",
    "Ping": "Keepalive command.  (Priv: <none>)",
    "Response": "Success",
}


def test_the_shipped_account_holds_nothing_beyond_its_needs() -> None:
    assert excess_privileges(SHIPPED) == ()


def test_what_an_account_holds_beyond_is_named_the_dangerous_first() -> None:
    more = {
        "Command": "Execute. (Priv: command,all)",
        "GetConfig": "Get. (Priv: system,config,all)",
        "UpdateConfig": "Update. (Priv: config,all)",
        "DBGet": "x (Priv: aoc,all)",
    }
    assert excess_privileges(SHIPPED | more) == ("command", "config", "aoc")


def test_the_listening_account_needs_less() -> None:
    assert excess_privileges(SHIPPED, needed=actions.EVENTS_NEED) == ("agent", "call", "originate")
