"""Values <-> rows."""

from typing import Any, Final

import msgspec
from sqlalchemy import Row

from cti.calls.call import CallId, Direction, Outcome, PbxName
from cti.calls.journey import Journey
from cti.envelope import Envelope
from cti.store.derive import ruling_of
from cti.store.digits import reversed_digits
from cti.store.interactions import Handled, Interaction
from cti.store.paging import customer_number, sought_text
from cti.store.storable import Line
from cti.store.trail import RECOMMENDATION, SATISFACTION, Step, last_mark, spent_s

Values = dict[str, Any]
FIELDS: Final = Interaction.__struct_fields__


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


def line_row(line: Line) -> Values:
    return fact_row(line.fact) | {"data": line.data}


def fact_of(row: Row[Any]) -> Envelope:
    return Envelope(
        id=row.id, source=row.source, type=row.type, subject=row.call, time=row.at, sequence=row.sequence, data=row.data
    )


def interaction_row(item: Interaction) -> Values:
    return msgspec.structs.asdict(item) | {
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


_JOURNEY: Final = (
    "pbx", "call", "session", "flow", "label", "is_after", "entered_at", "left_at", "reason", "at_step", "language", "intent",
)  # fmt: skip


def journey_row(one: Journey) -> Values:
    return {name: getattr(one, name) for name in _JOURNEY} | {
        "spent_s": spent_s(one), "outcome": one.outcome or "", "is_verified": one.is_verified,
        "satisfaction": last_mark(one, SATISFACTION), "recommendation": last_mark(one, RECOMMENDATION),
    }  # fmt: skip


def step_row(one: Step) -> Values:
    """Never what was keyed."""
    journey, taken = one.journey, one.taken
    return {
        "pbx": journey.pbx, "call": journey.call, "session": journey.session, "nr": one.nr, "flow": journey.flow,
        "entered_at": journey.entered_at, "step": taken.step, "kind": taken.kind, "label": taken.label, "visit": one.visit,
        "at": taken.entered_at, "spent_s": one.spent_s, "how": taken.how, "to": taken.to, "choice": taken.choice,
        "failures": taken.failures,
    }  # fmt: skip


def ruling_row(one: Envelope) -> Values | None:
    ruling = ruling_of(one)
    if ruling is None:
        return None
    number, contact = ruling
    row = {"number": number, "contact": contact, "number_reversed": reversed_digits(number)}
    return row | {"by": str(one.data.get("by", "")), "at": one.time}


def interaction_of(row: Row[Any]) -> Interaction:
    values = {name: getattr(row, name) for name in FIELDS}
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
