"""Values <-> rows."""

from dataclasses import fields
from typing import Any, Final

import msgspec
from sqlalchemy import Row

from cti.calls.call import CallId, Direction, Outcome, PbxName
from cti.calls.journey import Journey
from cti.envelope import Envelope
from cti.store.digits import reversed_digits
from cti.store.interactions import Handled, Interaction
from cti.store.paging import customer_number, sought_text
from cti.store.trail import SATISFACTION, last_mark

Values = dict[str, Any]
_FIELDS: Final = tuple(field.name for field in fields(Interaction))


def fact_row(fact: Envelope) -> Values:
    return {
        "id": fact.id,
        "source": fact.source,
        "type": fact.type,
        "call": fact.subject,
        "sequence": fact.sequence,
        "at": fact.time,
        "data": fact.data,
    }


def fact_of(row: Row[Any]) -> Envelope:
    return Envelope(
        id=row.id, source=row.source, type=row.type, subject=row.call, time=row.at, sequence=row.sequence, data=row.data
    )


def interaction_row(item: Interaction) -> Values:
    return {name: getattr(item, name) for name in _FIELDS} | {
        "handled_by": msgspec.to_builtins(item.handled_by),
        "transfers": list(item.transfers),
        "ani_reversed": reversed_digits(item.ani),
        "dnis_reversed": reversed_digits(item.dnis),
        "customer_reversed": reversed_digits(customer_number(item)),
        "sought": sought_text(item),
        **_journey_columns(item.journey),
    }


def _journey_columns(journey: Journey | None) -> Values:
    return {
        "journey": msgspec.to_builtins(journey),
        "ivr_flow": journey.flow if journey else "",
        "ivr_outcome": journey.outcome if journey else "",
        "is_verified": journey.is_verified if journey else False,
        "rating": last_mark(journey, SATISFACTION) if journey else None,
    }


def interaction_of(row: Row[Any]) -> Interaction:
    values = {name: getattr(row, name) for name in _FIELDS}
    return Interaction(
        **values
        | {
            "pbx": PbxName(row.pbx),
            "call": CallId(row.call),
            "keys": dict(row._mapping["keys"]),  # noqa: SLF001 - the row's public name for its columns; row.keys is a method
            "direction": Direction(row.direction),
            "outcome": Outcome(row.outcome),
            "handled_by": msgspec.convert(row.handled_by, tuple[Handled, ...]),
            "transfers": tuple(row.transfers),
            "journey": msgspec.convert(row.journey, Journey | None),
        }
    )
