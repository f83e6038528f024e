"""What is asked of the record while a phone rings, in the driver's own words (``cti/quick_sql.py``): what was before with this
customer, and who is not the one with this number."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any, Final

from cti.calls.call import CallId, Direction, Outcome, PbxName
from cti.quick_sql import Question, Reading, Row
from cti.store.digits import ending, same_number
from cti.store.memory import NEWEST_FIRST
from cti.store.past import PastCall
from cti.store.queries import SPARE
from cti.store.statements import time_of
from cti.store.storable import clean

_COLUMNS: Final = ", ".join(field.name for field in fields(PastCall))
_NEWEST: Final = "ORDER BY ended_at DESC, pbx DESC, call DESC LIMIT"
_OF_CONTACTS: Final = f"SELECT {_COLUMNS}, 1 AS is_theirs FROM interaction WHERE contact IN :contacts {_NEWEST} :limit"  # noqa: S608 - all ours
_OF_NUMBER: Final = (
    f"SELECT {_COLUMNS}, 0 AS is_theirs FROM interaction"  # noqa: S608
    f" WHERE customer_reversed >= :least{{0}} AND customer_reversed < :below{{0}} {_NEWEST} :spared"
)
_NOT_CONTACT: Final = (
    "SELECT number, contact FROM number_not_contact WHERE number_reversed >= :least AND number_reversed < :below"
)


def history(contacts: Iterable[str], numbers: Sequence[str], limit: int) -> Reading[tuple[PastCall, ...]]:
    """As ``InteractionLog.history``. Ways of writing one number end alike, and are looked for once."""
    names = sorted({clean(one) for one in contacts} - {""})
    ends = tuple(dict.fromkeys(filter(None, map(ending, numbers))))
    if not names and not ends:
        return ()
    values = {"contacts": names, "limit": limit, "spared": limit + SPARE}
    for at, end in enumerate(ends):
        values |= _begins(end, str(at))
    rows: list[Row] = yield Question(_past(of_contacts=bool(names), numbers=len(ends)), values, is_at_once=True)
    theirs = (row for row in rows if row["is_theirs"] or any(same_number(_customer(row), one) for one in numbers))
    found = {(row["pbx"], row["call"]): row for row in theirs}
    return tuple(sorted(map(_past_call, found.values()), key=NEWEST_FIRST, reverse=True)[:limit])


@lru_cache
def _past(*, of_contacts: bool, numbers: int) -> str:
    """One statement, for each takes a round trip or some turns of SQLite's thread."""
    parts = [_OF_CONTACTS] * of_contacts + [_OF_NUMBER.format(at) for at in range(numbers)]
    return " UNION ALL ".join(f"SELECT * FROM ({part}) AS part" for part in parts)  # noqa: S608


def ruled_out(number: str) -> Reading[frozenset[str]]:
    end = ending(number)
    rows: list[Row] = (yield Question(_NOT_CONTACT, _begins(end))) if end else []
    return frozenset(row["contact"] for row in rows if same_number(row["number"], number))


def _begins(digits: str, at: str = "") -> dict[str, Any]:
    return {f"least{at}": digits, f"below{at}": digits[:-1] + chr(ord(digits[-1]) + 1)}


def _customer(row: Row) -> str:
    """As ``paging.customer_number``."""
    return str(row["dnis"] if row["direction"] == Direction.OUTBOUND else row["ani"])


def _past_call(row: Row) -> PastCall:
    return PastCall(
        pbx=PbxName(row["pbx"]), call=CallId(row["call"]), direction=Direction(row["direction"]), ani=row["ani"], dnis=row["dnis"],
        queue=row["queue"], offered_at=time_of(row["offered_at"]), ended_at=time_of(row["ended_at"]), talk_s=row["talk_s"],
        outcome=Outcome(row["outcome"]), agent=row["agent"], note=row["note"], result=row["result"],
        result_label=row["result_label"], ivr_outcome=row["ivr_outcome"] or "",
    )  # fmt: skip
