"""queue_log and CDR -> the calls that are over, each with who took part and how it ended.

Either alone will do: without CDR there is no number dialled and no end but the queue's; without queue_log nobody says when a
member of a queue was reached, for an Asterisk whose dialplan answers first has no time of its own for that.

A call is over when the PBX wrote its record, which it does at the last hang-up. Without CDR it is over as far as queues know:
where it was handed over or left its queue, it may have gone on (``knows_end``). A start of the PBX ends what was before.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from cti.calls.call import Direction, Outcome, PbxName
from cti.reconcile.grouping import Records, grouped
from cti.reconcile.people import customers_of, origin_of, people_by_cdr, people_by_queue_log
from cti.reconcile.recorded import RecordedCall, RecordedPart
from cti.reconcile.turns import taking_turns
from cti.telephony.asterisk.endpoints import Endpoints, device_of, dialled_exten, is_local, plain_text
from cti.telephony.asterisk.records.cdr import CdrRow
from cti.telephony.asterisk.records.queue_log import ENDS_TALK, ENDS_UNANSWERED, STARTED, QueueLine
from cti.telephony.asterisk.records.stamps import order_of

_BY_THE_PBX: Final = frozenset({"AppDial", "AppQueue"})
_CLICK_TO_DIAL: Final = "AppDial2"
"""What a phone does that an Originate rings, as long as it rings."""
_HUNG_UP: Final = frozenset({"ABANDON", "COMPLETECALLER"})
_NEAR: Final = timedelta(seconds=1.5)
_WRONG: Final = {"BUSY": "busy", "CONGESTION": "congestion", "FAILED": "unreachable"}
_LEFT: Final = {"timeout": Outcome.QUEUE_TIMEOUT}
_BY_CAUSE: Final = {"busy": Outcome.BUSY, "congestion": Outcome.FAILED, "unreachable": Outcome.FAILED}
_TRANSFERS: Final = frozenset({"BLINDTRANSFER"})


def recorded_calls(
    lines: Iterable[QueueLine], rows: Iterable[CdrRow], *, pbx: PbxName, endpoints: Endpoints
) -> tuple[RecordedCall, ...]:
    """In the order they began. ``lines`` may come with starts of the PBX among them, by which calls it cut off are known."""
    lines = tuple(lines)
    starts = _Starts(lines)
    groups = taking_turns(grouped(lines, rows, endpoints))
    found = [call for one in groups if (call := _call(one, pbx, endpoints, starts))]
    devices = {part.member: part.device for call in found if call.has_cdr for part in call.parts if part.member}
    return tuple(_with_devices(call, devices) for call in found)


def _with_devices(call: RecordedCall, devices: Mapping[str, str]) -> RecordedCall:
    """Where only queue_log knows of a call, it knows members' names; whose phone each is, other calls tell."""
    if call.has_cdr:
        return call
    return replace(
        call, parts=tuple(replace(part, device=devices.get(part.member, part.device)) for part in call.parts)
    )


class _Starts:
    """When the PBX was started, and the last sign of life before each."""

    def __init__(self, lines: Sequence[QueueLine]) -> None:
        self._at: list[datetime] = []
        self._alive: list[datetime] = []
        before: datetime | None = None
        for line in lines:
            if line.event == STARTED:
                self._at.append(line.at)
                self._alive.append(before or line.at)
            before = line.at

    def ended(self, begun: datetime) -> datetime | None:
        """When the PBX was last alive in the run in which ``begun`` was; None while that run goes on."""
        place = bisect_right(self._at, begun)
        return max(self._alive[place], begun) if place < len(self._at) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Caller:
    """How it began."""

    direction: Direction
    ani: str = ""
    name: str = ""
    dnis: str = ""
    device: str = ""
    at: datetime


