"""Journeys and steps of a period, counted: whole hours and days as the database has counted them, its ends row by row."""

from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    and_,
    case,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    union_all,
)

from cti.store.journeys import Period
from cti.store.spans import Parts, parts_of
from cti.store.tables import ivr_journey, ivr_journey_count, ivr_step, ivr_step_count

_J, _JC, _S, _SC = ivr_journey.c, ivr_journey_count.c, ivr_step.c, ivr_step_count.c
_STEP: Final = ("step", "kind", "label", "how", "to", "spent_s")
_SUMS: Final = ("visits", "journeys", "failures")
_ONE: Final[ColumnElement[int]] = literal_column("1")


def journeys_of(flow: str, period: Period) -> Select[Any]:
    return _journeys(period, "flow", "label", "outcome", "reason", "at_step", flow=flow)


def journeys_of_all(period: Period) -> Select[Any]:
    return _journeys(period, "flow", "label", "outcome")


def _journeys(period: Period, *names: str, flow: str | None = None) -> Select[Any]:
    """What is asked after the conversation led nowhere, and is no journey to be counted."""
    counted = select(*(_JC[name] for name in names), _known(_JC.spent_s), _JC.journeys)
    rows = select(*(_J[name] for name in names), _J.spent_s, _ONE.label("journeys"))
    return _grouped(counted.where(not_(_JC.is_after)), rows.where(not_(_J.is_after)), parts_of(period), flow)


def marks_of(flow: str, period: Period) -> Select[Any]:
    counted = select(_known(_JC.satisfaction), _known(_JC.recommendation), _JC.journeys)
    rows = select(_J.satisfaction, _J.recommendation, _ONE.label("journeys"))
    is_counted = or_(_JC.satisfaction >= 0, _JC.recommendation >= 0)
    is_given = or_(_J.satisfaction.is_not(None), _J.recommendation.is_not(None))
    return _grouped(counted.where(is_counted), rows.where(is_given), parts_of(period), flow)


def steps_of(flow: str, period: Period) -> Select[Any]:
    names = (*_STEP, "failures")
    first = case((_S.visit == 1, 1), else_=0)
    counted = select(*(_SC[name] for name in names), _SC.visits, _SC.journeys, _SC.nr.label("place"))
    rows = select(*(_S[name] for name in names), _ONE.label("visits"), first.label("journeys"), _S.nr.label("place"))
    return _grouped(counted.where(_SC.visits > 0), rows, parts_of(period), flow)


def _grouped(counted: Select[Any], rows: Select[Any], parts: Parts, flow: str | None) -> Select[Any]:
    """Those alike in all that is no sum, and no place."""
    (count,), (row,) = counted.get_final_froms(), rows.get_final_froms()
    counted, rows = counted.where(count.c.span.in_(parts.spans)), rows.where(_within(row.c.entered_at, parts.ends))
    if flow is not None:
        counted, rows = counted.where(count.c.flow == flow), rows.where(row.c.flow == flow)
    both = (union_all(counted, rows) if parts.ends else counted).subquery().c
    alike = [column for column in both if column.name not in {*_SUMS, "place"}]
    sums = [func.sum(both[name]).label(name) for name in _SUMS if name in both]
    place = [func.min(both.place).label("place")] if "place" in both else []
    return select(*alike, *sums, *place).group_by(*alike).having(sums[0] > 0)


def _within(at: ColumnElement[Any], ends: tuple[Period, ...]) -> ColumnElement[bool]:
    return or_(false(), *(and_(at >= end.since, at < end.until) for end in ends))


def _known(column: Column[Any]) -> ColumnElement[Any]:
    """-1 stands for nothing: what is part of a key cannot be null."""
    return func.nullif(column, -1, type_=column.type).label(column.name)
