"""Commands about calls: what is sent, and which event says that it was done.

- ``Originate``: ``OriginateResponse`` with our ActionID. It comes when the agent's phone was picked up (Success) or was not
  (Failure). Its Reason is 0 for most failures, busy and declined among them; then the leg's ``Hangup`` has the cause. The two
  come in any order (16 and 22), and for a phone that does not exist there is no Hangup. We choose the leg's Uniqueid
  ourselves (``ChannelId``), so that its events are known before the first response.
- ``FetchParked``: the same. The parking context has all spaces as extensions, taken or not, so whether somebody is parked there
  is asked of the call model, before a phone rings (``ami_link.py``).
- ``Hangup``: the leg's ``Hangup`` event. "No such channel" means the same: the leg is gone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from cti.calls.call import LegId
from cti.telephony.asterisk.dialplan import DIALLED, destination
from cti.telephony.asterisk.kinds.kind import (
    DEVICE,
    LEG,
    TIMEOUT,
    Action,
    Expectation,
    Form,
    Given,
    Kind,
    Message,
    Soon,
    Verdict,
    whole,
)
from cti.telephony.commands import Command, Done, Failed, FetchParked, Hangup, Originate

MARGIN_S: Final = 5.0
"""How much longer than the ring the PBX may take to say how it ended."""
GRACE_S: Final = 1.0
"""How long an OriginateResponse and the leg's Hangup wait for each other."""
RING_S: Final = (1.0, 120.0)

# Reason of OriginateResponse: the last control frame of the leg, include/asterisk/frame.h (same in 16 and 22).
REASONS: Final = {"1": "no answer", "3": "no answer", "5": "busy", "8": "congestion"}
UNAVAILABLE: Final = "unavailable"
UNEXPLAINED: Final = {"": UNAVAILABLE, "0": UNAVAILABLE, "127": UNAVAILABLE}
"""Causes that say nothing (unknown, interworking) -> what we say instead."""


# ---- Originate


def _originate(command: Originate, given: Given) -> tuple[Action, ...]:
    caller = {"CallerID": whole(DIALLED, command.caller_id, "caller_id")} if command.caller_id else {}
    trunk = {"Variable": (f"CTI_TRUNK={given.dialplan.outgoing_trunk}",)} if given.dialplan.outgoing_trunk else {}
    return ({**_ring(command, given, destination(command.to, given.dialplan)), **caller, **trunk},)


def _ring(command: Originate | FetchParked, given: Given, goes_to: tuple[str, str]) -> Action:
    low_s, high_s = RING_S
    if not low_s <= command.ring_timeout_s <= high_s:
        raise ValueError(f"ring_timeout_s is {low_s:.0f} to {high_s:.0f}")
    context, exten = goes_to
    return {
        "Action": "Originate",
        "Channel": whole(DEVICE, command.device, "device"),
        "Context": context,
        "Exten": exten,
        "Priority": "1",
        "Timeout": str(round(command.ring_timeout_s * 1000)),
        "Async": "true",
        "ChannelId": whole(LEG, given.leg, "leg"),
    }


@dataclass(slots=True, kw_only=True)
class _PickedUp(Expectation):
    events: ClassVar[frozenset[str]] = frozenset({"OriginateResponse", "Hangup"})
    action_id: str
    leg: LegId
    _has_failed: bool = False
    """OriginateResponse said so, without saying why."""
    _words: str = ""
    """What the leg's Hangup said."""

    def saw(self, event: Message) -> Verdict:
        if event.event == "OriginateResponse":
            return self._responded(event) if event.get("ActionID") == self.action_id else None
        return self._hung_up(event) if event.get("Uniqueid") == self.leg else None

    def expired(self) -> Done | Failed:
        reason = self._words or (UNAVAILABLE if self._has_failed else TIMEOUT)
        return Failed(command=self.command, reason=reason)

    def _responded(self, event: Message) -> Verdict:
        if event.get("Response") == "Success":
            return Done(command=self.command, leg=self.leg)
        self._has_failed = True
        words = REASONS.get(event.get("Reason")) or self._words
        return Failed(command=self.command, reason=words) if words else Soon(GRACE_S)

    def _hung_up(self, event: Message) -> Verdict:
        self._words = UNEXPLAINED.get(event.get("Cause"), event.get("Cause-txt")) or UNAVAILABLE
        return Failed(command=self.command, reason=self._words) if self._has_failed else Soon(GRACE_S)


def _picked_up(command: Originate | FetchParked, given: Given) -> Expectation:
    limit_s = command.ring_timeout_s + MARGIN_S
    return _PickedUp(command=command.id, action_id=given.action_id, leg=given.leg, limit_s=limit_s)


# ---- FetchParked


def _fetch(command: FetchParked, given: Given) -> tuple[Action, ...]:
    context, space = given.dialplan.parking_context, command.space
    whole(re.compile(given.dialplan.parking_pattern), space, "space")
    return (_ring(command, given, (context, space)),)


# ---- Hangup


def _hang_up(command: Hangup, _given: Given) -> tuple[Action, ...]:
    return ({"Action": "Hangup", "Channel": whole(LEG, command.leg, "leg")},)


@dataclass(slots=True, kw_only=True)
class _Gone(Expectation):
    events: ClassVar[frozenset[str]] = frozenset({"Hangup"})
    leg: LegId

    def saw(self, event: Message) -> Verdict:
        return Done(command=self.command) if event.get("Uniqueid") == self.leg else None

    def refused(self, words: str) -> Verdict:
        is_gone = words.startswith("No such channel")
        return Done(command=self.command) if is_gone else Failed(command=self.command, reason=words)


def _gone(command: Hangup, _given: Given) -> Expectation:
    return _Gone(command=command.id, leg=command.leg)


# ---- the tables

FORMS: Final[Mapping[str, Form]] = {
    "Originate": Form(
        frozenset({"Channel", "Context", "Exten", "Priority", "Timeout", "CallerID", "Variable", "Async", "ChannelId"})
    ),
    "Hangup": Form(frozenset({"Channel"})),
}
KINDS: Final[Mapping[type[Command], Kind[Any]]] = {
    Originate: Kind(_originate, _picked_up),
    FetchParked: Kind(_fetch, _picked_up),
    Hangup: Kind(_hang_up, _gone),
}
