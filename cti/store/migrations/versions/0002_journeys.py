"""The way through the IVR: journeys and their steps, callbacks, voicemails; facts found by their type."""

import sqlalchemy as sa
from alembic import op

from cti.store.tables import UtcDateTime

revision = "0002"
down_revision = "0001"

plain = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, plain, server_default="", nullable=False)


def key(name: str) -> sa.Column[str]:
    return sa.Column(name, plain, nullable=False)


def upgrade() -> None:
    op.create_index("fact_type_at", "fact", ["type", "at"], unique=False)
    with op.batch_alter_table("interaction") as table:
        table.add_column(sa.Column("journey", sa.JSON(none_as_null=True), nullable=True))
        table.add_column(text("ivr_flow"))
        table.add_column(text("ivr_outcome"))
        table.add_column(sa.Column("is_verified", sa.Boolean(), server_default=sa.false(), nullable=False))
        table.add_column(sa.Column("rating", sa.Integer(), nullable=True))
    op.create_index("interaction_ivr_flow_ended_at", "interaction", ["ivr_flow", "ended_at"], unique=False)
    op.create_table(
        "ivr_journey",
        key("pbx"),
        key("call"),
        key("session"),
        text("flow"),
        text("label"),
        sa.Column("is_after", sa.Boolean(), nullable=False),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("left_at", UtcDateTime(), nullable=True),
        sa.Column("spent_s", sa.Float(), nullable=True),
        text("outcome"),
        text("reason"),
        text("at_step"),
        text("language"),
        text("intent"),
        sa.Column("is_verified", sa.Boolean(), nullable=False),
        sa.Column("satisfaction", sa.Integer(), nullable=True),
        sa.Column("recommendation", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("pbx", "call", "session", name="ivr_journey_pkey"),
    )
    op.create_index("ivr_journey_flow_entered_at", "ivr_journey", ["flow", "entered_at"], unique=False)
    op.create_index("ivr_journey_entered_at", "ivr_journey", ["entered_at"], unique=False)
    op.create_table(
        "ivr_step",
        key("pbx"),
        key("call"),
        key("session"),
        sa.Column("nr", sa.Integer(), nullable=False),
        text("flow"),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        text("step"),
        text("kind"),
        text("label"),
        sa.Column("visit", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("spent_s", sa.Float(), nullable=False),
        text("how"),
        text("to"),
        text("choice"),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("pbx", "call", "session", "nr", name="ivr_step_pkey"),
    )
    op.create_index("ivr_step_flow_entered_at", "ivr_step", ["flow", "entered_at"], unique=False)
    op.create_table(
        "callback",
        key("id"),
        text("pbx"),
        text("call"),
        text("number"),
        text("queue"),
        text("reason"),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        text("contact"),
        text("contact_name"),
        text("state"),
        sa.PrimaryKeyConstraint("id", name="callback_pkey"),
    )
    op.create_index("callback_entered_at_id", "callback", ["entered_at", "id"], unique=False)
    op.create_table(
        "voicemail",
        key("id"),
        text("pbx"),
        text("call"),
        text("queue"),
        text("file"),
        sa.Column("length_s", sa.Float(), nullable=False),
        text("number"),
        text("contact"),
        text("contact_name"),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="voicemail_pkey"),
    )
    op.create_index("voicemail_at_id", "voicemail", ["at", "id"], unique=False)
