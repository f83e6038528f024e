"""Is somebody there? Held to a clock that is read minute by minute, through nights in which it is changed."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.ivr.hours import DAYS, Answer, Hours, parse

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE: dict[str, object] = {
    "time_zone": "Europe/Berlin",
    "mon-fri": ["08:00-12:00", "13:00-17:30"],
    "sat": ["09:00-12:00"],
    "holidays": "DE-BE",
    "closed": ["2026-12-24"],
    "open": {"2026-12-26": ["10:00-14:00"]},
}


def at(text: str, zone: ZoneInfo = BERLIN, *, fold: int = 0) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def office(**more: object) -> Hours:
    return parse(OFFICE | more)


def only(zone: str = "Europe/Berlin", **days: object) -> Hours:
    return parse({"time_zone": zone} | {day.replace("_", "-"): spans for day, spans in days.items()})


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2026-11-23T07:59:59", False),
        ("2026-11-23T08:00:00", True),
        ("2026-11-23T11:59:59", True),
        ("2026-11-23T12:00:00", False),
        ("2026-11-23T17:29:00", True),
        ("2026-11-23T17:30:00", False),
        ("2026-11-28T09:00:00", True),
        ("2026-11-29T09:00:00", False),
    ],
)
def test_an_ordinary_week(when: str, *, is_open: bool) -> None:
    assert office().is_open(at(when)).is_open is is_open


def test_what_is_asked_may_be_in_any_zone() -> None:
    assert office().is_open(dt.datetime(2026, 11, 23, 7, 0, tzinfo=dt.UTC)) == Answer(is_open=True, reason="open")


def test_at_lunch_it_opens_in_the_afternoon_and_on_saturday_evening_on_monday() -> None:
    assert office().is_open(at("2026-11-23T12:30:59")).opens_at == at("2026-11-23T13:00")
    assert office().is_open(at("2026-11-28T20:00")) == Answer(
        is_open=False, reason="closed", opens_at=at("2026-11-30T08:00")
    )


def test_a_holiday_closes_and_says_its_name() -> None:
    answer = office().is_open(at("2026-05-01T10:00"))
    assert answer == Answer(is_open=False, reason="holiday", holiday="Erster Mai", opens_at=at("2026-05-02T09:00"))


def test_a_holiday_of_one_part_of_the_country_is_none_elsewhere() -> None:
    women_s_day = at("2027-03-08T10:00")
    assert office().is_open(women_s_day).reason == "holiday"
    assert office(holidays="DE-BY").is_open(women_s_day).is_open
    assert office(holidays="").is_open(at("2026-05-01T10:00")).is_open


def test_holidays_may_be_days_like_others() -> None:
    assert office(closed_on_holidays=False).is_open(at("2026-05-01T10:00")) == Answer(is_open=True, reason="open")
    assert office(closed_on_holidays=False).is_open(at("2026-05-01T12:00")).reason == "closed"


def test_a_day_of_its_own_beats_holiday_and_weekday() -> None:
    second_day_of_christmas = office()
    assert second_day_of_christmas.is_open(at("2026-12-26T13:59")).is_open
    assert second_day_of_christmas.is_open(at("2026-12-26T09:00")) == Answer(
        is_open=False, reason="closed", opens_at=at("2026-12-26T10:00")
    )


def test_a_closed_day_is_closed_and_what_follows_is_found() -> None:
    assert office().is_open(at("2026-12-24T09:00")) == Answer(
        is_open=False, reason="closed", opens_at=at("2026-12-26T10:00")
    )


def test_a_night_runs_to_its_end_even_into_a_holiday() -> None:
    night = parse({"time_zone": "Europe/Berlin", "mon-fri": ["22:00-02:00"], "holidays": "DE"})
    assert night.is_open(at("2026-05-01T01:59")).is_open
    assert night.is_open(at("2026-05-01T02:00")).reason == "holiday"
    assert not night.is_open(at("2026-05-01T23:00")).is_open
    assert not night.is_open(at("2026-05-02T01:00")).is_open


def test_round_the_clock_never_closes() -> None:
    always = only(mon_sun=["00:00-24:00"])
    start = at("2026-03-28T00:00").astimezone(dt.UTC)
    assert all(always.is_open(start + dt.timedelta(minutes=7 * step)).is_open for step in range(700))


def test_never_open_has_no_next_time() -> None:
    assert only().is_open(at("2026-11-23T10:00")) == Answer(is_open=False, reason="closed", opens_at=None)


def test_once_a_year_is_found_and_in_two_years_is_not() -> None:
    once = {"time_zone": "Europe/Berlin", "open": {"2027-11-23": ["10:00-11:00"]}}
    assert parse(once).is_open(at("2026-11-24T10:00")).opens_at == at("2027-11-23T10:00")
    assert parse(once).is_open(at("2025-11-24T10:00")).opens_at is None


def test_in_spring_the_missing_hour_is_not_waited_for() -> None:
    early = only(sun=["02:30-05:00"])
    assert early.is_open(at("2026-03-29T01:59")).opens_at == at("2026-03-29T03:00")
    assert early.is_open(at("2026-03-29T03:00")).is_open


def test_in_autumn_both_passes_of_the_double_hour_count() -> None:
    late = only("America/New_York", sun=["01:00-01:30"])
    new_york = ZoneInfo("America/New_York")
    assert late.is_open(at("2026-11-01T01:10", new_york)).is_open
    assert late.is_open(at("2026-11-01T01:10", new_york, fold=1)).is_open
    between = late.is_open(at("2026-11-01T01:40", new_york))
    assert between.opens_at is not None
    assert between.opens_at.astimezone(dt.UTC) == dt.datetime(2026, 11, 1, 6, 0, tzinfo=dt.UTC)


SPAN = st.tuples(st.integers(0, 95), st.integers(1, 96)).map(lambda pair: _span(pair[0] * 15, pair[1] * 15))


def _span(start: int, end: int) -> str:
    return f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"


def _readable(week: dict[str, list[str]], zone: str) -> Hours | None:
    try:
        return parse({"time_zone": zone, **week})
    except ValueError:
        return None


def _oracle(week: dict[str, list[str]], local: dt.datetime) -> bool:
    """The clock on the wall, the spans as text: today's, and of yesterday's those over midnight."""
    clock = f"{local:%H:%M}"
    today, yesterday = (week.get(DAYS[(local.weekday() - back) % 7], []) for back in (0, 1))
    halves = [span.split("-") for span in today]
    nights = [span.split("-") for span in yesterday]
    return any(start <= clock < (end if start < end else "24:00") for start, end in halves) or any(
        clock < end for start, end in nights if end < start
    )


@settings(max_examples=20, deadline=None)
@given(
    week=st.dictionaries(st.sampled_from(DAYS), st.lists(SPAN, min_size=1, max_size=2), max_size=7),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Taipei", "Australia/Lord_Howe", "Asia/Beirut"]),
    monday=st.sampled_from([dt.date(2026, 3, 2), dt.date(2026, 3, 23), dt.date(2026, 10, 19), dt.date(2026, 10, 26)]),
)
def test_every_minute_of_a_week_is_as_the_clock_on_the_wall_says(
    week: dict[str, list[str]], zone: str, monday: dt.date
) -> None:
    hours = _readable(week, zone)
    if hours is None:
        return
    start = dt.datetime.combine(monday, dt.time(), ZoneInfo(zone)).astimezone(dt.UTC)
    instants = [start + dt.timedelta(minutes=minute) for minute in range(8 * 24 * 60)]
    told = [_oracle(week, instant.astimezone(ZoneInfo(zone))) for instant in instants]
    opens_at = None
    for instant, is_open in reversed(list(zip(instants, told, strict=True))):
        opens_at = instant if is_open else opens_at
        if instant.minute % 10 == 9 or is_open:
            answer = hours.is_open(instant)
            assert answer.is_open is is_open, instant
            assert is_open or opens_at is None or answer.opens_at == opens_at, instant


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"time_zone": "Berlin"}, "time_zone: 'Berlin' is none"),
        ({"holidays": "XX"}, "holidays: of 'XX' no holidays are known"),
        ({"holidays": "DE-XX"}, "holidays: DE has no part 'XX'; it has BB, BE"),
        ({"mo": ["08:00-09:00"]}, "mo: is no day"),
        ({"sun-mnd": ["08:00-09:00"]}, "sun-mnd: is no day"),
        ({"fri": ["08:00-09:00"]}, "fri: fri is given twice"),
        ({"sun": ["8-9"]}, "sun: '8-9' is no span"),
        ({"sun": ["08:00-08:00"]}, "sun: '08:00-08:00' is no span"),
        ({"sun": ["08:60-09:00"]}, "sun: '08:60-09:00' is no span"),
        ({"sun": ["24:00-25:00"]}, "sun: '24:00-25:00' is no span"),
        ({"sun": [8]}, "sun: '8' is no span"),
        ({"sun": "08:00-09:00"}, "sun: is a list of spans"),
        ({"sun": ["08:00-10:00", "09:59-11:00"]}, "sun: its spans overlap"),
        ({"sun": ["22:00-02:00", "23:00-24:00"]}, "sun: its spans overlap"),
        ({"sun": ["22:00-08:01"]}, "mon: begins before the night from sun has ended"),
        ({"closed": ["24.12."]}, "closed: '24.12.' is no day"),
        ({"closed": "2026-12-24"}, "closed: is a list of days"),
        ({"open": ["2026-12-24"]}, "open: is a table of days"),
        ({"open": {"2026-13-24": []}}, "open: '2026-13-24' is no day"),
        ({"open": {"2026-12-27": ["x"]}}, "open.2026-12-27: 'x' is no span"),
        ({"closed": ["2026-12-26"]}, "2026-12-26: is both closed and open"),
        ({"closed_on_holidays": "no"}, "closed_on_holidays: is neither true nor false"),
    ],
)
def test_what_cannot_be_meant_is_told(change: dict[str, object], finding: str) -> None:
    with pytest.raises(ValueError) as caught:
        office(**change)
    assert [line[: len(finding)] for line in str(caught.value).splitlines()] == [finding]


def test_all_findings_come_at_once() -> None:
    with pytest.raises(ValueError) as caught:
        parse({"time_zone": "x", "holidays": "XX", "sun": ["a", "b"], "day": []})
    assert len(str(caught.value).splitlines()) == 5


def test_days_come_as_toml_gives_them_and_weeks_may_turn_round() -> None:
    hours = only(sat_mon=["23:00-24:00"])
    assert [bool(spans) for spans in hours.week] == [True, False, False, False, False, True, True]
    assert office(closed=[dt.date(2026, 12, 24)]) == office()
