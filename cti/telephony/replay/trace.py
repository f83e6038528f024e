"""A recorded trace: raw AMI bytes (``.ami``, also gzipped), JSON lines of header objects, or a JSON array of them."""

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cti.errors import ConfigError, PbxProtocolError
from cti.telephony.asterisk.ami_codec import AmiDecoder, AmiMessage, split_connections

_GZIP: Final = b"\x1f\x8b"
MAX_BYTES: Final = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Trace:
    """What a PBX said, connection by connection. Either bytes as they came, or messages others kept as JSON."""

    connections: tuple[bytes, ...] = ()
    objects: tuple[AmiMessage, ...] = ()

    def messages(self, chop: int | None = None) -> Iterator[AmiMessage]:
        """In order. ``chop`` feeds the bytes in pieces of that many, as a network might; the messages are the same.

        Raises PbxProtocolError for bytes that cannot be AMI.
        """
        yield from self.objects
        for connection in self.connections:
            decoder = AmiDecoder()
            size = chop or 65536
            for start in range(0, len(connection), size):
                yield from decoder.feed(connection[start : start + size])


def load(path: Path) -> Trace:
    """Raises ConfigError for a file that cannot be read, or is no trace; the words say which and why."""
    try:
        data = path.read_bytes()
        return parse(gzip.decompress(data) if data.startswith(_GZIP) else data)
    except (OSError, EOFError, zlib.error) as exc:
        raise ConfigError(f"{path}: cannot be read: {getattr(exc, 'strerror', None) or exc}") from exc
    except (ValueError, PbxProtocolError) as exc:
        raise ConfigError(f"{path}: {exc}") from exc


def parse(data: bytes) -> Trace:
    """Raises ValueError for what is neither AMI nor JSON objects."""
    start = data.lstrip()[:1]
    if start in {b"[", b"{"}:
        return Trace(objects=tuple(_of_json(data, is_array=start == b"[")))
    if b"\n" not in data or b": " not in data:
        raise ValueError("neither AMI (lines of `Key: Value`) nor JSON (header objects)")
    crlf = data if b"\r\n" in data else data.replace(b"\n", b"\r\n")  # a copy that passed through an editor
    return Trace(connections=tuple(split_connections(crlf)))


def _of_json(data: bytes, *, is_array: bool) -> Iterator[AmiMessage]:
    if is_array:
        for number, item in enumerate(json.loads(data), 1):
            yield _message(item, f"item {number}")
        return
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            yield _message(json.loads(line), f"line {number}")


def _message(item: Any, place: str) -> AmiMessage:
    if not isinstance(item, dict):
        raise ValueError(f"{place}: an object of headers was expected, not {type(item).__name__}")  # noqa: TRY004 - load() says it
    return AmiMessage.of(
        pair for key, value in item.items() for pair in _pairs(_NAMES.get(str(key).lower(), str(key)), value)
    )


def _pairs(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield from ((key, f"{name}={text}") for name, text in value.items())
    else:
        yield from ((key, str(one)) for one in (value if isinstance(value, list) else [value]))


def _channel_headers(prefix: str) -> Iterator[str]:
    for name in (
        "Channel",
        "ChannelState",
        "CallerIDNum",
        "CallerIDName",
        "Exten",
        "Context",
        "Uniqueid",
        "Linkedid",
        "ChanVariable",
    ):
        yield prefix + name


_PREFIXES: Final = (
    "", "Dest", "Transferer", "Transferee", "OrigTransferer", "SecondTransferer", "TransferTarget", "Parkee", "Retriever",
    "Target", "LocalOne", "LocalTwo",
)  # fmt: skip
_NAMES: Final = {
    name.lower(): name
    for name in (
        *(header for prefix in _PREFIXES for header in _channel_headers(prefix)),
        "Event", "Response", "Timestamp", "DialStatus", "DialString", "Forward", "BridgeUniqueid", "BridgeTechnology",
        "BridgeCreator", "Cause", "Queue", "Position", "Interface", "MemberName", "StateInterface", "Location", "Result",
        "Extension", "DestType", "ParkingSpace", "UserEvent", "Code", "Uptime", "EventList", "ActionID", "BridgeId", "Duration",
        "Wait", "State", "Holder",
    )
}  # fmt: skip
"""Some libraries keep header names in lower case."""
