"""queue_log: one line for each thing that happens to a caller in a queue. Pure: lines or rows in, values out.

``1795290804|1795290803.0|support|Ann|CONNECT|1|1795290803.1|0``: when, the caller's Uniqueid, queue, member, event, and
what belongs to the event. Source: apps/app_queue.c and ``ast_queue_log`` (main/logger.c), Asterisk 16 to 22.

Asterisk escapes nothing: a member's name may hold ``|``, and a caller's number whatever a carrier let through. So the event
is looked for by name, and what stands between an ENTERQUEUE that was cut by a line break and its tail is not believed. Where no
tail comes, nobody wrote in between: Asterisk died in the middle of the line, and its next start goes on behind that.

The file has whole seconds, cut off, not rounded; a table has microseconds.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from cti.telephony.asterisk.records.stamps import WallClock, is_id, moment, wall_clock

BEGINS: Final = frozenset({"ENTERQUEUE"})
ENDS_UNANSWERED: Final = {
    "ABANDON": "abandoned", "EXITWITHTIMEOUT": "timeout", "EXITWITHKEY": "key", "EXITEMPTY": "empty",
}  # fmt: skip
ENDS_TALK: Final = {
    "COMPLETECALLER": "customer", "COMPLETEAGENT": "agent", "BLINDTRANSFER": "", "ATTENDEDTRANSFER": "", "TRANSFER": "",
}  # fmt: skip
"""The part of the member in the call ends, and who hung up."""
OF_CALLS: Final = frozenset(
    {
        "DID", "ENTERQUEUE", "CONNECT", "RINGNOANSWER", "RINGCANCELED", "SYSCOMPAT", "AGENTDUMP", "CALLOUTBOUND", "INFO",
        "REASONCODE", *ENDS_UNANSWERED, *ENDS_TALK,
    }
)  # fmt: skip
STARTED: Final = "QUEUESTART"
"""Asterisk's queues were loaded: what was in them before is gone."""
_OTHERS: Final = frozenset(
    {
        STARTED, "CONFIGRELOAD", "ADDMEMBER", "REMOVEMEMBER", "PAUSE", "UNPAUSE", "PAUSEALL", "UNPAUSEALL", "PENALTY",
        "AGENTLOGIN", "AGENTLOGOFF", "AGENTCALLBACKLOGIN", "AGENTCALLBACKLOGOFF", "PAUSEREASON", "QUEUESTOP",
    }
)  # fmt: skip
_EVENTS: Final = OF_CALLS | _OTHERS
_START: Final = ["NONE", "NONE", "NONE", STARTED, ""]
_SECONDS_DIGITS: Final = 10
_MOST_BETWEEN: Final = 16
_FIRST_DETAIL: Final = 5
_MOST_LINE: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLine:
    """One event of a caller in a queue, or a start of the PBX (``STARTED``)."""

    at: datetime
    call: str
    """The Uniqueid of the channel that waits."""
    queue: str
    member: str
    """The member's name or its device, as the queue was told; empty for none."""
    event: str
    details: tuple[str, ...] = ()

    def detail(self, index: int) -> str:
        return self.details[index] if -len(self.details) <= index < len(self.details) else ""

    def seconds(self, index: int) -> float:
        """A detail that is a duration in seconds; what cannot be read is none."""
        text = self.detail(index)
        return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0  # noqa: PLR2004


def of_lines(lines: Iterable[str]) -> Iterator[QueueLine]:
    """What can be believed, in order; half lines and strangers' are passed over."""
    held: list[QueueLine] = []
    """Behind a line that was cut; believed where its tail does not come."""
    left = 0
    for text in lines:
        fields = text.rstrip("\r\n").split("|") if len(text) <= _MOST_LINE else []
        if left and _is_tail(fields):
            held, left = [], 0
            continue
        for line in filter(None, map(_read, _unglued(fields))):
            if not left and _is_cut(line):
                left = _MOST_BETWEEN + 1
                yield line  # its own details are cut; that somebody began to wait is true
            elif line.event in OF_CALLS or line.event == STARTED:
                held.append(line)
        left = max(0, left - 1)
        if not left:
            yield from held
            held = []
    yield from held


def of_rows(rows: Iterable[Mapping[str, object]], zone: tzinfo) -> Iterator[QueueLine]:
    """The same from the queue_log table (``realtime_ext``): time, callid, queuename, agent, event, data1 to data5 or data."""
    clock = WallClock(zone)
    for row in rows:
        call, event = _text(row, "callid"), _text(row, "event")
        at = moment(_text(row, "time"))
        shown = None if at else wall_clock(_text(row, "time"))
        if shown is not None:
            if event == "ENTERQUEUE":
                clock.learn(shown, call, within_s=120)
            at = clock.utc(shown)
        if at is None or not (event == STARTED or (event in OF_CALLS and is_id(call))):
            continue
        yield QueueLine(
            at=at, call=call, queue=_text(row, "queuename"), member=_member(_text(row, "agent")), event=event,
            details=_details_of(row),
        )  # fmt: skip


def stamp_of(line: str) -> datetime | None:
    """When a line of the file was written; None for half a line."""
    return moment(line.partition("|")[0])


def _read(fields: list[str]) -> QueueLine | None:
    place = next((n for n in range(4, min(len(fields), 12)) if fields[n] in _EVENTS), None)
    at = moment(fields[0]) if place else None
    if place is None or at is None:
        return None
    call, event = fields[1], fields[place]
    if event in OF_CALLS and not is_id(call):
        return None
    details = fields[place + 1 :]
    if event == "ENTERQUEUE" and len(details) > 3:  # noqa: PLR2004 - url, the caller's number with a bar in it, place
        details = [details[0], "|".join(details[1:-1]), details[-1]]
    return QueueLine(
        at=at,
        call=call,
        queue=fields[2],
        member=_member("|".join(fields[3:place])),
        event=event,
        details=tuple(details),
    )


def _unglued(fields: list[str]) -> Iterator[list[str]]:
    """A start of the PBX stands behind what its end left of a line, on the same one."""
    if fields[1:][-len(_START) :] != _START or len(fields) == len(_START) + 1:
        yield fields
        return
    *before, last = fields[: -len(_START)]
    yield [*before, last[:-_SECONDS_DIGITS]]
    yield [last[-_SECONDS_DIGITS:], *_START]


def _is_cut(line: QueueLine) -> bool:
    return line.event == "ENTERQUEUE" and not (len(line.details) > 2 and line.detail(-1).isdigit())  # noqa: PLR2004


def _is_tail(fields: list[str]) -> bool:
    """The rest of a line that was cut: it begins with no time, and ends in the place in the queue."""
    return len(fields) > 1 and moment(fields[0]) is None and fields[-1].isdigit()


def _member(text: str) -> str:
    return "" if text == "NONE" else text


def _details_of(row: Mapping[str, object]) -> tuple[str, ...]:
    if "data1" in row:
        details = [_text(row, f"data{n}") for n in range(1, 6)]
        while details and not details[-1]:
            details.pop()
        return tuple(details)
    whole = _text(row, "data")
    return tuple(whole.split("|")) if whole else ()


def _text(row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(sep=" ") if value.tzinfo is None else str(value.timestamp())
    return "" if value is None else str(value)
