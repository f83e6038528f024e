"""The first schema."""

import sqlalchemy as sa
from alembic import op

from cti.store.tables import UtcDateTime

revision = "0001"
down_revision = None

plain = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "agent",
        sa.Column("id", plain, nullable=False),
        sa.Column("name", plain, server_default="", nullable=False),
        sa.Column("role", plain, server_default="agent", nullable=False),
        sa.Column("extension", plain, server_default="", nullable=False),
        sa.Column("device", plain, server_default="", nullable=False),
        sa.Column("queues", sa.JSON(), nullable=False),
        sa.Column("language", plain, server_default="", nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("password_hash", plain, server_default="", nullable=False),
        sa.Column("password_changed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="agent_pkey"),
    )
    op.create_index("agent_device", "agent", ["device"], unique=False)
    op.create_table(
        "call_open",
        sa.Column("source", plain, nullable=False),
        sa.Column("call", plain, nullable=False),
        sa.PrimaryKeyConstraint("source", "call", name="call_open_pkey"),
    )
    op.create_table(
        "customer",
        sa.Column("id", plain, nullable=False),
        sa.Column("code", plain, server_default="", nullable=False),
        sa.Column("name", plain, server_default="", nullable=False),
        sa.Column("company", plain, server_default="", nullable=False),
        sa.Column("language", plain, server_default="", nullable=False),
        sa.Column("segment", plain, server_default="", nullable=False),
        sa.Column("tier", plain, server_default="", nullable=False),
        sa.Column("email", plain, server_default="", nullable=False),
        sa.Column("sought", plain, server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name="customer_pkey"),
    )
    op.create_index("customer_code", "customer", ["code"], unique=False)
    op.create_table(
        "draft",
        sa.Column("call", plain, nullable=False),
        sa.Column("agent", plain, nullable=False),
        sa.Column("text", plain, server_default="", nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("call", "agent", name="draft_pkey"),
    )
    op.create_table(
        "fact",
        sa.Column("recorded", serial, autoincrement=True, nullable=False),
        sa.Column("id", plain, server_default="", nullable=False),
        sa.Column("source", plain, server_default="", nullable=False),
        sa.Column("type", plain, server_default="", nullable=False),
        sa.Column("call", plain, server_default="", nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("recorded", name="fact_pkey"),
        sa.UniqueConstraint("id", "source", name="fact_id_source_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("fact_call_recorded", "fact", ["call", "recorded"], unique=False)
    op.create_table(
        "interaction",
        sa.Column("pbx", plain, nullable=False),
        sa.Column("call", plain, nullable=False),
        sa.Column("direction", plain, server_default="", nullable=False),
        sa.Column("ani", plain, server_default="", nullable=False),
        sa.Column("ani_name", plain, server_default="", nullable=False),
        sa.Column("dnis", plain, server_default="", nullable=False),
        sa.Column("ani_reversed", plain, server_default="", nullable=False),
        sa.Column("dnis_reversed", plain, server_default="", nullable=False),
        sa.Column("customer_reversed", plain, server_default="", nullable=False),
        sa.Column("queue", plain, server_default="", nullable=False),
        sa.Column("keys", sa.JSON(), nullable=False),
        sa.Column("offered_at", UtcDateTime(), nullable=False),
        sa.Column("queued_at", UtcDateTime(), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=False),
        sa.Column("wait_s", sa.Float(), nullable=False),
        sa.Column("ring_s", sa.Float(), nullable=False),
        sa.Column("talk_s", sa.Float(), nullable=False),
        sa.Column("hold_s", sa.Float(), nullable=False),
        sa.Column("outcome", plain, server_default="", nullable=False),
        sa.Column("cause", plain, server_default="", nullable=False),
        sa.Column("ended_by", plain, server_default="", nullable=False),
        sa.Column("agent", plain, server_default="", nullable=False),
        sa.Column("handled_by", sa.JSON(), nullable=False),
        sa.Column("transfers", sa.JSON(), nullable=False),
        sa.Column("contact", plain, server_default="", nullable=False),
        sa.Column("contact_name", plain, server_default="", nullable=False),
        sa.Column("note", plain, server_default="", nullable=False),
        sa.Column("result", plain, server_default="", nullable=False),
        sa.Column("result_label", plain, server_default="", nullable=False),
        sa.Column("sought", plain, server_default="", nullable=False),
        sa.PrimaryKeyConstraint("pbx", "call", name="interaction_pkey"),
    )
    op.create_index("interaction_ani_reversed", "interaction", ["ani_reversed"], unique=False)
    op.create_index("interaction_call", "interaction", ["call"], unique=False)
    op.create_index("interaction_contact_ended_at", "interaction", ["contact", "ended_at"], unique=False)
    op.create_index(
        "interaction_customer_reversed_ended_at", "interaction", ["customer_reversed", "ended_at"], unique=False
    )
    op.create_index("interaction_dnis_reversed", "interaction", ["dnis_reversed"], unique=False)
    op.create_index("interaction_ended_at_pbx_call", "interaction", ["ended_at", "pbx", "call"], unique=False)
    op.create_index("interaction_queue_ended_at", "interaction", ["queue", "ended_at"], unique=False)
    op.create_table(
        "interaction_agent",
        sa.Column("pbx", plain, nullable=False),
        sa.Column("call", plain, nullable=False),
        sa.Column("agent", plain, nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("pbx", "call", "agent", name="interaction_agent_pkey"),
    )
    op.create_index("interaction_agent_agent_ended_at", "interaction_agent", ["agent", "ended_at"], unique=False)
    op.create_table(
        "number_not_contact",
        sa.Column("number", plain, nullable=False),
        sa.Column("contact", plain, nullable=False),
        sa.Column("number_reversed", plain, server_default="", nullable=False),
        sa.Column("by", plain, server_default="", nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number", "contact", name="number_not_contact_pkey"),
    )
    op.create_index("number_not_contact_number_reversed", "number_not_contact", ["number_reversed"], unique=False)
    op.create_table(
        "customer_case",
        sa.Column("id", plain, nullable=False),
        sa.Column("customer", plain, nullable=False),
        sa.Column("title", plain, server_default="", nullable=False),
        sa.Column("status", plain, server_default="", nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["customer"], ["customer.id"], name="customer_case_customer_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="customer_case_pkey"),
    )
    op.create_index("customer_case_customer", "customer_case", ["customer"], unique=False)
    op.create_table(
        "customer_flag",
        sa.Column("customer", plain, nullable=False),
        sa.Column("flag", plain, nullable=False),
        sa.ForeignKeyConstraint(["customer"], ["customer.id"], name="customer_flag_customer_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("customer", "flag", name="customer_flag_pkey"),
    )
    op.create_table(
        "customer_number",
        sa.Column("id", serial, autoincrement=True, nullable=False),
        sa.Column("customer", plain, nullable=False),
        sa.Column("typed", plain, server_default="", nullable=False),
        sa.Column("e164", plain, server_default="", nullable=False),
        sa.Column("last7", plain, server_default="", nullable=False),
        sa.Column("label", plain, server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["customer"], ["customer.id"], name="customer_number_customer_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="customer_number_pkey"),
    )
    op.create_index("customer_number_customer", "customer_number", ["customer"], unique=False)
    op.create_index("customer_number_e164", "customer_number", ["e164"], unique=False)
    op.create_index("customer_number_last7", "customer_number", ["last7"], unique=False)
    op.create_table(
        "customer_order",
        sa.Column("id", plain, nullable=False),
        sa.Column("customer", plain, nullable=False),
        sa.Column("title", plain, server_default="", nullable=False),
        sa.Column("status", plain, server_default="", nullable=False),
        sa.Column("ordered_on", sa.Date(), nullable=True),
        sa.Column("amount", plain, server_default="", nullable=False),
        sa.ForeignKeyConstraint(["customer"], ["customer.id"], name="customer_order_customer_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="customer_order_pkey"),
    )
    op.create_index("customer_order_customer", "customer_order", ["customer"], unique=False)
    op.create_table(
        "customer_preference",
        sa.Column("id", serial, autoincrement=True, nullable=False),
        sa.Column("customer", plain, nullable=False),
        sa.Column("name", plain, server_default="", nullable=False),
        sa.Column("value", plain, server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["customer"], ["customer.id"], name="customer_preference_customer_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="customer_preference_pkey"),
    )
    op.create_index("customer_preference_customer", "customer_preference", ["customer"], unique=False)
    op.create_table(
        "session",
        sa.Column("token_hash", plain, nullable=False),
        sa.Column("agent", plain, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agent"], ["agent.id"], name="session_agent_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name="session_pkey"),
    )
    op.create_index("session_agent", "session", ["agent"], unique=False)
