"""Call detail records: one for each pair of channels that rang or spoke, written when the first of the pair hangs up.

Pure: lines or rows in, values out. Three layouts are told apart by where their times stand: cdr_csv's ``Master.csv``
(``loguniqueid=yes``, with or without ``loguserfield`` and ``newcdrcolumns``), the ``Master.csv`` of cdr_custom's sample, and
``cti.csv`` as ``cti init asterisk`` prints it. The first two have whole seconds by a wall clock; ours, and a table's ``start``,
have microseconds.

Names of strangers stand in these files in quotes, with their line breaks; a quote is doubled. A record that does not end,
as a crash or a full disk leaves it, is given up once it is longer than any can be, and reading goes on behind its first line.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from cti.telephony.asterisk.records.stamps import WallClock, is_id, moment, wall_clock

MARK: Final = "cti1"
"""The first field of each record in our own layout."""
CTI_FIELDS: Final = (
    "uniqueid", "linkedid", "sequence", "start", "answer", "end", "disposition", "src", "dst", "dcontext", "clid", "channel",
    "dstchannel", "lastapp", "lastdata",
)  # fmt: skip
_END: Final = 1 + CTI_FIELDS.index("end")
_CSV: Final = (
    "accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start", "answer", "end",
    "duration", "billsec", "disposition", "amaflags", "uniqueid",
)  # fmt: skip
_NEWER: Final = ("peeraccount", "linkedid", "sequence")
_CUSTOM: Final = (
    "clid", "src", "dst", "dcontext", "channel", "dstchannel", "lastapp", "lastdata", "start", "answer", "end", "duration",
    "billsec", "disposition", "amaflags", "accountcode", "uniqueid",
)  # fmt: skip
_ZONES: Final = timedelta(hours=15)
_MOST_RECORD: Final = 8192
"""Characters. Asterisk's fields hold 80, the userfield 256."""

Fields = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CdrRow:
    """``channel`` called or spoke with ``dst_channel``; or did something alone, where that is empty."""

    uniqueid: str
    linkedid: str
    """Empty where the layout has none."""
    channel: str
    dst_channel: str
    src: str
    name: str
    """The caller's, as a stranger wrote it."""
    dst: str
    context: str
    last_app: str
    last_data: str
    start: datetime
    answer: datetime | None
    """When ``channel`` was answered, by a person or by the dialplan itself."""
    end: datetime
    disposition: str
    """``ANSWERED``, ``NO ANSWER``, ``BUSY``, ``FAILED``, ``CONGESTION``."""
    sequence: int = 0

    @property
    def is_answered(self) -> bool:
        return self.disposition == "ANSWERED"


def of_csv(lines: Iterable[str], zone: tzinfo) -> Iterator[CdrRow]:
    """``lines`` with their ends, from any place in the file. ``zone``: of wall-clock times that no id beside them sets right."""
    clock = WallClock(zone)
    for record in _records(lines):
        row = _row(record, clock)
        if row:
            yield row


def of_rows(rows: Iterable[Mapping[str, object]], zone: tzinfo) -> Iterator[CdrRow]:
    """The same from a table of cdr_adaptive_odbc, cdr_odbc, cdr_pgsql or cdr_sqlite3_custom, by its columns' names."""
    clock = WallClock(zone)
    for row in rows:
        named = {str(name).lower(): _text(value) for name, value in row.items()}
        named["start"] = named.get("start") or named.get("calldate", "")
        made = _made(named, clock)
        if made:
            yield made


def end_of_line(line: str) -> datetime | None:
    """When the record was written that ends in this line, or later: for finding a place in a file. A wall clock is taken for
    the one furthest behind, so that a place is never found too late."""
    if line.startswith(f"{MARK},"):  # whole or not: the times stand before what strangers wrote
        return next((at for text in line.split(",")[_END : _END + 1] if (at := moment(text))), None)
    for fields in csv.reader([line]):
        named = _named(fields)
        if named:
            shown = wall_clock(named["end"])
            return moment(named["end"]) or (shown.replace(tzinfo=UTC) + _ZONES if shown else None)
    return None


