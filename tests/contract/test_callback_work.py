"""Callbacks as work, in every record: who sees to one, and what came of it."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from cti.calls.journey import IvrOutcome
from cti.envelope import Envelope
from cti.store.callbacks import CHANGED, NEXT
from cti.store.interactions import InteractionLog
from cti.store.journeys import Callback, CallbackState, Period, Sought
from tests.unit.store.call_stories import NINE, Story, facts_of
from tests.unit.store.journey_stories import Way

S = CallbackState


async def wished(log: InteractionLog, name: str = "1.1", queue: str = "support") -> Callback:
    way = Way(Story(name))
    await log.append([way.entered(), way.wants_a_callback(queue), way.left(IvrOutcome.TO_AGENT)])
    return next(one for one in (await log.callbacks(Sought())).items if one.call == f"main-{name}")


def done(callback: Callback, state: str, by: str = "mara", minutes: float = 1, **more: str) -> Envelope:
    data = {"callback": callback.id, "state": state, "by": by} | more
    return Envelope(
        id=uuid4().hex, source=f"/pbx/{callback.pbx}", type=CHANGED, subject=callback.call,
        time=NINE + timedelta(minutes=minutes), sequence=0, data=data,
    )  # fmt: skip


async def now(log: InteractionLog, callback: Callback) -> Callback:
    known = await log.callback(callback.id)
    assert known
    return known


async def test_a_callback_is_claimed_and_done(log: InteractionLog) -> None:
    wish = await wished(log)
    await log.append([done(wish, "claimed", minutes=1)])
    claimed = await now(log, wish)
    assert (claimed.state, claimed.claimed_by, claimed.claimed_at) == (S.CLAIMED, "mara", NINE + timedelta(minutes=1))
    await log.append([done(wish, "claimed", minutes=2, call="main-9.9")])
    await log.append([done(wish, "done", minutes=3, note="all is well")])
    end = await now(log, wish)
    assert (end.state, end.note, end.changed_by, end.last_call) == (S.DONE, "all is well", "mara", "main-9.9")
    assert (end.claimed_by, end.changed_at) == ("mara", NINE + timedelta(minutes=3))


async def test_whoever_was_not_reached_may_be_tried_again(log: InteractionLog) -> None:
    wish = await wished(log)
    for n, who in enumerate(("mara", "tom")):
        await log.append([done(wish, "claimed", who, n * 10), done(wish, "failed", who, n * 10 + 1, note=f"try {n}")])
    known = await now(log, wish)
    assert (known.state, known.tries, known.note, known.claimed_by) == (S.FAILED, 2, "try 1", "tom")


async def test_what_is_given_back_is_anybodys(log: InteractionLog) -> None:
    wish = await wished(log)
    await log.append([done(wish, "claimed"), done(wish, "open")])
    known = await now(log, wish)
    assert (known.state, known.claimed_by, known.claimed_at, known.changed_by) == (S.OPEN, "", None, "mara")


async def test_a_claim_changes_no_count_of_a_call_that_nobody_saw_leave_the_ivr(log: InteractionLog) -> None:
    call, day = Story("1.1"), Period(since=NINE, until=NINE + timedelta(days=1))
    way = Way(call)
    begin, end = facts_of([call.offered(), call.cleared(20)])
    await log.append([begin, way.entered(), way.wants_a_callback(), end])
    counted = await log.flow_counts("bank", day)
    assert [one.outcome for one in counted.journeys] == [IvrOutcome.FAILED]
    (wish,) = (await log.callbacks(Sought())).items
    await log.append([done(wish, "claimed")])
    assert (await now(log, wish)).state == S.CLAIMED
    assert await log.flow_counts("bank", day) == counted


async def test_of_two_who_claim_the_first_on_record_has_it(log: InteractionLog) -> None:
    wish = await wished(log)
    await log.append([done(wish, "claimed", "mara", 2), done(wish, "claimed", "tom", 1)])
    assert (await now(log, wish)).claimed_by == "mara"


async def test_of_many_who_claim_at_once_all_see_the_same_one_have_it(log: InteractionLog) -> None:
    wish = await wished(log)

    async def claims(who: str) -> str:
        await log.append([done(wish, "claimed", who)])
        return (await now(log, wish)).claimed_by

    seen = await asyncio.gather(*(claims(f"agent-{n}") for n in range(8)))
    assert len(set(seen)) == 1


@pytest.mark.parametrize("end", ["done", "cancelled"])
async def test_what_is_over_stays_over(log: InteractionLog, end: str) -> None:
    wish = await wished(log)
    await log.append([done(wish, "claimed"), done(wish, end)])
    await log.append([done(wish, "claimed", "tom"), done(wish, "open"), done(wish, "failed"), done(wish, "nonsense")])
    known = await now(log, wish)
    assert (known.state, known.claimed_by, known.tries) == (end, "mara", 0)
    assert not NEXT[S(end)]


async def test_callbacks_are_found_by_state_and_by_who_sees_to_them(log: InteractionLog) -> None:
    first, second = await wished(log, "1.1"), await wished(log, "2.1", "billing")
    await log.append([done(first, "claimed"), done(second, "claimed", "tom")])
    await log.append([done(second, "failed", "tom")])

    async def found(**wanted: object) -> list[str]:
        return [one.id for one in (await log.callbacks(Sought(**wanted))).items]  # type: ignore[arg-type]

    assert await found(state=S.CLAIMED) == [first.id]
    assert await found(claimed_by="mara") == [first.id]
    assert await found(claimed_by="tom", state=S.FAILED) == [second.id]
    assert await found(claimed_by="tom", queues=frozenset({"support"})) == []
    assert await found(state=S.OPEN) == []


async def test_rebuilding_gives_the_same_callbacks(log: InteractionLog) -> None:
    wish = await wished(log)
    await log.append([done(wish, "claimed"), done(wish, "failed", note="engaged"), done(wish, "claimed", "tom")])
    before = await now(log, wish)
    await log.rebuild()
    assert await now(log, wish) == before
    assert before.claimed_by == "tom"


async def test_a_callback_is_found_by_its_id_and_by_nothing_else(log: InteractionLog) -> None:
    await wished(log)
    for text in ("", "\x00", "'; --", "%"):
        assert await log.callback(text) is None
