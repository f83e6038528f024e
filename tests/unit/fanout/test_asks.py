"""What people ask in one process is done in another, or refused there with the same error."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from cti.agents.agent import Agent, AgentId
from cti.calls.call import CallId, PbxName
from cti.crm.contact import Case, Contact, ContactId, Flag, Money
from cti.envelope import Envelope
from cti.errors import Conflict, CtiError, NotFound, NotNow, NumberRefused, PbxUnavailable, RequestError, TooMany
from cti.fanout import wishes
from cti.fanout.asks import Attendant
from cti.fanout.bus import Ask
from cti.fanout.memory_bus import MemoryBus
from cti.fanout.remote_asker import Asker
from cti.fanout.remote_commands import RemoteCommands
from cti.fanout.remote_shift import RemoteShift
from cti.fanout.told_errors import decode_error, encode_error
from cti.screenpop.actions import ActionName
from cti.screenpop.hub import Hub, HubSettings
from cti.screenpop.messages import PbxView, PresenceView
from cti.screenpop.views import Site
from cti.switchboard.guard import TollGuard
from cti.toll import Allowed, Refused, TollRules, Why

MARA = Agent(id=AgentId("mara"), name="Mara", device="PJSIP/1001", queues=("support",), penalties={"support": 2})
LIN = Contact(
    id=ContactId("17"), name="林美華", flags=frozenset({Flag.DO_NOT_CALL}), balance=Money(Decimal("12.50"), "TWD"),
    cases=(Case(id="1", title="Refund", opened_at=datetime(2026, 11, 1, tzinfo=UTC)),), fields=(("Plan", "gold"),),
)  # fmt: skip
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


@dataclass
class Desk:
    """The other side's switchboard and floor: notes what it is asked, and raises what it is told to."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)
    raises: CtiError | None = None
    placed: Envelope | None = None
    heard: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def _note(self, *what: Any) -> None:
        if self.raises:
            raise self.raises
        self.asked.append(what)
        self.heard.release()

    async def originate(self, agent: Agent, to: str, command: str, *, contact: str = "", placed: Any = None) -> None:
        self._note("originate", agent, to, command, contact)
        self.placed = placed(CallId("main-7.7"), NOW) if placed else None

    async def carry_out(
        self, agent: Agent, call: CallId, action: ActionName, command: str, *, to: str = "", keys: str = ""
    ) -> None:
        self._note("carry_out", agent, call, action, command, to, keys)

    async def fetch(self, agent: Agent, space: str, command: str) -> None:
        self._note("fetch", agent, space, command)

    async def ask_state(self, agent: AgentId, state: str, *, reason_code: int | None, command: str, by: Agent) -> None:
        self._note("ask_state", agent, state, reason_code, command, by)

    async def extend(self, agent: Agent, command: str) -> None:
        self._note("extend", agent, command)

    async def end_wrap_up(self, agent: Agent, command: str) -> None:
        self._note("end_wrap_up", agent, command)

    def result_given(self, agent: AgentId, call: CallId) -> None:
        self._note("result_given", agent, call)

    def log_out(self, agent: AgentId, session: str, by: Agent) -> None:
        self._note("log_out", agent, session, by)

    async def contact_changed(self, contact: Contact) -> None:
        self._note("contact_changed", contact)

    async def states(self, by: Agent) -> tuple[PresenceView, ...]:
        self._note("states", by)
        return (PresenceView(agent="mara", state="READY", since=NOW),)


class Two:
    """Two processes and the bus between them."""

    def __init__(self) -> None:
        self.bus, self.desk, self.hub = MemoryBus(), Desk(), Hub(HubSettings(site=Site("TW")))
        self.is_ours = True
        self.attendant = Attendant(
            self.desk, self.desk, contact_changed=self.desk.contact_changed, may_act=lambda: self.is_ours
        )  # type: ignore[arg-type]
        self.asker = Asker(self.bus, "push-1")
        self.roster_changes = 0
        guard = TollGuard(TollRules(country="TW"))
        self.commands = RemoteCommands(self.asker, self.hub, guard)
        self.shift = RemoteShift(self.asker, roster_changed=self._changed)

    def _changed(self) -> None:
        self.roster_changes += 1


