"""Bytes <-> AMI messages, without I/O.

Framing (docs.asterisk.org, "AMI v2 Specification"): ``Key: Value`` lines end in CRLF, an empty line ends a message.
Asterisk greets with one line, ``Asterisk Call Manager/<version>``, that has no empty line behind it. Keys may repeat
(``ChanVariable``), their order has meaning, and values may hold any bytes but, we hope, a CRLF: ``shape.py`` checks.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from cti.errors import PbxProtocolError

_END: Final = b"\r\n\r\n"
_GREETING: Final = b"Asterisk Call Manager/"
_EVENT: Final = b"Event: "
_MARKS: Final[dict[str, bytes]] = {}
"""What stands before a header's value; as many as there are headers we ask for."""


class AmiMessage:
    """One message, headers in order. Parsed when first looked into: most events of a busy PBX are not wanted.

    ``event`` is the event's name; empty for responses and for the greeting.
    """

    __slots__ = ("_headers", "_known", "_raw", "event", "is_greeting")

    def __init__(self, raw: bytes, *, is_greeting: bool = False) -> None:
        self._raw = raw
        self._headers: tuple[tuple[str, str], ...] | None = None
        self._known: dict[str, str] | None = None
        self.is_greeting = is_greeting
        self.event = raw[7 : _line_end(raw)].decode("ascii", "replace") if raw.startswith(_EVENT) else ""

    @classmethod
    def of(cls, headers: Iterable[tuple[str, str]]) -> "AmiMessage":
        """A message from headers that were never bytes of ours: somebody's JSON trace, a test."""
        message = cls(b"")
        message._headers = tuple(headers)
        message.event = message.get("Event")
        return message

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        if self._headers is None:
            parts = [line.partition(":") for line in self._raw.decode("utf-8", "replace").split("\r\n")]
            self._headers = tuple([(key, value.removeprefix(" ")) for key, _, value in parts])
        return self._headers

    @property
    def raw(self) -> bytes:
        """As it came; empty for a message that never was bytes of ours."""
        return self._raw

    @property
    def is_ours(self) -> bool:
        """Did it come as bytes, so that the order of its headers is the PBX's?"""
        return bool(self._raw)

    def get(self, key: str, default: str = "") -> str:
        """The header's first value. Of an event that is wanted, a few headers are: they are found, the rest left unparsed."""
        if self._raw:
            at = self._find(key, 0)
            return default if at < 0 else self._value(at)
        if self._known is None:
            self._known = dict(reversed(self.headers))
        return self._known.get(key, default)

    def get_all(self, key: str) -> tuple[str, ...]:
        if not self._raw:
            return tuple(value for name, value in self.headers if name == key)
        found = []
        at = self._find(key, 0)
        while at >= 0:
            found.append(self._value(at))
            at = self._find(key, at)
        return tuple(found)

    def _find(self, key: str, start: int) -> int:
        """Where the next value of ``key`` begins, behind the colon; -1 when there is none."""
        mark = _MARKS.get(key) or _MARKS.setdefault(key, b"\r\n" + key.encode() + b":")
        if start == 0 and self._raw.startswith(mark[2:]):
            return len(mark) - 2
        at = self._raw.find(mark, start)
        return at if at < 0 else at + len(mark)

    def _value(self, at: int) -> str:
        end = self._raw.find(b"\r\n", at)
        value = self._raw[at:] if end < 0 else self._raw[at:end]
        return value.removeprefix(b" ").decode("utf-8", "replace")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AmiMessage) and self.headers == other.headers

    def __hash__(self) -> int:
        return hash(self.headers)

    def __repr__(self) -> str:
        return f"<AmiMessage {self.event or self.get('Response') or 'greeting'}, {len(self.headers)} headers>"


class AmiDecoder:
    """AMI bytes, from the greeting on, -> messages. What is left unfinished when the connection ends is not a message."""

    MAX_MESSAGE: Final = 65536
    """Bytes. Asterisk's own events stay below 10 KiB."""
    MAX_HEADERS: Final = 1000

    def __init__(self) -> None:
        self._buffer = b""
        self._is_fresh = True
        """Nothing has come yet: only here a greeting is one. Later it is a caller's idea."""

    def feed(self, data: bytes) -> list[AmiMessage]:
        """Return the messages now complete. Raises PbxProtocolError past MAX_MESSAGE bytes or MAX_HEADERS headers."""
        messages: list[AmiMessage] = []
        self._buffer += data
        if self._is_fresh and self._buffer.startswith(_GREETING) and b"\r\n" in self._buffer:
            greeting, _, self._buffer = self._buffer.partition(b"\r\n")
            messages.append(AmiMessage(greeting, is_greeting=True))
            self._is_fresh = False
        *blocks, self._buffer = self._buffer.split(_END)
        self._is_fresh = self._is_fresh and not blocks
        if len(self._buffer) > self.MAX_MESSAGE:
            received, self._buffer = len(self._buffer), b""
            raise PbxProtocolError(f"a message of more than {self.MAX_MESSAGE} bytes ({received} so far)")
        messages.extend(AmiMessage(stripped) for block in blocks if (stripped := self._checked(block)))
        return messages

    def _checked(self, block: bytes) -> bytes:
        if len(block) > self.MAX_HEADERS and (len(block) > self.MAX_MESSAGE or block.count(b"\r\n") > self.MAX_HEADERS):
            raise PbxProtocolError(f"a message of {len(block)} bytes, {self.MAX_HEADERS} headers being the most")
        return block.lstrip(b"\r\n") if block.startswith((b"\r", b"\n")) else block


def split_connections(trace: bytes) -> list[bytes]:
    """A recorded trace may hold several connections, one greeting each; a connection's unfinished end is its own."""
    parts = trace.split(b"\n" + _GREETING)
    return parts[:1] + [_GREETING + part for part in parts[1:]]


def encode(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> bytes:
    """An action as bytes. Raises ValueError, before a byte is sent, for anything that could end a line early or that
    Asterisk would cut: CR, LF, NUL, lone surrogates, lines over MAX_LINE bytes (trust: H3)."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return b"".join(_line(key, value) for key, value in pairs) + b"\r\n"


MAX_LINE: Final = 1000
_FORBIDDEN: Final = frozenset("\r\n\0")


def _line(key: str, value: str) -> bytes:
    if _FORBIDDEN & set(key) or _FORBIDDEN & set(value):
        raise ValueError(f"{key!r}: line breaks and NUL cannot be sent to the PBX")
    try:
        line = f"{key}: {value}\r\n".encode()
    except UnicodeEncodeError as exc:
        raise ValueError(f"{key!r}: not text that can be sent") from exc
    if not key or ":" in key or len(line) > MAX_LINE:
        raise ValueError(f"{key!r}: an action's line has a name and at most {MAX_LINE} bytes")
    return line


def _line_end(raw: bytes) -> int:
    end = raw.find(b"\r\n")
    return len(raw) if end < 0 else end
