"""Handing a call on: without asking, or after a consultation. All of it with the class call.

- ``BlindTransfer``: the event of that name, of the agent's leg.
- ``Consult``: Asterisk makes a Local channel to the target (Atxfer); done when that rings, or was answered at once (a queue);
  failed in the words of its Hangup. It is known by its name and by the Linkedid it shares with the agent's leg.
- ``CompleteTransfer``, ``Conference``: AttendedTransfer, of the agent's leg; its DestType is ``Threeway`` for a conference.
- ``Reconnect``: Unhold of the agent's leg, which is back in the customer's bridge; or, where it was there already (Alternate), the
  Hangup of somebody consulted. CancelAtxfer presses the keys itself.
- ``Alternate``: the agent's leg enters the other bridge.

Seen alike on 16 and 22: consult_and_back_by_command.ami and its neighbours.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from cti.calls.call import LegId
from cti.telephony.asterisk import feature_codes
from cti.telephony.asterisk.dialplan import destination
from cti.telephony.asterisk.kinds.asked_first import NOT_ABLE, Asking, is_there, pressed, retrieved_first
from cti.telephony.asterisk.kinds.kind import (
    LEG,
    Action,
    Ends,
    Expectation,
    Form,
    Given,
    Kind,
    Message,
    NotNow,
    Verdict,
    there,
    whole,
)
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
    Reconnect,
)

CONSULT_S: Final = 20.0
"""For the first ring of a consulted party: a number outside takes its time."""
WORDS: Final = "unavailable"


def _transfer(name: str, command: BlindTransfer | Consult, given: Given) -> tuple[Action, ...]:
    context, exten = given.dialplan.transfer_context, destination(command.to, given.dialplan)[1]
    action = {"Action": name, "Channel": whole(LEG, command.leg, "leg"), "Context": context, "Exten": exten}
    return (is_there(context, exten), *retrieved_first(command.leg, given.ends), action)


@dataclass(slots=True, kw_only=True)
class _OfLeg(Expectation):
    """Failed, too, when the agent's own leg ends."""

    events: ClassVar[frozenset[str]] = frozenset({"Hangup"})
    leg: LegId

    def saw(self, event: Message) -> Verdict:
        if event.event == "Hangup" and event.get("Uniqueid") == self.leg:
            return Failed(command=self.command, reason=event.get("Cause-txt") or WORDS)
        return None


# ---- without asking


def _blind(command: BlindTransfer, given: Given) -> tuple[Action, ...]:
    return _transfer("BlindTransfer", command, given)


@dataclass(slots=True, kw_only=True)
class _HandedOver(Asking):
    events: ClassVar[frozenset[str]] = frozenset({"BlindTransfer"})
    leg: LegId

    def saw(self, event: Message) -> Verdict:
        if event.get("TransfererUniqueid") != self.leg:
            return None
        result = event.get("Result")
        return Done(command=self.command) if result == "Success" else Failed(command=self.command, reason=result)


# ---- asking first


def _consult(command: Consult, given: Given) -> tuple[Action, ...]:
    return _transfer("Atxfer", command, given)


@dataclass(slots=True, kw_only=True)
class _Rings(Asking):
    events: ClassVar[frozenset[str]] = frozenset({"Hold", "Newchannel", "DialState", "DialEnd", "Hangup"})
    leg: LegId
    target: re.Pattern[str]
    """The name of the half of the Local channel that the agent speaks to."""
    _linked: str = ""
    _half: str = ""

    def saw(self, event: Message) -> Verdict:
        match event.event:
            case "Hangup":
                return self._hung_up(event)
            case "DialState" | "DialEnd":
                return self._dialled(event)
            case "Newchannel" if not self._half:
                is_ours = event.get("Linkedid") == self._linked and self.target.fullmatch(event.get("Channel"))
                self._half = event.get("Uniqueid") if is_ours else ""
            case "Hold" if event.get("Uniqueid") == self.leg:
                self._linked = event.get("Linkedid")
            case _:
                pass
        return None

    def _dialled(self, event: Message) -> Verdict:
        if not self._half or event.get("DestUniqueid") != self._half:
            return None
        reached = event.get("DialStatus") in {"RINGING", "PROGRESS", "ANSWER"}
        return Done(command=self.command) if reached else None

    def _hung_up(self, event: Message) -> Verdict:
        if event.get("Uniqueid") not in {self.leg, self._half} - {""}:
            return None
        return Failed(command=self.command, reason=event.get("Cause-txt") or WORDS)


