"""Indexes that lists and reports need."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    pass
