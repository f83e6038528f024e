"""Commands about a call: what is sent for each, and which of a PBX's events ends it."""

from dataclasses import replace

import pytest

from cti.calls.call import CallId, LegId
from cti.telephony.asterisk.actions import actions_for, expectation_of
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.confirmations import Confirmations
from cti.telephony.asterisk.dialplan import Dialplan
from cti.telephony.asterisk.kinds.kind import Ends, Given, NotNow
from cti.telephony.commands import (
    Alternate,
    BlindTransfer,
    CallCommand,
    Command,
    CompleteTransfer,
    Conference,
    Consult,
    Done,
    Failed,
    FetchParked,
    Hold,
    Park,
    Reconnect,
    Record,
    RecordingStep,
    Result,
    Retrieve,
    SendKeys,
)

AGENT, CUSTOMER, COLLEAGUE, HALF = LegId("1.1"), LegId("1.0"), LegId("1.4"), LegId("1.2")
CALL = CallId("main-1.0")
CHANNEL = "PJSIP/2001-00000001"
LOCAL = "Local/2002@cti-transfer-00000000;1"
ENDS = Ends(
    channel=CHANNEL, other=CUSTOMER, beside=CUSTOMER, customer=CUSTOMER, recorded=CUSTOMER, consulted=frozenset({HALF})
)
DONE, PLAN = Done(command="c"), Dialplan(emergency_numbers=frozenset({"119"}))
ABOUT = {"id": "c", "call": CALL, "leg": AGENT}


def given(ends: Ends = ENDS) -> Given:
    return Given(action_id="a", leg=LegId("cti1-1.9"), dialplan=PLAN, ends=ends)


def sent(command: Command, ends: Ends = ENDS) -> list[dict[str, object]]:
    return [dict(action) for action in actions_for(command, given(ends))]


def names(command: Command, ends: Ends = ENDS) -> str:
    """What is done, in short: actions, and the keys that are pressed."""
    return " ".join(
        f"{action['Action']}{action.get('Digit', '')}".replace("PlayDTMF", "") for action in sent(command, ends)
    )


class Out:
    """One command that is out."""

    def __init__(self, command: Command, ends: Ends = ENDS) -> None:
        self._confirmations = Confirmations()
        self._confirmations.begin(expectation_of(command, given(ends)), 0.0)

    def sees(self, name: str, **headers: str) -> list[Result]:
        pairs = [(key.replace("_", "-"), value) for key, value in headers.items()]
        return self._confirmations.feed(AmiMessage.of([("Event", name), *pairs]), 1.0)

    def is_answered(self, **headers: str) -> list[Result]:
        return self._confirmations.answer("c", headers, 1.0)

    def is_accepted(self) -> list[Result]:
        return self._confirmations.accept("c", {"Response": "Success"}, 1.0)


def failed(reason: str) -> list[Result]:
    return [Failed(command="c", reason=reason)]


# ---- what is sent


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (BlindTransfer(**ABOUT, to="2002"), "Getvar BlindTransfer"),
        (Consult(**ABOUT, to="2002"), "Getvar Atxfer"),
        (CompleteTransfer(**ABOUT), "* 5"),
        (Conference(**ABOUT), "* 3"),
        (Alternate(**ABOUT), "* 4"),
        (Reconnect(**ABOUT), "CancelAtxfer"),
        (Hold(**ABOUT), "Getvar * 6 1"),
        (Retrieve(**ABOUT), "Getvar * 6 2"),
        (SendKeys(**ABOUT, keys="12#"), "1 2 #"),
        (Park(**ABOUT), "Park"),
        (Record(**ABOUT, step=RecordingStep.START), "Getvar * 6 3"),
        (Record(**ABOUT, step=RecordingStep.PAUSE), "MixMonitorMute"),
        (Record(**ABOUT, step=RecordingStep.STOP), "StopMixMonitor"),
        (FetchParked(id="c", device="PJSIP/2003", space="701"), "Originate"),
    ],
)
def test_what_each_command_does(command: Command, what: str) -> None:
    assert names(command) == what


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (Park(**ABOUT), "* 6 2 Park"),
        (Consult(**ABOUT, to="2002"), "Getvar * 6 2 Atxfer"),
        (BlindTransfer(**ABOUT, to="2002"), "Getvar * 6 2 BlindTransfer"),
    ],
)
def test_a_held_customer_is_retrieved_before_being_moved(command: Command, what: str) -> None:
    assert names(command, replace(ENDS, is_held=True)) == what


