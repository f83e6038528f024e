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

    def _blocks(self, event: str, call: str) -> list[str]:
        """Events of that name of the call whose id ends in this Uniqueid."""
        uniqueid = re.escape(call.partition("-")[2])
        blocks = bytes(self.wire.received).decode("utf-8", "replace").split("\r\n\r\n")
        return [
            block
            for block in blocks
            if block.startswith(f"Event: {event}\r\n") and re.search(rf"^Uniqueid: {uniqueid}\r?$", block, re.MULTILINE)
        ]

    def at(self, event: str, call: str) -> float:
        """Epoch seconds of the first."""
        found = re.search(r"^Timestamp: ([0-9.]+)", self._blocks(event, call)[0], re.MULTILINE)
        assert found is not None
        return float(found[1])

    async def until(self, event: str, call: str, within_s: float = 10.0) -> None:
        async with asyncio.timeout(within_s):
            while not self._blocks(event, call):  # noqa: ASYNC110 - the wire announces bytes, not events
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def heard(pbx: Asterisk) -> AsyncIterator[Stamps]:
    wire = await ami.events_account(pbx)
    try:
        yield Stamps(wire)
    finally:
        await wire.close()
