"""A period as whole hours and days of UTC, and what is left at its ends."""

from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.store.journeys import Period
from cti.store.spans import parts_of

BERLIN, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def moment(when: datetime) -> datetime:
    """Python finds the hour that a clock has twice equal to nothing in another zone."""
    return when.astimezone(UTC)


def covered(span: str) -> Period:
    since = datetime.fromisoformat(span if len(span) == len("2026-11-23") else f"{span}:00").replace(tzinfo=UTC)
    return Period(since=since, until=since + timedelta(hours=24 if len(span) == len("2026-11-23") else 1))


def test_a_day_of_utc_is_one() -> None:
    assert parts_of(Period(since=at("2026-11-23", ZoneInfo("UTC")), until=at("2026-11-24", ZoneInfo("UTC")))).spans == (
        "2026-11-23",
    )


@pytest.mark.parametrize(("day", "hours"), [("2026-11-23", 24), ("2026-10-25", 25), ("2026-03-29", 23)])
def test_a_day_of_the_site_is_made_of_hours_also_in_the_nights_when_clocks_are_set(day: str, hours: int) -> None:
    since = at(day)
    parts = parts_of(Period(since=since, until=at(f"{(since + timedelta(days=1)):%Y-%m-%d}")))
    assert (len(parts.spans), parts.ends) == (hours, ())


def test_a_month_of_the_site_is_days_and_the_hours_at_its_ends() -> None:
    spans = parts_of(Period(since=at("2026-11-01"), until=at("2026-12-01"))).spans
    assert (spans[0], spans[1], spans[-1]) == ("2026-10-31 23", "2026-11-01", "2026-11-30 22")
    assert len(spans) == 1 + 29 + 23


def test_zones_that_are_no_whole_hours_away_leave_less_than_an_hour_at_each_end() -> None:
    parts = parts_of(Period(since=at("2026-11-23", KATHMANDU), until=at("2026-11-24", KATHMANDU)))
    assert len(parts.spans) == 23
    assert [end.until - end.since for end in parts.ends] == [timedelta(minutes=45), timedelta(minutes=15)]


@given(
    begins=st.timedeltas(timedelta(), timedelta(days=365)),
    lasts=st.timedeltas(timedelta(microseconds=1), timedelta(days=40)),
    zone=st.sampled_from([UTC, BERLIN, KATHMANDU]),
)
def test_the_parts_are_the_period_without_gap_or_overlap(begins: timedelta, lasts: timedelta, zone: tzinfo) -> None:
    since = (datetime(2026, 1, 1, tzinfo=UTC) + begins).astimezone(zone)
    period = Period(since=since, until=(since.astimezone(UTC) + lasts).astimezone(zone))
    parts = parts_of(period)
    laid = sorted([*map(covered, parts.spans), *parts.ends], key=lambda one: one.since)
    assert (moment(laid[0].since), moment(laid[-1].until)) == (moment(period.since), moment(period.until))
    assert all(moment(one.until) == moment(after.since) for one, after in pairwise(laid))


def test_the_end_of_all_time_can_be_asked_for() -> None:
    end = datetime.max.replace(tzinfo=UTC)
    assert parts_of(Period(since=end - timedelta(hours=2), until=end)).spans == ("9999-12-31 22",)