def test_keys_of_features_are_the_agent_s_own_and_keys_for_the_customer_are_heard_there() -> None:
    assert {(one["Channel"], one["Receive"]) for one in sent(Conference(**ABOUT))} == {(AGENT, "true")}
    assert [one["Channel"] for one in sent(SendKeys(**ABOUT, keys="5"))] == [CUSTOMER]
    assert "Receive" not in sent(SendKeys(**ABOUT, keys="5"))[0]


@pytest.mark.parametrize(("to", "exten"), [("2002", "2002"), ("02 2333 4444", ""), ("+886223334444", "+886223334444"), ("119", "119")])  # fmt: skip
@pytest.mark.parametrize("kind", [BlindTransfer, Consult])
def test_a_transfer_s_target_is_looked_for_where_transfers_go(kind: type[CallCommand], to: str, exten: str) -> None:
    command = kind(**ABOUT, to=to)  # type: ignore[call-arg]
    if not exten:
        with pytest.raises(ValueError, match="to"):
            sent(command)
        return
    asks, does = sent(command)
    assert asks["Variable"] == f"DIALPLAN_EXISTS(cti-transfer,{exten},1)"
    assert (does["Context"], does["Exten"], does["Channel"]) == ("cti-transfer", exten, AGENT)


@pytest.mark.parametrize("to", ["2002,1)", "2002&2003", "+49301234567", "+19001234567", "Local/1", ""])
@pytest.mark.parametrize("kind", [BlindTransfer, Consult])
def test_what_may_not_be_called_is_refused_before_asterisk_hears_of_it(kind: type[CallCommand], to: str) -> None:
    with pytest.raises(ValueError, match="to: "):
        sent(kind(**ABOUT, to=to))  # type: ignore[call-arg]


@pytest.mark.parametrize("keys", ["", "A", "1" * 33, "1,2", "1\r\n", "٣"])
def test_keys_are_keys_and_never_quoted(keys: str) -> None:
    with pytest.raises(ValueError, match="keys") as refused:
        sent(SendKeys(**ABOUT, keys=keys))
    assert not keys or keys not in str(refused.value).removeprefix("keys: 1 to 32 of 0-9, * and #")


@pytest.mark.parametrize("space", ["", "801", "7011", "70x", "701\n"])
def test_a_parking_space_is_one(space: str) -> None:
    with pytest.raises(ValueError, match="space"):
        sent(FetchParked(id="c", device="PJSIP/2003", space=space))


@pytest.mark.parametrize(
    "command",
    [Hold(**ABOUT), Retrieve(**ABOUT), SendKeys(**ABOUT, keys="1"), Park(**ABOUT)]
    + [Record(**ABOUT, step=step) for step in RecordingStep],
)
def test_with_nobody_on_the_line_there_is_nothing_to_do(command: Command) -> None:
    with pytest.raises(NotNow):
        sent(command, Ends(channel=CHANNEL))


@pytest.mark.parametrize("kind", [CompleteTransfer, Conference, Reconnect, Alternate])
@pytest.mark.parametrize(
    ("ends", "words"),
    [
        (replace(ENDS, consulted=frozenset()), "nobody is consulted"),
        (replace(ENDS, customer=None), "nobody is on the line"),
        (replace(ENDS, consults_by_phone=True), "not_able"),
    ],
)
def test_without_a_consultation_of_the_pbx_no_key_is_pressed(kind: type[CallCommand], ends: Ends, words: str) -> None:
    with pytest.raises(NotNow, match=words):
        sent(kind(**ABOUT), ends)


# ---- which events end it


