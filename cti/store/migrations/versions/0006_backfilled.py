"""Calls filled in from the PBX's own records are marked."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    pass
