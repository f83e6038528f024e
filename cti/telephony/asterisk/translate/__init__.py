"""AMI's words -> the mirror: one small function per AMI event. AMI's spelling stops here.

Each function writes what the event says into the mirror and returns the conversations it touched. Events that are not in
the table say nothing about calls and are skipped by name, unread. Times are the event's.
"""

from collections.abc import Mapping
from typing import Final

from cti.telephony.asterisk.translate.bridges import bridge_destroy, bridge_enter, bridge_leave, bridge_listed, hold
from cti.telephony.asterisk.translate.channels import (
    caller_id,
    hangup,
    hangup_request,
    new_channel,
    recording,
    soft_hangup_request,
    user_event,
)
from cti.telephony.asterisk.translate.dialling import dial_begin, dial_end, dial_state, new_state
from cti.telephony.asterisk.translate.headers import Translate
from cti.telephony.asterisk.translate.queues import abandoned, agent_called, entry, joined, left, member
from cti.telephony.asterisk.translate.transfers import attended_transfer, blind_transfer, parked, pickup, unparked

TRANSLATE: Final[Mapping[str, Translate]] = {
    "Newchannel": new_channel,
    "Newstate": new_state,
    "NewCallerid": caller_id,
    "HangupRequest": hangup_request,
    "SoftHangupRequest": soft_hangup_request,
    "Hangup": hangup,
    "DialBegin": dial_begin,
    "DialState": dial_state,
    "DialEnd": dial_end,
    "BridgeEnter": bridge_enter,
    "BridgeLeave": bridge_leave,
    "BridgeDestroy": bridge_destroy,
    "Hold": hold,
    "Unhold": hold,
    "QueueCallerJoin": joined,
    "QueueCallerAbandon": abandoned,
    "QueueCallerLeave": left,
    "AgentCalled": agent_called,
    "QueueEntry": entry,
    "BridgeListItem": bridge_listed,
    "QueueMember": member,
    "QueueMemberAdded": member,
    "BlindTransfer": blind_transfer,
    "AttendedTransfer": attended_transfer,
    "ParkedCall": parked,
    "UnParkedCall": unparked,
    "ParkedCallTimeOut": unparked,
    "ParkedCallGiveUp": unparked,
    "Pickup": pickup,
    "UserEvent": user_event,
    "MixMonitorStart": recording,
    "MixMonitorMute": recording,
    "MixMonitorStop": recording,
}
