"""Agents' states, results with fields, callbacks as work, penalties."""

import sqlalchemy as sa
from alembic import op

from cti.store.tables import UtcDateTime

revision = "0004"
down_revision = "0003"

plain = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, plain, server_default="", nullable=False)


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)


def named(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.JSON(), server_default="{}", nullable=False)


def upgrade() -> None:
    op.add_column("agent", named("penalties"))
    op.add_column("interaction", named("result_fields"))
    op.add_column(
        "interaction", sa.Column("is_not_classified", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_index("interaction_is_not_classified_ended_at", "interaction", ["is_not_classified", "ended_at"])
    _callbacks()
    _intervals()


def _callbacks() -> None:
    for name in ("claimed_by", "note", "changed_by", "last_call"):
        op.add_column("callback", text(name))
    for name in ("claimed_at", "changed_at"):
        op.add_column("callback", sa.Column(name, UtcDateTime(), nullable=True))
    op.add_column("callback", number("tries"))
    op.create_index("callback_claimed_by", "callback", ["claimed_by"])


def _intervals() -> None:
    op.create_table(
        "agent_interval",
        sa.Column("agent", plain, nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("nr", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        *(text(name) for name in ("state", "reason", "cause", "made_by", "by", "call", "queue")),
        *(number(name) for name in ("reason_code", "missed")),
        sa.PrimaryKeyConstraint("agent", "began_at", "nr", name="agent_interval_pkey"),
    )
    op.create_index("agent_interval_ended_at", "agent_interval", ["ended_at"])
