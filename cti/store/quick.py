"""What is asked of the record while a phone rings, in the driver's own words (``cti/quick_sql.py``): what was before with this
customer, and who is not the one with this number."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from cti.calls.call import CallId, Direction, Outcome, PbxName
from cti.calls.journey import Journey
from cti.quick_sql import Question, Reading, Row
from cti.store.digits import ending, same_number
from cti.store.interactions import Handled, Interaction
from cti.store.memory import NEWEST_FIRST
from cti.store.paging import customer_number
from cti.store.queries import SPARE
from cti.store.rows import FIELDS
from cti.store.storable import clean

_COLUMNS: Final = ", ".join(f'"{name}"' for name in FIELDS)
_NEWEST: Final = "ORDER BY ended_at DESC, pbx DESC, call DESC LIMIT :limit"
_OF_CONTACTS: Final = f"SELECT {_COLUMNS} FROM interaction WHERE contact IN :contacts {_NEWEST}"  # noqa: S608 - all ours
_OF_NUMBER: Final = (
    f"SELECT {_COLUMNS} FROM interaction WHERE customer_reversed >= :least AND customer_reversed < :below {_NEWEST}"  # noqa: S608
)
_NOT_CONTACT: Final = (
    "SELECT number, contact FROM number_not_contact WHERE number_reversed >= :least AND number_reversed < :below"
)
_handled: Final = msgspec.json.Decoder(tuple[Handled, ...])
_journey: Final = msgspec.json.Decoder(Journey | None)


def history(contacts: Iterable[str], numbers: Sequence[str], limit: int) -> Reading[tuple[Interaction, ...]]:
    """As ``InteractionLog.history``. Ways of writing one number end alike, and are one question."""
    found: dict[tuple[str, str], Interaction] = {}
    if names := sorted({clean(one) for one in contacts} - {""}):
        rows = yield Question(_OF_CONTACTS, {"contacts": names, "limit": limit})
        found |= {(row["pbx"], row["call"]): interaction_of(row) for row in rows}
    for end in dict.fromkeys(filter(None, map(ending, numbers))):
        rows = yield Question(_OF_NUMBER, _begins(end) | {"limit": limit + SPARE})
        for row in rows:
            item = interaction_of(row)
            if any(same_number(customer_number(item), number) for number in numbers if ending(number) == end):
                found[row["pbx"], row["call"]] = item
    return tuple(sorted(found.values(), key=NEWEST_FIRST, reverse=True)[:limit])


def ruled_out(number: str) -> Reading[frozenset[str]]:
    end = ending(number)
    rows: list[Row] = (yield Question(_NOT_CONTACT, _begins(end))) if end else []
    return frozenset(row["contact"] for row in rows if same_number(row["number"], number))


def _begins(digits: str) -> dict[str, Any]:
    return {"least": digits, "below": digits[:-1] + chr(ord(digits[-1]) + 1)}


def interaction_of(row: Row) -> Interaction:
    """As ``rows.interaction_of``, from what the driver gives."""
    return Interaction(**{
        **row,
        "pbx": PbxName(row["pbx"]),
        "call": CallId(row["call"]),
        "direction": Direction(row["direction"]),
        "outcome": Outcome(row["outcome"]),
        "offered_at": _moment(row["offered_at"]),
        "queued_at": _moment(row["queued_at"]),
        "answered_at": _moment(row["answered_at"]),
        "ended_at": _moment(row["ended_at"]),
        "keys": msgspec.json.decode(row["keys"]),
        "handled_by": _handled.decode(row["handled_by"]),
        "transfers": tuple(msgspec.json.decode(row["transfers"])),
        "result_fields": msgspec.json.decode(row["result_fields"]),
        "is_not_classified": bool(row["is_not_classified"]),
        "journey": _journey.decode(row["journey"] or "null"),
    })  # fmt: skip


def _moment(value: Any) -> datetime | None:
    """SQLite has text without a zone, which is UTC."""
    if value is None:
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
