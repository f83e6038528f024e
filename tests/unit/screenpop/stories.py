"""Calls as the tracker makes them, for the pop's tests."""

from datetime import UTC, datetime, timedelta

from cti.agents.agent import Agent, AgentId
from cti.calls.call import Call, CallId, Direction, LegId, Party, PbxName, Role
from cti.calls.events import CallEvent, Cleared, ConnectionCleared, Delivered, Diverted, Established, Offered, Queued
from cti.calls.tracker import CallTracker
from cti.calls.transitions import CallChanged

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PBX = PbxName("main")
MARA = Agent(id=AgentId("mara"), name="Mara Lind", extension="1001", device="PJSIP/1001", queues=("support",))
JON = Agent(id=AgentId("jon"), name="Jon Ek", extension="1002", device="PJSIP/1002", queues=("billing",))
AGENTS = (MARA, JON)
BY_DEVICE = {agent.device: agent.id for agent in AGENTS}


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


class Story:
    """One call told step by step; every step is the change it made."""

    def __init__(self, name: str = "1", direction: Direction = Direction.INBOUND) -> None:
        self.id = CallId(f"main-{name}")
        self.name = name
        self.direction = direction
        self._tracker = CallTracker()
        self._now = 0.0
        self.call: Call

    def tell(self, event: CallEvent) -> CallChanged:
        change = self._tracker.apply(event)
        assert isinstance(change, CallChanged), change
        self.call = change.after
        return change

    def _when(self) -> datetime:
        self._now += 1
        return at(self._now)

    def customer(self) -> Party:
        return Party(leg=LegId(f"c{self.name}"), role=Role.CUSTOMER, number="+49305551234", channel="PJSIP/trunk-1")

    def phone(self, agent: Agent, suffix: str = "") -> Party:
        return Party(
            leg=LegId(f"{agent.id}{self.name}{suffix}"), role=Role.AGENT, number=agent.extension, device=agent.device,
            channel=f"{agent.device}-0001",
        )  # fmt: skip

    def offered(
        self, ani: str = "+49305551234", ani_name: str = "", keys: tuple[tuple[str, str], ...] = ()
    ) -> CallChanged:
        return self.tell(
            Offered(
                call=self.id, at=self._when(), pbx=PBX, direction=self.direction, ani=ani, ani_name=ani_name,
                dnis="4930999", keys=keys, party=self.customer(),
            )
        )  # fmt: skip

    def placed_by(self, agent: Agent, to: str = "+4989123456") -> CallChanged:
        return self.tell(
            Offered(
                call=self.id, at=self._when(), pbx=PBX, direction=self.direction, ani=agent.extension, dnis=to,
                party=self.phone(agent),
            )
        )  # fmt: skip

    def queued(self, queue: str = "support") -> CallChanged:
        return self.tell(Queued(call=self.id, at=self._when(), queue=queue))

    def rings(self, agent: Agent, suffix: str = "", *, consult: bool = False) -> CallChanged:
        return self.tell(Delivered(call=self.id, at=self._when(), party=self.phone(agent, suffix), consult=consult))

    def answers(self, agent: Agent, suffix: str = "", *, consult: bool = False) -> CallChanged:
        return self.tell(Established(call=self.id, at=self._when(), party=self.phone(agent, suffix), consult=consult))

    def stops(self, agent: Agent, cause: str, suffix: str = "") -> CallChanged:
        return self.tell(Diverted(call=self.id, at=self._when(), party=self.phone(agent, suffix), cause=cause))

    def leaves(self, agent: Agent) -> CallChanged:
        return self.tell(ConnectionCleared(call=self.id, at=self._when(), party=self.phone(agent), cause="normal"))

    def ends(self, by: str = "customer") -> CallChanged:
        return self.tell(Cleared(call=self.id, at=self._when(), cause="normal", ended_by=by))
