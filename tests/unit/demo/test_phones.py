"""Whose phone rings in the demo: colleagues are played, who has logged in is rung while their member is there and unpaused."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from cti.agents.agent import Agent
from cti.calls.call import Call, CallState, Direction, Outcome, PbxName, Role
from cti.calls.events import Cleared, Delivered, Held, Transferred
from cti.calls.transitions import CallChanged
from cti.demo.day import Day
from cti.demo.journeys import ON_THEIR_OWN, STRANGERS, TO_A_PERSON
from cti.demo.people import AGENTS, COUNTRY, Caller
from cti.telephony.asterisk.dialplan import Dialplan
from cti.telephony.commands import AddMember, Command, Done, Failed, Originate, PauseMember, RemoveMember, Result
from cti.telephony.link import MemberChanged, MembersRead, News
from cti.telephony.replay.player import Player
from tests.unit.demo.company import scores

NOON: Final = datetime(2026, 11, 21, 4, tzinfo=UTC)
MENU_S: Final = dict.fromkeys((*TO_A_PERSON, *STRANGERS, *ON_THEIR_OWN), 4.0)
STRANGER: Final = [Caller(number=f"09200000{n:02d}", contact=f"C{n}", contact_name=f"N{n}") for n in range(20)]
ANN, BOB, CHO = AGENTS
QUEUES: Final = ("support", "sales")


class House:
    """The demo's PBX on a day of its own, its clock, and who may command it."""

    def __init__(self, seed: int = 1) -> None:
        self.passed_s = 0.0
        self.told: list[CallChanged] = []
        self.members: list[MemberChanged | MembersRead] = []
        self.count = 0
        day = Day(AGENTS, STRANGER, scores(), menu_s=MENU_S, seed=seed)
        self.player = Player(
            PbxName("demo"), day, dialplan=Dialplan(country=COUNTRY), seconds=lambda: self.passed_s,
            now=lambda: NOON + timedelta(seconds=self.passed_s),
        )  # fmt: skip
        self.player.start(self._hear)

    def _hear(self, news: News) -> None:
        if isinstance(news, CallChanged):
            self.told.append(news)
        elif isinstance(news, MemberChanged | MembersRead):
            self.members.append(news)

    def run(self, seconds: float) -> "House":
        until_s = self.passed_s + seconds
        while (wait_s := self.player.step()) + self.passed_s < until_s:
            self.passed_s += wait_s
        self.passed_s = until_s
        return self

    def run_until_rung(self, agent: Agent) -> Call:
        before = len(self.told)
        for _ in range(10_000):
            self.passed_s += self.player.step()
            for change in self.told[before:]:
                if isinstance(change.cause, Delivered) and change.cause.party.device == agent.device:
                    return change.after
        raise AssertionError(f"nobody ever calls {agent.name}")

    def rings(self, agent: Agent, since: int = 0) -> int:
        return sum(
            isinstance(change.cause, Delivered) and change.cause.party.device == agent.device
            for change in self.told[since:]
        )

    async def logs_in(self, *agents: Agent, paused: bool = False) -> "House":
        for agent in agents:
            for queue in QUEUES:
                await self.send(AddMember, agent, queue, name=agent.name, paused=paused)
        return self

    async def pauses(self, *agents: Agent, paused: bool = True) -> "House":
        for agent in agents:
            for queue in QUEUES:
                await self.send(PauseMember, agent, queue, paused=paused)
        return self

    async def logs_out(self, agent: Agent) -> None:
        for queue in QUEUES:
            await self.send(RemoveMember, agent, queue)

    async def send(self, kind: type[Command], agent: Agent, queue: str, **more: object) -> Result:
        self.count += 1
        return await self.player.send(kind(id=f"c{self.count}", device=agent.device, queue=queue, **more))  # type: ignore[call-arg]


def in_calls(calls: Sequence[Call], agent: Agent) -> bool:
    return any(leg.party.device == agent.device for call in calls for leg in call.live_legs())


def test_colleagues_nobody_logged_in_as_are_rung_all_day() -> None:
    house = House().run(600)
    assert min(house.rings(agent) for agent in AGENTS) >= 5
    assert [type(news) for news in house.members] == [MembersRead]


async def test_who_is_paused_is_not_rung_and_the_others_are() -> None:
    house = House()
    await house.logs_in(ANN, paused=True)
    house.run(900)
    assert house.rings(ANN) == 0
    assert min(house.rings(BOB), house.rings(CHO)) >= 5


