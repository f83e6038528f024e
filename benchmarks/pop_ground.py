"""The ground a pop is measured on: a database with 200,000 customers and agents who are logged in already.

Log-ins of thousands cost minutes of argon2, so their sessions are written as rows; everything after that, the ticket and the
hello, goes the usual way.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, insert

from cti.store import schema
from cti.store.customers import Customer, put_customers
from cti.store.database import Database
from cti.store.demo_customers import demo_customers
from cti.store.tables import agent as agent_table
from cti.store.tables import session as session_table

COUNTRY = "TW"
QUEUES = 20
FIRST_EXTENSION = 20_001
FIRST_CODE = 100_000
"""The code of the first of the made-up customers; the others follow."""


@dataclass(frozen=True, slots=True)
class Agents:
    """Who sits at the desktops; each knows their token."""

    count: int

    def name(self, index: int) -> str:
        return f"agent{index:05d}"

    def extension(self, index: int) -> str:
        return str(FIRST_EXTENSION + index % self.count)

    def queue(self, index: int) -> str:
        return self.queue_of(index % self.count)

    @staticmethod
    def queue_of(index: int) -> str:
        return f"queue{index % QUEUES:02d}"

    def token(self, index: int) -> str:
        return hashlib.sha256(f"bench {index}".encode()).hexdigest()


def customers(count: int) -> tuple[list[Customer], list[str]]:
    """They, and a number of each that is nobody else's."""
    made = list(demo_customers(count))
    return made, [next(number.e164 or "" for number in one.numbers) for one in made]


def prepare(url: str, agents: Agents, some: Sequence[Customer]) -> None:
    asyncio.run(_prepare(url, agents, some))


async def _prepare(url: str, agents: Agents, some: Sequence[Customer]) -> None:
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    await schema.upgrade(url)
    database = Database(url)
    try:
        await put_customers(database, some, country=COUNTRY)
        await _log_in(database, agents)
        async with database.writing() as connection:
            await connection.exec_driver_sql("ANALYZE")
    finally:
        await database.close()


async def _log_in(database: Database, agents: Agents) -> None:
    now = datetime.now(UTC)
    people: list[dict[str, object]] = [
        {
            "id": agents.name(index), "name": f"Agent {index}", "role": "agent", "extension": agents.extension(index),
            "device": f"PJSIP/{agents.extension(index)}", "queues": [agents.queue(index)], "penalties": {}, "language": "",
            "is_enabled": True, "password_hash": "", "password_changed_at": None,
        }
        for index in range(agents.count)
    ]  # fmt: skip
    sessions = [
        {
            "token_hash": hashlib.sha256(agents.token(index).encode()).hexdigest(),
            "agent": agents.name(index),
            "created_at": now,
            "ends_at": now + timedelta(hours=8),
        }
        for index in range(agents.count)
    ]
    async with database.writing() as connection:
        await connection.execute(delete(agent_table))
        await connection.execute(insert(agent_table), people)
        await connection.execute(insert(session_table), sessions)
