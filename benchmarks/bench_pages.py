"""A month of a busy site, and how long each page of it takes: 100,000 calls a day for 30 days, in SQLite and in PostgreSQL.

``python benchmarks/bench_pages.py [--days 30] [--calls-a-day 100000] [--kind SQLite]``. The lists and reports are asked as the
web handlers ask them, in random order, so that the pages of one do not warm those of the next by their order; each figure is of
``--times`` askings with other values each time. The month is made once and kept in a temporary folder.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import harness
import month
from harness import Aim, Table, percentile
from log_ground import KINDS, wanted_kinds
from month import Month

from cti import log
from cti.agents.agent import AgentId
from cti.calls.call import CallId, Direction, Outcome
from cti.calls.journey import IvrOutcome
from cti.reports.ivr_flow import flow_report, flows_report
from cti.store.database import Database
from cti.store.interactions import Filter
from cti.store.journeys import CallbackState, Period, Sought
from cti.store.sql import SqlInteractionLog

ENOUGH_MS = 100.0
FEWEST, MOST_MS = 5, 20_000.0
"""A page is asked for so often at least, and not again once all its askings took so long."""
DEEP = 40
"""Pages behind the first."""


@dataclass
class Asker:
    """Asks for one page after the other, with values of the month."""

    log: SqlInteractionLog
    month: Month
    chance: random.Random = field(default_factory=lambda: random.Random(11))

    @property
    def now(self) -> datetime:
        return self.month.until

    def days(self, count: float) -> tuple[datetime, datetime]:
        """A period somewhere in the month."""
        left = max(0.0, self.month.days - count)
        since = self.month.since + timedelta(days=self.chance.uniform(0, left))
        return since, since + timedelta(days=count)

    def one_of(self, values: Iterable[str]) -> str:
        return self.chance.choice(list(values))

    async def listed(self, days: float | None = None, **wanted: object) -> None:
        period = {} if days is None else dict(zip(("since", "until"), self.days(days), strict=True))
        await self.log.between(Filter(**period, **wanted))  # type: ignore[arg-type]

    async def deep(self, days: float | None = None, **wanted: object) -> None:
        """The last of many pages; only that one is asked for here."""
        period = {} if days is None else dict(zip(("since", "until"), self.days(days), strict=True))
        await self.log.between(Filter(**period, **wanted), cursor=self.cursor(), limit=50)  # type: ignore[arg-type]

    def cursor(self) -> str:
        from cti.store.paging import Place, cursor_of

        return cursor_of(Place(self.days(1)[1], "main", "main-z"))

    async def ivr(self, days: float) -> None:
        since, until = self.days(days)
        period = Period(since=since, until=until)
        counts = await self.log.flow_counts(month.FLOWS[0], period)
        await asyncio.to_thread(flow_report, month.FLOWS[0], counts, period)

    async def ivrs(self, days: float) -> None:
        since, until = self.days(days)
        period = Period(since=since, until=until)
        await asyncio.to_thread(flows_report, await self.log.journey_counts(period), period)

    async def text(self, words: str, days: float | None) -> None:
        await self.listed(days, text=words)

    def pages(self) -> dict[str, Callable[[], Awaitable[object]]]:
        """Name -> asking once."""
        m, agent, queue = self.month, lambda: self.one_of(month.AGENTS), lambda: self.one_of(month.QUEUES)
        me = lambda: AgentId(agent())  # noqa: E731
        return {
            "interactions": self.listed,
            "interactions, deep in the month": self.deep,
            "of a day": lambda: self.listed(1),
            "of an agent": lambda: self.listed(agent=agent()),
            "of an agent, of a day": lambda: self.listed(1, agent=agent()),
            "of an agent, deep": lambda: self.deep(agent=agent()),
            "of an agent, of a week, abandoned": lambda: self.listed(7, agent=agent(), outcome=Outcome.ABANDONED),
            "of an agent, a queue they have no calls of": lambda: self.listed(agent=agent(), queue="rare"),
            "of a queue": lambda: self.listed(queue=queue()),
            "of a queue, deep": lambda: self.deep(queue=queue()),
            "of a queue, abandoned": lambda: self.listed(queue=queue(), outcome=Outcome.ABANDONED),
            "of a queue, an outcome there is hardly": lambda: self.listed(queue=queue(), outcome=Outcome.BUSY),
            "of a queue, of a day, unanswered": lambda: self.listed(1, queue=queue(), outcome=Outcome.QUEUE_TIMEOUT),
            "of a queue there is hardly": lambda: self.listed(queue="rare"),
            "by outcome": lambda: self.listed(outcome=Outcome.ABANDONED),
            "by an outcome there is hardly": lambda: self.listed(outcome=Outcome.BUSY),
            "outgoing": lambda: self.listed(direction=Direction.OUTBOUND),
            "internal, of which there are hardly any": lambda: self.listed(direction=Direction.INTERNAL),
            "of a number": lambda: self.listed(number=m.number(self.chance)),
            "of a number's last 4 digits": lambda: self.listed(number=m.number(self.chance)[-4:]),
            "of a number's last 2 digits": lambda: self.listed(number=m.number(self.chance)[-2:]),
            "of a number, of a day": lambda: self.listed(1, number=m.number(self.chance)),
            "of our own number": lambda: self.listed(number=month.DNIS),
            "of a number nobody has": lambda: self.listed(number="+999999999"),
            "of a contact": lambda: self.listed(contact=m.contact(self.chance)),
            "of a contact nobody has": lambda: self.listed(contact="nobody"),
            "by flow": lambda: self.listed(flow=month.FLOWS[0]),
            "by flow and its outcome": lambda: self.listed(flow=month.FLOWS[0], ivr_outcome=IvrOutcome.FAILED),
            "by outcome of the IVR": lambda: self.listed(ivr_outcome=IvrOutcome.FAILED),
            "not classified": lambda: self.listed(classified=False),
            "not classified, of a queue": lambda: self.listed(classified=False, queue=queue()),
            "classified": lambda: self.listed(classified=True),
            "filled in": lambda: self.listed(backfilled=True),
            "text, found often": lambda: self.text("example", None),
            "text, of an hour, found nowhere": lambda: self.text("xyzzy", 1 / 24),
            "text, of a day, found nowhere": lambda: self.text("xyzzy", 1),
            "text, of a week, found nowhere": lambda: self.text("xyzzy", 7),
            "text, of the month, found nowhere": lambda: self.text("xyzzy", None),
            "text, of an agent, found nowhere": lambda: self.listed(text="xyzzy", agent=agent()),
            "one interaction": lambda: self.log.get(CallId(m.call(self.chance))),
            "facts of a call": lambda: self.log.facts(CallId(m.call(self.chance))),
            "history of a customer": lambda: self.log.history(
                contacts=[m.contact(self.chance)], numbers=[m.number(self.chance)], limit=20
            ),
            "open calls": self.log.open_facts,
            "callbacks, open": lambda: self.log.callbacks(Sought(state=CallbackState.OPEN)),
            "callbacks, of a queue": lambda: self.log.callbacks(Sought(queues=frozenset({queue()}))),
            "callbacks, open, of a queue": lambda: self.log.callbacks(
                Sought(queues=frozenset({queue()}), state=CallbackState.OPEN)
            ),
            "callbacks, mine": lambda: self.log.callbacks(Sought(claimed_by=agent(), state=CallbackState.CLAIMED)),
            "messages, of a queue": lambda: self.log.voicemails(Sought(queues=frozenset({queue()}))),
            "my day": lambda: self.log.day(me(), self.now - timedelta(hours=9), self.now),
            "my week": lambda: self.log.day(me(), self.now - timedelta(days=7), self.now),
            "last states of all agents": self.log.last_states,
            "report: IVR, all flows, a day": lambda: self.ivrs(1),
            "report: IVR, all flows, a month": lambda: self.ivrs(self.month.days),
            "report: a flow, a day": lambda: self.ivr(1),
            "report: a flow, a week": lambda: self.ivr(min(7, self.month.days)),
            "report: a flow, a month": lambda: self.ivr(self.month.days),
        }


async def measured(url: str, some: Month, times: int, only: str) -> dict[str, list[float]]:
    """Milliseconds."""
    database = Database(url)
    asker = Asker(SqlInteractionLog(database), some)
    pages = {name: ask for name, ask in asker.pages().items() if only in name}
    found: dict[str, list[float]] = {name: [] for name in pages}
    for _ in range(times):
        for name in random.sample(list(pages), len(pages)):
            tries = found[name]
            if len(tries) >= FEWEST and sum(tries) > MOST_MS:
                continue
            before_s = time.perf_counter()
            await pages[name]()
            tries.append((time.perf_counter() - before_s) * 1000)
    for name, ms in found.items():
        print(f"{name:<46} {percentile(ms, 0.5):9.1f} {percentile(ms, 0.99):9.1f}", flush=True)
    await database.close()
    return found


def table(kind: str, some: Month, found: dict[str, list[float]]) -> Table:
    return Table(
        title=f"Pages of {some.calls:,} calls in {some.days:g} days, {kind}",
        columns=("page", "p50 ms", "p99 ms"),
        rows=tuple((name, percentile(ms, 0.5), percentile(ms, 0.99)) for name, ms in found.items()),
        note="50 rows a page, asked as the web handlers ask, other values each time.",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=3 if harness.is_quick() else 30)
    parser.add_argument("--calls-a-day", type=int, default=10_000 if harness.is_quick() else 100_000)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    log.configure(level="error", form="json")
    some = Month(days=asked.days, calls_a_day=asked.calls_a_day)
    tables, aims = list[Table](), list[Aim]()
    for kind in wanted_kinds(asked.kind):
        with month.filled(kind, some) as url:
            found = asyncio.run(measured(url, some, asked.times, asked.only))
        tables.append(table(kind, some, found))
        slow = [name for name, ms in found.items() if percentile(ms, 0.99) > ENOUGH_MS]
        words = f"{kind}: pages that take longer than {ENOUGH_MS:g} ms (p99)"
        aims.append(Aim(words=words, wanted="none", found=", ".join(slow) or "none", is_met=not slow))
    harness.save("pages", tables=tables, aims=aims)


if __name__ == "__main__":
    main()