async def test_who_is_ready_is_rung_within_half_a_minute() -> None:
    house = House()
    await house.logs_in(ANN, paused=True)
    house.run(100)
    await house.pauses(ANN, paused=False)
    began_s = house.passed_s
    house.run_until_rung(ANN)
    assert house.passed_s - began_s < 30


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_who_pauses_while_a_caller_is_on_the_way_to_them_is_not_rung(seed: int) -> None:
    """In the menu already, or in the queue: another phone takes the call."""
    house = House(seed)
    await house.logs_in(ANN)
    for _ in range(10):
        while not in_calls(house.player.calls, ANN):
            house.passed_s += house.player.step()
        while in_calls(house.player.calls, ANN):
            house.passed_s += house.player.step()
        await house.pauses(ANN)
        before = len(house.told)
        house.run(120)
        assert house.rings(ANN, since=before) == 0
        await house.pauses(ANN, paused=False)
    assert house.player.narrator.quarantined.total() + house.player.narrator.anomalies.total() == 0


async def test_callers_wait_for_whoever_is_ready_next() -> None:
    house = House()
    await house.logs_in(*AGENTS)
    house.run(3)
    await house.pauses(*AGENTS)
    house.run(25)
    waiting = [call for call in house.player.calls if call.state is CallState.QUEUED]
    assert waiting
    await house.pauses(BOB, paused=False)
    assert house.run_until_rung(BOB).id in {call.id for call in waiting}


async def test_callers_who_wait_too_long_give_up() -> None:
    house = House()
    await house.logs_in(*AGENTS)
    house.run(3)
    await house.pauses(*AGENTS)
    house.run(150)
    ended = [change.after for change in house.told if isinstance(change.cause, Cleared)]
    given_up = [call for call in ended if call.outcome is Outcome.ABANDONED and call.wait_s > 45]
    assert given_up
    assert sum(house.rings(agent) for agent in AGENTS) == 0


async def test_who_logs_out_is_a_played_colleague_again() -> None:
    house = House()
    await house.logs_in(ANN, paused=True)
    house.run(100)
    await house.logs_out(ANN)
    house.run_until_rung(ANN)
    assert house.rings(ANN) == 1


async def test_a_persons_phone_does_nothing_of_itself() -> None:
    """No hold, no transfer, no call that they did not make."""
    house = House(4)
    await house.logs_in(*AGENTS)
    house.run(3600)
    assert house.rings(ANN) > 20
    acted = [type(change.cause).__name__ for change in house.told if isinstance(change.cause, Held | Transferred)]
    dialled = [change.after.id for change in house.told if change.after.direction is Direction.OUTBOUND]
    assert (acted, dialled) == ([], [])


async def test_who_is_on_a_break_can_dial_though_a_caller_was_on_the_way_to_them() -> None:
    house = House()
    await house.logs_in(ANN)
    house.run(4)
    assert ANN.device in house.player._stage.busy
    await house.pauses(ANN)
    asking = asyncio.create_task(house.player.send(Originate(id="call", device=ANN.device, to="0223456789")))
    await asyncio.sleep(0)
    house.run(60)
    assert await asking != Failed(command="call", reason="busy")
    assert {change.after.dnis for change in house.told if change.after.direction is Direction.OUTBOUND} == {
        "0223456789"
    }


async def test_what_is_told_of_members_comes_before_the_result() -> None:
    house = House()
    before = len(house.members)
    result = await house.send(AddMember, ANN, "support", name=ANN.name, paused=True, reason="Lunch")
    assert isinstance(result, Done)
    assert [(one.queue, one.device, one.paused, one.reason) for one in house.members[before:] if isinstance(one, MemberChanged)][-1] == (
        "support", ANN.device, True, "Lunch"
    )  # fmt: skip


async def test_no_phone_is_in_two_calls_whatever_people_do() -> None:
    house = House(5)
    await house.logs_in(*AGENTS)
    for minute in range(40):
        agent = AGENTS[minute % 3]
        await house.pauses(agent, paused=minute % 2 == 0)
        house.run(45)
        held = [
            leg.party.device for call in house.player.calls for leg in call.live_legs() if leg.party.role is Role.AGENT
        ]
        assert len(held) == len(set(held))
    begun = {change.after.id for change in house.told}
    ended = [change.after.id for change in house.told if isinstance(change.cause, Cleared)]
    assert len(ended) == len(set(ended))
    assert begun - set(ended) == {call.id for call in house.player.calls}
    assert house.player.narrator.quarantined.total() + house.player.narrator.anomalies.total() == 0
