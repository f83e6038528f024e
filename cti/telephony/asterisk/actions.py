"""Typed commands -> AMI actions, and what an account may do. Pure: whatever must not be sent is refused here, before a byte is.

An action never holds text that was not checked against a pattern of its own; dial strings are never joined from text.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cti import numbers
from cti.calls.call import LegId
from cti.telephony.asterisk import ami_codec
from cti.telephony.commands import Command, Hangup, Originate

Action = Mapping[str, str | tuple[str, ...]]

_HEADERS: Final = {
    "Login": {"Username", "Secret", "Events"},
    "Ping": set[str](),
    "ListCommands": set[str](),
    "Originate": {"Channel", "Context", "Exten", "Priority", "Timeout", "CallerID", "Variable", "Async", "ChannelId"},
    "Hangup": {"Channel"},
}
_DEVICE: Final = re.compile(r"[A-Za-z0-9]{2,10}/[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_LEG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,149}")
_DIALLED: Final = re.compile(r"\+?[0-9]{1,20}")
# A comma would begin a second variable; the dialplan must not find syntax in a value (H19).
_VARIABLE: Final = re.compile(r"CTI_[A-Z0-9_]{1,40}=[A-Za-z0-9_.+-]{0,80}")
_RING_S: Final = (1.0, 120.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialplan:
    """Where calls are put into the PBX, and how numbers are dialled there."""

    outgoing_context: str = "cti-outbound"
    internal_context: str = "cti-internal"
    internal_pattern: str = r"\d{2,6}"
    outgoing_trunk: str = ""
    country: str = "TW"
    national: bool = False
    """Dial numbers of ``country`` as people there do, not in E.164."""
    allowed_countries: frozenset[str] = frozenset()
    """Empty: ``country`` only."""
    emergency_numbers: frozenset[str] = frozenset()


def action_for(command: Command, *, action_id: str, leg: LegId, dialplan: Dialplan) -> Action:
    """The action that carries out ``command``; ``leg`` is the Uniqueid an Originate's channel shall have. Raises
    ValueError for what must not be sent: it never holds text that was not checked against a pattern of its own.
    """
    match command:
        case Originate():
            return checked({"Action": "Originate", "ActionID": action_id, **_originate(command, leg, dialplan)})
        case Hangup():
            return checked({"Action": "Hangup", "ActionID": action_id, "Channel": _whole(_LEG, command.leg, "leg")})
        case _:
            raise ValueError(f"no such command: {type(command).__name__}")


def _originate(command: Originate, leg: LegId, dialplan: Dialplan) -> Action:
    low_s, high_s = _RING_S
    if not low_s <= command.ring_timeout_s <= high_s:
        raise ValueError(f"ring_timeout_s is {low_s:.0f} to {high_s:.0f}")
    context, exten = destination(command.to, dialplan)
    caller = {"CallerID": _whole(_DIALLED, command.caller_id, "caller_id")} if command.caller_id else {}
    trunk = {"Variable": (f"CTI_TRUNK={dialplan.outgoing_trunk}",)} if dialplan.outgoing_trunk else {}
    return {
        "Channel": _whole(_DEVICE, command.device, "device"),
        "Context": context,
        "Exten": exten,
        "Priority": "1",
        "Timeout": str(round(command.ring_timeout_s * 1000)),
        "Async": "true",
        "ChannelId": _whole(_LEG, leg, "leg"),
        **caller,
        **trunk,
    }


def destination(to: str, dialplan: Dialplan) -> tuple[str, str]:
    """Context and digits for ``to``. Raises ValueError for what is no number, or one that may not be called."""
    _whole(_DIALLED, to, "to")
    if to in dialplan.emergency_numbers:
        return dialplan.outgoing_context, to
    if re.fullmatch(dialplan.internal_pattern, to):
        return dialplan.internal_context, to
    number = numbers.parse(to, country=dialplan.country)
    if number is None:
        raise ValueError("to: no telephone number")
    if number.region not in (dialplan.allowed_countries or {dialplan.country}):
        raise ValueError(f"to: calls to {number.region or 'numbers of no country'} are not allowed")
    as_at_home = dialplan.national and number.region == dialplan.country
    return dialplan.outgoing_context, numbers.dialled_digits(number.national) if as_at_home else number.e164


def checked(action: Action) -> Action:
    """``action`` itself if every byte of it may be sent. Raises ValueError, before anything is, for actions and headers we
    do not use, control characters, lone surrogates, lines Asterisk would cut (H3), and variables not our own (H19).
    """
    allowed = _HEADERS.get(str(action.get("Action")))
    if allowed is None or not set(action) <= allowed | {"Action", "ActionID"}:
        raise ValueError(f"not an action of ours: {str(action.get('Action'))[:40]!r} {sorted(set(action))[:20]!r}")
    for key, values in action.items():
        for value in values if isinstance(values, tuple) else (values,):
            _check_line(key, value)
    return action


def _check_line(key: str, value: str) -> None:
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in value):
        raise ValueError(f"{key}: control characters cannot be sent to the PBX")
    ami_codec.encode([(key, value)])
    if key == "Variable" and not _VARIABLE.fullmatch(value):
        raise ValueError(f"{key}: only CTI_ variables with plain values may be set")


def _whole(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"{what}: {text[:40]!r} is none")
    return text


COMMANDS_NEED: Final = frozenset({"call", "agent", "originate", "reporting"})
EVENTS_NEED: Final = frozenset({"reporting"})
_CLASSES: Final = re.compile(r"\(Priv: ([^)]*)\)")


def excess_privileges(listed: Mapping[str, str], *, needed: frozenset[str] = COMMANDS_NEED) -> tuple[str, ...]:
    """Classes an account may write beyond those needed, the dangerous ones first, from what ``ListCommands`` told it.

    Asterisk lists the actions this account may send, with the classes of which any one suffices: an action of one
    class shows that the account holds it.
    """
    classes = [
        set(re.split(r"[,\s]+", found[1])) - {"all", "<none>", ""}
        for text in listed.values()
        if (found := _CLASSES.search(text))
    ]
    held = {only for group in classes if len(group) == 1 for only in group}
    return tuple(sorted(held - needed, key=lambda name: (name not in {"system", "command", "config"}, name)))
