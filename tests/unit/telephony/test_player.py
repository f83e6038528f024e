"""Recordings played by other people, and the demo's day, an hour of it in an instant: the tests own the clock."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from cti.agents.agent import Agent
from cti.calls.call import Call, CallId, CallState, Direction, LegId, LegState, Outcome, PbxName, Role
from cti.calls.events import Cleared, Delivered, Established, Offered
from cti.calls.transitions import CallChanged
from cti.demo.day import TRACES, Casting, Day, Story, play_of
from cti.demo.journeys import ON_THEIR_OWN, STRANGERS, TO_A_PERSON
from cti.demo.people import AGENTS, COMPLAINT, KEYED, Caller
from cti.envelope import of_change
from cti.store.restored import restored_calls
from cti.telephony.asterisk.dialplan import Dialplan
from cti.telephony.commands import Command, Done, Failed, Hangup, Hold, Originate, Park, Retrieve, SendKeys
from cti.telephony.link import LinkChanged, MemberChanged, News
from cti.telephony.phone import Ability
from cti.telephony.replay.player import Player
from cti.telephony.replay.score import Play, Score, score_of
from cti.telephony.replay.story import replay
from cti.telephony.replay.trace import load
from tests.traces.expected import HERE

NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
PLAIN = "plain_inbound_caller_hangs_up"


def trace_of(name: str) -> Path:
    return HERE / "22" / f"{name}.ami"


SCORES = {name: score_of(load(trace_of(name))) for name in TRACES}


class Clock:
    def __init__(self) -> None:
        self.passed_s = 0.0

    def seconds(self) -> float:
        return self.passed_s

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.passed_s)


class Once:
    """A programme of these plays, one after the other as phones come free."""

    def __init__(self, *plays: Play, dialled: Play | None = None) -> None:
        self.left = list(plays)
        self.dialled_play = dialled

    def begin(self, now_s: float, busy: frozenset[str]) -> Sequence[Play]:  # noqa: ARG002
        begun = [play for play in self.left if not play.phones & busy]
        self.left = [play for play in self.left if play not in begun]
        return begun

    def next_s(self) -> float:
        return float("inf")

    def rings(self, play: Play, phone: str, taken: frozenset[str], now_s: float) -> Play | None:  # noqa: ARG002
        return play

    def ended(self, play: Play, now_s: float) -> None:
        pass

    def member(self, member: MemberChanged) -> None:
        pass

    def dialled(self, command: Originate) -> Play | None:
        play = self.dialled_play
        return (
            Play(score=play.score, words=play.words, lengths_s=play.lengths_s, phones=play.phones, command=command.id)
            if play
            else None
        )


class House:
    """A player, what it told, and the clock."""

    def __init__(self, programme: Once | Day, speed: float = 1.0) -> None:
        self.clock = Clock()
        self.player = Player(
            PbxName("demo"),
            programme,
            dialplan=Dialplan(country="TW"),
            speed=speed,
            seconds=self.clock.seconds,
            now=self.clock.now,
        )
        self.told: list[tuple[float, CallChanged]] = []
        self.links: list[LinkChanged] = []

    def start(self) -> "House":
        self.player.start(self._hear)
        return self

    def _hear(self, news: News) -> None:
        if isinstance(news, CallChanged):
            self.told.append((self.clock.passed_s, news))
        elif isinstance(news, LinkChanged):
            self.links.append(news)

    def run(self, seconds: float) -> "House":
        until_s = self.clock.passed_s + seconds
        while (wait_s := self.player.step()) + self.clock.passed_s < until_s:
            self.clock.passed_s += wait_s
        self.clock.passed_s = until_s
        return self

    def run_until(self, state: CallState) -> Call:
        while not (calls := [call for call in self.player.calls if call.state is state]):
            self.clock.passed_s += self.player.step()
            assert self.clock.passed_s < 600, f"no call is ever {state}"
        return calls[0]

    @property
    def ended(self) -> list[Call]:
        return [change.after for _, change in self.told if isinstance(change.cause, Cleared)]

    def events(self) -> list[str]:
        return [type(change.cause).__name__ for _, change in self.told]


def play(
    trace: str = PLAIN,
    caller: Caller = COMPLAINT,
    agents: tuple[Agent, ...] = AGENTS,
    lengths_s: tuple[float, ...] = (),
    queue: str = "support",
) -> Play:
    drawn = play_of(
        Story(trace, phones=1), SCORES[trace], Casting(agents=agents, caller=caller, queue=queue), Random(1)
    )
    return Play(score=drawn.score, words=drawn.words, names=drawn.names, lengths_s=lengths_s, phones=drawn.phones)


MENU_LENGTH_S = 4.0
MENU_S = dict.fromkeys((*TO_A_PERSON, *STRANGERS, *ON_THEIR_OWN), MENU_LENGTH_S)


def day(seed: int = 1) -> Day:
    strangers = [Caller(number=f"09200000{n:02d}", contact=f"C{n}", contact_name=f"N{n}") for n in range(20)]
    return Day(AGENTS, strangers, SCORES, menu_s=MENU_S, seed=seed)


# ---- one recording


@pytest.mark.parametrize("name", TRACES)
def test_a_play_tells_what_the_recording_tells(name: str) -> None:
    recorded = [type(change.cause).__name__ for change in replay(load(trace_of(name)))]
    assert recorded == House(Once(play(name))).start().run(60).events()


def test_others_stand_where_the_recorded_people_stood() -> None:
    ann, bob, cho = AGENTS
    (call,) = (
        House(Once(play(caller=Caller(number="0228000999", name="Wu"), agents=(cho, ann, bob), queue="sales")))
        .start()
        .run(60)
        .ended
    )
    agent = next(leg.party for leg in call.legs if leg.party.role is Role.AGENT)
    assert (call.ani, call.ani_name, call.dnis, call.queue) == ("0228000999", "Wu", "0800100200", "sales")
    assert (agent.number, agent.name, agent.device) == ("2003", "卓雅婷", "PJSIP/2003")


def test_a_name_is_not_sent_where_the_network_sends_none() -> None:
    (call,) = House(Once(play(caller=Caller(number="0228000999")))).start().run(60).ended
    assert call.ani_name == ""


def test_the_keyed_code_is_the_callers() -> None:
    caller = Caller(number=KEYED.number, code="20118")
    (call,) = House(Once(play("customer_code_from_ivr", caller))).start().run(60).ended
    assert call.keys == (("customer_code", "20118"),)


def test_phases_last_as_long_as_wanted() -> None:
    house = House(Once(play(lengths_s=(2.0, 8.0, 30.0)))).start().run(60)
    (call,) = house.ended
    rang_s = [at_s for at_s, change in house.told if isinstance(change.cause, Delivered | Established)]
    assert pytest.approx([8.0, 30.0], abs=0.1) == [rang_s[1] - rang_s[0], call.talk_s]


def test_what_is_too_short_to_notice_stays_as_it_is() -> None:
    assert [phase.kind for phase in SCORES[PLAIN].phases] == [CallState.OFFERED, CallState.RINGING, CallState.TALKING]


def test_times_are_those_of_playing() -> None:
    (call,) = House(Once(play())).start().run(60).ended
    assert timedelta(0) <= call.offered_at - NOON < timedelta(seconds=1)


def test_twice_the_speed_takes_half_the_time() -> None:
    (call,) = House(Once(play(lengths_s=(2.0, 8.0, 30.0))), speed=2.0).start().run(60).ended
    assert pytest.approx(15.0, abs=0.1) == call.talk_s


def test_the_same_recording_twice_is_two_calls() -> None:
    ann, bob, cho = AGENTS
    ended = House(Once(play(agents=(ann, bob, cho)), play(agents=(bob, ann, cho)))).start().run(60).ended
    assert len({call.id for call in ended}) == 2


def test_a_phone_is_in_one_call_at_a_time() -> None:
    house = House(Once(play(lengths_s=(1.0, 1.0, 10.0)), play())).start()
    house.run(5)
    assert len(house.player.calls) == 1


def test_a_trace_without_a_call_is_refused() -> None:
    with pytest.raises(ValueError, match="no call"):
        score_of(type(load(trace_of(PLAIN)))(connections=(b"Event: Newstate\r\nChannel: x\r\n\r\n",)))


# ---- a day


@pytest.fixture(scope="module")
def an_hour() -> House:
    return House(day()).start().run(3600)


def test_a_phone_rings_soon_after_the_first_caller_is_through_the_menu(an_hour: House) -> None:
    first_s = next(at_s for at_s, change in an_hour.told if isinstance(change.cause, Delivered))
    assert first_s <= MENU_LENGTH_S + 5.0


def test_every_agent_has_a_call_a_minute(an_hour: House) -> None:
    for agent in AGENTS:
        rings_s = [at_s for at_s, change in an_hour.told if _rings(change, agent)]
        gaps_s = sorted(later - earlier for earlier, later in pairwise(rings_s))
        assert gaps_s[len(gaps_s) // 2] <= 60, agent.name
        assert gaps_s[-1] <= 150, agent.name


def test_no_phone_rings_while_it_is_in_a_call(an_hour: House) -> None:
    for _, change in an_hour.told:
        devices = Counter(leg.party.device for leg in change.after.live_legs() if leg.party.role is Role.AGENT)
        assert set(devices.values()) <= {1}
    live: dict[CallId, set[str]] = {}
    for _, change in an_hour.told:
        call = change.after
        live[call.id] = {leg.party.device for leg in call.live_legs() if leg.party.role is Role.AGENT}
        held = Counter(device for devices in live.values() for device in devices)
        assert not held or held.most_common(1)[0][1] == 1


def test_every_call_begins_once_and_ends_once(an_hour: House) -> None:
    begun = Counter(change.after.id for _, change in an_hour.told if isinstance(change.cause, Offered))
    ended = Counter(call.id for call in an_hour.ended)
    assert {1} == set(begun.values()) | set(ended.values())
    assert set(begun) - set(ended) == {call.id for call in an_hour.player.calls}


def test_the_narrator_finds_nothing_odd(an_hour: House) -> None:
    assert Counter() == an_hour.player.narrator.anomalies + an_hour.player.narrator.quarantined


def test_a_day_has_all_kinds_of_ends_and_callers(an_hour: House) -> None:
    assert {Outcome.ANSWERED, Outcome.ABANDONED} <= {call.outcome for call in an_hour.ended}
    assert {Direction.INBOUND, Direction.OUTBOUND} == {call.direction for call in an_hour.ended}
    assert any(call.transfers for call in an_hour.ended)
    assert any(call.keys for call in an_hour.ended)
    assert any(not call.ani for call in an_hour.ended)
    assert {"support", "sales"} <= {call.queue for call in an_hour.ended}


def test_a_pop_can_be_read(an_hour: House) -> None:
    """Rings of calls that were answered last from seven seconds on, but for an agent's own phone and a consultation."""
    talked = [call for call in an_hour.ended if call.outcome is Outcome.ANSWERED and call.queue]
    assert min(call.ring_s for call in talked) >= 5.0


