"""Asterisk's own stamps, read by a listener of the test's that shares no code with the service."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from tests.testbed import ami
from tests.testbed.asterisk import Asterisk


@dataclass(slots=True)
class Stamps:
    wire: ami.AmiWire

    def _blocks(self, event: str, call: str, *, by: str = "Uniqueid") -> list[str]:
        """Events of that name whose header ``by`` is what this call's id ends in."""
        uniqueid = re.escape(call.partition("-")[2])
        blocks = bytes(self.wire.received).decode("utf-8", "replace").split("\r\n\r\n")
        return [
            block
            for block in blocks
            if block.startswith(f"Event: {event}\r\n") and re.search(rf"^{by}: {uniqueid}\r?$", block, re.MULTILINE)
        ]

    def at(self, event: str, call: str) -> float:
        """Epoch seconds of the first."""
        return _stamp(self._blocks(event, call)[0])

    def between(self, first: str, last: str, call: str) -> tuple[float, float]:
        """Asterisk tells one moment by several events, the last of any leg of the call; on a busy machine there may be a
        tenth of a second between them."""
        return self.at(first, call), _stamp(self._blocks(last, call, by="Linkedid")[-1])

    async def until(self, event: str, call: str, within_s: float = 10.0) -> None:
        async with asyncio.timeout(within_s):
            while not self._blocks(event, call):  # noqa: ASYNC110 - the wire announces bytes, not events
                await asyncio.sleep(0.02)


def _stamp(block: str) -> float:
    found = re.search(r"^Timestamp: ([0-9.]+)", block, re.MULTILINE)
    assert found is not None
    return float(found[1])


def spans(since: tuple[float, float], until: tuple[float, float], give_s: float) -> tuple[float, float]:
    """The least and the most seconds from one moment to another."""
    return until[0] - since[1] - give_s, until[1] - since[0] + give_s


@contextlib.asynccontextmanager
async def heard(pbx: Asterisk) -> AsyncIterator[Stamps]:
    wire = await ami.events_account(pbx)
    try:
        yield Stamps(wire)
    finally:
        await wire.close()
