"""Opening hours: when somebody is there, why not, and when again.

The clock on the wall decides. In the autumn's double hour both passes count; in spring the hour that is missing is missing
from the opening hours too. A span over midnight belongs to the day it begins on, and runs to its end whatever the next day is.
"""

import datetime as dt
import re
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise
from typing import Final, Literal

import holidays

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MIN: Final = 24 * 60
_SPAN: Final = re.compile(r"(\d\d?):(\d\d)\s*[-\u2013]\s*(\d\d?):(\d\d)")
_DAYS: Final = re.compile(r"([a-z]{3})(?:-([a-z]{3}))?")
_SETTINGS: Final = frozenset({"time_zone", "holidays", "closed", "open", "closed_on_holidays"})
_A_YEAR_DAYS: Final = 366

Span = tuple[int, int]
"""Minutes of the clock after midnight, the end excluded; an end above 1440 is on the next day."""
Spans = tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    is_open: bool
    reason: Literal["open", "closed", "holiday"]
    holiday: str = ""
    """Its name, in the country's own language."""
    opens_at: dt.datetime | None = None
    """While closed: the first open minute to come, in the hours' own zone. None where there is none within a year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    time_zone: str
    """IANA."""
    week: tuple[Spans, ...]
    """From Monday on."""
    country: str = ""
    """ISO 3166-1, two letters, for its holidays; empty where none are kept."""
    subdivision: str = ""
    closed_on_holidays: bool = True
    closed: frozenset[dt.date] = frozenset()
    open: tuple[tuple[dt.date, Spans], ...] = ()
    """Days with spans of their own, whatever weekday or holiday they are."""

    def is_open(self, at: dt.datetime) -> Answer:
        """``at`` carries a zone, any."""
        local = at.astimezone(zoneinfo.ZoneInfo(self.time_zone))
        if _is_open_by_the_clock(self, local):
            return Answer(is_open=True, reason="open")
        holiday = _closing_holiday(self, local.date())
        return Answer(
            is_open=False, reason="holiday" if holiday else "closed", holiday=holiday, opens_at=_opens_at(self, local)
        )


def _is_open_by_the_clock(hours: Hours, local: dt.datetime) -> bool:
    minute = local.hour * 60 + local.minute
    return any(start <= minute < end for start, end in _spans_shown(hours, local.date()))


@lru_cache(maxsize=4096)
def _spans_shown(hours: Hours, day: dt.date) -> Spans:
    """What of the day's own spans and of last night's the clock shows on ``day``."""
    tails = tuple((0, end - _DAY_MIN) for _, end in _spans_begun(hours, day - dt.timedelta(days=1)) if end > _DAY_MIN)
    return tails + tuple((start, min(end, _DAY_MIN)) for start, end in _spans_begun(hours, day))


def _spans_begun(hours: Hours, day: dt.date) -> Spans:
    own = dict(hours.open).get(day)
    if own is not None:
        return own
    is_closed = day in hours.closed or _closing_holiday(hours, day)
    return () if is_closed else hours.week[day.weekday()]


def _closing_holiday(hours: Hours, day: dt.date) -> str:
    is_ordinary = not hours.country or not hours.closed_on_holidays or any(own == day for own, _ in hours.open)
    return "" if is_ordinary else str(_calendar(hours.country, hours.subdivision).get(day, ""))


@lru_cache(maxsize=64)
def _calendar(country: str, subdivision: str) -> holidays.HolidayBase:
    """Grows by a year when asked about one. Named in the country's own language, and not in this machine's."""
    language = holidays.country_holidays(country).default_language
    return holidays.country_holidays(country, subdiv=subdivision or None, language=language)


def _opens_at(hours: Hours, local: dt.datetime) -> dt.datetime | None:
    days = (local.date() + dt.timedelta(days=ahead) for ahead in range(_A_YEAR_DAYS))
    minutes = chain.from_iterable(_openings(hours, day) for day in days)
    now = local.astimezone(dt.UTC)
    first = next((minute for minute in minutes if minute > now), None)
    return first and first.astimezone(local.tzinfo)


@lru_cache(maxsize=4096)
def _openings(hours: Hours, day: dt.date) -> tuple[dt.datetime, ...]:
    """In UTC and in order: the minutes with which spans begin; on a day on which the clock is changed, every open minute."""
    zone = zoneinfo.ZoneInfo(hours.time_zone)
    midnight, next_midnight = (
        dt.datetime.combine(day + dt.timedelta(days=ahead), dt.time(), zone).astimezone(dt.UTC) for ahead in (0, 1)
    )
    if next_midnight - midnight == dt.timedelta(days=1):
        starts = sorted(start for start, _ in _spans_shown(hours, day))
        return tuple(midnight + dt.timedelta(minutes=start) for start in starts)
    minutes = (midnight + dt.timedelta(minutes=m) for m in range((next_midnight - midnight) // dt.timedelta(minutes=1)))
    return tuple(minute for minute in minutes if _is_open_by_the_clock(hours, minute.astimezone(zone)))


def parse(table: Mapping[str, object]) -> Hours:
    """``table`` as it stands in a flow's TOML. Raises ValueError with every finding, one a line::

    time_zone = "Europe/Berlin"
    mon-fri = ["08:00-12:00", "13:00-17:30"]
    sat = ["22:00-02:00"]
    holidays = "DE-BE"                         # ISO 3166-1, and 3166-2 where parts of the country differ
    closed = ["2026-12-24"]
    open = { 2026-12-27 = ["10:00-14:00"] }    # also where it is a holiday
    """
    reader = _Reader(table)
    hours = reader.hours()
    if reader.findings:
        raise ValueError("\n".join(reader.findings))
    return hours


class _Reader:
    def __init__(self, table: Mapping[str, object]) -> None:
        self.findings: list[str] = []
        self._table = table

    def hours(self) -> Hours:
        country, subdivision = self._place()
        closed, opened = self._closed(), self._open()
        self.findings += [f"{day}: is both closed and open" for day in sorted(closed & opened.keys())]
        return Hours(
            time_zone=self._zone(), week=self._week(), country=country, subdivision=subdivision,
            closed_on_holidays=self._is_closed_on_holidays(), closed=frozenset(closed), open=tuple(sorted(opened.items())),
        )  # fmt: skip

    def _zone(self) -> str:
        name = self._table.get("time_zone")
        if name not in zoneinfo.available_timezones():
            self.findings.append(f"time_zone: {name!r} is none of the IANA list, such as Asia/Taipei")
        return str(name)

    def _is_closed_on_holidays(self) -> bool:
        said = self._table.get("closed_on_holidays", True)
        if not isinstance(said, bool):
            self.findings.append("closed_on_holidays: is neither true nor false")
        return said is not False

    def _place(self) -> tuple[str, str]:
        said = self._table.get("holidays", "")
        country, _, subdivision = str(said).partition("-")
        known = holidays.list_supported_countries()
        if said and country not in known:
            self.findings.append(
                f"holidays: of {said!r} no holidays are known; a country is two letters, such as TW or DE"
            )
        elif said and subdivision and subdivision not in known[country]:
            self.findings.append(f"holidays: {country} has no part {subdivision!r}; it has {', '.join(known[country])}")
        return country, subdivision

    def _week(self) -> tuple[Spans, ...]:
        week: dict[int, Spans] = {}
        for key in (key for key in self._table if key not in _SETTINGS):
            spans, days = self._spans(key, self._table[key]), self._days(key)
            self.findings += [f"{key}: {DAYS[day]} is given twice" for day in days if day in week]
            week |= dict.fromkeys(days, spans)
        every = tuple(week.get(day, ()) for day in range(7))
        self._check_nights(every)
        return every

    def _days(self, key: str) -> list[int]:
        named = _DAYS.fullmatch(key)
        first, last = (named[1], named[2] or named[1]) if named else ("", "")
        if first not in DAYS or last not in DAYS:
            self.findings.append(
                f"{key}: is no day; days are mon, tue, wed, thu, fri, sat, sun and from-to, such as mon-fri"
            )
            return []
        start = DAYS.index(first)
        return [(start + ahead) % 7 for ahead in range((DAYS.index(last) - start) % 7 + 1)]

    def _check_nights(self, week: tuple[Spans, ...]) -> None:
        """Do last night's spans run into a day's own? Overlaps within a day are told where they are read."""
        for day, spans in enumerate(week):
            late = max((end - _DAY_MIN for _, end in week[day - 1]), default=0)
            if any(start < late for start, _ in spans):
                self.findings.append(f"{DAYS[day]}: begins before the night from {DAYS[day - 1]} has ended")

    def _closed(self) -> set[dt.date]:
        said = self._table.get("closed", [])
        if not isinstance(said, list):
            self.findings.append('closed: is a list of days, such as ["2026-12-24"]')
            return set()
        return {day for each in said for day in self._date("closed", each)}

    def _open(self) -> dict[dt.date, Spans]:
        said = self._table.get("open", {})
        if not isinstance(said, Mapping):
            self.findings.append('open: is a table of days with their spans, such as { 2026-12-27 = ["10:00-14:00"] }')
            return {}
        return {
            day: self._spans(f"open.{key}", spans) for key, spans in said.items() for day in self._date("open", key)
        }

    def _date(self, key: str, said: object) -> Iterator[dt.date]:
        try:
            yield dt.date.fromisoformat(str(said))
        except ValueError:
            self.findings.append(f"{key}: {str(said)!r} is no day, such as 2026-12-24")

    def _spans(self, key: str, said: object) -> Spans:
        if not isinstance(said, list):
            self.findings.append(f'{key}: is a list of spans, such as ["08:00-12:00", "13:00-17:30"]')
            return ()
        spans = sorted(span for each in said for span in self._span(key, str(each)))
        if any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
            self.findings.append(f"{key}: its spans overlap")
        return tuple(spans)

    def _span(self, key: str, text: str) -> Iterator[Span]:
        read = _SPAN.fullmatch(text.strip())
        hours = [int(part) for part in read.groups()] if read else [24, 0, 0, 0]
        start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
        if start >= _DAY_MIN or end > _DAY_MIN or start == end or max(hours[1], hours[3]) > 59:  # noqa: PLR2004
            self.findings.append(f"{key}: {text!r} is no span, such as 08:00-12:00, 22:00-02:00 or 00:00-24:00")
        else:
            yield start, end if end > start else end + _DAY_MIN
