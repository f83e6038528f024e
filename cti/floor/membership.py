"""Where agents stand in the PBX's queues: what is wanted, what there is, and the commands that make one of the other. No I/O.

An agent whom we have never seen log in is none of our business: their members stay as the site has them. From the first
log-in on, the PBX has each agent in each of their queues as the presence says: paused, with the reason, or not; once logged
out, not at all, or (a member of queues.conf, whom no command removes) paused.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NamedTuple

from cti.agents.agent import Agent
from cti.agents.presence import SYSTEM_REASONS, WRAP_UP, Cause, Presence, Reason
from cti.calls.call import PbxName
from cti.telephony.commands import AddMember, Command, PauseMember, RemoveMember, SetPenalty
from cti.telephony.link import MemberChanged

LOGGED_OUT: Final = "logged_out"
_OWN_WORDS: Final = frozenset({LOGGED_OUT, WRAP_UP.label, *(reason.label for reason in SYSTEM_REASONS.values())})
_NO_REASON: Final = re.compile(r"[^A-Za-z0-9_-]+")
_MOST_REASON: Final = 60
_PLAIN_NAME: Final = re.compile(r"\w[\w .@'-]*")
_MOST_NAME_BYTES: Final = 79
"""Of queue_log."""
NewId = Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a queue is to have an agent's phone."""

    queue: str
    device: str
    name: str
    is_member: bool = True
    paused: bool = False
    reason: str = ""
    """Of the pause; empty: whatever the PBX has."""
    penalty: int | None = None
    """None: whatever the PBX has."""


class Stance(NamedTuple):
    """What of a presence is the queues' business."""

    is_in: bool
    paused: bool
    reason: str


_READY: Final = Stance(is_in=True, paused=False, reason="")
_OUT: Final = Stance(is_in=False, paused=True, reason=LOGGED_OUT)


def stance(presence: Presence) -> Stance:
    """Paused also while a call goes on after which the agent is not to get another. No reason where somebody else paused the
    agent there, with a reason of their own."""
    if not presence.is_logged_in or (presence.leaves and not presence.is_busy):
        return _OUT
    if presence.wrap_up or presence.owed:
        return Stance(is_in=True, paused=True, reason=WRAP_UP.label)
    if presence.leaves:
        return Stance(is_in=True, paused=True, reason=LOGGED_OUT)
    if presence.pause is None:
        return _READY
    is_theirs = presence.pause.cause is Cause.PBX
    return Stance(is_in=True, paused=True, reason="" if is_theirs else reason_text(presence.pause.reason))


def wanted(agent: Agent, presence: Presence) -> tuple[Wanted, ...]:
    """For each of the agent's queues."""
    if not agent.device:
        return ()
    is_in, paused, reason = stance(presence)
    name = member_name(agent)
    return tuple(
        Wanted(
            queue=queue, device=agent.device, name=name, is_member=is_in, paused=paused, reason=reason,
            penalty=agent.penalties.get(queue),
        )
        for queue in agent.queues
    )  # fmt: skip


def reason_text(reason: Reason) -> str:
    """A reason as a PBX takes it. A label in another script leaves its number."""
    plain = _NO_REASON.sub(" ", reason.label).strip()[:_MOST_REASON].strip()
    return plain or f"reason {reason.code}"


def is_ours(reason: str, site: tuple[Reason, ...]) -> bool:
    """Is this pause one that we made?"""
    return reason in _OWN_WORDS or reason in {reason_text(one) for one in site}


def member_name(agent: Agent) -> str:
    """The agent's own name where a PBX can write it down, else the log-in name."""
    is_plain = _PLAIN_NAME.fullmatch(agent.name) and len(agent.name.encode()) <= _MOST_NAME_BYTES
    return agent.name if is_plain else agent.id