def _records(lines: Iterable[str]) -> Iterator[list[str]]:
    waiting: list[str] = []
    held = ""
    source = iter(lines)
    while (line := waiting.pop(0) if waiting else next(source, None)) is not None:
        held += line
        if held.count('"') % 2 == 0:
            if fields := _fields(held):
                yield fields
            held = ""
        elif len(held) > _MOST_RECORD:
            waiting = [*held.splitlines(keepends=True)[1:], *waiting]
            held = ""
    if held:
        for fields in map(_fields, held.splitlines(keepends=True)[1:]):
            if fields:
                yield fields


def _fields(record: str) -> list[str] | None:
    try:
        found = list(csv.reader([record], strict=True))
    except csv.Error:
        return None
    return found[0] if len(found) == 1 else None


def _row(fields: Sequence[str], clock: WallClock) -> CdrRow | None:
    named = _named(fields)
    return _made(named, clock) if named else None


def _named(fields: Sequence[str]) -> Fields | None:
    if fields[:1] == [MARK]:
        return dict(zip(CTI_FIELDS, fields[1:], strict=True)) if len(fields) == len(CTI_FIELDS) + 1 else None
    for layout in (_CSV, _CUSTOM):
        place = layout.index("start")
        if len(fields) >= len(layout) and wall_clock(fields[place]) and wall_clock(fields[place + 2]):
            return dict(zip(layout, fields, strict=False)) | _newer(fields)
    return None


def _newer(fields: Sequence[str]) -> Fields:
    """``newcdrcolumns=yes``: three more at the end."""
    if len(fields) >= len(_CSV) + len(_NEWER) and is_id(fields[-2]) and fields[-1].isdigit():
        return dict(zip(_NEWER, fields[-3:], strict=True))
    return {}


def _made(named: Fields, clock: WallClock) -> CdrRow | None:
    unique = named.get("uniqueid", "")
    if not unique:
        return None
    shown = wall_clock(named.get("start", ""))
    if shown:
        clock.learn(shown, unique)
    start = _when(named.get("start", ""), clock)
    end = _when(named.get("end", ""), clock) or (start and start + _seconds(named, "duration"))
    if start is None or end is None:
        return None
    disposition = named.get("disposition", "").replace("_", " ").upper()
    return CdrRow(
        uniqueid=unique, linkedid=named.get("linkedid", ""), channel=named.get("channel", ""),
        dst_channel=named.get("dstchannel", ""), src=named.get("src", ""), name=_name_in(named.get("clid", "")),
        dst=named.get("dst", ""), context=named.get("dcontext", ""), last_app=named.get("lastapp", ""),
        last_data=named.get("lastdata", ""), start=start, answer=_answer(named, clock, disposition, end), end=max(start, end),
        disposition=disposition, sequence=_number(named.get("sequence", "")),
    )  # fmt: skip


def _answer(named: Fields, clock: WallClock, disposition: str, end: datetime) -> datetime | None:
    if "answer" in named:
        return _when(named["answer"], clock)
    return end - _seconds(named, "billsec") if disposition == "ANSWERED" else None


def _when(text: str, clock: WallClock) -> datetime | None:
    if text in {"", "0", "0.000000"}:
        return None
    shown = wall_clock(text)
    return clock.utc(shown) if shown else moment(text)


def _name_in(clid: str) -> str:
    """``"Ann" <2001>`` -> ``Ann``; what is cut off at 80 characters has no end."""
    if not clid.startswith('"'):
        return "" if clid.startswith("<") else clid.rpartition(" <")[0]
    inside, found, _ = clid[1:].rpartition('" <')
    return inside if found else clid[1:].rstrip('"')


def _seconds(named: Fields, name: str) -> timedelta:
    return timedelta(seconds=_number(named.get(name, "")))


def _number(text: str) -> int:
    whole = text.partition(".")[0]
    return int(whole) if whole.isascii() and whole.isdigit() and len(whole) < 12 else 0  # noqa: PLR2004


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ") if value.tzinfo is None else str(value.timestamp())
    return "" if value is None else str(value)
