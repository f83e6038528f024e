"""A month of calls as rows, made quickly: by COPY into PostgreSQL, by executemany into SQLite, indexes afterwards.

What lists and reports read is all there: interactions with their agents, journeys and steps, callbacks, messages. Facts and
agents' intervals, which are only ever read by one call's or one agent's name, are there in part. What the database counts by
itself is counted afterwards, as an upgrade does it. It is kept in a temporary folder from run to run, by its size; delete
``cti-bench-month*`` there to be rid of it.
"""

import asyncio
import json
import random
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg
from log_ground import postgres_at
from sqlalchemy import text

from cti.store import schema
from cti.store.database import Database
from cti.store.digits import reversed_digits
from cti.store.statements import sqlite_time
from cti.store.trail import countable

SINCE = datetime(2026, 10, 1, tzinfo=UTC)
AGENTS = tuple(f"agent{nr:04d}" for nr in range(400))
QUEUES = tuple(f"queue{nr:02d}" for nr in range(12))
FLOWS = ("main", "billing", "night")
STEPS = (("language", "menu"), ("menu", "menu"), ("code", "identify"))
DNIS = "+4930900"
CONTACTS = 200_000
JOURNEYS, FACTS, CALLBACKS = 2, 100, 200
"""One of so many calls has one."""
FACTS_OF_AN_AGENT = 1000
ALL_AT_ONCE = 20_000
UNCOUNTED = "0007"
"""The last schema without triggers."""
WORDS = ("called back", "asked for the order", "wants an invoice", "will come on Monday", "complained of the delivery")
Row = dict[str, Any]


@dataclass(frozen=True)
class Month:
    days: float
    calls_a_day: int

    @property
    def calls(self) -> int:
        return int(self.days * self.calls_a_day)

    @property
    def since(self) -> datetime:
        return SINCE

    @property
    def until(self) -> datetime:
        return SINCE + timedelta(days=self.days)

    @property
    def name(self) -> str:
        return f"cti-bench-month-{self.calls}"

    def call(self, chance: random.Random) -> str:
        """One with facts."""
        return f"main-{chance.randrange(max(1, self.calls // FACTS)) * FACTS}"

    def number(self, chance: random.Random) -> str:
        return number_of(chance.randrange(CONTACTS))

    def contact(self, chance: random.Random) -> str:
        return str(chance.randrange(CONTACTS))

    def at(self, nr: int) -> datetime:
        return SINCE + timedelta(days=nr / self.calls_a_day)


def number_of(contact: int) -> str:
    return f"+4930{contact * 7919 % 10_000_000:07d}"


# ---- rows


def interactions(month: Month) -> Iterator[Row]:
    chance = random.Random(3)
    for nr in range(month.calls):
        yield _interaction(month, nr, chance.random(), chance.randrange(CONTACTS))


