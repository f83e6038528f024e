"""The queues' members of a PBX that is none: as Asterisk would keep them, and say what became of a command. No I/O, no clock.

Nobody is a member when it starts, and all members are dynamic.
"""

from dataclasses import dataclass, replace

from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.commands import AddMember, Command, Done, Failed, PauseMember, RemoveMember, Result, SetPenalty

MemberCommand = AddMember | RemoveMember | PauseMember | SetPenalty
Told = tuple[tuple[AmiMessage, ...], Result]
"""Asterisk's events, and after them the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    queue: str
    device: str
    name: str
    penalty: int
    paused: bool = False
    reason: str = ""


class Members:
    def __init__(self) -> None:
        self._members: dict[tuple[str, str], _Member] = {}

    def carry_out(self, command: MemberCommand) -> Told:
        known = self._members.get((command.queue, command.device))
        if isinstance(command, AddMember):
            return self._add(command, known)
        if known is None:
            return (), _of_nobody(command)
        match command:
            case RemoveMember():
                del self._members[known.queue, known.device]
                return _told("QueueMemberRemoved", known, command)
            case PauseMember(paused=paused, reason=reason):
                return self._put("QueueMemberPause", replace(known, paused=paused, reason=reason), command)
            case SetPenalty(penalty=penalty):
                return self._put("QueueMemberPenalty", replace(known, penalty=penalty), command)

    def _add(self, command: AddMember, known: _Member | None) -> Told:
        """One that is there already stays as it is, but for the pause."""
        member = known or _Member(
            queue=command.queue, device=command.device, name=command.name, penalty=command.penalty
        )  # fmt: skip
        added = () if known else (_event("QueueMemberAdded", member),)
        paused, done = self._put(
            "QueueMemberPause", replace(member, paused=command.paused, reason=command.reason), command
        )
        return (*added, *paused), done

    def _put(self, event: str, member: _Member, command: Command) -> Told:
        self._members[member.queue, member.device] = member
        return _told(event, member, command)


def _of_nobody(command: RemoveMember | PauseMember | SetPenalty) -> Result:
    if isinstance(command, RemoveMember):
        return Done(command=command.id)
    words = "Interface not found" if isinstance(command, PauseMember) else "Invalid interface, queuename or penalty"
    return Failed(command=command.id, reason=words)


def _told(event: str, member: _Member, command: Command) -> Told:
    return (_event(event, member),), Done(command=command.id)


def _event(event: str, member: _Member) -> AmiMessage:
    return AmiMessage.of(
        (
            ("Event", event), ("Queue", member.queue), ("MemberName", member.name), ("Interface", member.device),
            ("StateInterface", member.device), ("Membership", "dynamic"), ("Penalty", str(member.penalty)),
            ("Paused", str(int(member.paused))), ("PausedReason", member.reason if member.paused else ""),
        )
    )  # fmt: skip
