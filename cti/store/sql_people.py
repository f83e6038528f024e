"""People in SQLite or PostgreSQL."""

from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, and_, delete, insert, select, update

from cti.agents.agent import Agent, AgentId, AgentRole
from cti.calls.call import CallId
from cti.errors import Conflict, NotFound
from cti.quick_sql import Question, Reading
from cti.store.database import Database
from cti.store.people import Draft, Session
from cti.store.storable import clean
from cti.store.tables import agent as agent_table
from cti.store.tables import draft as draft_table
from cti.store.tables import session as session_table

_FIELDS: Final = tuple(field.name for field in fields(Agent))
_AGENTS: Final = f"SELECT {', '.join(_FIELDS)} FROM agent"  # noqa: S608 - all ours
_Values = tuple[Any, ...]
"""Of a row, in the order of ``_FIELDS``."""


class SqlPeople:
    """Close the database yourself: others use it too."""

    def __init__(self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now
        self._made: dict[_Values, Agent] = {}

    async def agents(self) -> tuple[Agent, ...]:
        """Asked every few seconds, of thousands: whoever is as they were is not made again."""
        found = await self._database.read_quickly(_agents(f"{_AGENTS} ORDER BY id"))
        self._made = {values: self._made.get(values) or _agent_of(values) for values in found}
        return tuple(self._made.values())

    async def agent(self, agent: AgentId) -> Agent | None:
        found = await self._database.read_quickly(_agents(f"{_AGENTS} WHERE id = :id", id=clean(agent)))
        return _agent_of(found[0]) if found else None

    async def add(self, agent: Agent, password_hash: str) -> None:
        row = _agent_row(agent) | {"password_hash": password_hash, "password_changed_at": self._now()}
        async with self._database.writing() as connection:
            added = await connection.execute(self._database.insert_new(agent_table), row)
            if not added.rowcount:
                raise Conflict(f"there is an agent {agent.id} already")

    async def change(self, agent: Agent) -> None:
        await self._update(agent.id, _agent_row(agent))

    async def password_hash(self, agent: AgentId) -> str | None:
        wanted = select(agent_table.c.password_hash).where(agent_table.c.id == clean(agent))
        async with self._database.reading() as connection:
            return (await connection.execute(wanted)).scalar()

    async def set_password(self, agent: AgentId, password_hash: str) -> None:
        await self._update(agent, {"password_hash": password_hash, "password_changed_at": self._now()})

    async def open_session(self, session: Session) -> None:
        """Also forgets all that have ended by their time."""
        row = {"token_hash": session.token_hash, "agent": session.agent, "ends_at": session.ends_at}
        async with self._database.writing() as connection:
            known = await connection.execute(select(agent_table.c.id).where(agent_table.c.id == clean(session.agent)))
            if not known.first():
                raise NotFound(f"there is no agent {session.agent}")
            await connection.execute(delete(session_table).where(session_table.c.ends_at < self._now()))
            await connection.execute(insert(session_table), row | {"created_at": self._now()})

    async def session(self, token_hash: str) -> Session | None:
        wanted = select(session_table).where(session_table.c.token_hash == clean(token_hash))
        async with self._database.reading() as connection:
            row = (await connection.execute(wanted)).first()
        return Session(row.token_hash, AgentId(row.agent), row.ends_at) if row else None

    async def sessions(self) -> frozenset[str]:
        """Asked every few seconds."""
        return await self._database.read_quickly(_sessions())

    async def end_session(self, token_hash: str) -> None:
        async with self._database.writing() as connection:
            await connection.execute(delete(session_table).where(session_table.c.token_hash == clean(token_hash)))

    async def end_sessions(self, agent: AgentId) -> tuple[str, ...]:
        theirs = session_table.c.agent == clean(agent)
        async with self._database.writing() as connection:
            found = await connection.execute(select(session_table.c.token_hash).where(theirs))
            ended = tuple(sorted(found.scalars()))
            await connection.execute(delete(session_table).where(theirs))
        return ended

    async def draft(self, agent: AgentId, call: CallId) -> Draft | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(select(draft_table).where(_draft_is(agent, call)))).first()
        return Draft(row.text, row.at) if row and row.text else None

    async def put_draft(self, agent: AgentId, call: CallId, draft: Draft) -> None:
        row = {"agent": clean(agent), "call": clean(call), "text": clean(draft.text), "at": draft.at}
        async with self._database.writing() as connection:
            known = (await connection.execute(select(draft_table.c.at).where(_draft_is(agent, call)))).scalar()
            if known is None or known <= draft.at:
                await connection.execute(self._database.insert_or_replace(draft_table), row)

    async def _update(self, agent: AgentId, values: dict[str, Any]) -> None:
        async with self._database.writing() as connection:
            changed = await connection.execute(
                update(agent_table).where(agent_table.c.id == clean(agent)).values(values)
            )
            if not changed.rowcount:
                raise NotFound(f"there is no agent {agent}")


def _draft_is(agent: AgentId, call: CallId) -> ColumnElement[bool]:
    return and_(draft_table.c.agent == clean(agent), draft_table.c.call == clean(call))


def _agent_row(agent: Agent) -> dict[str, Any]:
    row: dict[str, Any] = clean({name: getattr(agent, name) for name in _FIELDS})
    return row


def _agents(sql: str, **values: object) -> Reading[list[_Values]]:
    rows = yield Question(sql, values)
    return [tuple(row.values()) for row in rows]


def _sessions() -> Reading[frozenset[str]]:
    rows = yield Question("SELECT token_hash FROM session", {}, is_at_once=True)
    return frozenset(row["token_hash"] for row in rows)


def _agent_of(values: _Values) -> Agent:
    """From what the driver gives: lists and maps as JSON."""
    row = dict(zip(_FIELDS, values, strict=True))
    return Agent(**{
        **row,
        "role": AgentRole(row["role"]),
        "queues": tuple(msgspec.json.decode(row["queues"])),
        "penalties": msgspec.json.decode(row["penalties"]),
        "is_enabled": bool(row["is_enabled"]),
    })  # fmt: skip
