"""Who may write for a PBX."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

plain = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "lease",
        sa.Column("name", plain, nullable=False),
        sa.Column("holder", plain, server_default="", nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("good_until_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="lease_pkey"),
        sa.UniqueConstraint("name", "epoch", name="lease_name_epoch_key"),
    )