def _call(records: Records, pbx: PbxName, endpoints: Endpoints, starts: _Starts) -> RecordedCall | None:
    origin = origin_of(records)
    ids = records.ids
    first_id = min(ids, key=order_of, default=origin.uniqueid if origin else "")
    own = _own_lines(records, first_id, origin)
    customers = customers_of(records, origin, endpoints) if origin else frozenset()
    parts = people_by_cdr(records, origin, customers, endpoints) if origin else people_by_queue_log(own)
    begun = origin.start if origin else own[0].at
    ended = _ended_at(records, own, customers, starts, begun)
    if ended is None:
        return None
    ended_at, is_cut = ended
    parts = tuple(part for part in parts if part.rang_at is None or part.rang_at <= ended_at)
    caller = _caller(records, origin, own, parts, endpoints)
    answered_at = min((part.connected_at for part in parts if part.connected_at and part.spoke), default=None)
    left = next((line for line in reversed(own) if line.event in ENDS_UNANSWERED or line.event == "CONNECT"), None)
    left_queue = ENDS_UNANSWERED.get(left.event, "") if left else ""
    queues = tuple((line.at, line.queue) for line in own if line.event == "ENTERQUEUE")
    cause = "pbx_restart" if is_cut else "normal" if answered_at else _cause(records)
    return RecordedCall(
        pbx=pbx, ids=ids, first_id=first_id, channels=frozenset(name for row in records.rows for name in (row.channel, row.dst_channel) if name),
        direction=caller.direction, ani=caller.ani, ani_name=caller.name, dnis=caller.dnis,
        queue=queues[-1][1] if queues else _queue_by_cdr(records), offered_at=min(caller.at, begun), queued_at=queues[0][0] if queues else None, queues=queues, answered_at=answered_at,
        ended_at=max(ended_at, begun), ring_s=_ring_s(parts, answered_at, ended_at), talk_s=_talk_s(parts, answered_at, ended_at),
        outcome=_outcome(records, caller.direction, parts, left_queue, is_cut=is_cut),
        ended_by=_ended_by(records, own, parts, caller.direction, ended_at), parts=parts, device=caller.device,
        left_queue="" if left_queue == "abandoned" else left_queue, left_queue_at=left.at if left and left_queue else None,
        cause=cause, has_cdr=bool(records.rows), has_queue_log=bool(records.lines), is_whole=is_cut or records.is_whole,
        knows_end=bool(records.rows) or is_cut or own[-1].event in _HUNG_UP,
    )  # fmt: skip


def _own_lines(records: Records, first_id: str, origin: CdrRow | None) -> list[QueueLine]:
    """The customer's in queues, not those of a colleague whom an agent consulted there."""
    named = {first_id, origin.uniqueid if origin else first_id}
    own = [line for line in records.lines if line.call in named]
    return own or records.lines


def _ended_at(
    records: Records, own: Sequence[QueueLine], customers: frozenset[str], starts: _Starts, begun: datetime
) -> tuple[datetime, bool] | None:
    """And was it cut off by the PBX's own end? None while it goes on, or has not been written down."""
    with_customer = [row for row in records.rows if not customers.isdisjoint((row.channel, row.dst_channel))]
    gone = [line.at for line in own if line.event in _HUNG_UP]
    if records.rows:
        written = max(row.end for row in with_customer or records.rows)
        # While an agent consults, the record of the customer ends, and the queue's goes on. Its line is often a moment late.
        return max([written, *(at for at in gone if with_customer and at - written > _NEAR)]), False
    last = own[-1]
    if gone or last.event in {*ENDS_TALK, *ENDS_UNANSWERED}:
        return last.at, False
    cut = starts.ended(begun)
    return (max(cut, last.at), True) if cut else None


def _caller(
    records: Records,
    origin: CdrRow | None,
    own: Sequence[QueueLine],
    parts: Sequence[RecordedPart],
    endpoints: Endpoints,
) -> _Caller:
    if origin is None:
        number = next((line.detail(1) for line in own if line.event == "ENTERQUEUE"), "")
        return _Caller(direction=Direction.INBOUND, ani=_digits(number), at=own[0].at)
    device = device_of(origin.channel)
    began = min(records.rows, key=lambda row: (*order_of(row.uniqueid), row.start))
    name, at = plain_text(origin.name), began.start
    if not endpoints.is_agent(device):
        if origin.last_app in _BY_THE_PBX or is_local(began.channel):
            return _Caller(direction=Direction.OUTBOUND, name=name, dnis=_digits(origin.src), device=device, at=at)
        dnis = dialled_exten(origin.dst) if not _was_transferred(origin, own) else ""
        return _Caller(direction=Direction.INBOUND, ani=_digits(origin.src), name=name, dnis=dnis, device=device, at=at)
    tail = device.rpartition("/")[2]
    ani, dnis = tail if tail.isdigit() else _digits(origin.src), dialled_exten(origin.dst)
    if origin.last_app == _CLICK_TO_DIAL and not parts:
        dnis = _digits(origin.src)
    outside = any(not part.is_agent for part in parts) if parts else not endpoints.is_internal(dnis)
    direction = Direction.OUTBOUND if outside else Direction.INTERNAL
    return _Caller(direction=direction, ani=ani, name=name, dnis=dnis, device=device, at=at)


