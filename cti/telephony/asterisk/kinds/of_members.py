"""Commands about members of queues: what is sent, and which event says that it was done.

Seen on 16 and 22: every ``QueuePause`` and ``QueuePenalty`` that found its member is told as an event, also when nothing
changed by it. ``QueueAdd`` is not told for one that is there already, and 16 does not take its reason; so the pause is said a
second time by ``QueuePause``, and a member is added when the queue says that it is paused, or not, as asked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from cti.telephony.asterisk.kinds.kind import DEVICE, Action, Expectation, Form, Given, Kind, Message, Verdict, whole
from cti.telephony.commands import AddMember, Command, Done, Failed, PauseMember, RemoveMember, SetPenalty

_QUEUE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,78}")
# Asterisk drops blanks at the ends of a header's value; the event would not say what was asked.
_REASON: Final = re.compile(r"[A-Za-z0-9_-](?:[A-Za-z0-9_ -]{0,58}[A-Za-z0-9_-])?")
# It becomes a field of queue_log, between bars, and 79 bytes of it are kept.
_NAME: Final = re.compile(r"\w(?:[\w .@'-]{0,77}[\w.'-])?")
_MOST_BYTES: Final = 79
_LOCAL: Final = re.compile(r"Local/[A-Za-z0-9_.*#+-]{1,40}@[A-Za-z0-9_-]{1,80}(?:/n)?")
_MOST_PENALTY: Final = 1_000_000

_ALREADY_THERE: Final = "Unable to add interface: Already there"
_NOT_THERE: Final = "Unable to remove interface: Not there"


# ---- what is sent


def _add(command: AddMember, given: Given) -> tuple[Action, ...]:
    add: Action = {
        "Action": "QueueAdd",
        **_who(command.queue, whole(DEVICE, command.device, "device"), given),
        "StateInterface": command.device,
        "MemberName": _name(command.name),
        "Penalty": _penalty(command.penalty),
        "Paused": _yes(command.paused),
        **_because(command.reason),
    }
    return add, _paused(command, given)


def _remove(command: RemoveMember, given: Given) -> tuple[Action, ...]:
    return ({"Action": "QueueRemove", **_who(command.queue, command.device, given)},)


def _pause(command: PauseMember, given: Given) -> tuple[Action, ...]:
    return (_paused(command, given),)


def _set_penalty(command: SetPenalty, given: Given) -> tuple[Action, ...]:
    who = _who(command.queue, command.device, given)
    return ({"Action": "QueuePenalty", **who, "Penalty": _penalty(command.penalty)},)


def _paused(command: AddMember | PauseMember, given: Given) -> Action:
    who = _who(command.queue, command.device, given)
    return {"Action": "QueuePause", **who, "Paused": _yes(command.paused), **_because(command.reason)}


def _who(queue: str, device: str, given: Given) -> Mapping[str, str]:
    return {"Queue": whole(_QUEUE, queue, "queue"), "Interface": _interface(queue, device, given)}


def _interface(queue: str, device: str, given: Given) -> str:
    """The member's own words: a static one may reach its phone through a Local channel."""
    interface = given.interface_of(queue, whole(DEVICE, device, "device"))
    return interface if _LOCAL.fullmatch(interface) else whole(DEVICE, interface, "device")


def _name(name: str) -> str:
    if len(whole(_NAME, name, "name").encode("utf-8", "replace")) > _MOST_BYTES:
        raise ValueError(f"name: longer than {_MOST_BYTES} bytes")
    return name


def _penalty(penalty: int) -> str:
    if not 0 <= penalty <= _MOST_PENALTY:
        raise ValueError(f"penalty is 0 to {_MOST_PENALTY}")
    return str(penalty)


def _because(reason: str) -> Mapping[str, str]:
    return {"Reason": whole(_REASON, reason, "reason")} if reason else {}


def _yes(paused: bool) -> str:  # noqa: FBT001 - a word for a value
    return "true" if paused else "false"


# ---- what must happen


@dataclass(slots=True, kw_only=True)
class _OfMember(Expectation):
    queue: str

    def saw(self, event: Message) -> Verdict:
        is_ours = event.get("Interface") == self.interface and event.get("Queue") == self.queue
        return Done(command=self.command) if is_ours and self.is_as_asked(event) else None

    def is_as_asked(self, event: Message) -> bool:  # noqa: ARG002
        return True


@dataclass(slots=True, kw_only=True)
class _Paused(_OfMember):
    events: ClassVar[frozenset[str]] = frozenset({"QueueMemberPause"})
    paused: bool
    reason: str
    is_added: bool = False

    def is_as_asked(self, event: Message) -> bool:
        if event.get("Paused") != str(int(self.paused)):
            return False
        return not self.paused or event.get("PausedReason") == self.reason

    def refused(self, words: str) -> Verdict:
        if self.is_added and words == _ALREADY_THERE:
            return None
        return Failed(command=self.command, reason=words)


@dataclass(slots=True, kw_only=True)
class _Removed(_OfMember):
    events: ClassVar[frozenset[str]] = frozenset({"QueueMemberRemoved"})

    def refused(self, words: str) -> Verdict:
        is_gone = words == _NOT_THERE
        return Done(command=self.command) if is_gone else Failed(command=self.command, reason=words)


@dataclass(slots=True, kw_only=True)
class _Penalty(_OfMember):
    events: ClassVar[frozenset[str]] = frozenset({"QueueMemberPenalty"})
    penalty: int

    def is_as_asked(self, event: Message) -> bool:
        return event.get("Penalty") == str(self.penalty)


def _expect_pause(command: AddMember | PauseMember, given: Given) -> Expectation:
    return _Paused(
        command=command.id,
        queue=command.queue,
        interface=_interface(command.queue, command.device, given),
        paused=command.paused,
        reason=command.reason,
        is_added=isinstance(command, AddMember),
    )


def _expect_removal(command: RemoveMember, given: Given) -> Expectation:
    interface = _interface(command.queue, command.device, given)
    return _Removed(command=command.id, queue=command.queue, interface=interface)


def _expect_penalty(command: SetPenalty, given: Given) -> Expectation:
    interface = _interface(command.queue, command.device, given)
    return _Penalty(command=command.id, queue=command.queue, interface=interface, penalty=command.penalty)


# ---- the tables

_WHO: Final = frozenset({"Queue", "Interface"})
FORMS: Final[Mapping[str, Form]] = {
    "QueueAdd": Form(_WHO | {"StateInterface", "MemberName", "Penalty", "Paused", "Reason"}),
    "QueueRemove": Form(_WHO),
    "QueuePause": Form(_WHO | {"Paused", "Reason"}),
    "QueuePenalty": Form(_WHO | {"Penalty"}),
}
KINDS: Final[Mapping[type[Command], Kind[Any]]] = {
    AddMember: Kind(_add, _expect_pause),
    RemoveMember: Kind(_remove, _expect_removal),
    PauseMember: Kind(_pause, _expect_pause),
    SetPenalty: Kind(_set_penalty, _expect_penalty),
}
