"""The shell below ``agi_server.py`` and ``agi_voice.py``: one FastAGI connection, read and written."""

import asyncio
from collections import deque

from cti.errors import PbxProtocolError, PbxUnavailable
from cti.telephony.asterisk.agi_codec import AgiDecoder, AgiEnvironment, AgiReply, Heard
from cti.telephony.voice import CallerGone


class AgiWire:
    """One connection: a command out, its answer in. Not used any more once it has failed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._decoder = AgiDecoder()
        self._heard: deque[Heard] = deque()

    async def environment(self) -> AgiEnvironment:
        """Raises PbxProtocolError, and CallerGone where the connection ends before."""
        heard = await self._next()
        if not isinstance(heard, AgiEnvironment):
            raise PbxProtocolError("no environment")
        return heard

    async def ask(self, data: bytes, limit_s: float) -> AgiReply:
        try:
            async with asyncio.timeout(limit_s):
                return await self._asked(data)
        except BaseException as exc:
            # whatever happened, the next answer would be taken for another command's
            self.close()
            if isinstance(exc, TimeoutError):
                raise PbxUnavailable(f"no answer within {limit_s:g} s") from exc
            if isinstance(exc, PbxProtocolError):
                raise PbxUnavailable(str(exc)) from exc
            raise

    def close(self) -> None:
        self._writer.close()

    async def _asked(self, data: bytes) -> AgiReply:
        if self._writer.is_closing():
            raise CallerGone
        self._writer.write(data)
        reply = await self._next()
        if not isinstance(reply, AgiReply) or reply.code == 511:  # noqa: PLR2004 - not permitted on a dead channel
            raise CallerGone
        if reply.code != 200:  # noqa: PLR2004
            raise PbxProtocolError(f"{reply.code} to {data.split(b' ', 1)[0].decode()}")
        return reply

    async def _next(self) -> Heard:
        try:
            while not self._heard:
                data = await self._reader.read(4096)
                if not data:
                    raise CallerGone
                self._heard.extend(self._decoder.feed(data))
        except OSError as exc:
            # the PBX closes with our command unread when the caller goes at that moment
            raise CallerGone from exc
        return self._heard.popleft()