def missing(one: Wanted, has: MemberChanged | None, new_id: NewId) -> Iterator[Command]:
    """The commands that make of the member that the queue ``has`` what is wanted; none where it is so."""
    member = has if has and has.is_member else None
    if not one.is_member:
        yield from _out(one, member, new_id)
    elif member is None:
        yield AddMember(
            id=new_id(), queue=one.queue, device=one.device, name=one.name, penalty=one.penalty or 0,
            paused=one.paused, reason=one.reason if one.paused else "",
        )  # fmt: skip
    else:
        yield from _in(one, member, new_id)


def _in(one: Wanted, member: MemberChanged, new_id: NewId) -> Iterator[Command]:
    has_other_reason = one.paused and bool(one.reason) and member.reason != one.reason
    if member.paused != one.paused or has_other_reason:
        yield PauseMember(
            id=new_id(), queue=one.queue, device=one.device, paused=one.paused,
            reason=one.reason if one.paused else "",
        )  # fmt: skip
    if one.penalty is not None and member.penalty != one.penalty:
        yield SetPenalty(id=new_id(), queue=one.queue, device=one.device, penalty=one.penalty)


def _out(one: Wanted, member: MemberChanged | None, new_id: NewId) -> Iterator[Command]:
    if member is None:
        return
    if member.is_dynamic:
        yield RemoveMember(id=new_id(), queue=one.queue, device=one.device)
    elif not member.paused or member.reason != one.reason:
        yield PauseMember(id=new_id(), queue=one.queue, device=one.device, paused=True, reason=one.reason)


@dataclass(slots=True)
class Members:
    """Who is in the queues of the PBXs, as they last said. A PBX that is away is not known."""

    _known: dict[PbxName, dict[str, dict[str, MemberChanged]]] = field(default_factory=dict)
    """By PBX, phone and queue."""
    _read: set[PbxName] = field(default_factory=set)

    def told(self, member: MemberChanged) -> MemberChanged | None:
        """Note it; what was known before."""
        queues = self._known.setdefault(member.pbx, {}).setdefault(member.device, {})
        before = queues.get(member.queue)
        if member.is_member:
            queues[member.queue] = member
        else:
            queues.pop(member.queue, None)
        return before

    def carried_out(self, pbx: PbxName, command: Command, at: datetime) -> None:
        """The PBX has confirmed a command of ours: the same as if it had told the member anew."""
        match command:
            case AddMember(queue=queue, device=device, name=name, penalty=penalty, paused=paused, reason=reason):
                before = self.of(pbx, device).get(queue)
                if before is None:
                    self.told(
                        MemberChanged(pbx=pbx, queue=queue, device=device, name=name, is_member=True, paused=paused,
                                      reason=reason, penalty=penalty, at=at)
                    )  # fmt: skip
            case RemoveMember(queue=queue, device=device):
                self.told(MemberChanged(pbx=pbx, queue=queue, device=device, is_member=False, at=at))
            case PauseMember(queue=queue, device=device, paused=paused, reason=reason):
                self._changed(pbx, device, queue, at, paused=paused, reason=reason)
            case SetPenalty(queue=queue, device=device, penalty=penalty):
                self._changed(pbx, device, queue, at, penalty=penalty)
            case _:
                pass

    def _changed(self, pbx: PbxName, device: str, queue: str, at: datetime, **changes: object) -> None:
        before = self.of(pbx, device).get(queue)
        if before:
            self.told(replace(before, at=at, **changes))  # type: ignore[arg-type]

    def read(self, pbx: PbxName, began_at: datetime) -> None:
        """The lists of this PBX were read to their end: whoever was not told since is not there."""
        self._known[pbx] = {
            device: {queue: member for queue, member in queues.items() if member.at >= began_at}
            for device, queues in self._known.get(pbx, {}).items()
        }
        self._read.add(pbx)

    def lost(self, pbx: PbxName) -> None:
        self._known.pop(pbx, None)
        self._read.discard(pbx)

    def is_known(self, pbx: PbxName) -> bool:
        return pbx in self._read

    def of(self, pbx: PbxName, device: str) -> Mapping[str, MemberChanged]:
        """Queue -> how it has this phone."""
        return self._known.get(pbx, {}).get(device, {})
