"""Journeys and steps counted by hour and day; indexes that cost the writer more than they gave.

The database counts by triggers, so that a row is counted as it stands at the end of its transaction, whoever wrote it, and however
often. A later migration that makes ``ivr_journey`` or ``ivr_step`` anew (``batch_alter_table`` does on SQLite) has to make their
triggers anew as well.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

plain = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
Made = dict[str, str]
"""Column of the counts -> what it is made of, of a row."""


def _same(*names: str) -> Made:
    return {name: f'{{row}}"{name}"' for name in names}


def _known(*names: str) -> Made:
    return {name: f"coalesce({{row}}{name}, -1)" for name in names}


JOURNEY = _same("flow", "pbx", "label", "is_after", "outcome", "reason", "at_step") | _known(
    "spent_s", "satisfaction", "recommendation"
)
JOURNEYS = {"journeys": "1"}
STEP = _same("flow", "pbx", "step", "kind", "label", "how", "to", "spent_s", "nr")
VISITS = {"visits": "1", "journeys": "CASE {row}visit WHEN 1 THEN 1 ELSE 0 END", "failures": "{row}failures"}
COUNTED = (("ivr_journey", JOURNEY, JOURNEYS), ("ivr_step", STEP, VISITS))
DAY, HOUR = 10, 13
"""Letters of ``2026-11-23 09``."""
TO_CHAR = {DAY: "YYYY-MM-DD", HOUR: "YYYY-MM-DD HH24"}


def upgrade() -> None:
    if not _is_sqlite():  # a row that came after the counting and before the triggers would never be counted
        op.execute("LOCK TABLE ivr_journey, ivr_step IN SHARE ROW EXCLUSIVE MODE")
    _tables()
    for table, key, sums in COUNTED:
        _count_what_there_is(table, key, sums)
        (_triggers_of_sqlite if _is_sqlite() else _trigger_of_postgres)(table, key, sums)
    _indexes()


def _tables() -> None:
    op.create_table(
        "ivr_journey_count",
        *_texts("span", "flow", "pbx", "label"),
        sa.Column("is_after", sa.Boolean(), nullable=False),
        *_texts("outcome", "reason", "at_step"),
        sa.Column("spent_s", sa.Float(), nullable=False),
        *_numbers("satisfaction", "recommendation", *JOURNEYS),
        sa.PrimaryKeyConstraint("span", *JOURNEY, name="ivr_journey_count_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ivr_step_count",
        *_texts("span", "flow", "pbx", "step", "kind", "label", "how", "to"),
        sa.Column("spent_s", sa.Float(), nullable=False),
        *_numbers("nr", *VISITS),
        sa.PrimaryKeyConstraint("span", *STEP, name="ivr_step_count_pkey"),
        sqlite_with_rowid=False,
    )


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, plain, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), nullable=False, autoincrement=False) for name in names]


def _indexes() -> None:
    op.drop_index("fact_type_at", "fact")
    _partial("fact_pin_tried", "fact", "type = 'cti.ivr.pin_tried.v1'", "at")
    op.drop_index("agent_interval_ended_at", "agent_interval")
    op.drop_index("ivr_journey_flow_entered_at", "ivr_journey")
    op.drop_index("interaction_is_not_classified_ended_at", "interaction")
    is_not = "is_not_classified = 1" if _is_sqlite() else "is_not_classified"
    _partial("interaction_not_classified", "interaction", is_not, "ended_at")
    _partial("interaction_not_classified_of_queue", "interaction", is_not, "queue", "ended_at")


def _partial(name: str, table: str, where: str, *columns: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


# ---- counts


def _count_what_there_is(table: str, key: Made, sums: Made) -> None:
    """Hours of the rows, and days of the hours."""
    into, by = _into(table, key, sums), ", ".join(map(str, range(1, len(key) + 2)))
    of_rows = ", ".join(f"sum({one})" for one in sums.values())
    of_hours = ", ".join(f"sum({name})" for name in sums)
    hours = f"SELECT {_span(HOUR)}, {', '.join(key.values())}, {of_rows} FROM {table} GROUP BY {by}"  # noqa: S608 - text of ours, here and below
    op.execute(f"{into} {hours.format(row='')}")
    days = f"SELECT substr(span, 1, {DAY}), {_names(key)}, {of_hours} FROM {table}_count GROUP BY {by}"  # noqa: S608
    op.execute(f"{into} {days}")


def _triggers_of_sqlite(table: str, key: Made, sums: Made) -> None:
    more, less = _counting(table, key, sums, "NEW"), _counting(table, key, sums, "OLD", sign="-")
    for deed, does in {"INSERT": more, "UPDATE": f"{less}; {more}", "DELETE": less}.items():
        when = f"WHEN {_differs(key, sums, 'IS NOT')}" if deed == "UPDATE" else ""
        op.execute(f"CREATE TRIGGER {table}_{deed.lower()} AFTER {deed} ON {table} {when} BEGIN {does}; END")


def _trigger_of_postgres(table: str, key: Made, sums: Made) -> None:
    more, less = _counting(table, key, sums, "NEW"), _counting(table, key, sums, "OLD", sign="-")
    op.execute(f"""CREATE FUNCTION {table}_counted() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP <> 'INSERT' THEN {less}; END IF;
            IF TG_OP <> 'DELETE' THEN {more}; END IF;
            RETURN NULL;
        END $$""")
    for deed in ("INSERT", "UPDATE", "DELETE"):
        when = f"WHEN ({_differs(key, sums, 'IS DISTINCT FROM')})" if deed == "UPDATE" else ""
        op.execute(f"""CREATE TRIGGER {table}_{deed.lower()} AFTER {deed} ON {table}
            FOR EACH ROW {when} EXECUTE FUNCTION {table}_counted()""")


def _counting(table: str, key: Made, sums: Made, row: str, sign: str = "") -> str:
    """One row more or less, of its hour and of its day."""
    change = [f"{sign}({one})" for one in sums.values()]
    spans = (f"({', '.join([_span(letters), *key.values(), *change])})" for letters in (DAY, HOUR))
    added = ", ".join(f"{name} = {table}_count.{name} + excluded.{name}" for name in sums)
    known = f"ON CONFLICT (span, {_names(key)}) DO UPDATE SET {added}"
    return f"{_into(table, key, sums)} VALUES {', '.join(spans)} {known}".format(row=f"{row}.")


def _differs(key: Made, sums: Made, word: str) -> str:
    counted = ("{row}entered_at", *key.values(), *sums.values())
    return " OR ".join(f"{one.format(row='OLD.')} {word} {one.format(row='NEW.')}" for one in counted)


def _into(table: str, key: Made, sums: Made) -> str:
    return f"INSERT INTO {table}_count (span, {_names(key)}, {_names(sums)})"


def _names(made: Made) -> str:
    return ", ".join(f'"{name}"' for name in made)


def _span(letters: int) -> str:
    """In UTC: a zone's day is made of hours, whatever the zone."""
    if _is_sqlite():
        return f"substr({{row}}entered_at, 1, {letters})"
    return f"to_char({{row}}entered_at AT TIME ZONE 'UTC', '{TO_CHAR[letters]}')"


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
