"""Bytes <-> AMI messages, without I/O.

Framing (docs.asterisk.org, "AMI v2 Specification"): ``Key: Value`` lines end in CRLF, an empty line ends a message.
Asterisk greets with one line, ``Asterisk Call Manager/<version>``, that has no empty line behind it. Keys may repeat
(``ChanVariable``), their order has meaning, and values may hold any bytes but, we hope, a CRLF: ``shape.py`` checks.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from cti.errors import PbxProtocolError

_END: Final = b"\r\n\r\n"
_GREETING: Final = b"Asterisk Call Manager/"
_EVENT: Final = b"Event: "
_MARKS: Final[dict[str, str]] = {}
"""What stands before a header's value; as many as there are headers we ask for."""
_NAMES: Final[dict[bytes, str]] = {}
"""Event names as text; as many as there are (a stranger's are not kept)."""
_MOST_NAMES: Final = 500


class AmiMessage:
    """One message, headers in order. Parsed when first looked into: most events of a busy PBX are not wanted.

    ``event`` is the event's name; empty for responses and for the greeting. ``form`` is what ``shape.py`` found in it when it
    stands in one of the usual forms: then its channels' headers need not be looked for again.
    """

    __slots__ = ("_headers", "_known", "_raw", "_text", "event", "form", "is_greeting", "is_ours")

    def __init__(self, raw: bytes, *, is_greeting: bool = False) -> None:
        self._raw = raw
        self._text = ""
        self._headers: tuple[tuple[str, str], ...] | None = None
        self._known: dict[str, str] | None = None
        self.form: re.Match[str] | None = None
        self.is_greeting = is_greeting
        self.is_ours = bool(raw)
        """Did it come as bytes, so that the order of its headers is the PBX's?"""
        self.event = _name(raw[7 : _line_end(raw)]) if raw.startswith(_EVENT) else ""

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
            parts = [line.partition(":") for line in self.text[2:].split("\r\n")]
            self._headers = tuple([(key, value.removeprefix(" ")) for key, _, value in parts])
        return self._headers

    @property
    def raw(self) -> bytes:
        """As it came; empty for a message that never was bytes of ours."""
        return self._raw

    @property
    def text(self) -> str:
        """The same as text, with a line's end before its first line, as before all others."""
        self._text = self._text or "\r\n" + self._raw.decode("utf-8", "replace")
        return self._text

    @property
    def stamp(self) -> str:
        """When it happened, by the PBX's clock; empty where it does not say."""
        return self.form[1] or "" if self.form else self.get("Timestamp")

    def get(self, key: str, default: str = "") -> str:
        """The header's first value. Of an event that is wanted, a few headers are: they are found, the rest left unparsed."""
        if self._raw:
            mark = _MARKS.get(key) or _MARKS.setdefault(key, f"\r\n{key}:")
            text = self._text or self.text
            at = text.find(mark)
            return default if at < 0 else _value(text, at + len(mark))
        if self._known is None:
            self._known = dict(reversed(self.headers))
        return self._known.get(key, default)

    def get_all(self, key: str) -> tuple[str, ...]:
        if not self._raw:
            return tuple(value for name, value in self.headers if name == key)
        mark, text = f"\r\n{key}:", self.text
        found = []
        at = text.find(mark)
        while at >= 0:
            found.append(_value(text, at + len(mark)))
            at = text.find(mark, at + len(mark))
        return tuple(found)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AmiMessage) and self.headers == other.headers

    def __hash__(self) -> int:
        return hash(self.headers)

    def __repr__(self) -> str:
        return f"<AmiMessage {self.event or self.get('Response') or 'greeting'}, {len(self.headers)} headers>"


def _value(text: str, at: int) -> str:
    end = text.find("\r\n", at)
    value = text[at:] if end < 0 else text[at:end]
    return value.removeprefix(" ")


def _name(raw: bytes) -> str:
    known = _NAMES.get(raw)
    if known is not None:
        return known
    name = raw.decode("ascii", "replace")
    return _NAMES.setdefault(raw, name) if len(_NAMES) < _MOST_NAMES else name


class AmiDecoder:
    """AMI bytes, from the greeting on, -> messages. What is left unfinished when the connection ends is not a message."""

    MAX_MESSAGE: Final = 65536
    """Bytes. Asterisk's own events stay below 10 KiB."""
    MAX_HEADERS: Final = 1000

    def __init__(self, *, passes_over: Callable[[bytes], bool] = lambda _block: False) -> None:
        """``passes_over`` says which blocks are no messages to us; they are only counted."""
        self.passed_over = 0
        self._passes_over = passes_over
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
        passes_over = self._passes_over
        wanted = [block for block in blocks if not passes_over(block)]
        self.passed_over += len(blocks) - len(wanted)
        messages.extend([AmiMessage(stripped) for block in wanted if (stripped := self._checked(block))])
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
