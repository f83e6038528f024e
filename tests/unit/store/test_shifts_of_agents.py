"""Whatever happens to an agent, and in whatever order: the record's intervals add up to the time they were logged in."""

from datetime import timedelta

from hypothesis import given, settings

from cti.agent_facts import of_presence
from cti.agents.presence import Rules
from cti.agents.transitions import begin, interval_changed
from cti.store.memory import MemoryInteractionLog
from tests.unit.agents.days import EIGHT, MARA, logged_in_s
from tests.unit.agents.test_interleavings import Happening, days, either_way, played


@settings(max_examples=60)
@given(days, either_way)
async def test_intervals_add_up_to_the_time_logged_in(day: list[tuple[Happening, float]], rules: Rules) -> None:
    steps, log = played(day, rules), MemoryInteractionLog()
    for nr, (before, event, after) in enumerate(steps):
        if after is not before:
            is_new = interval_changed(before, after)
            meanwhile = max(event.at, after.since) + timedelta(microseconds=nr)
            await log.append([of_presence(after, None if is_new else meanwhile)])
    kept = [begin(MARA, EIGHT), *(after for _, _, after in steps)]
    until = kept[-1].since
    found = await log.day(MARA, EIGHT.replace(hour=0), until)
    assert round(found.logged_in_s, 3) == round(logged_in_s(kept, until), 3)
    intervals = await log.intervals(MARA, EIGHT.replace(hour=0), until)
    assert all(one.ended_at is None or one.ended_at >= one.began_at for one in intervals)
    assert await log.last_states() == ((kept[-1],) if any(before is not after for before, _, after in steps) else ())
