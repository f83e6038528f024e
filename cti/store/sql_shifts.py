"""Agents' intervals in SQLite or PostgreSQL: what ``ShiftLog`` asks for."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, func, or_, select

from cti.agent_facts import AGENTS, presence_of
from cti.agents.agent import AgentId
from cti.agents.presence import AgentState, Maker, Presence
from cti.calls.call import Direction, Outcome
from cti.store import rows
from cti.store.database import Database
from cti.store.shifts import Day, Interval, day_of, without
from cti.store.storable import clean
from cti.store.tables import agent_interval, fact, interaction

_T: Final = agent_interval.c


class SqlShiftLog:
    _database: Database

    async def last_states(self) -> tuple[Presence, ...]:
        """An agent's last interval has no end, so there is one to look at for each."""
        of_agent = fact.alias()
        last = (
            select(func.max(of_agent.c.recorded))
            .where(of_agent.c.call == _T.agent, of_agent.c.source == AGENTS)
            .correlate(agent_interval)
            .scalar_subquery()
        )
        joined = agent_interval.join(fact, fact.c.recorded == last)
        wanted = select(fact).select_from(joined).where(_T.ended_at.is_(None)).order_by(_T.agent)
        async with self._database.reading() as connection:
            found = [presence_of(rows.fact_of(row)) for row in await connection.execute(wanted)]
        return tuple(one for one in found if one)

    async def intervals(self, agent: AgentId, since: datetime, until: datetime) -> tuple[Interval, ...]:
        wanted = select(agent_interval).where(_lies_in(agent, since, until)).order_by(_T.began_at, _T.nr)
        async with self._database.reading() as connection:
            return tuple(_interval_of(row) for row in await connection.execute(wanted))

    async def day(self, agent: AgentId, since: datetime, until: datetime) -> Day:
        day = day_of(await self.intervals(agent, since, until), since, until)
        table = interaction.c
        nobodys = or_(table.direction == Direction.INTERNAL, table.outcome != Outcome.ANSWERED)
        wanted = select(table.call).where(table.call.in_(sorted(day.calls)), nobodys)
        async with self._database.reading() as connection:
            return without(day, (await connection.execute(wanted)).scalars())


def _lies_in(agent: AgentId, since: datetime, until: datetime) -> ColumnElement[bool]:
    """A range of the index: one interval before the period may reach into it, and no more."""
    name = AgentId(clean(agent))
    begun = and_(_T.agent == name, _T.began_at >= _last_before(name, since), _T.began_at < until)
    return and_(begun, or_(_T.ended_at.is_(None), _T.ended_at > since))


def _last_before(agent: AgentId, at: datetime) -> ColumnElement[datetime]:
    other = agent_interval.alias().c
    last = select(func.max(other.began_at)).where(other.agent == agent, other.began_at <= at).scalar_subquery()
    return func.coalesce(last, at, type_=_T.began_at.type)


def _interval_of(row: Row[Any]) -> Interval:
    """By their place: a week has a thousand, and by name each takes four times as long."""
    agent, began_at, nr, ended_at, state, reason_code, reason, cause, made_by, by, call, queue, missed = tuple[
        Any, ...
    ](row)
    return Interval(
        agent=AgentId(agent), began_at=began_at, nr=nr, ended_at=ended_at, state=AgentState(state), reason_code=reason_code,
        reason=reason, cause=cause, made_by=Maker(made_by), by=by, call=call, queue=queue, missed=missed,
    )  # fmt: skip
