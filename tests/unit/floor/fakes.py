"""A PBX that is nothing but its queues' members, and a house around the floor whose clock is set by hand."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from cti.agents.agent import Agent
from cti.agents.presence import Presence, QueueRules, Reason, Rules, WrapUpKind
from cti.calls.call import Call, PbxName
from cti.envelope import Envelope
from cti.floor.floor import Floor, FloorSettings
from cti.floor.seat import Patience
from cti.screenpop.hub import Hub, HubSettings
from cti.screenpop.views import Site
from cti.telephony.commands import AddMember, Command, Done, Failed, PauseMember, RemoveMember, Result, SetPenalty
from cti.telephony.link import LinkChanged, MemberChanged, MembersRead, Sink
from cti.telephony.phone import Ability
from tests.unit.screenpop.fakes import Clock, PaperDesktop
from tests.unit.screenpop.stories import AGENTS, MARA

LUNCH = Reason(2, "Lunch")
REASONS = (Reason(1, "Break"), LUNCH, Reason(3, "會議"))
MAIN = PbxName("main")
RULES = Rules(
    queues={
        "support": QueueRules(wrap_up=WrapUpKind.REQUIRED, wrap_up_s=60.0),
        "billing": QueueRules(wrap_up=WrapUpKind.OPTIONAL, wrap_up_s=30.0, missed_limit=2),
    }
)


@dataclass(slots=True)
class MemberPbx:
    """A ``PbxLink``. Confirms by telling its sink, as a PBX does, before the command is done."""

    clock: Clock
    name: PbxName = MAIN
    queues: tuple[str, ...] = ("support", "billing")
    members: dict[tuple[str, str], MemberChanged] = field(default_factory=dict)
    """By queue and device."""
    sent: list[Command] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    """Queue -> what it says to every command about it."""
    is_held: bool = False
    """Commands wait until ``go``."""
    state: str = "connected"
    sink: Sink = lambda _: None
    calls: tuple[Call, ...] = ()
    _held: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def status(self) -> LinkChanged:
        return LinkChanged(pbx=self.name, state=self.state, at=self.clock())  # type: ignore[arg-type]

    def go(self) -> None:
        self.is_held = False
        self._held.set()

    def comes(self) -> None:
        """Connected, and the lists are read."""
        self.state = "connected"
        self.read()
        self.sink(self.status)

    def goes(self) -> None:
        self.state = "lost"
        self.sink(self.status)

    def read(self) -> None:
        began_at = self.clock()
        for member in self.members.values():
            self.sink(_with(member, at=began_at))
        self.sink(MembersRead(pbx=self.name, began_at=began_at, at=self.clock()))

    def has(self, queue: str, device: str = MARA.device) -> str:
        """``-`` no member, ``ready``, or ``paused`` with the reason."""
        member = self.members.get((queue, device))
        if member is None:
            return "-"
        return f"paused: {member.reason}" if member.paused else "ready"

    def put(self, queue: str, device: str = MARA.device, **more: Any) -> None:
        """As somebody else does it."""
        known = self.members.get((queue, device))
        base = known or MemberChanged(
            pbx=self.name, queue=queue, device=device, is_member=True, at=self.clock(), name=""
        )  # fmt: skip
        self._told(_with(base, at=self.clock(), **more))

    def drop(self, queue: str, device: str = MARA.device) -> None:
        member = self.members.pop((queue, device))
        self.sink(_with(member, is_member=False, at=self.clock()))

    async def send(self, command: Command) -> Result:
        self.sent.append(command)
        if self.is_held:
            await self._held.wait()
        if self.state != "connected":
            return Failed(command=command.id, reason="pbx_lost")
        assert isinstance(command, AddMember | RemoveMember | PauseMember | SetPenalty)
        if command.queue not in self.queues:
            return Failed(command=command.id, reason="No such queue")
        if command.queue in self.refuses:
            return Failed(command=command.id, reason=self.refuses[command.queue])
        self._do(command)
        return Done(command=command.id)

    def _do(self, command: AddMember | RemoveMember | PauseMember | SetPenalty) -> None:
        match command:
            case RemoveMember(queue=queue, device=device):
                self.drop(queue, device)
            case AddMember(queue=queue, device=device):
                self.put(queue, device, name=command.name, paused=command.paused, reason=command.reason,
                         penalty=command.penalty)  # fmt: skip
            case PauseMember(queue=queue, device=device):
                self.put(queue, device, paused=command.paused, reason=command.reason)
            case SetPenalty(queue=queue, device=device):
                self.put(queue, device, penalty=command.penalty)

    def _told(self, member: MemberChanged) -> None:
        self.members[member.queue, member.device] = member
        self.sink(member)

    def check(self, command: Command) -> None:
        pass

    def abilities(self, device: str) -> frozenset[Ability]:  # noqa: ARG002
        return frozenset()

    async def run(self, sink: Sink) -> None:
        raise NotImplementedError

    def restore(self, calls: tuple[Call, ...]) -> None:
        raise NotImplementedError


def _with(member: MemberChanged, **more: Any) -> MemberChanged:
    return MemberChanged(**{name: getattr(member, name) for name in MemberChanged.__slots__} | more)


class House:
    """A hub, a floor and PBXs; Mara (support), Jon (billing) and whoever else is given."""

    def __init__(
        self, *, agents: tuple[Agent, ...] = AGENTS, rules: Rules = RULES, pbxs: tuple[str, ...] = (MAIN,),
        clock: Clock | None = None, members: dict[tuple[str, str], MemberChanged] | None = None,
    ) -> None:  # fmt: skip
        self.clock = clock or Clock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
        self.agents = agents
        self.facts: list[Envelope] = []
        self.hub = Hub(HubSettings(site=Site("DE", {})), clock=self.clock)
        self.pbxs = [MemberPbx(self.clock, PbxName(name)) for name in pbxs]
        self.pbx = self.pbxs[0]
        self.pbx.members.update(members or {})
        self.floor = Floor(
            FloorSettings(rules=rules, reasons=REASONS, patience=Patience(reload_s=10, restart_s=30, log_out_after_s=3600)),
            hub=self.hub, links={pbx.name: pbx for pbx in self.pbxs}, record=self.facts.append, clock=self.clock,
        )  # fmt: skip
        self.hub.roster(agents)
        self.floor.roster(agents)
        for pbx in self.pbxs:
            pbx.sink = self.floor.news

    def up(self) -> "House":
        for pbx in self.pbxs:
            pbx.comes()
        return self

    def desktop(self, agent: Agent = MARA, session: str = "session-1", *, take_over: bool = False) -> PaperDesktop:
        return PaperDesktop(self.hub, agent.id, session=session).connect(take_over=take_over)

    def goes(self, seconds: float) -> None:
        """Time passes, and what is due happens."""
        until = self.clock.now.timestamp() + seconds
        while (due := self.floor.next_deadline()) and due.timestamp() <= until:
            self.clock.now = max(due, self.clock.now)
            self.floor.expire(self.clock())
        self.clock.now = datetime.fromtimestamp(until, UTC)

    def presence(self, agent: Agent = MARA) -> Presence:
        seat = self.floor._seats.find(agent.id)
        assert seat is not None
        return seat.presence

    def shown(self, agent: Agent = MARA) -> dict[str, Any]:
        """As a desktop that opens now would see it."""
        return msgspec.to_builtins(self.hub.presences[agent.id], builtin_types=(datetime,))  # type: ignore[no-any-return]

    def state(self, agent: Agent = MARA) -> str:
        presence = self.presence(agent)
        return f"{presence.state}: {presence.reason.label}" if presence.reason else str(presence.state)

    async def quiet(self) -> None:
        """Until nobody has anything to ask of the PBX, or all wait for time to pass."""
        await until(lambda: not self.floor._asking.running and all(_is_idle(seat) for seat in self.floor._seats))

    async def asks(
        self, state: Any, agent: Agent = MARA, *, reason: int | None = None, by: Agent | None = None, command: str = ""
    ) -> None:
        command = command or f"ask-{len(self.facts)}-{state}"
        await self.floor.ask_state(agent.id, state, reason_code=reason, command=command, by=by or agent)
        await self.quiet()

    async def ready(self, agent: Agent = MARA) -> PaperDesktop:
        """At the desk, and ready."""
        desktop = self.desktop(agent)
        await self.asks("READY", agent)
        assert self.presence(agent).state == "READY"
        return desktop


def _is_idle(seat: Any) -> bool:
    """No task, or one that waits out its back-off."""
    return seat.task is None or seat.task.done() or (bool(seat.again._waiters) and not seat.again.is_set())


async def until(reached: Callable[[], object]) -> None:
    """Let the others run until it is so."""
    for _ in range(1000):
        if reached():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came")


def told(desktop: PaperDesktop, kind: str) -> list[dict[str, Any]]:
    return [message for message in desktop.read() if message["type"] == kind]
