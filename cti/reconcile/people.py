"""Who took part in a call, read off its records: each phone that rang, when it was answered and until when."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from cti.reconcile.grouping import Records
from cti.reconcile.recorded import RecordedPart
from cti.telephony.asterisk.endpoints import Endpoints, device_of, is_local
from cti.telephony.asterisk.records.cdr import CdrRow
from cti.telephony.asterisk.records.queue_log import ENDS_TALK, QueueLine
from cti.telephony.asterisk.records.stamps import order_of

_SECOND: Final = timedelta(seconds=1)
_NEAR: Final = timedelta(seconds=1.5)
"""queue_log's seconds are cut off, and so may be the CDR's."""
_MISSED: Final = {"RINGNOANSWER": "no_answer", "RINGCANCELED": "cancelled"}
_CAUSES: Final = {"BUSY": "busy", "NO ANSWER": "no_answer", "CONGESTION": "congestion", "FAILED": "unreachable"}


def origin_of(records: Records) -> CdrRow | None:
    """The first record of the phone or trunk that began it; plumbing began nothing."""
    real = [row for row in records.rows if not is_local(row.channel)]
    return _first(real or records.rows)


def customers_of(records: Records, origin: CdrRow, endpoints: Endpoints) -> frozenset[str]:
    """The channels whose conversation it is: who called in, or who was called outside; among colleagues, the caller."""
    if not endpoints.is_agent(device_of(origin.channel)):
        return frozenset({origin.channel})
    outside = {
        row.dst_channel
        for row in records.rows
        if row.dst_channel and not is_local(row.dst_channel) and not endpoints.is_agent(device_of(row.dst_channel))
    }
    return frozenset({origin.channel, *outside})


def people_by_cdr(
    records: Records, origin: CdrRow, customers: frozenset[str], endpoints: Endpoints
) -> tuple[RecordedPart, ...]:
    connects = _matched(records)
    refused = [line for line in records.lines if line.event in _MISSED]
    found = []
    for name in _others(records, origin, customers):
        of_it = [
            row
            for row in records.rows
            if name in {row.dst_channel, row.channel if row.dst_channel in customers else ""}
        ]
        part = _part(name, of_it, connects, refused, endpoints)
        own = [row for row in records.rows if row.channel == name]
        part = replace(
            part,
            leg=own[0].uniqueid if own else part.leg or name,
            cleared_at=max(row.end for row in (*of_it, *own)),
            is_consulted=not _met(name, records.rows, customers) and name not in customers,
        )
        found.append(part)
    return tuple(sorted(found, key=lambda part: part.rang_at or part.connected_at or origin.start))


def _others(records: Records, origin: CdrRow, customers: frozenset[str]) -> list[str]:
    """The channels that somebody rang, or that were bridged with the customer."""
    names = [row.dst_channel if row.dst_channel not in customers else row.channel for row in records.rows]
    called = [row.dst_channel for row in records.rows]
    wanted = dict.fromkeys((*called, *names))
    return [name for name in wanted if name and not is_local(name) and name != origin.channel]


def people_by_queue_log(lines: Sequence[QueueLine]) -> tuple[RecordedPart, ...]:
    """All there is without CDR: members, by the names the queue knows them by."""
    found: list[RecordedPart] = []
    for line in lines:
        if line.event in _MISSED:
            rang_at = line.at - timedelta(milliseconds=line.seconds(0))
            found.append(
                _member(line, rang_at=rang_at, connected_at=None, cleared_at=line.at, cause=_MISSED[line.event])
            )
        elif line.event == "CONNECT":
            rang_at = line.at - timedelta(seconds=line.seconds(2))
            found.append(_member(line, rang_at=rang_at, connected_at=line.at, leg=line.detail(1)))
        elif line.event in ENDS_TALK and found and found[-1].cleared_at is None:
            found[-1] = replace(found[-1], cleared_at=line.at)
    return tuple(found)


def _member(
    line: QueueLine,
    *,
    rang_at: datetime,
    connected_at: datetime | None,
    cleared_at: datetime | None = None,
    leg: str = "",
    cause: str = "",
) -> RecordedPart:
    return RecordedPart(
        device=line.member, member=line.member, rang_at=rang_at, connected_at=connected_at, cleared_at=cleared_at, leg=leg, cause=cause,
    )  # fmt: skip


def _part(
    name: str,
    of_it: Sequence[CdrRow],
    connects: dict[int, QueueLine],
    refused: Sequence[QueueLine],
    endpoints: Endpoints,
) -> RecordedPart:
    first, device = of_it[0], device_of(name)
    line = next((connects[id(row)] for row in of_it if id(row) in connects), None)
    missed = None if line else next((one for one in refused if abs(one.at - first.end) <= _NEAR), None)
    is_agent = endpoints.is_agent(device) or line is not None or missed is not None
    connected_at = next(_connections(of_it, connects), None)
    tail = device.rpartition("/")[2]
    return RecordedPart(
        device=device, rang_at=_rang_at(first, line, missed), connected_at=connected_at, cleared_at=first.end,
        member=line.member if line else missed.member if missed else "", leg=line.detail(1) if line else "",
        number=tail if is_agent and tail.isdigit() else first.dst, is_agent=is_agent,
        cause="" if connected_at else _CAUSES.get(first.disposition, ""),
    )  # fmt: skip


def _rang_at(first: CdrRow, line: QueueLine | None, missed: QueueLine | None) -> datetime | None:
    if line:
        return line.at - timedelta(seconds=line.seconds(2))
    if missed:
        rang_s = missed.seconds(0) / 1000
        return missed.at - timedelta(seconds=rang_s) if rang_s else None
    return first.start


def _connections(of_it: Sequence[CdrRow], connects: dict[int, QueueLine]) -> Iterator[datetime]:
    """When it was connected, by each record that says so, in order."""
    for number, row in enumerate(of_it):
        if id(row) in connects:
            yield connects[id(row)].at
        elif not row.is_answered:
            continue
        elif row.last_app != "Queue":  # also AppQueue, of a phone that a queue rang
            yield max(row.answer or row.start, row.start)
        elif number or not connects or row.start >= min(line.at for line in connects.values()):
            yield row.start  # handed over; the record keeps the application of before


def _matched(records: Records) -> dict[int, QueueLine]:
    """Which record each CONNECT belongs to: the last answered one that had begun by then."""
    found: dict[int, QueueLine] = {}
    queued = [row for row in records.rows if row.last_app == "Queue" and row.is_answered and row.dst_channel]
    for line in records.lines:
        if line.event != "CONNECT":
            continue
        begun = [row for row in queued if row.uniqueid == line.call and row.start < line.at + _SECOND]
        free = [row for row in begun if id(row) not in found and row.end + _NEAR >= line.at]
        if free:
            found[id(max(free, key=lambda row: row.start))] = line
    return _through_plumbing(records, found)


def _through_plumbing(records: Records, found: dict[int, QueueLine]) -> dict[int, QueueLine]:
    """A member behind a Local channel: the CONNECT belongs to the phone at its other end."""
    for row in records.rows:
        line = found.get(id(row))
        if line is None or not is_local(row.dst_channel):
            continue
        half = row.dst_channel.rpartition(";")[0]
        behind = [one for one in records.rows if one.channel == f"{half};2" and one.is_answered and one.dst_channel]
        if behind:
            found[id(behind[-1])] = line
    return found


def _met(name: str, rows: Sequence[CdrRow], customers: frozenset[str]) -> bool:
    """Did it ring for the customer, or speak to the customer, be it through Local channels?"""
    reached, waiting = set[str](), [*customers]
    while waiting:
        current = waiting.pop()
        if current in reached:
            continue
        reached.add(current)
        for row in rows:
            # What an agent's phone did beside was consulting, so from there on nobody is reached.
            if row.channel == current and row.dst_channel and (current in customers or is_local(current)):
                waiting.append(row.dst_channel)
                if is_local(row.dst_channel):
                    waiting.append(f"{row.dst_channel.rpartition(';')[0]};2")
            if row.dst_channel == current and current in customers:
                waiting.append(row.channel)
    return name in reached


def _first(rows: Iterable[CdrRow]) -> CdrRow | None:
    return min(rows, key=lambda row: (*order_of(row.uniqueid), row.start), default=None)
