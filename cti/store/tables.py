"""The tables, for SQLite and PostgreSQL alike. ``docs/reference/database.md`` explains them; ``migrations/`` makes them.

Facts are appended and never changed. ``interaction``, ``interaction_agent``, ``agent_interval``, ``call_open``,
``number_not_contact``, the ``ivr_`` tables, ``callback`` and ``voicemail`` follow from the facts and can be rebuilt. Numbers are also kept reversed, so that "ends in 4567" is a range of an index.
"""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TextClause,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, with its zone. SQLite forgets zones, so there all are UTC; a time without a zone is a mistake of ours."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


NAMES: Final = {
    "ix": "%(table_name)s_%(column_0_N_name)s",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}
metadata = MetaData(naming_convention=NAMES)

_Serial = BigInteger().with_variant(Integer, "sqlite")
_Plain = Text().with_variant(Text(collation="C"), "postgresql")
"""Compared byte by byte, so that ranges mean the same in every database."""


def _text(name: str, *, default: str = "", key: bool = False) -> Column[Any]:
    return Column(name, _Plain, nullable=False, primary_key=key, server_default=None if key else default)


def _optional_time(name: str) -> Column[Any]:
    return Column(name, UtcDateTime, nullable=True)


def _time(name: str) -> Column[Any]:
    return Column(name, UtcDateTime, nullable=False)


NOT_INBOUND: Final = text("direction <> 'inbound'")
NOT_ANSWERED: Final = text("outcome <> 'answered'")
NOT_SERVED: Final = text("ivr_outcome NOT IN ('', 'self_served', 'to_agent')")
"""What most rows are not. A query that means to use an index of the others says so in the same words."""
PIN_TRIED: Final = text("type = 'cti.ivr.pin_tried.v1'")
"""The facts that are read by their type."""


def _partial(name: str, where: TextClause, *columns: str) -> Index:
    """Of such rows only."""
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


def _marked(name: str, mark: str, *columns: str) -> Index:
    """Of rows with this mark only."""
    return Index(name, *columns, sqlite_where=text(f"{mark} = 1"), postgresql_where=text(mark))


# ---- what happened

fact = Table(
    "fact",
    metadata,
    Column("recorded", _Serial, primary_key=True, autoincrement=True),
    _text("id"),
    _text("source"),
    _text("type"),
    _text("call"),
    Column("sequence", Integer, nullable=False),
    _time("at"),
    Column("data", JSON, nullable=False),
    UniqueConstraint("id", "source"),
    Index(None, "call", "recorded"),
    _partial("fact_pin_tried", PIN_TRIED, "at"),
    _partial("fact_cleared", text("type = 'cti.call.cleared.v1'"), "call", "source"),
    sqlite_autoincrement=True,
)

# ---- what follows from it

interaction = Table(
    "interaction",
    metadata,
    _text("pbx", key=True),
    _text("call", key=True),
    _text("direction"),
    _text("ani"),
    _text("ani_name"),
    _text("dnis"),
    _text("ani_reversed"),
    _text("dnis_reversed"),
    _text("customer_reversed"),
    _text("queue"),
    Column("keys", JSON, nullable=False),
    _time("offered_at"),
    _optional_time("queued_at"),
    _optional_time("answered_at"),
    _time("ended_at"),
    Column("wait_s", Float, nullable=False),
    Column("ring_s", Float, nullable=False),
    Column("talk_s", Float, nullable=False),
    Column("hold_s", Float, nullable=False),
    _text("outcome"),
    _text("cause"),
    _text("ended_by"),
    _text("agent"),
    Column("handled_by", JSON, nullable=False),
    Column("transfers", JSON, nullable=False),
    _text("contact"),
    _text("contact_name"),
    _text("note"),
    _text("result"),
    _text("result_label"),
    Column("result_fields", JSON, nullable=False, server_default="{}"),
    Column("is_not_classified", Boolean, nullable=False, server_default=false()),
    Column("is_backfilled", Boolean, nullable=False, server_default=false()),
    _text("sought"),
    Column("journey", JSON(none_as_null=True), nullable=True),
    _text("ivr_flow"),
    _text("ivr_outcome"),
    Column("is_verified", Boolean, nullable=False, server_default=false()),
    Column("rating", Integer, nullable=True),
    Index(None, "ended_at", "pbx", "call"),
    Index(None, "queue", "ended_at"),
    Index(None, "contact", "ended_at"),
    Index(None, "ani_reversed"),
    Index(None, "dnis_reversed"),
    Index(None, "customer_reversed", "ended_at"),
    Index(None, "ivr_flow", "ended_at"),
    Index(None, "call"),
    _marked("interaction_not_classified", "is_not_classified", "ended_at"),
    _marked("interaction_not_classified_of_queue", "is_not_classified", "queue", "ended_at"),
    _marked("interaction_backfilled", "is_backfilled", "ended_at"),
    _partial("interaction_not_inbound", NOT_INBOUND, "direction", "ended_at"),
    _partial("interaction_not_answered", NOT_ANSWERED, "outcome", "ended_at"),
    _partial("interaction_not_served", NOT_SERVED, "ivr_outcome", "ended_at"),
)

