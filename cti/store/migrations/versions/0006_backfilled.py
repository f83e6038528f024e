"""Calls filled in from the PBX's own records are marked; up to when each PBX's record is complete."""

import sqlalchemy as sa
from alembic import op

from cti.store.tables import UtcDateTime

revision = "0006"
down_revision = "0005"

plain = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("interaction", sa.Column("is_backfilled", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "backfill",
        sa.Column("pbx", plain, nullable=False),
        sa.Column("complete_until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("pbx", name="backfill_pkey"),
    )
    op.create_index(
        "interaction_backfilled", "interaction", ["ended_at"],
        sqlite_where=sa.text("is_backfilled = 1"), postgresql_where=sa.text("is_backfilled"),
    )  # fmt: skip
