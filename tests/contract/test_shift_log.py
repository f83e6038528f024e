"""What every ShiftLog keeps of agents' states, whatever it is made of."""

import random
from datetime import timedelta

from msgspec import structs

from cti.agent_facts import of_presence
from cti.agents.agent import AgentId
from cti.agents.presence import AgentState, Cause, Maker, Pause, Reason
from cti.envelope import Envelope
from cti.store.interactions import InteractionLog
from tests.unit.store.call_stories import NINE, Story, abandoned_call, answered_call
from tests.unit.store.shift_stories import BREAK, MARA, Shift

S = AgentState
EVENING = NINE + timedelta(hours=9)


def morning(shift: Shift | None = None) -> list[Envelope]:
    """Logged in at nine; a call from 9:10 to 9:20 with a hold, wrapped up until 9:22; one missed at 9:23; gone at 9:40."""
    shift = shift or Shift()
    return [
        shift.pauses(0, Cause.LOGGED_IN),
        shift.ready(5),
        shift.in_call(10, S.RESERVED),
        shift.in_call(11, S.TALKING),
        shift.in_call(15, S.HOLD),
        shift.in_call(16, S.TALKING),
        shift.becomes(20, S.WORK_READY, made_by=Maker.PBX),
        shift.ready(22),
        shift.in_call(23, S.RESERVED, "main-2.1"),
        shift.pauses(24, Cause.MISSED_CALL, made_by=Maker.PBX, missed={"support": 1}),
        shift.pauses(25),
        shift.leaves(40),
    ]


async def test_each_state_lasts_until_the_next(log: InteractionLog) -> None:
    await log.append(morning())
    found = await log.intervals(MARA, NINE, EVENING)
    assert [(one.state, one.began_at) for one in found][:3] == [
        (S.NOT_READY, NINE),
        (S.READY, NINE + timedelta(minutes=5)),
        (S.RESERVED, NINE + timedelta(minutes=10)),
    ]
    assert [one.ended_at for one in found[:-1]] == [one.began_at for one in found[1:]]
    assert (found[-1].state, found[-1].ended_at) == (S.LOGOUT, None)


async def test_an_interval_says_why_and_who(log: InteractionLog) -> None:
    shift = Shift()
    await log.append(
        [
            shift.ready(0),
            shift.in_call(1, S.TALKING),
            shift.pauses(2, Cause.FORCED, made_by=Maker.SUPERVISOR, by="sue"),
            shift.pauses(3),
        ]
    )
    _, talk, forced, own = await log.intervals(MARA, NINE, EVENING)
    assert (talk.call, talk.queue, talk.made_by, talk.cause) == ("main-1.1", "support", Maker.PBX, "")
    assert (forced.cause, forced.reason_code, forced.made_by, forced.by) == ("forced", 900, Maker.SUPERVISOR, "sue")
    assert (own.reason_code, own.reason, own.cause, own.call) == (BREAK.code, "Break", "chosen", "")


async def test_the_order_in_which_facts_come_changes_nothing(log: InteractionLog) -> None:
    facts = morning()
    await log.append(facts)
    expected = await log.intervals(MARA, NINE, EVENING)
    other = Shift(AgentId("tom"))
    shuffled = morning(other)
    random.Random(4).shuffle(shuffled)
    for fact in shuffled:
        await log.append([fact, fact])
    found = await log.intervals(AgentId("tom"), NINE, EVENING)
    assert [(one.state, one.began_at, one.ended_at) for one in found] == [
        (one.state, one.began_at, one.ended_at) for one in expected
    ]


async def test_the_sum_of_intervals_is_the_time_logged_in(log: InteractionLog) -> None:
    await log.append(morning())
    await log.append([Shift(begins=NINE + timedelta(hours=2)).ready(0)])
    whole = await log.day(MARA, NINE, NINE + timedelta(hours=3))
    assert whole.logged_in_s == (40 + 60) * 60
    part = await log.day(MARA, NINE + timedelta(minutes=12), NINE + timedelta(minutes=18))
    assert part.logged_in_s == 6 * 60
    assert part.seconds == {S.TALKING: 300.0, S.HOLD: 60.0}


async def test_a_day_counts_calls_talk_hold_wrap_up_and_what_was_missed(log: InteractionLog) -> None:
    await log.append([*morning(), *answered_call()])
    day = await log.day(MARA, NINE, EVENING)
    assert (day.handled, day.talk_s, day.hold_s, day.wrap_up_s, day.missed) == (1, 480.0, 60.0, 120.0, 1)
    assert day.average_handle_s == 660.0


async def test_calls_nobody_answered_are_not_handled(log: InteractionLog) -> None:
    await log.append([*morning(), *abandoned_call("1.1")])
    assert (await log.day(MARA, NINE, EVENING)).handled == 0


async def test_whoever_was_never_there_has_an_empty_day(log: InteractionLog) -> None:
    await log.append(morning())
    for nobody in ("tom", "", "\x00", "'; --"):
        day = await log.day(AgentId(nobody), NINE, EVENING)
        assert (day.logged_in_s, day.handled, await log.intervals(AgentId(nobody), NINE, EVENING)) == (0, 0, ())


async def test_the_last_state_of_each_agent_is_taken_up(log: InteractionLog) -> None:
    mara, tom = Shift(), Shift(AgentId("tom"))
    await log.append([mara.ready(0), tom.ready(1), mara.in_call(2, S.TALKING)])
    assert await log.last_states() == (mara.now, tom.now)


async def test_what_changed_within_a_state_is_taken_up_and_is_no_new_interval(log: InteractionLog) -> None:
    shift = Shift()
    await log.append([shift.ready(0), shift.in_call(1, S.TALKING)])
    pause = Pause(cause=Cause.CHOSEN, reason=Reason(2, "Lunch"), since=shift.at(2), owner="mara")
    later = structs.replace(shift.now, pauses=(pause,))
    await log.append([of_presence(later, shift.at(2))])
    assert await log.last_states() == (later,)
    assert len(await log.intervals(MARA, NINE, EVENING)) == 2


async def test_rebuilding_gives_the_same_intervals(log: InteractionLog) -> None:
    await log.append([*morning(), *answered_call(), Story().said("cti.interaction.note.v1", text="-", by="mara")])
    before = await log.intervals(MARA, NINE, EVENING)
    assert await log.rebuild() == 1
    assert await log.intervals(MARA, NINE, EVENING) == before
    assert len(before) == 12


async def test_states_are_no_calls(log: InteractionLog) -> None:
    await log.append(morning())
    assert await log.open_facts() == ()