@pytest.mark.parametrize("kind", [BlindTransfer, Consult])
def test_a_number_the_dialplan_has_not_ends_it_before_anything_is_done(kind: type[CallCommand]) -> None:
    out = Out(kind(**ABOUT, to="2002"))  # type: ignore[call-arg]
    variable = "DIALPLAN_EXISTS(cti-transfer,2002,1)"
    assert out.is_answered(Variable=variable, Value="1") == []
    assert out.is_answered(Variable=variable, Value="0") == failed("no such extension")


@pytest.mark.parametrize(
    ("command", "feature"),
    [
        (Hold(**ABOUT), "cti-hold"),
        (Retrieve(**ABOUT), "cti-retrieve"),
        (Record(**ABOUT, step=RecordingStep.START), "cti-record"),
    ],
)
def test_a_phone_without_the_feature_is_not_able(command: Command, feature: str) -> None:
    assert Out(command).is_answered(Variable="DYNAMIC_FEATURES", Value=f"x#{feature}") == []
    assert Out(command).is_answered(Variable="DYNAMIC_FEATURES", Value="(null)") == failed("not_able")
    assert Out(command).is_answered(Variable="DYNAMIC_FEATURES", Value=f"{feature}-not") == failed("not_able")


def test_a_blind_transfer_is_the_one_of_that_leg() -> None:
    out = Out(BlindTransfer(**ABOUT, to="2002"))
    assert out.sees("BlindTransfer", TransfererUniqueid="9.9", Result="Success") == []
    assert out.sees("BlindTransfer", TransfererUniqueid=AGENT, Result="Success") == [DONE]
    out = Out(BlindTransfer(**ABOUT, to="2002"))
    assert out.sees("BlindTransfer", TransfererUniqueid=AGENT, Result="Not Permitted") == failed("Not Permitted")


def consulted() -> Out:
    """The agent's leg is on hold, and a channel to the colleague is there."""
    out = Out(Consult(**ABOUT, to="2002"))
    assert out.sees("Newchannel", Uniqueid="9.2", Linkedid="9.0", Channel=LOCAL) == []
    assert out.sees("Hold", Uniqueid="9.1", Linkedid="9.0") == []
    assert out.sees("Hold", Uniqueid=AGENT, Linkedid=CUSTOMER) == []
    for linked, channel in (("9.0", LOCAL), (CUSTOMER, LOCAL.replace("2002", "2003")), (CUSTOMER, LOCAL[:-1] + "2")):
        assert out.sees("Newchannel", Uniqueid="9.3", Linkedid=linked, Channel=channel) == []
    assert out.sees("DialState", DestUniqueid="9.3", DialStatus="RINGING") == []
    assert out.sees("Newchannel", Uniqueid=HALF, Linkedid=CUSTOMER, Channel=LOCAL) == []
    return out


@pytest.mark.parametrize(("name", "status"), [("DialState", "RINGING"), ("DialState", "PROGRESS"), ("DialEnd", "ANSWER")])  # fmt: skip
def test_a_consultation_is_done_when_the_colleague_is_reached(name: str, status: str) -> None:
    out = consulted()
    assert out.sees("DialState", DestUniqueid=HALF, DialStatus="PROCEEDING") == []
    assert out.sees(name, DestUniqueid=HALF, DialStatus=status) == [DONE]


def test_a_consultation_fails_in_the_words_of_the_channel_that_did_not_get_there() -> None:
    out = consulted()
    assert out.sees("DialEnd", DestUniqueid=HALF, DialStatus="BUSY") == []
    assert out.sees("Hangup", Uniqueid="9.3", Cause_txt="Normal Clearing") == []
    assert out.sees("Hangup", Uniqueid=HALF, Cause_txt="User busy") == failed("User busy")