interaction_agent = Table(
    "interaction_agent",
    metadata,
    _text("pbx", key=True),
    _text("call", key=True),
    _text("agent", key=True),
    _time("ended_at"),
    Index(None, "agent", "ended_at"),
)

agent_interval = Table(
    "agent_interval",
    metadata,
    _text("agent", key=True),
    Column("began_at", UtcDateTime, primary_key=True),
    Column("nr", Integer, primary_key=True, autoincrement=False),
    _optional_time("ended_at"),
    _text("state"),
    Column("reason_code", Integer, nullable=False, server_default="0"),
    _text("reason"),
    _text("cause"),
    _text("made_by"),
    _text("by"),
    _text("call"),
    _text("queue"),
    Column("missed", Integer, nullable=False, server_default="0"),
    _partial("agent_interval_last", text("ended_at IS NULL"), "agent"),
)

call_open = Table(
    "call_open",
    metadata,
    _text("source", key=True),
    _text("call", key=True),
)

number_not_contact = Table(
    "number_not_contact",
    metadata,
    _text("number", key=True),
    _text("contact", key=True),
    _text("number_reversed"),
    _text("by"),
    _time("at"),
    Index(None, "number_reversed"),
)

ivr_journey = Table(
    "ivr_journey",
    metadata,
    _text("pbx", key=True),
    _text("call", key=True),
    _text("session", key=True),
    _text("flow"),
    _text("label"),
    Column("is_after", Boolean, nullable=False),
    _time("entered_at"),
    _optional_time("left_at"),
    Column("spent_s", Float, nullable=True),
    _text("outcome"),
    _text("reason"),
    _text("at_step"),
    _text("language"),
    _text("intent"),
    Column("is_verified", Boolean, nullable=False),
    Column("satisfaction", Integer, nullable=True),
    Column("recommendation", Integer, nullable=True),
    Index(None, "entered_at"),
)

ivr_step = Table(
    "ivr_step",
    metadata,
    _text("pbx", key=True),
    _text("call", key=True),
    _text("session", key=True),
    Column("nr", Integer, primary_key=True, autoincrement=False),
    _text("flow"),
    _time("entered_at"),
    _text("step"),
    _text("kind"),
    _text("label"),
    Column("visit", Integer, nullable=False),
    _time("at"),
    Column("spent_s", Float, nullable=False),
    _text("how"),
    _text("to"),
    _text("choice"),
    Column("failures", Integer, nullable=False),
    Index(None, "flow", "entered_at"),
)


def _count(name: str, *, key: bool = False) -> Column[Any]:
    return Column(name, Integer, nullable=False, primary_key=key, autoincrement=False)


# The next two are kept by triggers (migration 0008): nothing else writes them.

ivr_journey_count = Table(
    "ivr_journey_count",
    metadata,
    *(_text(name, key=True) for name in ("span", "flow", "pbx", "label")),
    Column("is_after", Boolean, primary_key=True),
    *(_text(name, key=True) for name in ("outcome", "reason", "at_step")),
    Column("spent_s", Float, primary_key=True, autoincrement=False),
    *(_count(name, key=True) for name in ("satisfaction", "recommendation")),
    _count("journeys"),
    sqlite_with_rowid=False,
)

ivr_step_count = Table(
    "ivr_step_count",
    metadata,
    *(_text(name, key=True) for name in ("span", "flow", "pbx", "step", "kind", "label", "how", "to")),
    Column("spent_s", Float, primary_key=True, autoincrement=False),
    _count("nr", key=True),
    *(_count(name) for name in ("visits", "journeys", "failures")),
    sqlite_with_rowid=False,
)