def test_the_same_seed_is_the_same_day() -> None:
    assert House(day(7)).start().run(600).events() == House(day(7)).start().run(600).events()


def test_another_seed_is_another_day() -> None:
    assert House(day(7)).start().run(600).events() != House(day(8)).start().run(600).events()


def _rings(change: CallChanged, agent: Agent) -> bool:
    return isinstance(change.cause, Delivered) and change.cause.party.device == agent.device


# ---- as a link


def test_it_says_that_it_is_connected() -> None:
    assert [link.state for link in House(Once()).start().links] == ["connected"]


def test_calls_of_before_are_over() -> None:
    before = House(Once(play(lengths_s=(1.0, 1.0, 30.0)))).start()
    before.run_until(CallState.TALKING)
    again = House(Once())
    again.clock.passed_s = 60.0
    again.player.restore(restored_calls(of_change(change) for _, change in before.told))
    again.start()
    assert [call.cause for call in again.ended] == ["pbx_restart"]


def originate(to: str = "0223456789", device: str = "PJSIP/2001", name: str = "command-1") -> Originate:
    return Originate(id=name, device=device, to=to)


async def asked(house: House, command: Command, seconds: float = 60) -> Done | Failed:
    asking = asyncio.create_task(house.player.send(command))
    await asyncio.sleep(0)
    house.run(seconds)
    return await asking


