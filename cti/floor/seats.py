"""Who sits where: everybody with a phone, and the names of the others."""

from collections.abc import Iterator

from cti.agents.agent import AgentId
from cti.errors import Conflict, NotFound
from cti.floor.seat import Seat


class Seats:
    def __init__(self) -> None:
        self._seats: dict[AgentId, Seat] = {}
        self._by_device: dict[str, AgentId] = {}
        self.names: dict[AgentId, str] = {}

    def __iter__(self) -> Iterator[Seat]:
        """As they are now: whoever is told something may leave meanwhile."""
        return iter(tuple(self._seats.values()))

    @property
    def by_device(self) -> dict[str, AgentId]:
        return self._by_device

    def find(self, agent: AgentId) -> Seat | None:
        return self._seats.get(agent)

    def at(self, device: str) -> Seat | None:
        agent = self._by_device.get(device)
        return self._seats.get(agent) if agent else None

    def of(self, agent: AgentId) -> Seat:
        """Raises ``Conflict`` for who has no phone, ``NotFound`` for who is not there."""
        seat = self._seats.get(agent)
        if seat and seat.is_on_roster:
            return seat
        if agent in self.names:
            raise Conflict("no phone, and so no state")
        raise NotFound("no such agent")

    def add(self, seat: Seat) -> None:
        self._seats[seat.agent.id] = seat

    def remove(self, seat: Seat) -> None:
        self._seats.pop(seat.agent.id, None)

    def phones_changed(self) -> None:
        """Where a phone was one person's and is another's, it is theirs who are on the roster."""
        seats = sorted(self._seats.values(), key=lambda seat: seat.is_on_roster)
        self._by_device = {seat.agent.device: seat.agent.id for seat in seats}
