"""What an agent does with the customer on the line: hold, keys, parking, recording. All of it with the class call.

- ``Hold``, ``Retrieve``: a feature of the phone (features.conf), which the PBX carries out on the customer's channel and tells
  by user events. A phone that may not use it, or that speaks with nobody: ``not_able``.
- ``SendKeys``: one PlayDTMF a key, to the channel of whom the agent speaks with. Each is answered when its tone is over (a
  tenth of a second); no account reads the class dtmf, so the last answer is the confirmation.
- ``Park``: ParkedCall of the customer. A customer who hears the PBX's own music is retrieved first, as Asterisk does not move
  who is busy with an application (16 and 22).
- ``Record``: begun by a feature of the phone, on the customer's channel, with a file name of the dialplan's own making; paused
  and stopped by AMI. MixMonitorStart, MixMonitorMute and MixMonitorStop of the customer's channel say so.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from cti.calls.call import LegId
from cti.telephony.asterisk import feature_codes
from cti.telephony.asterisk.kinds.asked_first import Asking, features_of, pressed, retrieved_first
from cti.telephony.asterisk.kinds.kind import (
    USUAL_S,
    Action,
    Ends,
    Expectation,
    Form,
    Given,
    Kind,
    Message,
    Verdict,
    there,
    whole,
)
from cti.telephony.commands import Command, Done, Failed, Hold, Park, Record, RecordingStep, Retrieve, SendKeys

KEY_S: Final = 0.5
"""The most that one key takes."""
KEYS: Final = re.compile(r"[0-9*#]{1,32}")
CHANNEL: Final = re.compile(r"[A-Za-z0-9]{2,10}/[A-Za-z0-9][A-Za-z0-9_.-]{0,59}-[0-9a-f]{8,16}")


# ---- hold


def _hold(command: Hold, given: Given) -> tuple[Action, ...]:
    there(given.ends.customer)
    return (features_of(command.leg), *pressed(command.leg, feature_codes.HOLD))


def _retrieve(command: Retrieve, given: Given) -> tuple[Action, ...]:
    there(given.ends.customer)
    return (features_of(command.leg), *pressed(command.leg, feature_codes.RETRIEVE))


@dataclass(slots=True, kw_only=True)
class _Says(Asking):
    """The dialplan says so, on the channel beside the agent's."""

    events: ClassVar[frozenset[str]] = frozenset({"UserEvent", "Hangup"})
    ends: Ends
    says: str

    def saw(self, event: Message) -> Verdict:
        if event.event == "Hangup":
            is_over = event.get("Uniqueid") == self.ends.customer or event.get("Channel") == self.ends.channel
            return Failed(command=self.command, reason=event.get("Cause-txt")) if is_over else None
        is_it = (event.get("UserEvent"), event.get("Holder")) == (self.says, self.ends.channel)
        return Done(command=self.command) if is_it else None


# ---- keys


def _send_keys(command: SendKeys, given: Given) -> tuple[Action, ...]:
    channel = there(given.ends.other)
    if not KEYS.fullmatch(command.keys):
        raise ValueError("keys: 1 to 32 of 0-9, * and #")  # never quoted: they may be a PIN
    return tuple({"Action": "PlayDTMF", "Channel": channel, "Digit": key} for key in command.keys)


@dataclass(slots=True, kw_only=True)
class _Answered(Expectation):
    def accepted(self, response: Mapping[str, str]) -> Verdict:  # noqa: ARG002
        return Done(command=self.command)


def _are_sent(command: SendKeys, _given: Given) -> Expectation:
    return _Answered(command=command.id, limit_s=USUAL_S + KEY_S * len(command.keys))


# ---- parking


def _park(command: Park, given: Given) -> tuple[Action, ...]:
    customer, own = there(given.ends.customer), whole(CHANNEL, given.ends.channel, "channel")
    return (*retrieved_first(command.leg, given.ends), {"Action": "Park", "Channel": customer, "TimeoutChannel": own})


@dataclass(slots=True, kw_only=True)
class _Parked(Expectation):
    events: ClassVar[frozenset[str]] = frozenset({"ParkedCall", "Hangup"})
    customer: LegId | None
    leg: LegId

    def saw(self, event: Message) -> Verdict:
        if event.event == "ParkedCall":
            return Done(command=self.command) if event.get("ParkeeUniqueid") == self.customer else None
        is_over = event.get("Uniqueid") in {self.customer, self.leg}
        return Failed(command=self.command, reason=event.get("Cause-txt")) if is_over else None


# ---- recording


def _record(command: Record, given: Given) -> tuple[Action, ...]:
    match command.step:
        case RecordingStep.START:
            there(given.ends.beside)
            return (features_of(command.leg), *pressed(command.leg, feature_codes.RECORD))
        case RecordingStep.STOP:
            return ({"Action": "StopMixMonitor", "Channel": there(given.ends.recorded)},)
        case RecordingStep.PAUSE | RecordingStep.RESUME:
            state = "1" if command.step is RecordingStep.PAUSE else "0"
            channel = there(given.ends.recorded)
            return ({"Action": "MixMonitorMute", "Channel": channel, "Direction": "both", "State": state},)


_SAYS: Final = {
    RecordingStep.START: ("MixMonitorStart", ""),
    RecordingStep.STOP: ("MixMonitorStop", ""),
    RecordingStep.PAUSE: ("MixMonitorMute", "1"),
    RecordingStep.RESUME: ("MixMonitorMute", "0"),
}


@dataclass(slots=True, kw_only=True)
class _Recorded(Asking):
    events: ClassVar[frozenset[str]] = frozenset({"MixMonitorStart", "MixMonitorMute", "MixMonitorStop"})
    leg: LegId | None
    says: tuple[str, str]
    """Event and State."""

    def saw(self, event: Message) -> Verdict:
        if event.get("Uniqueid") != self.leg:
            return None
        return Done(command=self.command) if (event.event, event.get("State")) == self.says else None


def _is_recorded(command: Record, given: Given) -> Expectation:
    begins = command.step is RecordingStep.START
    leg = given.ends.beside if begins else given.ends.recorded
    return _Recorded(command=command.id, leg=leg, feature="cti-record", says=_SAYS[command.step])


# ---- the tables

FORMS: Final[Mapping[str, Form]] = {
    "Park": Form(frozenset({"Channel", "TimeoutChannel"})),
    "StopMixMonitor": Form(frozenset({"Channel"})),
    "MixMonitorMute": Form(frozenset({"Channel", "Direction", "State"})),
}
KINDS: Final[Mapping[type[Command], Kind[Any]]] = {
    Hold: Kind(
        _hold,
        lambda c, given: _Says(command=c.id, ends=given.ends, feature="cti-hold", says="CtiHeld"),
    ),
    Retrieve: Kind(
        _retrieve,
        lambda c, given: _Says(command=c.id, ends=given.ends, feature="cti-retrieve", says="CtiRetrieved"),
    ),
    SendKeys: Kind(_send_keys, _are_sent),
    Park: Kind(_park, lambda c, given: _Parked(command=c.id, customer=given.ends.customer, leg=c.leg)),
    Record: Kind(_record, _is_recorded),
}
