"""One command of each kind that can be given, and who is there for those about a call."""

from typing import Final

from cti.calls.call import CallId, LegId
from cti.telephony.asterisk.dialplan import Dialplan
from cti.telephony.asterisk.kinds.kind import Ends, Given
from cti.telephony.commands import (
    AddMember,
    Alternate,
    BlindTransfer,
    Command,
    CompleteTransfer,
    Conference,
    Consult,
    FetchParked,
    Hangup,
    Hold,
    Originate,
    Park,
    PauseMember,
    Reconnect,
    Record,
    RecordingStep,
    RemoveMember,
    Retrieve,
    SendKeys,
    SetPenalty,
)

_CALL: Final = CallId("main-1.1")
_LEG: Final = LegId("1763754000.12")
PHONE: Final = "PJSIP/2001"
DIALPLAN: Final = Dialplan(country="TW", emergency_numbers=frozenset({"112", "119"}))
ENDS: Final = Ends(
    channel="PJSIP/2001-0000000c",
    other=LegId("1763754000.11"),
    beside=LegId("1763754000.11"),
    customer=LegId("1763754000.11"),
    consulted=frozenset({LegId("1763754000.13")}),
    recorded=LegId("1763754000.11"),
)
EVERY: Final[tuple[Command, ...]] = (
    Originate(id="dial", device=PHONE, to="+886223334444", caller_id="0222220000", ring_timeout_s=20.0),
    FetchParked(id="fetch", device=PHONE, space="701"),
    Hangup(id="end", call=_CALL, leg=_LEG),
    Hold(id="hold", call=_CALL, leg=_LEG),
    Retrieve(id="retrieve", call=_CALL, leg=_LEG),
    SendKeys(id="keys", call=_CALL, leg=_LEG, keys="12#"),
    BlindTransfer(id="blind", call=_CALL, leg=_LEG, to="2002"),
    Consult(id="consult", call=_CALL, leg=_LEG, to="2002"),
    CompleteTransfer(id="complete", call=_CALL, leg=_LEG),
    Conference(id="conference", call=_CALL, leg=_LEG),
    Reconnect(id="back", call=_CALL, leg=_LEG),
    Alternate(id="alternate", call=_CALL, leg=_LEG),
    Park(id="park", call=_CALL, leg=_LEG),
    Record(id="record", call=_CALL, leg=_LEG, step=RecordingStep.START),
    AddMember(id="add", queue="support", device=PHONE, name="ann", penalty=3, reason="lunch break"),
    RemoveMember(id="remove", queue="support", device=PHONE),
    PauseMember(id="pause", queue="support", device=PHONE, paused=True, reason="lunch break"),
    SetPenalty(id="weigh", queue="support", device=PHONE, penalty=7),
)


def given(command: Command, leg: str = "cti1-1763754000.1") -> Given:
    return Given(action_id=f"a-{command.id}", leg=LegId(leg), dialplan=DIALPLAN, ends=ENDS)