def _rings(command: Consult, given: Given) -> Expectation:
    context, exten = given.dialplan.transfer_context, destination(command.to, given.dialplan)[1]
    target = re.compile(re.escape(f"Local/{exten}@{context}-") + r"[0-9a-f]+;1")
    return _Rings(command=command.id, leg=command.leg, target=target, limit_s=CONSULT_S)


def _must_consult(ends: Ends) -> None:
    """Outside a consultation the customer would hear the keys."""
    there(ends.customer)
    if ends.consults_by_phone:
        raise NotNow(NOT_ABLE)
    if not ends.consulted:
        raise NotNow("nobody is consulted")


def _press(code: str) -> Callable[[CallCommand, Given], tuple[Action, ...]]:
    def actions(command: CallCommand, given: Given) -> tuple[Action, ...]:
        _must_consult(given.ends)
        return pressed(command.leg, code)

    return actions


@dataclass(slots=True, kw_only=True)
class _Joined(_OfLeg):
    events: ClassVar[frozenset[str]] = frozenset({"AttendedTransfer", "Hangup"})
    is_threeway: bool

    def saw(self, event: Message) -> Verdict:
        if event.event == "Hangup":
            return _OfLeg.saw(self, event)
        if self.leg not in {event.get("OrigTransfererUniqueid"), event.get("SecondTransfererUniqueid")}:
            return None
        if event.get("Result") != "Success":
            return Failed(command=self.command, reason=event.get("Result"))
        fits = (event.get("DestType") == "Threeway") == self.is_threeway
        return Done(command=self.command) if fits else None


def _back(command: Reconnect, given: Given) -> tuple[Action, ...]:
    _must_consult(given.ends)
    return ({"Action": "CancelAtxfer", "Channel": whole(LEG, command.leg, "leg")},)


@dataclass(slots=True, kw_only=True)
class _IsBack(_OfLeg):
    events: ClassVar[frozenset[str]] = frozenset({"Unhold", "Hangup"})
    consulted: frozenset[LegId]

    def saw(self, event: Message) -> Verdict:
        who = event.get("Uniqueid")
        is_back = who == self.leg if event.event == "Unhold" else who in self.consulted
        return Done(command=self.command) if is_back else _OfLeg.saw(self, event)


@dataclass(slots=True, kw_only=True)
class _Swapped(_OfLeg):
    events: ClassVar[frozenset[str]] = frozenset({"BridgeEnter", "Hangup"})

    def saw(self, event: Message) -> Verdict:
        if event.event == "BridgeEnter" and event.get("Uniqueid") == self.leg:
            return Done(command=self.command)
        return _OfLeg.saw(self, event)


# ---- the tables

FORMS: Final[Mapping[str, Form]] = {
    "BlindTransfer": Form(frozenset({"Channel", "Context", "Exten"})),
    "Atxfer": Form(frozenset({"Channel", "Context", "Exten"})),
    "CancelAtxfer": Form(frozenset({"Channel"})),
}
KINDS: Final[Mapping[type[Command], Kind[Any]]] = {
    BlindTransfer: Kind(_blind, lambda command, _given: _HandedOver(command=command.id, leg=command.leg)),
    Consult: Kind(_consult, _rings),
    CompleteTransfer: Kind(
        _press(feature_codes.COMPLETE), lambda c, _given: _Joined(command=c.id, leg=c.leg, is_threeway=False)
    ),
    Conference: Kind(
        _press(feature_codes.THREE_WAY), lambda c, _given: _Joined(command=c.id, leg=c.leg, is_threeway=True)
    ),
    Reconnect: Kind(_back, lambda c, given: _IsBack(command=c.id, leg=c.leg, consulted=given.ends.consulted)),
    Alternate: Kind(_press(feature_codes.SWAP), lambda command, _given: _Swapped(command=command.id, leg=command.leg)),
}
