"""When phones rang, by the PBX's lines on their way to the service, and when desktops had the pops of it.

A caller may give up in the very moment in which a phone is called, and a phone decline as soon. Of a ring that is over so
soon no pop is wanted: nobody could read it, and the hub sends none that is withdrawn before the desktop has taken it.
"""

import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

BRIEF_S = 0.1
_RINGS = re.compile(
    rb"^(?:Event: (\w+)|DestChannel: PJSIP/(\w+)-\w+|DestUniqueid: ([0-9.]+)|DestLinkedid: ([0-9.]+)|)\r$", re.MULTILINE
)


@dataclass
class Ring:
    call: str
    phone: str
    at: float
    over_at: float = math.inf

    @property
    def is_brief(self) -> bool:
        return self.over_at - self.at < BRIEF_S


@dataclass
class Tap:
    """Looks at the PBX's lines on their way, and notes when each phone rang."""

    rings: dict[str, Ring] = field(default_factory=dict)
    """By the phone's channel."""
    _event: bytes = b""
    _phone: str = ""
    _leg: str = ""

    def see(self, lines: bytes) -> bytes:
        for event, phone, leg, call in _RINGS.findall(lines):
            if phone:
                self._phone = phone.decode()
            elif leg:
                self._leg = leg.decode()
            elif call:
                self._note(call.decode(), time.monotonic())
            else:
                self._event = event
        return lines

    def _note(self, call: str, at: float) -> None:
        if self._event in {b"AgentCalled", b"DialBegin"}:
            self.rings.setdefault(self._leg, Ring(call, self._phone, at))
        elif self._event == b"DialEnd" and self._leg in self.rings:
            ring = self.rings[self._leg]
            ring.over_at = min(ring.over_at, at)


class Popped(list[str]):
    """The calls a desktop was shown a pop of, and when each time."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[str, list[float]] = {}

    def append(self, call: str) -> None:
        self.at.setdefault(call.partition("-")[2], []).append(time.monotonic())
        super().append(call)


def pops_ms(rings: Iterable[Ring], popped: Mapping[str, Popped]) -> Iterator[float]:
    """Of each ring that had a pop on its own desktop, and was not brief. A pop is of the last ring before it. ``popped``: by phone."""
    later: dict[tuple[str, str], float] = {}
    for ring in sorted(rings, key=lambda ring: ring.at, reverse=True):
        until = later.get((ring.phone, ring.call), math.inf)
        later[ring.phone, ring.call] = ring.at
        shown = [at for at in popped[ring.phone].at.get(ring.call, ()) if ring.at <= at < until]
        if shown and not ring.is_brief:
            yield (min(shown) - ring.at) * 1000