@pytest.mark.parametrize(("kind", "dest"), [(CompleteTransfer, "Bridge"), (CompleteTransfer, "App"), (Conference, "Threeway")])  # fmt: skip
def test_what_a_consultation_ends_in_is_told_by_one_event(kind: type[CallCommand], dest: str) -> None:
    out = Out(kind(**ABOUT))
    other = "Threeway" if dest != "Threeway" else "Bridge"
    assert out.sees("AttendedTransfer", OrigTransfererUniqueid="9.9", Result="Success", DestType=dest) == []
    assert out.sees("AttendedTransfer", OrigTransfererUniqueid=AGENT, Result="Success", DestType=other) == []
    assert out.sees("AttendedTransfer", OrigTransfererUniqueid=AGENT, Result="Success", DestType=dest) == [DONE]


@pytest.mark.parametrize("kind", [CompleteTransfer, Conference, Reconnect, Alternate])
def test_an_agent_who_hangs_up_meanwhile_fails_it(kind: type[CallCommand]) -> None:
    out = Out(kind(**ABOUT))
    assert out.sees("Hangup", Uniqueid="9.9", Cause_txt="Normal Clearing") == []
    assert out.sees("Hangup", Uniqueid=AGENT, Cause_txt="Normal Clearing") == failed("Normal Clearing")


def test_the_agent_is_back_when_the_customer_is_on_hold_no_more_or_the_consulted_are_gone() -> None:
    assert Out(Reconnect(**ABOUT)).sees("Unhold", Uniqueid="9.9") == []
    assert Out(Reconnect(**ABOUT)).sees("Unhold", Uniqueid=AGENT) == [DONE]
    assert Out(Reconnect(**ABOUT)).sees("Hangup", Uniqueid=HALF) == [DONE]


def test_to_and_fro_is_entering_the_other_bridge() -> None:
    assert Out(Alternate(**ABOUT)).sees("BridgeEnter", Uniqueid=CUSTOMER) == []
    assert Out(Alternate(**ABOUT)).sees("BridgeEnter", Uniqueid=AGENT) == [DONE]


@pytest.mark.parametrize(("kind", "says"), [(Hold, "CtiHeld"), (Retrieve, "CtiRetrieved")])
def test_a_hold_by_the_pbx_is_told_by_its_dialplan(kind: type[CallCommand], says: str) -> None:
    out = Out(kind(**ABOUT))
    assert out.sees("UserEvent", UserEvent=says, Holder="PJSIP/2009-00000001", Uniqueid=CUSTOMER) == []
    assert out.sees("UserEvent", UserEvent="CtiCustomer", Holder=CHANNEL, Uniqueid=CUSTOMER) == []
    assert out.sees("UserEvent", UserEvent=says, Holder=CHANNEL, Uniqueid=CUSTOMER) == [DONE]
    assert Out(kind(**ABOUT)).sees("Hangup", Uniqueid=CUSTOMER, Cause_txt="Gone") == failed("Gone")


def test_keys_are_done_when_the_last_was_accepted() -> None:
    out = Out(SendKeys(**ABOUT, keys="12"))
    assert out.is_answered(Response="Success") == []
    assert out.is_accepted() == [DONE]


def test_a_parked_customer_is_that_customer() -> None:
    out = Out(Park(**ABOUT))
    assert out.sees("ParkedCall", ParkeeUniqueid="9.0") == []
    assert out.sees("ParkedCall", ParkeeUniqueid=CUSTOMER) == [DONE]
    assert Out(Park(**ABOUT)).sees("Hangup", Uniqueid=CUSTOMER, Cause_txt="Gone") == failed("Gone")


@pytest.mark.parametrize(
    ("step", "name", "state"),
    [
        (RecordingStep.START, "MixMonitorStart", ""),
        (RecordingStep.PAUSE, "MixMonitorMute", "1"),
        (RecordingStep.RESUME, "MixMonitorMute", "0"),
        (RecordingStep.STOP, "MixMonitorStop", ""),
    ],
)
def test_each_step_of_a_recording_has_its_event(step: RecordingStep, name: str, state: str) -> None:
    out = Out(Record(**ABOUT, step=step))
    assert out.sees(name, Uniqueid="9.0", State=state) == []
    assert out.sees("MixMonitorMute", Uniqueid=CUSTOMER, State="2") == []
    assert out.sees(name, Uniqueid=CUSTOMER, State=state) == [DONE]
