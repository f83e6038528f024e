"""The period a report covers, as it was asked for."""

from datetime import UTC, datetime, timedelta
from typing import Final

from cti.errors import RequestError
from cti.store.journeys import Period
from cti.web.schemas import PeriodQuery

UNLESS_SAID: Final = timedelta(days=7)
LONGEST: Final = timedelta(days=366)


def period_of(query: PeriodQuery, now: datetime) -> Period:
    try:
        until = (query.until or now).astimezone(UTC)
        since = (query.since or until - UNLESS_SAID).astimezone(UTC)
    except OverflowError:
        raise RequestError("before the calendar's first day, or after its last") from None
    if not timedelta() < until - since <= LONGEST:
        raise RequestError(f"a report covers a period of up to {LONGEST.days} days; since comes before until")
    return Period(since=query.since or since, until=query.until or until)