async def test_dialling_rings_the_agent_then_the_customer() -> None:
    house = House(day()).start()
    house.player._programme = Once(dialled=play("click_to_dial_answered", Caller(number="0223456789")))
    assert isinstance(await asked(house, originate()), Done)
    (call,) = house.ended
    assert (call.direction, call.dnis, call.outcome) == (Direction.OUTBOUND, "0223456789", Outcome.ANSWERED)


async def test_dialling_is_done_when_the_agent_has_picked_up() -> None:
    house = House(Once(dialled=play("click_to_dial_answered", lengths_s=(3.0, 8.0, 30.0)))).start()
    result = await asked(house, originate(), seconds=4)
    assert isinstance(result, Done)
    assert result.leg == house.player.calls[0].legs[0].party.leg


async def test_the_same_command_again_is_no_second_call() -> None:
    house = House(Once(dialled=play("click_to_dial_answered"))).start()
    first = await asked(house, originate())
    assert first == await asked(house, originate())
    assert len(house.ended) == 1


async def test_a_busy_phone_cannot_dial() -> None:
    house = House(Once(play(lengths_s=(1.0, 1.0, 60.0)), dialled=play("click_to_dial_answered"))).start().run(5)
    assert Failed(command="command-1", reason="busy") == await asked(house, originate(), seconds=1)


