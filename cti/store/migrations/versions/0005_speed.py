"""Indexes that lists and reports need, and the one who writes the record."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _partial("fact_cleared", "fact", "type = 'cti.call.cleared.v1'", "call", "source")
    _partial("interaction_not_inbound", "interaction", "direction <> 'inbound'", "direction", "ended_at")
    _partial("interaction_not_answered", "interaction", "outcome <> 'answered'", "outcome", "ended_at")
    _partial(
        "interaction_not_served",
        "interaction",
        "ivr_outcome NOT IN ('', 'self_served', 'to_agent')",
        "ivr_outcome",
        "ended_at",
    )
    _partial("agent_interval_last", "agent_interval", "ended_at IS NULL", "agent")


def _partial(name: str, table: str, where: str, *columns: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
