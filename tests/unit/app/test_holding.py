"""Holding the lease: who acts when, by their own clock."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from cti.agent_facts import AGENTS
from cti.app.holding import ANSWERS, RENEWALS, RETRIES, Holder, clock_s
from cti.app.tenure import Tenure
from cti.app.term import FAILURES_TO_BE_AWAY, Term
from cti.errors import StoreUnavailable
from cti.store.lease import Lease

MAIN = "/pbx/main"
LIFE_S = 3.0


def term() -> Term:
    held = Term(life_s=LIFE_S, epochs={AGENTS: 1})
    held.renewed(100.0)
    return held


def test_one_acts_while_the_lease_lives() -> None:
    assert term().may_act(102.9)


def test_nobody_acts_beyond_it() -> None:
    assert not term().may_act(103.0)


def test_without_the_database_nobody_can_take_over_so_one_goes_on() -> None:
    held = term()
    held.not_answered(101.0, 101.75)
    held.not_answered(102.0, 102.75)
    assert held.may_act(104.9)
    assert not held.may_act(105.0)


def test_without_the_database_one_goes_on_at_once() -> None:
    """However late in the life of the lease it stood still: the second try is over before that is."""
    held, answer_s = term(), LIFE_S / ANSWERS
    first_s = 100.0 + LIFE_S / RENEWALS
    second_s = first_s + answer_s + LIFE_S / RETRIES
    held.not_answered(first_s, first_s + answer_s)
    assert held.may_act(second_s + answer_s)
    held.not_answered(second_s, second_s + answer_s)
    assert held.may_act(103.0)


def test_one_failure_says_nothing() -> None:
    held = term()
    held.not_answered(101.0, 101.75)
    assert not held.may_act(103.0)


def test_who_stood_still_has_to_ask_again() -> None:
    """In the middle of a try, or between two: what failed before says nothing about now."""
    held = term()
    held.not_answered(101.0, 101.75)
    held.not_answered(160.0, 160.1)
    assert not held.may_act(160.2)
    held = term()
    held.not_answered(101.0, 101.75)
    held.not_answered(102.0, 160.0)
    assert not held.may_act(160.1)


def test_who_stood_still_while_the_database_was_away_has_to_ask_again() -> None:
    held = term()
    held.not_answered(101.0, 101.75)
    held.not_answered(102.0, 102.75)
    assert not held.may_act(160.0)


def test_an_answer_counts_from_when_it_was_asked_for() -> None:
    held = term()
    held.renewed(101.0)
    assert not held.may_act(104.0)


# ---- the shell


class Table:
    """The table of leases, without a database."""

    def __init__(self) -> None:
        self.holder, self.epoch = "", 0
        self.is_away = False
        self.renewals = asyncio.Semaphore(0)
        self.looks = asyncio.Semaphore(0)

    def _asked(self) -> None:
        if self.is_away:
            raise StoreUnavailable("gone")

    async def look(self, names: Iterable[str]) -> tuple[Lease, ...]:
        self.looks.release()
        self._asked()
        left_s = 1.0 if self.holder else 0.0
        return tuple(Lease(name=name, holder=self.holder, epoch=self.epoch, left_s=left_s) for name in names)

    async def take(self, names: Iterable[str], holder: str, **_: float) -> Mapping[str, int]:
        self._asked()
        if self.holder:
            return {}
        self.holder, self.epoch = holder, self.epoch + 1
        return dict.fromkeys(names, self.epoch)

    async def renew(self, _: Mapping[str, int], holder: str, **__: float) -> bool:
        self.renewals.release()
        self._asked()
        return self.holder == holder

    async def release(self, _: Mapping[str, int], __: str) -> None:
        self._asked()
        self.holder = ""


def holder(table: Table, name: str, *, may_begin_alone: bool = False) -> Holder:
    return Holder(table, [MAIN, AGENTS], name, life_s=0.03, may_begin_alone=may_begin_alone)


@asynccontextmanager
async def keeping(one: Holder, held: Term) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(one.keep(held, asyncio.Event()))
    try:
        async with asyncio.timeout(10):
            yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_second_stands_by_and_says_for_whom() -> None:
    table = Table()
    await holder(table, "one").until_held()
    second = holder(table, "two")
    waiting = asyncio.create_task(second.until_held())
    await table.looks.acquire()
    await table.looks.acquire()
    await asyncio.sleep(0)
    assert (second.standing.state, second.standing.reason) == ("standby", "one has the lease of /pbx/main")
    table.holder = ""
    assert (await waiting).epochs == {MAIN: 2, AGENTS: 2}
    assert (second.standing.state, second.standing.epoch) == ("active", 2)


async def test_whoever_is_replaced_hears_of_it() -> None:
    table = Table()
    one = holder(table, "one")
    async with keeping(one, await one.until_held()) as task:
        await table.renewals.acquire()
        table.holder = "two"
        await task
    assert one.standing.state == "standby"


async def test_the_reader_goes_on_while_the_database_is_away() -> None:
    table = Table()
    one = holder(table, "one")
    async with keeping(one, await one.until_held()) as task:
        table.is_away = True
        for _ in range(5):
            await table.renewals.acquire()
        assert not task.done()


async def test_who_hears_elsewhere_that_another_has_it_gives_way_without_asking() -> None:
    """The database would say so too, if it could be reached."""
    table = Table()
    one = holder(table, "one")
    tenure = Tenure(one, await one.until_held())
    table.is_away = True
    tenure.hears_of(tenure.epoch)
    assert tenure.may_act()
    tenure.hears_of(tenure.epoch + 1)
    assert not tenure.may_act()
    await one.keep(tenure.term, tenure.over)
    assert one.standing.state == "standby"


async def test_who_was_refused_a_write_does_not_act_again_because_the_database_goes_away() -> None:
    one = holder(Table(), "one")
    tenure = Tenure(one, await one.until_held())
    tenure.fence.on_stale()
    for _ in range(FAILURES_TO_BE_AWAY):
        tenure.term.not_answered(clock_s(), clock_s())
    assert tenure.term.may_act(clock_s())
    assert not tenure.may_act()


async def test_who_has_heard_the_database_does_not_begin_alone_when_it_goes_away() -> None:
    """Another had the lease, and may have it still."""
    table = Table()
    table.holder = "two"
    one = holder(table, "one", may_begin_alone=True)
    assert await one.attempt() is None
    table.is_away = True
    assert await one.attempt() is None
    assert one.standing.state == "standby"


async def test_one_that_begins_without_a_database_asks_once_it_is_back() -> None:
    table = Table()
    table.is_away = True
    one = holder(table, "one", may_begin_alone=True)
    held = await one.until_held()
    assert (held.epochs, one.standing.state) == ({}, "active")
    async with keeping(one, held):
        table.is_away = False
        await table.renewals.acquire()
    assert held.epochs == {MAIN: 1, AGENTS: 1}


async def test_one_that_began_without_a_database_gives_way_to_who_has_the_lease() -> None:
    table = Table()
    table.is_away, table.holder = True, "two"
    one = holder(table, "one", may_begin_alone=True)
    async with keeping(one, await one.until_held()) as task:
        table.is_away = False
        await task
    assert one.standing.state == "standby"


async def test_a_reader_that_ends_in_order_is_followed_at_once() -> None:
    table = Table()
    one = holder(table, "one")
    await one.release(await one.until_held())
    assert (await holder(table, "two").until_held()).epochs[MAIN] == 2