def _was_transferred(origin: CdrRow, own: Iterable[QueueLine]) -> bool:
    """A blind transfer changes the number in the record of what was before, too."""
    return any(line.event in _TRANSFERS and line.detail(0) == origin.dst for line in own)


def _digits(number: str) -> str:
    """As the event plane has it: digits and a leading ``+``."""
    kept = "".join(char for char in number if char in "0123456789+")
    return kept[:1] + kept[1:].replace("+", "")


def _queue_by_cdr(records: Records) -> str:
    by_cdr = [row.last_data.partition(",")[0] for row in records.rows if row.last_app == "Queue"]
    return by_cdr[-1] if by_cdr and not records.lines else ""


def _ring_s(parts: Iterable[RecordedPart], answered_at: datetime | None, ended_at: datetime) -> float:
    spans = ((part.rang_at, part.connected_at or part.cleared_at or ended_at) for part in parts)
    until = answered_at or ended_at
    return _covered_s((begun, min(end, until)) for begun, end in spans if begun is not None)


def _talk_s(parts: Iterable[RecordedPart], answered_at: datetime | None, ended_at: datetime) -> float:
    """Holds are in it: no record tells of them."""
    spans = ((part.connected_at, min(part.cleared_at or ended_at, ended_at)) for part in parts if part.spoke)
    return _covered_s((begun, end) for begun, end in spans if begun is not None) if answered_at else 0.0


def _covered_s(spans: Iterable[tuple[datetime, datetime]]) -> float:
    """The time that at least one of them covers."""
    total, until = 0.0, None
    for begun, end in sorted(spans):
        start = max(begun, until) if until else begun
        if end > start:
            total += (end - start).total_seconds()
        until = max(end, until) if until else end
    return total


def _ended_by(
    records: Records, own: Sequence[QueueLine], parts: Sequence[RecordedPart], direction: Direction, ended_at: datetime
) -> str:
    """Of several agents, or a parked caller, the queue only knows that its own member left; that the caller hung up, it knows."""
    last = next((line for line in reversed(own) if line.event in {*ENDS_TALK, "ABANDON"}), None)
    by = "customer" if last and last.event == "ABANDON" else ENDS_TALK[last.event] if last else ""
    is_sure = sum(part.spoke for part in parts) <= 1 and not any(row.last_app == "Park" for row in records.rows)
    if last is None or (by != "customer" and (not is_sure or ended_at - _left(records, last) > _NEAR)):
        return ""
    return "agent" if by and direction is Direction.INTERNAL else by


def _left(records: Records, last: QueueLine) -> datetime:
    """When the queue's member was gone. On a busy PBX the CDR says so later than the queue."""
    talks = [row.end for row in records.rows if row.last_app == "Queue" and row.start <= last.at]
    return max([last.at, *talks])


def _cause(records: Records) -> str:
    return next((_WRONG[row.disposition] for row in reversed(records.rows) if row.disposition in _WRONG), "normal")


def _outcome(
    records: Records, direction: Direction, parts: Sequence[RecordedPart], left_queue: str, *, is_cut: bool
) -> Outcome:
    if any(part.spoke for part in parts):
        return Outcome.ANSWERED
    if is_cut:
        return Outcome.UNKNOWN
    if direction is Direction.INBOUND and (records.lines or left_queue):
        queue_exit = Outcome.ABANDONED if left_queue in {"", "abandoned"} else Outcome.QUEUE_EXIT
        return _LEFT.get(left_queue, queue_exit)
    return _by_phones(records, direction, parts)


def _by_phones(records: Records, direction: Direction, parts: Sequence[RecordedPart]) -> Outcome:
    if not parts:
        was_ours = records.rows and records.rows[0].last_app == _CLICK_TO_DIAL
        return Outcome.CANCELLED if was_ours else Outcome.UNATTENDED
    last = parts[-1]
    if last.cause in _BY_CAUSE:
        return _BY_CAUSE[last.cause]
    # Where the dialplan went on after the phone, the one who called was still there.
    if any(not row.dst_channel for row in records.rows):
        return Outcome.NO_ANSWER
    return Outcome.ABANDONED if direction is Direction.INBOUND else Outcome.CANCELLED
