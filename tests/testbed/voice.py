"""The voice side of a scripted phone: silence (or a tone) every 20 ms, and keys as RFC 4733 events in the same RTP stream; and
what it hears, when somebody listens."""

import asyncio
import contextlib
import secrets
import socket
import struct
from dataclasses import dataclass, field
from typing import Final

LOOPBACK: Final = "127.0.0.1"
DTMF_KEYS: Final = "0123456789*#ABCD"
DTMF_PAYLOAD: Final = 101
VOICE_PAYLOAD: Final = 8
VOICE_STEP_S: Final = 0.02
SAMPLES: Final = 160
SILENCE: Final = b"\xd5" * SAMPLES
TONE: Final = (b"\xa5" * 8 + b"\x25" * 8) * 10
"""500 Hz, loud enough to be taken for speech."""
QUIET: Final = frozenset(b"\xd5\x55\xd4\x54")
"""The smallest of A-law's values, on both sides of nothing."""
LOUD_PACKETS: Final = 3
HEADER: Final = 12
VOLUME: Final = 10
END_BIT: Final = 0x80


@dataclass(frozen=True, slots=True)
class Heard:
    keys: str
    has_sound: bool
    """Something else than silence."""


def _open_socket() -> socket.socket:
    """Voice that comes is left in the socket's small buffer until somebody listens."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    sock.bind((LOOPBACK, 0))
    return sock


@dataclass(slots=True)
class Voice:
    """One RTP stream. ``peer``: where to send, as the other side's SDP says; None: nothing is sent. ``says``: 20 ms of A-law."""

    peer: tuple[str, int] | None = None
    says: bytes = SILENCE
    _socket: socket.socket = field(default_factory=_open_socket)
    _ssrc: int = field(default_factory=lambda: secrets.randbits(32))
    _sequence: int = 0
    _stamp: int = 0
    _is_pressing: bool = False

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def tick(self, *, is_speaking: bool) -> None:
        """20 ms have passed: send what is said, unless a key is being pressed or nobody speaks."""
        if is_speaking and not self._is_pressing:
            self._send(VOICE_PAYLOAD, self.says, self._stamp)
        self._stamp += SAMPLES

    async def press(self, key: str, tone_ms: int) -> None:
        """Packets of growing duration with the same timestamp, the last one three times with the end bit (RFC 4733,
        2.5).
        """
        self._is_pressing, stamp, event = True, self._stamp, DTMF_KEYS.index(key)
        steps = tone_ms // 20
        for step in range(1, steps + 1):
            self._send(DTMF_PAYLOAD, struct.pack("!BBH", event, VOLUME, step * SAMPLES), stamp, is_first=step == 1)
            await asyncio.sleep(VOICE_STEP_S)
        for _ in range(3):
            self._send(DTMF_PAYLOAD, struct.pack("!BBH", event, END_BIT | VOLUME, steps * SAMPLES), stamp)
        self._is_pressing = False

    async def listen(self, for_s: float) -> Heard:
        """What comes from now on."""
        self._arrived()
        keys, sounding = dict[tuple[bytes, int], str](), 0
        for _ in range(round(for_s / VOICE_STEP_S)):
            await asyncio.sleep(VOICE_STEP_S)
            for packet in self._arrived():
                if packet[1] & 0x7F == DTMF_PAYLOAD:
                    # By key too: two keys sent while no voice was carry the same timestamp (Asterisk 22.10).
                    keys[packet[4:8], packet[12]] = DTMF_KEYS[packet[12]]
                elif set(packet[12:]) - QUIET:
                    sounding += 1
        return Heard("".join(keys.values()), sounding > LOUD_PACKETS)

    def _arrived(self) -> list[bytes]:
        packets = []
        with contextlib.suppress(OSError):
            while True:
                packets.append(self._socket.recv(2048))
        return [packet for packet in packets if len(packet) > HEADER]

    def close(self) -> None:
        self.peer = None
        self._socket.close()

    def _send(self, payload: int, data: bytes, stamp: int, *, is_first: bool = False) -> None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        kind = payload | (0x80 if is_first else 0)
        header = struct.pack("!BBHII", 0x80, kind, self._sequence, stamp & 0xFFFFFFFF, self._ssrc)
        if self.peer is not None:
            with contextlib.suppress(OSError):
                self._socket.sendto(header + data, self.peer)
