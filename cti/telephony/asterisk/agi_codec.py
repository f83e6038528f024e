"""Bytes <-> AGI, without I/O: what Asterisk says of a call, what it answers, and what it is told to do.

Framing (docs.asterisk.org, "AGI Commands"; ``res_agi.c``): lines end in LF. First the environment, ``agi_key: value`` lines to
an empty line; then one answer for each command, ``200 result=...``. Two things are not like that: the usage text behind a
wrong command goes from ``520-`` over as many lines as it likes to ``520 End of proper usage.``, and a bare ``HANGUP`` comes
by itself when the caller has gone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cti.errors import PbxProtocolError

ARGUMENTS: Final = 4
"""As many as our dialplan passes: the question, the default queue, the nonce, the proof."""
KNOWN: Final = frozenset(
    {
        # launch_netscript(), for FastAGI only
        "agi_network", "agi_network_script",
        # setup_env(); the same in Asterisk 16.28 and 22.10, read off the modules themselves
        "agi_request", "agi_channel", "agi_language", "agi_type", "agi_uniqueid", "agi_version", "agi_callerid",
        "agi_calleridname", "agi_callingpres", "agi_callingani2", "agi_callington", "agi_callingtns", "agi_dnid", "agi_rdnis",
        "agi_context", "agi_extension", "agi_priority", "agi_enhanced", "agi_accountcode", "agi_threadid",
        *(f"agi_arg_{nr}" for nr in range(1, ARGUMENTS + 1)),
    }
)  # fmt: skip
"""A caller whose name holds a line break writes lines here (trust): whatever else comes was not written by Asterisk."""

_RESULT: Final = re.compile(r"result=(\S*)(?: \((.*)\))?(?: endpos=(-?[0-9]{1,15}))?")
_CODE: Final = re.compile(r"([1-9][0-9]{2})(?: (.*))?")


@dataclass(frozen=True, slots=True)
class AgiEnvironment:
    """What Asterisk says of the call before anything is asked."""

    values: Mapping[str, str]

    def get(self, key: str) -> str:
        """Empty also where Asterisk writes ``unknown`` for a number or a name that it does not have."""
        value = self.values.get(key, "")
        return "" if value == "unknown" else value

    @property
    def arguments(self) -> tuple[str, ...]:
        """Those the dialplan passed, to the first that is missing."""
        names = [f"agi_arg_{nr}" for nr in range(1, ARGUMENTS + 1)]
        count = next((at for at, name in enumerate(names) if name not in self.values), ARGUMENTS)
        return tuple(self.values[name] for name in names[:count])


@dataclass(frozen=True, slots=True)
class AgiReply:
    """``200 result=<result> (<data>) endpos=<endpos>``; of other codes only ``text``, the words behind it."""

    code: int
    result: str = ""
    data: str = ""
    endpos: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class HungUp:
    """The caller has gone; Asterisk says so by itself."""


Heard = AgiEnvironment | AgiReply | HungUp


class AgiDecoder:
    """Bytes of one connection, from its beginning -> one environment, then answers."""

    MAX_SIZE: Final = 16384
    """Bytes of an environment, or of one answer. Asterisk's own environments stay below 2 KiB."""

    def __init__(self) -> None:
        self._buffer = b""
        self._size = 0
        """Of the lines that make the unfinished whole."""
        self._environment: dict[str, str] | None = {}
        self._usage: list[str] | None = None

    def feed(self, data: bytes) -> list[Heard]:
        """What is now complete. Raises PbxProtocolError for an environment with an unknown or repeated key, for an answer
        that is none, and for what is too long."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        heard = [told for line in lines if (told := self._line(line)) is not None]
        self._grown(len(self._buffer), self._size)
        return heard

    def _line(self, line: bytes) -> Heard | None:
        self._size = self._grown(len(line) + 1, self._size)
        text = line.decode("utf-8", "replace")
        told = self._answered(text) if self._environment is None else self._described(self._environment, text)
        if told is not None:
            self._size = 0
        return told

    def _grown(self, by: int, size: int) -> int:
        if size + by > self.MAX_SIZE:
            raise PbxProtocolError(f"more than {self.MAX_SIZE} bytes without an end")
        return size + by

    def _described(self, known: dict[str, str], line: str) -> AgiEnvironment | None:
        if not line:
            self._environment = None
            return AgiEnvironment(known)
        key, colon, value = line.partition(": ")
        if not colon or key not in KNOWN:
            raise PbxProtocolError("a line in the environment that Asterisk does not write")
        if key in known:
            raise PbxProtocolError(f"{key} twice in the environment")
        known[key] = value
        return None

    def _answered(self, line: str) -> AgiReply | HungUp | None:
        if self._usage is not None:
            return self._explained(self._usage, line)
        if line.startswith("520-"):
            self._usage = [line[4:]]
            return None
        return HungUp() if line == "HANGUP" else _reply(line)

    def _explained(self, usage: list[str], line: str) -> AgiReply | None:
        if not line.startswith("520 "):
            usage.append(line)
            return None
        self._usage = None
        return AgiReply(520, text="\n".join(usage))


def _reply(line: str) -> AgiReply:
    coded = _CODE.fullmatch(line)
    if coded is None:
        raise PbxProtocolError("an answer without a code")
    code, text = int(coded[1]), coded[2] or ""
    if code != 200:  # noqa: PLR2004 - the one code of an answer to what was asked
        return AgiReply(code, text=text)
    result = _RESULT.match(text)
    if result is None:
        raise PbxProtocolError("an answer without a result")
    return AgiReply(code, result[1], result[2] or "", int(result[3] or 0), text)


MAX_LINE: Final = 1000
"""Bytes; Asterisk reads 2048 and would take the rest for a command of its own."""
_FORBIDDEN: Final = frozenset("\r\n\0")
_NOTE: Final = re.compile(r"CTI_[A-Z_]+")
RESERVED: Final = frozenset(
    {"CTI_GO", "CTI_GO_TO", "CTI_PRIORITY", "CTI_BACK", "CTI_NONCE", "CTI_PROOF", "CTI_QUEUE", "CTI_TO"}
)
"""What the dialplan goes by: only the last word may set some of them, and a flow none."""


def command(verb: str, *arguments: str | int) -> bytes:
    """One line. Raises ValueError, before a byte is sent, for what could end it early or that Asterisk would cut."""
    text = " ".join([verb, *(_quoted(str(argument)) for argument in arguments)])
    if _FORBIDDEN & set(text):
        raise ValueError(f"{verb}: line breaks and NUL cannot be sent to the PBX")
    try:
        line = f"{text}\n".encode()
    except UnicodeEncodeError as exc:
        raise ValueError(f"{verb}: not text that can be sent") from exc
    if len(line) > MAX_LINE:
        raise ValueError(f"{verb}: a command has at most {MAX_LINE} bytes")
    return line


def note(name: str, value: str) -> bytes:
    """A variable of the channel that a flow may set. Raises ValueError for any other, and for a value that cannot be sent."""
    if not _NOTE.fullmatch(name) or name in RESERVED:
        raise ValueError(f"{name!r}: a note is named CTI_ and capitals, and not as what the dialplan goes by")
    return command("SET VARIABLE", name, value)


def _quoted(argument: str) -> str:
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
