"""One wish, asked of the process that reads the PBXs: its answer, or its error as if it had been raised here."""

import asyncio
import time
from collections.abc import Callable
from typing import Final
from uuid import uuid4

from cti.errors import CtiError, PbxUnavailable
from cti.fanout.bus import Ask, Bus
from cti.fanout.told_errors import decode_error
from cti.fanout.wishes import AnyWish, encode_wish, kind_of
from cti.log import logger

log = logger("asks")

ANSWER_S: Final = 5.0
"""As long as a takeover may last; then whoever pressed the button is told."""
TELL_S: Final = 120.0
"""So long something is told again that nobody waits for an answer to."""
AGAIN_S: Final = 1.0


class Asker:
    def __init__(self, bus: Bus, process: str, *, clock: Callable[[], float] = time.time) -> None:
        self._bus = bus
        self._process = process
        self._clock = clock
        self._telling: set[asyncio.Task[None]] = set()

    async def ask(self, wish: AnyWish) -> bytes:
        """Raises what the other side raised, and ``PbxUnavailable`` where nobody answers."""
        return await self._answer(wish, uuid4().hex, self._clock() + ANSWER_S)

    def tell(self, wish: AnyWish) -> None:
        """Not waited for, and told again until somebody has taken it; heard twice it does no harm."""
        task = asyncio.create_task(self._tell(wish), name=f"tell-{kind_of(wish)}")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def close(self) -> None:
        for task in tuple(self._telling):
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)

    async def _answer(self, wish: AnyWish, name: str, until: float) -> bytes:
        answer = await self._bus.ask(
            Ask(id=name, kind=kind_of(wish), body=encode_wish(wish), sender=self._process, until=until)
        )
        if not answer.is_done:
            raise decode_error(answer.body)
        return answer.body

    async def _tell(self, wish: AnyWish) -> None:
        until = self._clock() + TELL_S
        while self._clock() < until:
            try:
                await self._answer(wish, uuid4().hex, min(until, self._clock() + ANSWER_S))
            except PbxUnavailable:
                await asyncio.sleep(AGAIN_S)
            except CtiError as error:
                log.warning("not_told", kind=kind_of(wish), reason=str(error))
                return
            else:
                return
        log.warning("not_told", kind=kind_of(wish), reason="nobody who reads the PBX answered")
