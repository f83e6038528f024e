"""What the writer of the record asks and puts. Reading for people is in ``queries.py``."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Dialect

from cti.store import tables
from cti.store.derive import CLEARED, READ
from cti.store.statements import Statement, asked, insert, insert_new, insert_or_replace

_CLEARED: Final = f"type = '{CLEARED}'"
"""In the text of the statement, for the index is of such rows only."""
_INTERVAL: Final = """SELECT agent, began_at, nr, ended_at, state, reason_code, reason, cause, made_by, "by", call, queue, missed
FROM agent_interval WHERE """
_READ: Final = f"type IN {tuple(sorted(READ))}"
_FACT: Final = "SELECT id, source, type, call, sequence, at, {data} FROM fact WHERE "


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStatements:
    fact: Statement
    new_fact: Statement
    interaction: Statement
    interaction_agent: Statement
    interval: Statement
    journey: Statement
    step: Statement
    callback: Statement
    voicemail: Statement
    ruling: Statement
    unruled: Statement
    opened: Statement
    closed: Statement
    types: Statement
    ended: Statement
    facts: Statement
    devices: Statement
    handled: Statement
    rulings: Statement
    last_intervals: Statement
    intervals_since: Statement
    latest: Statement
    states: Statement
    epochs: Statement
    hold: Statement | None
    """The locks of PostgreSQL; SQLite has one writer anyway."""
    hold_callbacks: Statement | None


def record_statements(dialect: Dialect) -> RecordStatements:
    is_sqlite = dialect.name == "sqlite"
    data = "data" if is_sqlite else "data::text"

    def ask(sql: str) -> Statement:
        return asked(sql, is_sqlite=is_sqlite)

    return RecordStatements(
        fact=insert(tables.fact, dialect, encoded="data"),
        new_fact=insert_new(tables.fact, dialect, encoded="data"),
        interaction=insert_or_replace(tables.interaction, dialect),
        interaction_agent=insert_or_replace(tables.interaction_agent, dialect),
        interval=insert_or_replace(tables.agent_interval, dialect),
        journey=insert_or_replace(tables.ivr_journey, dialect),
        step=insert_or_replace(tables.ivr_step, dialect),
        callback=insert_or_replace(tables.callback, dialect),
        voicemail=insert_or_replace(tables.voicemail, dialect),
        ruling=insert_new(tables.number_not_contact, dialect),
        unruled=ask("DELETE FROM number_not_contact WHERE number = ? AND contact = ?"),
        opened=insert_new(tables.call_open, dialect),
        closed=ask("DELETE FROM call_open WHERE source = ? AND call = ?"),
        types=ask("SELECT source, id, type FROM fact WHERE id :among"),
        ended=ask(f"SELECT DISTINCT source, call FROM fact WHERE call :among AND {_CLEARED}"),  # noqa: S608 - text of ours, here and below
        facts=ask(f"{_FACT.format(data=data)} call :among AND {_READ} ORDER BY recorded"),
        devices=ask("SELECT device, id FROM agent WHERE device :among"),
        handled=ask("SELECT pbx, call, handled_by FROM interaction WHERE call :among"),
        rulings=ask("SELECT number FROM number_not_contact WHERE contact = ?"),
        last_intervals=ask(f"{_INTERVAL} agent :among AND ended_at IS NULL"),
        intervals_since=ask(
            f"""{_INTERVAL} agent = ? AND began_at >=
            coalesce((SELECT max(began_at) FROM agent_interval WHERE agent = ? AND began_at <= ?), ?)"""  # noqa: S608
        ),
        latest=ask("SELECT agent, max(began_at) FROM agent_interval WHERE agent :among GROUP BY agent"),
        states=ask(f"{_FACT.format(data=data)} call = ? AND source = '/agents' ORDER BY recorded"),
        epochs=ask(_EPOCHS if is_sqlite else _EPOCHS_HELD),
        hold=None if is_sqlite else ask("SELECT 1 FROM call_open WHERE call :among ORDER BY call FOR SHARE"),
        hold_callbacks=None if is_sqlite else ask("SELECT id FROM callback WHERE id :among ORDER BY id FOR UPDATE"),
    )


_EPOCHS: Final = "SELECT name, epoch FROM lease WHERE name :among"
_IDLE_MS: Final = 3000
"""PostgreSQL ends a fenced transaction whose process has fallen silent in the middle of it: it would keep the next reader
from taking the lease for as long as it stands still."""
_EPOCHS_HELD: Final = f"""SELECT name, epoch, set_config('idle_in_transaction_session_timeout', '{_IDLE_MS}', true)
FROM lease WHERE name :among FOR KEY SHARE"""  # noqa: S608
