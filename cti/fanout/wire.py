"""How entries travel: several in one batch, which its writer numbers, so that a reader knows when one is missing.

A batch is one JSON array, ``[writer, number, [[kind, key, about, sender, epoch, at, body], ...]]``: an envelope in it is the same
object as everywhere, and ``redis-cli`` shows it as it is. No I/O.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from enum import Enum
from typing import Final

import msgspec

from cti.fanout.bus import Answer, Ask
from cti.fanout.entry import Entry, Kind

BATCH_ENTRIES: Final = 64
BATCH_BYTES: Final = 64 * 1024
MOST_WAITING: Final = 20_000
MOST_WAITING_BYTES: Final = 32 * 1024 * 1024
_WRITERS_KNOWN: Final = 1000
_KINDS: Final = {kind.value: kind for kind in Kind}
_NOTHING: Final = msgspec.Raw(b"null")


class _Wired(msgspec.Struct, frozen=True, array_like=True):
    kind: str
    key: str
    about: tuple[str, ...]
    sender: str
    epoch: int
    at: float
    body: msgspec.Raw


class Batch(msgspec.Struct, frozen=True, array_like=True):
    writer: str
    """A process and its start: one that was restarted counts anew."""
    nr: int
    wired: tuple[_Wired, ...]

    @property
    def entries(self) -> Iterable[Entry]:
        """Those of a kind that is known here; a later version may have more."""
        for one in self.wired:
            kind = _KINDS.get(one.kind)
            if kind is not None:
                body = bytes(one.body)
                yield Entry(
                    kind=kind, key=one.key, about=one.about, sender=one.sender, epoch=one.epoch, at=one.at,
                    body=b"" if body == b"null" else body,
                )  # fmt: skip


_encoder: Final = msgspec.json.Encoder()
_batch_decoder: Final = msgspec.json.Decoder(Batch)


def decode_batch(line: bytes) -> Batch:
    """Raises ``msgspec.DecodeError`` for what is none."""
    return _batch_decoder.decode(line)


class Outgoing:
    """What is still to be written to one stream, in order and bounded: the oldest goes first, and the numbers tell."""

    def __init__(self, writer: str, *, most: int = MOST_WAITING, most_bytes: int = MOST_WAITING_BYTES) -> None:
        self._writer = writer
        self._most = most
        self._most_bytes = most_bytes
        self._waiting: deque[Entry] = deque()
        self._bytes = 0
        self._nr = 0
        self._sending = b""

    @property
    def is_waiting(self) -> bool:
        return bool(self._waiting or self._sending)

    @property
    def fills_a_batch(self) -> bool:
        return len(self._waiting) >= BATCH_ENTRIES or self._bytes >= BATCH_BYTES

    def put(self, entry: Entry) -> bool:
        """False: another had to go for it."""
        self._waiting.append(entry)
        self._bytes += len(entry.body)
        is_full = False
        while len(self._waiting) > self._most or self._bytes > self._most_bytes:
            self._take()
            is_full = True
        self._nr += is_full  # a number that is never sent
        return not is_full

    def batch(self) -> bytes:
        """The next to be sent; the same one until it was ``sent``. Empty: nothing waits."""
        if not self._sending and self._waiting:
            self._nr += 1
            self._sending = _encoder.encode(Batch(self._writer, self._nr, tuple(self._some())))
        return self._sending

    def sent(self) -> None:
        self._sending = b""

    def _some(self) -> Iterable[_Wired]:
        count = size = 0
        while self._waiting and count < BATCH_ENTRIES and size < BATCH_BYTES:
            entry = self._take()
            count, size = count + 1, size + len(entry.body)
            body = msgspec.Raw(entry.body) if entry.body else _NOTHING
            yield _Wired(entry.kind.value, entry.key, entry.about, entry.sender, entry.epoch, entry.at, body)

    def _take(self) -> Entry:
        entry = self._waiting.popleft()
        self._bytes -= len(entry.body)
        return entry


class Seen(Enum):
    NEXT = "next"
    AGAIN = "again"
    """Read before: its writer did not hear that it had arrived."""
    AFTER_A_GAP = "after a gap"


class Order:
    """The last number read of each writer."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, int] = OrderedDict()

    def seen(self, batch: Batch) -> Seen:
        """The first of a writer may have any number: it wrote before we read."""
        last = self._last.get(batch.writer)
        if last is not None and batch.nr <= last:
            return Seen.AGAIN
        self._last[batch.writer] = batch.nr
        self._last.move_to_end(batch.writer)
        if len(self._last) > _WRITERS_KNOWN:
            self._last.popitem(last=False)
        return Seen.NEXT if last is None or batch.nr == last + 1 else Seen.AFTER_A_GAP


# ---- asks and answers


class _WiredAsk(msgspec.Struct, frozen=True, array_like=True):
    id: str
    kind: str
    body: msgspec.Raw
    sender: str
    until: float


class _WiredAnswer(msgspec.Struct, frozen=True, array_like=True):
    ask: str
    is_done: bool
    body: msgspec.Raw


_ask_decoder: Final = msgspec.json.Decoder(_WiredAsk)
_answer_decoder: Final = msgspec.json.Decoder(_WiredAnswer)


def encode_ask(ask: Ask) -> bytes:
    return _encoder.encode(_WiredAsk(ask.id, ask.kind, msgspec.Raw(ask.body or b"null"), ask.sender, ask.until))


def decode_ask(line: bytes) -> Ask:
    """Raises ``msgspec.DecodeError`` for what is none."""
    one = _ask_decoder.decode(line)
    return Ask(id=one.id, kind=one.kind, body=bytes(one.body), sender=one.sender, until=one.until)


def encode_answer(answer: Answer) -> bytes:
    return _encoder.encode(_WiredAnswer(answer.ask, answer.is_done, msgspec.Raw(answer.body or b"null")))


def decode_answer(line: bytes) -> Answer:
    """Raises ``msgspec.DecodeError`` for what is none."""
    one = _answer_decoder.decode(line)
    return Answer(ask=one.ask, is_done=one.is_done, body=bytes(one.body))