callback = Table(
    "callback",
    metadata,
    _text("id", key=True),
    _text("pbx"),
    _text("call"),
    _text("number"),
    _text("queue"),
    _text("reason"),
    _time("entered_at"),
    _time("requested_at"),
    _text("contact"),
    _text("contact_name"),
    _text("state"),
    _text("claimed_by"),
    _optional_time("claimed_at"),
    Column("tries", Integer, nullable=False, server_default="0"),
    _text("note"),
    _text("changed_by"),
    _optional_time("changed_at"),
    _text("last_call"),
    Index(None, "entered_at", "id"),
    Index(None, "claimed_by"),
)

voicemail = Table(
    "voicemail",
    metadata,
    _text("id", key=True),
    _text("pbx"),
    _text("call"),
    _text("queue"),
    _text("file"),
    Column("length_s", Float, nullable=False),
    _text("number"),
    _text("contact"),
    _text("contact_name"),
    _time("at"),
    Index(None, "at", "id"),
)

backfill = Table(
    "backfill",
    metadata,
    _text("pbx", key=True),
    _time("complete_until"),
)

# ---- people

agent = Table(
    "agent",
    metadata,
    _text("id", key=True),
    _text("name"),
    _text("role", default="agent"),
    _text("extension"),
    _text("device"),
    Column("queues", JSON, nullable=False),
    Column("penalties", JSON, nullable=False, server_default="{}"),
    _text("language"),
    Column("is_enabled", Boolean, nullable=False),
    _text("password_hash"),
    _optional_time("password_changed_at"),
    Index(None, "device"),
)

session = Table(
    "session",
    metadata,
    _text("token_hash", key=True),
    Column("agent", _Plain, ForeignKey("agent.id", ondelete="CASCADE"), nullable=False, index=True),
    _time("created_at"),
    _time("ends_at"),
)

draft = Table(
    "draft",
    metadata,
    _text("call", key=True),
    _text("agent", key=True),
    _text("text"),
    _time("at"),
)

# ---- processes

lease = Table(
    "lease",
    metadata,
    _text("name", key=True),
    _text("holder"),
    Column("epoch", BigInteger, nullable=False),
    Column("good_until_s", Float, nullable=False),
    UniqueConstraint("name", "epoch"),  # makes the epoch part of a key: see sql_lease.py, ``let_through``
)

# ---- customers

customer = Table(
    "customer",
    metadata,
    _text("id", key=True),
    _text("code"),
    _text("name"),
    _text("company"),
    _text("language"),
    _text("segment"),
    _text("tier"),
    _text("email"),
    _text("sought"),
    _text(
        "balance_amount"
    ),  # text, for SQLite keeps numbers as binary fractions, and a balance is read out to the cent
    _text("balance_currency"),
    Index(None, "code"),
)


def _customer() -> Column[Any]:
    return Column("customer", _Plain, ForeignKey("customer.id", ondelete="CASCADE"), nullable=False)


customer_number = Table(
    "customer_number",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    _customer(),
    _text("typed"),
    _text("e164"),
    _text("last7"),
    _text("label"),
    Index(None, "customer"),
    Index(None, "e164"),
    Index(None, "last7"),
)

customer_preference = Table(
    "customer_preference",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    _customer(),
    _text("name"),
    _text("value"),
    Index(None, "customer"),
)

customer_flag = Table(
    "customer_flag",
    metadata,
    Column("customer", _Plain, ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True),
    _text("flag", key=True),
)

customer_case = Table(
    "customer_case",
    metadata,
    Column("id", _Plain, primary_key=True),
    _customer(),
    _text("title"),
    _text("status"),
    _optional_time("opened_at"),
    Index(None, "customer"),
)

customer_order = Table(
    "customer_order",
    metadata,
    Column("id", _Plain, primary_key=True),
    _customer(),
    _text("title"),
    _text("status"),
    Column("ordered_on", Date, nullable=True),
    _text("amount"),
    _text("digits"),
    Index(None, "customer"),
    Index(None, "digits"),
)

# Apart from the customer, so that no query about customers ever reads a hash.
customer_pin = Table(
    "customer_pin",
    metadata,
    Column("customer", _Plain, ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True),
    _text("hash"),
    _time("changed_at"),
)