def _interaction(month: Month, nr: int, luck: float, contact: int) -> Row:
    ended_at, number = month.at(nr), number_of(contact)
    is_answered, is_outgoing, has_journey = luck < 0.9, nr % 7 == 0, nr % JOURNEYS == 0
    agent = AGENTS[nr * 31 % len(AGENTS)] if is_answered else ""
    outcome = (
        "answered" if is_answered else "busy" if nr % 100_003 == 5 else "abandoned" if luck < 0.98 else "queue_timeout"
    )
    direction = "internal" if nr % 100_003 == 7 else "outbound" if is_outgoing else "inbound"
    ani, dnis = ("2001", number) if is_outgoing else (number, DNIS)
    note = WORDS[nr % len(WORDS)] if luck < 0.2 else ""
    flow = FLOWS[nr // 2 % len(FLOWS)] if has_journey else ""
    ivr_outcome = ("failed" if nr % 200 == 0 else "to_agent") if has_journey else ""
    return {
        "pbx": "main", "call": f"main-{nr}", "direction": direction, "ani": ani, "ani_name": "Ada Example", "dnis": dnis,
        "ani_reversed": reversed_digits(ani), "dnis_reversed": reversed_digits(dnis),
        "customer_reversed": reversed_digits(number), "queue": "rare" if nr % 300_007 == 9 else QUEUES[nr * 17 % len(QUEUES)],
        "keys": '{"customer_code":"20118"}', "offered_at": ended_at - timedelta(seconds=200),
        "queued_at": ended_at - timedelta(seconds=190), "answered_at": ended_at - timedelta(seconds=170) if is_answered else None,
        "ended_at": ended_at, "wait_s": 20.0, "ring_s": 5.0, "talk_s": 170.0 * luck, "hold_s": 0.0, "outcome": outcome,
        "cause": "normal", "ended_by": "customer", "agent": agent, "handled_by": HANDLED.replace("AGENT", agent) if agent else "[]",
        "transfers": "[]", "contact": str(contact) if luck < 0.7 else "", "contact_name": f"Customer {contact}", "note": note,
        "result": "solved" if luck < 0.85 else "", "result_label": "Solved" if luck < 0.85 else "", "result_fields": "{}",
        "is_not_classified": 0.85 <= luck < 0.87, "sought": f"{note}\nada example\ncustomer {contact}",
        "journey": JOURNEY.replace("FLOW", flow) if has_journey else None, "ivr_flow": flow, "ivr_outcome": ivr_outcome,
        "is_verified": False, "rating": None, "is_backfilled": nr % 50_021 == 3,
    }  # fmt: skip


def agents(month: Month) -> Iterator[Row]:
    chance = random.Random(3)
    for nr in range(month.calls):
        luck, _ = chance.random(), chance.randrange(CONTACTS)
        if luck < 0.9:
            yield {
                "pbx": "main",
                "call": f"main-{nr}",
                "agent": AGENTS[nr * 31 % len(AGENTS)],
                "ended_at": month.at(nr),
            }


def journeys(month: Month) -> Iterator[Row]:
    chance = random.Random(5)
    for nr in range(0, month.calls, JOURNEYS):
        entered_at = month.at(nr)
        yield {
            "pbx": "main", "call": f"main-{nr}", "session": f"s{nr}", "flow": FLOWS[nr // 2 % len(FLOWS)], "label": "Main",
            "is_after": False, "entered_at": entered_at, "left_at": entered_at + timedelta(seconds=30),
            "spent_s": countable(chance.lognormvariate(3.3, 0.6)), "outcome": "failed" if nr % 200 == 0 else "to_agent",
            "reason": "no_sound" if nr % 200 == 0 else "", "at_step": STEPS[nr // 2 % 3][0], "language": "en",
            "intent": "orders", "is_verified": False, "satisfaction": 1 + nr // 2 % 5 if nr % 20 == 0 else None,
            "recommendation": None,
        }  # fmt: skip


def steps(month: Month) -> Iterator[Row]:
    chance = random.Random(6)
    for nr in range(0, month.calls, JOURNEYS):
        for place, (step, kind) in enumerate(STEPS, start=1):
            yield {
                "pbx": "main", "call": f"main-{nr}", "session": f"s{nr}", "nr": place, "flow": FLOWS[nr // 2 % len(FLOWS)],
                "entered_at": month.at(nr), "step": step, "kind": kind, "label": step.title(), "visit": 1, "at": month.at(nr),
                "spent_s": countable(chance.lognormvariate(2.0, 0.7)), "how": "no_input" if chance.random() < 0.05 else "done",
                "to": STEPS[place % 3][0], "choice": "", "failures": 0,
            }  # fmt: skip


def waiting(month: Month) -> Iterator[Row]:
    for nr in range(0, month.calls, CALLBACKS):
        at, is_open = month.at(nr), nr > month.calls * 0.98
        yield {
            "id": f"w{nr}", "pbx": "main", "call": f"main-{nr}", "number": number_of(nr % CONTACTS),
            "queue": QUEUES[nr // CALLBACKS % len(QUEUES)], "reason": "orders", "entered_at": at, "requested_at": at,
            "contact": "", "contact_name": "", "state": ("open" if nr % 600 else "claimed") if is_open else "done",
            "claimed_by": AGENTS[nr // CALLBACKS % len(AGENTS)], "claimed_at": at, "tries": 0, "note": "", "changed_by": "",
            "changed_at": None, "last_call": "",
        }  # fmt: skip


def messages(month: Month) -> Iterator[Row]:
    for nr in range(1, month.calls, CALLBACKS):
        yield {
            "id": f"v{nr}", "pbx": "main", "call": f"main-{nr}", "queue": QUEUES[nr // CALLBACKS % len(QUEUES)],
            "file": f"{nr}.wav", "length_s": 12.5, "number": "", "contact": "", "contact_name": "", "at": month.at(nr),
        }  # fmt: skip


def facts(month: Month) -> Iterator[Row]:
    """Of some calls, and of all agents: a state each time one began."""
    for nr in range(0, month.calls, FACTS):
        for place in range(1, 7):
            kind = "cti.call.cleared.v1" if place == 6 else "cti.call.delivered.v1"
            yield _fact(f"main-{nr}#{place}", "/pbx/main", kind, f"main-{nr}", month.at(nr), '{"direction":"inbound"}')
    for nr, agent, at in _states(month):
        presence = {"since": at.isoformat(), "changes": nr, "is_logged_in": True, "state": "READY"}
        yield _fact(f"{agent}@{nr}", "/agents", "cti.agent.state.v1", agent, at, json.dumps(presence))


def intervals(month: Month) -> Iterator[Row]:
    """Of all agents, the last few days."""
    for nr, agent, at in _states(month):
        is_last, state = nr == FACTS_OF_AN_AGENT - 1, ("TALKING", "WORK_READY", "READY")[nr % 3]
        yield {
            "agent": agent, "began_at": at, "nr": nr, "ended_at": None if is_last else at + _lasts(month), "state": state,
            "reason_code": 0, "reason": "", "cause": "", "made_by": "pbx", "by": "", "queue": "queue00", "missed": 0,
            "call": f"main-{month.calls - (FACTS_OF_AN_AGENT - nr) * 100}" if state == "TALKING" else "",
        }  # fmt: skip


def _states(month: Month) -> Iterator[tuple[int, str, datetime]]:
    for nr in range(FACTS_OF_AN_AGENT):
        for agent in AGENTS:
            yield nr, agent, month.until - (FACTS_OF_AN_AGENT - nr) * _lasts(month)


def _lasts(month: Month) -> timedelta:
    return timedelta(days=min(8.0, month.days)) / FACTS_OF_AN_AGENT


def _fact(name: str, source: str, kind: str, call: str, at: datetime, data: str) -> Row:  # noqa: PLR0917 - a row's columns, in their order
    return {"id": name, "source": source, "type": kind, "call": call, "sequence": 0, "at": at, "data": data}


HANDLED = json.dumps([{
    "agent": "AGENT", "device": "PJSIP/2001", "number": "2001", "name": "2001", "rang_at": "2026-10-01T00:00:00Z",
    "connected_at": "2026-10-01T00:00:05Z", "cleared_at": "2026-10-01T00:03:00Z", "consult": False, "cause": "normal",
}])  # fmt: skip
JOURNEY = json.dumps({
    "call": "main-1", "pbx": "main", "session": "s1", "flow": "FLOW", "entered_at": "2026-10-01T00:00:00Z", "outcome": "to_agent",
    "left_at": "2026-10-01T00:00:30Z",
    "steps": [
        {"step": step, "kind": kind, "label": step, "entered_at": "2026-10-01T00:00:00Z", "spent_s": 5.0, "how": "done"}
        for step, kind in STEPS
    ],
})  # fmt: skip
MADE: dict[str, Callable[[Month], Iterator[Row]]] = {
    "interaction": interactions, "interaction_agent": agents, "ivr_journey": journeys, "ivr_step": steps, "callback": waiting,
    "voicemail": messages, "fact": facts, "agent_interval": intervals,
}  # fmt: skip


# ---- into the databases


@contextmanager
def filled(kind: str, month: Month) -> Iterator[str]:
    """The month's database, made unless it is there, with the indexes of today."""
    home = Path(tempfile.gettempdir()) / f"{month.name}-{kind.lower()}"
    home.mkdir(exist_ok=True)
    if kind == "SQLite":
        url = f"sqlite:///{home}/cti.db"
        _once(home, url, lambda: _fill_sqlite(home / "cti.db", month))
        yield url
        return
    with postgres_at(home) as server:
        _once(home, server, lambda: asyncio.run(_fill_postgres(server, month)))
        yield server


def _once(home: Path, url: str, fill: Callable[[], None]) -> None:
    done = home / "filled"
    if done.exists():
        asyncio.run(schema.upgrade(url))
        return
    print(f"making a month in {home}: some minutes", flush=True)
    asyncio.run(schema.upgrade(url, UNCOUNTED))
    fill()
    asyncio.run(schema.upgrade(url))
    asyncio.run(_analyze(url))
    done.touch()


async def _analyze(url: str) -> None:
    database = Database(url, is_patient=True)
    async with database.writing() as connection:
        await connection.execute(text("ANALYZE"))
    await database.close()


def _fill_sqlite(path: Path, month: Month) -> None:
    with sqlite3.connect(path, isolation_level=None) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA cache_size = -500000")
        indexes = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
        for name, _ in indexes:
            db.execute(f"DROP INDEX {name}")
        for table, make in MADE.items():
            names = list(next(make(month)))
            columns, holes = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
            db.execute("BEGIN")
            db.executemany(f'INSERT INTO "{table}" ({columns}) VALUES ({holes})', _for_sqlite(make(month), names))  # noqa: S608
            db.execute("COMMIT")
        for _, sql in indexes:
            db.execute(sql)


def _for_sqlite(some: Iterator[Row], names: list[str]) -> Iterator[list[Any]]:
    for row in some:
        yield [sqlite_time(value) if isinstance(value := row[name], datetime) else value for name in names]


async def _fill_postgres(url: str, month: Month) -> None:
    connection = await asyncpg.connect(url)
    indexes = await connection.fetch(
        "SELECT indexname AS name, indexdef AS sql FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%_pkey' "
        "AND indexname NOT LIKE '%_key' AND tablename = ANY($1::text[])", list(MADE),
    )  # fmt: skip
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['name']}")
    for table, make in MADE.items():
        names = list(next(make(month)))
        some = make(month)
        while rows := [[row[name] for name in names] for row in islice(some, ALL_AT_ONCE)]:
            await connection.copy_records_to_table(table, records=rows, columns=names)
    for index in indexes:
        await connection.execute(index["sql"])
    await connection.execute("VACUUM")
    await connection.close()
