"""The shell towards the PBXs: sends what brings their queues to what is wanted, and says what they refused."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from cti.calls.call import PbxName
from cti.clock import now
from cti.floor.membership import Members, NewId, Wanted, missing
from cti.telephony.commands import AddMember, Command, Done, Failed, PauseMember, RemoveMember
from cti.telephony.link import MemberChanged, PbxLink

_Place = tuple[PbxName, str, str]
"""PBX, queue, device."""


@dataclass(frozen=True, slots=True)
class Refusal:
    pbx: PbxName
    command: Command
    words: str
    """The PBX's own."""


@dataclass(slots=True)
class Keeper:
    """Who is in the PBXs' queues, and the way to change it."""

    links: Mapping[PbxName, PbxLink]
    clock: Callable[[], datetime] = now
    new_id: NewId = lambda: f"floor-{uuid4().hex}"
    members: Members = field(default_factory=Members)
    sent: int = 0
    _asked: Counter[_Place] = field(default_factory=Counter)
    """Changes of ours that are under way: what the PBX says of them is no news."""
    _not_here: set[tuple[PbxName, str]] = field(default_factory=set)
    """Queues that this PBX does not have and another one does."""

    @property
    def is_up(self) -> bool:
        """Is there a PBX to ask?"""
        return bool(self._known())

    def is_under_way(self, member: MemberChanged) -> bool:
        return self._asked[member.pbx, member.queue, member.device] > 0

    def lost(self, pbx: PbxName) -> None:
        self.members.lost(pbx)
        self._not_here = {place for place in self._not_here if place[0] != pbx}

    def queues_of(self, device: str) -> tuple[str, ...]:
        """Those that have this phone as a member now."""
        found = (queue for pbx in self.links for queue in self.members.of(pbx, device))
        return tuple(dict.fromkeys(found))

    def is_so(self, wants: tuple[Wanted, ...]) -> bool:
        """Do all PBXs that are there have it as wanted?"""
        return all(next(self._missing(pbx, wants), None) is None for pbx in self._known())

    async def bring(self, wants: tuple[Wanted, ...]) -> tuple[int, tuple[Refusal, ...]]:
        """Send what is missing to every PBX that is there; how many changes were made, and what was refused."""
        done, refusals = 0, list[Refusal]()
        for pbx in self._known():
            for command in tuple(self._missing(pbx, wants)):
                words = await self._send(pbx, command)
                done += not words
                refusals += [Refusal(pbx, command, words)] if words else []
        return done, self._that_matter(refusals)

    def _known(self) -> list[PbxName]:
        """Connected, and its members were read."""
        return [
            pbx for pbx, link in self.links.items() if link.status.state == "connected" and self.members.is_known(pbx)
        ]

    def _missing(self, pbx: PbxName, wants: tuple[Wanted, ...]) -> Iterator[Command]:
        for one in wants:
            if (pbx, one.queue) not in self._not_here:
                yield from missing(one, self.members.of(pbx, one.device).get(one.queue), self.new_id)

    async def _send(self, pbx: PbxName, command: Command) -> str:
        """What it was refused with; empty: done."""
        place = _place(pbx, command)
        self._asked[place] += 1
        self.sent += 1
        try:
            result = await self.links[pbx].send(command)
        except ValueError as refused:
            return str(refused)
        finally:
            self._asked[place] -= 1
            self._asked += Counter()  # forget those at zero
        if isinstance(result, Done):
            self.members.carried_out(pbx, command, self.clock())
        return result.reason if isinstance(result, Failed) else ""

    def _that_matter(self, refusals: list[Refusal]) -> tuple[Refusal, ...]:
        """With several PBXs a queue need not be on each."""
        left = []
        for one in refusals:
            if isinstance(one.command, AddMember) and self._is_elsewhere(one.pbx, one.command):
                self._not_here.add((one.pbx, one.command.queue))
            else:
                left.append(one)
        return tuple(left)

    def _is_elsewhere(self, pbx: PbxName, command: AddMember) -> bool:
        return any(command.queue in self.members.of(other, command.device) for other in self.links if other != pbx)


def _place(pbx: PbxName, command: Command) -> _Place:
    if isinstance(command, AddMember | RemoveMember | PauseMember):
        return pbx, command.queue, command.device
    return pbx, "", ""