async def test_an_unknown_phone_cannot_dial() -> None:
    house = House(day()).start()
    assert Failed(command="command-1", reason="unavailable") == await asked(
        house, originate(device="PJSIP/2999"), seconds=1
    )


async def test_a_colleague_can_be_dialled() -> None:
    house = House(day()).start()
    await asked(house, originate(to="2003"), seconds=30)
    assert any(
        call.direction is Direction.INTERNAL and call.dnis == "2003" for call in (*house.ended, *house.player.calls)
    )


@pytest.mark.parametrize("to", ["", "nobody", "+4915112345678", "0223456789&PJSIP/2002", "1" * 40])
def test_nonsense_is_refused(to: str) -> None:
    with pytest.raises(ValueError, match="to:"):
        House(Once()).player.check(originate(to=to))


async def test_nonsense_is_not_sent_either() -> None:
    with pytest.raises(ValueError, match="to:"):
        await House(Once()).player.send(originate(to="nobody"))


def leg_of_agent(call: Call) -> LegId:
    return next(leg.party.leg for leg in call.live_legs() if leg.party.role is Role.AGENT)


async def test_hanging_up_ends_the_call() -> None:
    house = House(Once(play(lengths_s=(1.0, 1.0, 60.0)))).start()
    call = house.run_until(CallState.TALKING)
    result = await asked(house, Hangup(id="command-1", call=call.id, leg=leg_of_agent(call)), seconds=1)
    assert Done(command="command-1") == result
    assert [(one.outcome, one.ended_by) for one in house.ended] == [(Outcome.ANSWERED, "agent")]


async def test_hanging_up_on_hold_leaves_nobody_behind() -> None:
    house = House(Once(play("attended_transfer_by_refer", lengths_s=(1.0, 1.0, 5.0, 5.0, 5.0, 60.0)))).start()
    call = house.run_until(CallState.HELD)
    await asked(house, Hangup(id="command-1", call=call.id, leg=leg_of_agent(call)), seconds=10)
    assert house.player.calls == ()


async def test_declining_leaves_the_caller_waiting_and_then_gone() -> None:
    house = House(Once(play(lengths_s=(1.0, 10.0)))).start()
    call = house.run_until(CallState.RINGING)
    await asked(house, Hangup(id="command-1", call=call.id, leg=leg_of_agent(call)), seconds=1)
    (waiting,) = house.player.calls
    assert (waiting.state, waiting.legs[-1].state) == (CallState.QUEUED, LegState.GONE)
    house.run(10)
    assert [one.outcome for one in house.ended] == [Outcome.ABANDONED]