@pytest.fixture
async def two() -> AsyncIterator[Two]:
    two = Two()
    serving = asyncio.create_task(two.bus.serve(two.attendant.carry_out))
    async with asyncio.timeout(10):
        yield two
    await two.asker.close()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_every_wish_arrives_as_it_was_said(two: Two) -> None:
    call = CallId("main-1.1")
    await two.commands.originate(MARA, "0912345678", "c1", contact="17")
    await two.commands.carry_out(MARA, call, ActionName.TRANSFER, "c2", to="2002")
    await two.commands.carry_out(MARA, call, ActionName.KEYS, "c3", keys="12#")
    await two.commands.fetch(MARA, "701", "c4")
    await two.shift.ask_state(AgentId("mara"), "NOT_READY", reason_code=2, command="c5", by=MARA)
    await two.shift.extend(MARA, "c6")
    await two.shift.end_wrap_up(MARA, "c7")
    await two.asker.ask(wishes.ContactChanged(contact=LIN))
    assert two.desk.asked == [
        ("originate", MARA, "0912345678", "c1", "17"),
        ("carry_out", MARA, call, ActionName.TRANSFER, "c2", "2002", ""),
        ("carry_out", MARA, call, ActionName.KEYS, "c3", "", "12#"),
        ("fetch", MARA, "701", "c4"),
        ("ask_state", "mara", "NOT_READY", 2, "c5", MARA),
        ("extend", MARA, "c6"),
        ("end_wrap_up", MARA, "c7"),
        ("contact_changed", LIN),
    ]


async def test_everybodys_state_comes_back(two: Two) -> None:
    assert [(one.agent, one.state, one.since) for one in await two.shift.states(MARA)] == [("mara", "READY", NOW)]


async def test_what_a_call_was_placed_for_is_on_record_with_that_call(two: Two) -> None:
    def placed(call: CallId, at: datetime) -> Envelope:
        data = {"callback": "cb-1", "call": call}
        return Envelope(id="x", source="/pbx/main", type="t", subject="main-1.1", time=at, sequence=0, data=data)

    await two.commands.originate(MARA, "0912345678", "c1", placed=placed)
    assert two.desk.placed == placed(CallId("main-7.7"), NOW)


ERRORS = [
    NotNow("in_a_call"),
    NotFound("no such live call"),
    Conflict("this id is another command's"),
    RequestError("keys are 1 to 32 of 0-9, * and #"),
    NumberRefused("premium", "numbers that cost extra may not be called"),
    PbxUnavailable("no connection to main"),
    TooMany(3.0),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_refusal_is_the_same_refusal_here(two: Two, error: CtiError) -> None:
    two.desk.raises = error
    with pytest.raises(type(error)) as found:
        await two.commands.fetch(MARA, "701", "c1")
    assert (str(found.value), vars(found.value)) == (str(error), vars(error))


def test_an_error_of_a_kind_unknown_here_is_none_of_the_askers() -> None:
    assert type(decode_error(b'{"error":"FromTheFuture","words":"?"}')).__name__ == "StateMisuse"
    assert type(decode_error(encode_error(CtiError("?")))).__name__ == "StateMisuse"


async def test_who_has_lost_the_lease_carries_out_nothing(two: Two) -> None:
    two.is_ours = False
    with pytest.raises(PbxUnavailable, match="taking over"):
        await two.commands.fetch(MARA, "701", "c1")
    assert two.desk.asked == []


async def test_a_wish_of_a_later_version_is_refused(two: Two) -> None:
    ask = Ask(id="1", kind="teleport", body=b'{"wish":"teleport"}', sender="push-1", until=2e9)
    answer = await two.attendant.carry_out(ask)
    assert (answer.is_done, type(decode_error(answer.body))) == (False, PbxUnavailable)


async def test_a_result_is_told_again_until_somebody_takes_it(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cti.fanout.remote_asker.AGAIN_S", 0.01)
    two.is_ours = False
    with pytest.raises(PbxUnavailable):
        await two.shift.extend(MARA, "c1")
    two.shift.result_given(AgentId("mara"), CallId("main-1.1"))
    two.shift.log_out(AgentId("mara"), "s1", MARA)
    await asyncio.sleep(0)
    two.is_ours = True
    await two.desk.heard.acquire()
    await two.desk.heard.acquire()
    assert sorted(one[0] for one in two.desk.asked) == ["log_out", "result_given"]


async def test_changed_people_are_everybodys_news(two: Two) -> None:
    two.shift.roster([MARA])
    assert two.roster_changes == 1


async def test_a_number_is_looked_at_without_asking(two: Two) -> None:
    two.bus.goes_away()
    two.hub.pbx(PbxView(name=PbxName("main"), state="connected", since=NOW))
    assert isinstance(two.commands.number(MARA, "0912345678"), Allowed)
    refused = two.commands.number(MARA, "+15125550100")
    assert isinstance(refused, Refused)
    assert refused.why is Why.COUNTRY
