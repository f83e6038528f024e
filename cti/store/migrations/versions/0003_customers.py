"""Customers have a balance and a PIN, and are found by an order's digits."""

import sqlalchemy as sa
from alembic import op

from cti.numbers import dialled_digits
from cti.store.tables import UtcDateTime

revision = "0003"
down_revision = "0002"

plain = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    for name in ("balance_amount", "balance_currency"):
        op.add_column("customer", sa.Column(name, plain, server_default="", nullable=False))
    op.add_column("customer_order", sa.Column("digits", plain, server_default="", nullable=False))
    _fill_digits()
    op.create_index("customer_order_digits", "customer_order", ["digits"], unique=False)
    op.create_table(
        "customer_pin",
        sa.Column("customer", plain, nullable=False),
        sa.Column("hash", plain, server_default="", nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["customer"], ["customer.id"], name="customer_pin_customer_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("customer", name="customer_pin_pkey"),
    )


def _fill_digits() -> None:
    """Of the orders on record; SQLite has no function for it."""
    orders = sa.table("customer_order", sa.column("id", sa.Text()), sa.column("digits", sa.Text()))
    names = op.get_bind().execute(sa.select(orders.c.id)).scalars().all()
    rows = [{"name": name, "read": dialled_digits(name).lstrip("+")} for name in names]
    if rows:
        fill = sa.update(orders).where(orders.c.id == sa.bindparam("name")).values(digits=sa.bindparam("read"))
        op.get_bind().execute(fill, rows)