async def test_a_leg_that_is_gone_cannot_be_hung_up() -> None:
    house = House(Once(play())).start()
    call = house.run_until(CallState.TALKING)
    leg = leg_of_agent(call)
    house.run(60)
    assert Failed(command="command-1", reason="No such channel") == await asked(
        house, Hangup(id="command-1", call=call.id, leg=leg)
    )


async def test_a_customer_on_hold_waits_until_they_are_fetched_back() -> None:
    house = House(Once(play(lengths_s=(1.0, 1.0, 20.0)))).start().run(10)
    (call,) = house.player.calls
    leg = leg_of_agent(call)
    assert await asked(house, Hold(id="hold", call=call.id, leg=leg), seconds=60) == Done(command="hold")
    assert [one.state for one in house.player.calls] == [CallState.HELD]
    assert await asked(house, Retrieve(id="back", call=call.id, leg=leg), seconds=5) == Done(command="back")
    assert [one.state for one in house.player.calls] == [CallState.TALKING]
    (ended,) = house.run(30).ended
    assert (ended.hold_s, ended.talk_s) == (pytest.approx(60, abs=0.1), pytest.approx(20, abs=0.1))


async def test_a_customer_who_is_forgotten_on_hold_hangs_up() -> None:
    house = House(Once(play(lengths_s=(1.0, 1.0, 20.0)))).start()
    call = house.run_until(CallState.TALKING)
    await asked(house, Hold(id="hold", call=call.id, leg=leg_of_agent(call)), seconds=200)
    assert [(one.outcome, one.ended_by) for one in house.ended] == [(Outcome.ANSWERED, "customer")]


async def test_hold_is_held_once_and_only_where_somebody_speaks() -> None:
    house = House(Once(play(lengths_s=(1.0, 5.0, 20.0)))).start()
    ringing = house.run_until(CallState.RINGING)
    hold = Hold(id="early", call=ringing.id, leg=leg_of_agent(ringing))
    assert await asked(house, hold, seconds=0.1) == Failed(command="early", reason="No such channel")
    call = house.run_until(CallState.TALKING)
    leg = leg_of_agent(call)
    retrieve = Retrieve(id="back", call=call.id, leg=leg)
    assert await asked(house, retrieve, seconds=0.1) == Failed(command="back", reason="No such channel")
    for number in range(2):
        assert await asked(house, Hold(id=f"hold-{number}", call=call.id, leg=leg), seconds=1) == Done(
            command=f"hold-{number}"
        )
    assert house.events().count("Held") == 1


async def test_hanging_up_on_hold_by_command_ends_the_call() -> None:
    house = House(Once(play(lengths_s=(1.0, 1.0, 20.0)))).start()
    call = house.run_until(CallState.TALKING)
    leg = leg_of_agent(call)
    await asked(house, Hold(id="hold", call=call.id, leg=leg), seconds=1)
    await asked(house, Hangup(id="end", call=call.id, leg=leg), seconds=1)
    assert [one.outcome for one in house.ended] == [Outcome.ANSWERED]


async def test_keys_are_taken_while_somebody_is_there() -> None:
    house = House(Once(play(lengths_s=(1.0, 1.0, 20.0)))).start()
    call = house.run_until(CallState.TALKING)
    keys = SendKeys(id="keys", call=call.id, leg=leg_of_agent(call), keys="12#")
    assert await asked(house, keys) == Done(command="keys")
    again = replace(keys, id="late")
    assert await asked(house, again) == Failed(command="late", reason="No such channel")


async def test_what_a_recording_cannot_do_is_said() -> None:
    house = House(Once(play(lengths_s=(1.0, 1.0, 20.0)))).start()
    call = house.run_until(CallState.TALKING)
    park = Park(id="park", call=call.id, leg=leg_of_agent(call))
    assert house.player.abilities("PJSIP/2001") == {Ability.HOLD, Ability.KEYS}
    assert await asked(house, park, seconds=1) == Failed(command="park", reason="not_able")


def test_scores_are_of_one_call_each() -> None:
    def calls(score: Score) -> int:
        return sum(
            message.event == "Newchannel" and message.get("Uniqueid") == message.get("Linkedid")
            for _, message in score.steps
        )

    assert {1, 2} >= {calls(score) for score in SCORES.values()}  # a consultation begins as one of its own
