"""What Asterisk says on AMI, heard beside the service and not through its proxy: when it says that something was.

CEL has the moment itself. An event of AMI has its stamp when another thread of Asterisk comes to telling it, 0.1 s later where
that gets no processor; who reads AMI can know no better.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from tests.testbed.ami import AmiWire
from tests.testbed.asterisk import Asterisk

AGAIN_S: Final = 0.05


class Ear:
    """``heard``: all bytes so far, over every start of that Asterisk."""

    def __init__(self, pbx: Asterisk) -> None:
        self._pbx = pbx
        self._wires: list[AmiWire] = []

    @property
    def heard(self) -> bytes:
        return b"".join(bytes(wire.received) for wire in self._wires)

    async def listen(self) -> None:
        """Until cancelled."""
        options = self._pbx.options
        try:
            while True:
                with contextlib.suppress(OSError, TimeoutError):
                    self._wires.append(await AmiWire.open(self._pbx.ports.ami))
                    await self._wires[-1].login(options.events_user, options.events_secret, events=True)
                    await self._wires[-1].until_closed(None)
                await asyncio.sleep(AGAIN_S)
        finally:
            for wire in self._wires:
                await wire.close()


@contextlib.asynccontextmanager
async def listening(pbx: Asterisk) -> AsyncIterator[Ear]:
    ear = Ear(pbx)
    task = asyncio.create_task(ear.listen())
    try:
        yield ear
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
