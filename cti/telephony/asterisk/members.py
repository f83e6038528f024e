"""Who is a member of which queue, paused or not: read off the event plane. Pure; time is handed in.

A member is what Asterisk calls an interface of a queue; what people know is the phone behind it. The lists are read at each
resync (``QueueStatus``), and every member is told anew then, so that whoever keeps a picture of their own can mend it. In
between only changes are. ``QueueMemberStatus`` is not read: it is told with every ring and every hang-up of a phone, once for
each of its queues, and each change of a member that matters here has an event of its own.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cti.calls.call import PbxName
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.endpoints import is_local, plain_text
from cti.telephony.link import MemberChanged, MembersRead

ITEM: Final = "QueueMember"
"""Of the list; it calls the interface Location, and the member's name Name."""
LIST_ENDS: Final = "QueueStatusComplete"
REMOVED: Final = "QueueMemberRemoved"
EVENTS: Final = frozenset({ITEM, LIST_ENDS, REMOVED, "QueueMemberAdded", "QueueMemberPause", "QueueMemberPenalty"})

_DEVICE: Final = re.compile(r"[A-Za-z0-9]{2,10}/\S+")
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    device: str
    name: str
    is_dynamic: bool
    paused: bool
    reason: str
    penalty: int


class Members:
    """All members of one PBX's queues, by queue and interface."""

    def __init__(self, pbx: PbxName) -> None:
        self._pbx = pbx
        self._known: dict[_Key, _Member] = {}
        self._began_at: datetime | None = None
        self._untold: set[_Key] = set()
        """Known when the list began, and not told since."""

    def begin_sync(self, at: datetime) -> None:
        """The list is about to be asked for. ``at``: not later than that of its items."""
        self._began_at, self._untold = at, set(self._known)

    def feed(self, message: AmiMessage, at: datetime) -> list[MemberChanged | MembersRead]:
        """One of ``EVENTS``, believed already."""
        if message.event == LIST_ENDS:
            return self._complete(at)
        key = (message.get("Queue"), message.get("Location" if message.event == ITEM else "Interface"))
        if not all(key):
            return []
        if message.event == REMOVED:
            return self._gone(key, at)
        member = _member(message, key[1])
        if self._known.get(key) == member and (message.event != ITEM or self._began_at is None):
            return []
        self._known[key] = member
        self._untold.discard(key)
        return [self._told(key[0], member, at)]

    def interface(self, queue: str, device: str) -> str:
        """What the queue calls the member that rings ``device``: the phone itself, unless a Local channel leads to it."""
        if (queue, device) in self._known:
            return device
        behind = (key[1] for key, member in self._known.items() if key[0] == queue and member.device == device)
        return next(behind, device)

    def _complete(self, at: datetime) -> list[MemberChanged | MembersRead]:
        if self._began_at is None:
            return []
        gone = [news for key in sorted(self._untold) for news in self._gone(key, at)]
        read = MembersRead(pbx=self._pbx, began_at=self._began_at, at=at)
        self._began_at, self._untold = None, set()
        return [*gone, read]

    def _gone(self, key: _Key, at: datetime) -> list[MemberChanged | MembersRead]:
        self._untold.discard(key)
        member = self._known.pop(key, None)
        return [] if member is None else [self._told(key[0], member, at, is_member=False)]

    def _told(self, queue: str, member: _Member, at: datetime, *, is_member: bool = True) -> MemberChanged:
        return MemberChanged(
            pbx=self._pbx,
            queue=queue,
            device=member.device,
            name=member.name,
            is_member=is_member,
            is_dynamic=member.is_dynamic,
            paused=is_member and member.paused,
            reason=member.reason if is_member else "",
            penalty=member.penalty,
            at=at,
        )


def _member(message: AmiMessage, interface: str) -> _Member:
    paused, penalty = message.get("Paused") == "1", message.get("Penalty")
    return _Member(
        device=_device(message.get("StateInterface"), interface),
        name=plain_text(message.get("Name" if message.event == ITEM else "MemberName")),
        is_dynamic=message.get("Membership") == "dynamic",
        paused=paused,
        reason=plain_text(message.get("PausedReason")) if paused else "",
        penalty=int(penalty) if penalty.isdecimal() else 0,
    )


def _device(state_interface: str, interface: str) -> str:
    """A hint or a ``Custom:`` state is nobody's phone."""
    is_phone = _DEVICE.fullmatch(state_interface) and not is_local(state_interface)
    return state_interface if is_phone else interface
