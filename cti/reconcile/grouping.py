"""Which of the PBX's records belong to one call of a customer.

Records that share an id do, and those that share a channel's name, for a channel is one person's part in one call; both
halves of a Local channel are one. A phone that calls out while it is in a call consults for that call. Names are counted
from the PBX's start on, so a name means the same only between two starts. The queue_log has those; without it they show in the
ids, whose counter falls.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from cti.telephony.asterisk.endpoints import Endpoints, device_of, is_local
from cti.telephony.asterisk.records.cdr import CdrRow
from cti.telephony.asterisk.records.queue_log import OF_CALLS, STARTED, QueueLine
from cti.telephony.asterisk.records.stamps import is_id, order_of

_DIALLED_BY_THE_PBX: Final = frozenset({"AppDial", "AppQueue"})
_ENDS: Final = frozenset({"ABANDON", "COMPLETECALLER", "COMPLETEAGENT"})
"""After these a call seldom goes on; after all others it does."""
_GOES_ON: Final = frozenset({"ENTERQUEUE", "CONNECT", "RINGNOANSWER", "RINGCANCELED"})
"""The queue has more to say after these."""
_SECOND: Final = timedelta(seconds=1)
_SECONDS: Final = 2 * _SECOND
Key = tuple[object, ...]


@dataclass(slots=True)
class Records:
    """Of one call, each in its order of time."""

    rows: list[CdrRow] = field(default_factory=list)
    lines: list[QueueLine] = field(default_factory=list)

    @property
    def ids(self) -> frozenset[str]:
        known = {row.uniqueid for row in self.rows} | {row.linkedid for row in self.rows}
        bridged = {line.detail(1) for line in self.lines if line.event == "CONNECT"}
        return frozenset(one for one in known | bridged | {line.call for line in self.lines} if is_id(one)) or (
            frozenset(known) - {""}
        )

    @property
    def is_whole(self) -> bool:
        """Do CDR and queue reach equally far? Either may be written later than the other, and not all of a call at once."""
        if not self.rows or not self.lines:
            return bool(self.rows)
        last, written = self.lines[-1], max(row.end for row in self.rows)
        if last.event in _GOES_ON:
            return False  # what became of it there is written by a thread of its own
        if last.event == "BLINDTRANSFER" and self._is_handed_over():
            return True  # be it a short talk
        return written + _SECONDS >= last.at if last.event in _ENDS else written > last.at + _SECONDS

    def _is_handed_over(self) -> bool:
        """Is there a record of what came after the talk with the queue's member? It begins where that ends."""
        reached = max((line.at for line in self.lines if line.event == "CONNECT"), default=None)
        talks = [row for row in self.rows if reached and row.is_answered and row.start < reached + _SECOND]
        talk = max(talks, key=lambda row: row.start, default=None)
        return talk is not None and any(row.start >= talk.end for row in self.rows if row is not talk)


def grouped(lines: Iterable[QueueLine], rows: Iterable[CdrRow], endpoints: Endpoints) -> list[Records]:
    """In the order in which the calls began."""
    rows = sorted(map(_alone_in_conference, rows), key=lambda row: (row.start, row.sequence, order_of(row.uniqueid)))
    lines = tuple(lines)
    boots = _boots(
        (row.uniqueid for row in rows), [int(line.at.timestamp()) for line in lines if line.event == STARTED]
    )
    lines = [line for line in lines if line.event in OF_CALLS]
    sets = _Sets()
    for row in rows:
        for key in _keys_of(row, boots):
            sets.join(("id", row.uniqueid), key)
    for line in lines:
        if line.event == "CONNECT" and is_id(line.detail(1)):
            sets.join(("id", line.call), ("id", line.detail(1)))
    _join_consultations(rows, sets, endpoints)
    found: dict[Key, Records] = defaultdict(Records)
    for row in rows:
        found[sets.root(("id", row.uniqueid))].rows.append(row)
    for line in lines:
        found[sets.root(("id", line.call))].lines.append(line)
    begun = [one for one in found.values() if one.rows or any(line.event == "ENTERQUEUE" for line in one.lines)]
    return sorted(begun, key=lambda records: min(map(order_of, records.ids), default=order_of("")))


def _alone_in_conference(row: CdrRow) -> CdrRow:
    """Strangers meet there, and each of them called the conference only."""
    return replace(row, dst_channel="") if row.last_app in {"ConfBridge", "MeetMe"} else row


def _keys_of(row: CdrRow, boots: Sequence[int]) -> Iterable[Key]:
    if row.linkedid:
        yield ("id", row.linkedid)
    made = order_of(row.uniqueid)[0] if is_id(row.uniqueid) else int(row.start.timestamp())
    boot = bisect_right(boots, made)
    for name in (row.channel, row.dst_channel):
        if name:
            yield ("channel", boot, name.rpartition(";")[0] if is_local(name) else name)


def _boots(ids: Iterable[str], told: Sequence[int]) -> list[int]:
    """The second of each start of the PBX, as it was told or as the ids show it by the first one after. Whoever gives ids by hand
    has a counter of their own; and of two channels made at once the later one may bear the earlier second."""
    found = set(told)
    before = dict[str, tuple[int, int]]()
    for made, count, unique in sorted(map(order_of, filter(is_id, set(ids)))):
        maker = unique.rpartition("-")[0]
        since, reached = before.get(maker, (0, -1))
        if count <= reached and made > since + 1 and not any(since < start <= made for start in told):
            found.add(made)
        before[maker] = (made, count)
    return sorted(found)


def _join_consultations(rows: Sequence[CdrRow], sets: "_Sets", endpoints: Endpoints) -> None:
    """``rows`` by their start."""
    busy: dict[str, CdrRow] = {}
    for row in rows:
        phone = device_of(row.channel)
        inside = busy.get(phone)
        if (
            inside is not None
            and endpoints.is_agent(phone)
            and row.dst_channel
            and row.channel not in {inside.channel, inside.dst_channel}
            and row.last_app not in _DIALLED_BY_THE_PBX
            and inside.start < row.start <= inside.end
        ):
            sets.join(("id", inside.uniqueid), ("id", row.uniqueid))
            continue
        for name in (row.channel, row.dst_channel):
            known = busy.get(device_of(name))
            if name and row.is_answered and (known is None or known.end < row.end):
                busy[device_of(name)] = row


class _Sets:
    """Disjoint sets of keys."""

    def __init__(self) -> None:
        self._above: dict[Key, Key] = {}

    def root(self, key: Key) -> Key:
        path = []
        while (above := self._above.get(key, key)) != key:
            path.append(key)
            key = above
        for passed in path:
            self._above[passed] = key
        return key

    def join(self, one: Key, other: Key) -> None:
        one, other = self.root(one), self.root(other)
        if one != other:
            self._above[other] = one
