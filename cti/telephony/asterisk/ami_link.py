"""The shell of the event plane: connect, read, resynchronise, reconnect. And the two planes of one PBX as one ``PbxLink``.

One task only reads: bytes to messages to a bounded queue. A reader that stalls is cut off by Asterisk, silently and in
mid-event (trust: H1), so nothing else is done there. A second task takes the messages to the session and the narrator, and
their news to the sink. When that task falls so far behind that the queue is full, the connection is given up and the state
read anew: late news is worth less than a fresh snapshot.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from cti.calls.call import Call, LegId, PbxName
from cti.clock import now
from cti.errors import PbxAuthFailed, PbxError, PbxProtocolError, PbxRefused, PbxUnavailable
from cti.log import logger
from cti.telephony.asterisk.account import Account
from cti.telephony.asterisk.ami_codec import AmiDecoder, AmiMessage
from cti.telephony.asterisk.ami_session import AmiSession, Booted, Happening, Heard, Send, SyncBegins, Synced
from cti.telephony.asterisk.control import Control
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.narrator import Narrator
from cti.telephony.asterisk.unread import is_unread
from cti.telephony.backoff import backoff_s
from cti.telephony.commands import CallCommand, Command, Done, Failed, FetchParked, Hangup, Park, Reconnect, Result
from cti.telephony.link import LinkChanged, News, Sink
from cti.telephony.phone import Ability

log = logger("telephony")

CONNECT_S: Final = 5.0
READ_BYTES: Final = 262_144
MOST_WAITING: Final = 50_000
"""Messages read and not yet handled; about 25 MB, and ten seconds of a flood."""
TURN_S: Final = 0.002
"""How long messages are handled before others have their turn: a pop is to go out, and a command's answer to come in, also when
the PBX has much to say."""
RECONCILE_S: Final = 60.0
"""How often the whole state is asked for anew; oftener would cost the PBX (trust: H11)."""
REREAD_S: Final = 1.0
"""How soon after something odd."""
DEAF_S: Final = 1.2
"""Asterisk takes the keys that follow the end of a consultation for more of the same, for its featuredigittimeout of 1 s
(16 and 22); ours, too. So the next command about that leg waits."""
_BY_THE_PBX: Final = frozenset({Ability.HOLD, Ability.KEYS, Ability.TRANSFER, Ability.PARK, Ability.RECORD})
"""What Asterisk does for any phone. Not ANSWER: no Asterisk makes a phone pick up for what our account may do
(docs/explanation/call-control.md)."""


@dataclass(slots=True)
class LinkFigures:
    """Counted since the start; what ``/metrics`` shows."""

    events: int = 0
    connects: int = 0
    last_resync_s: float = 0.0
    lag_s: float = 0.0
    """From the PBX's stamp to here, of the last event that had one."""


class AmiLink:
    """One Asterisk. Built with ``Account`` and ``Endpoints``; ``control`` is its command plane, None for a reader only.

    ``tap`` gets every byte as it comes, for ``cti record``; it must not raise.
    """

    def __init__(
        self,
        name: PbxName,
        account: Account,
        endpoints: Endpoints,
        *,
        control: Control | None = None,
        tap: Callable[[bytes], None] | None = None,
    ) -> None:
        self.name = name
        self.figures = LinkFigures()
        self.narrator = Narrator(name, endpoints)
        self._account = account
        self._control = control
        if control is not None:
            control.interface_of = self.narrator.members.interface
            control.ends_of, control.intends = self.narrator.ends_of, self.narrator.intends
        self._tap = tap
        self._status = LinkChanged(pbx=name, state="connecting", at=now())
        self._sink: Sink = lambda _news: None
        self._failures = 0
        self._behind = 0
        """Messages read and not yet handled."""
        self._lost_at: datetime | None = None
        self._reconcile_at_s = 0.0
        self._began_sync_s = 0.0
        self._deaf_until_s: dict[LegId, float] = {}

    # ---- what PbxLink asks

    @property
    def calls(self) -> tuple[Call, ...]:
        return self.narrator.tracker.live

    @property
    def status(self) -> LinkChanged:
        return self._status

    def restore(self, calls: tuple[Call, ...]) -> None:
        self.narrator.restore(calls)

    def check(self, command: Command) -> None:
        if self._control is not None:
            self._control.check(command)

    def abilities(self, device: str) -> frozenset[Ability]:  # noqa: ARG002 - all phones are moved alike so far
        return frozenset() if self._control is None else _BY_THE_PBX

    async def send(self, command: Command) -> Result:
        if self._control is None or self._status.state != "connected":
            return Failed(command=command.id, reason="pbx_lost")
        match command:
            case Hangup():
                return await self._hang_up(self._control, command)
            case Park():
                return await self._park(self._control, command)
            case FetchParked() if not self.narrator.is_parked(command.space):
                return Failed(command=command.id, reason="nobody is parked there")
            case CallCommand():
                return await self._of_call(self._control, command)
            case _:
                return await self._control.send(command)

    async def _of_call(self, control: Control, command: CallCommand) -> Result:
        now_s = time.monotonic()
        self._deaf_until_s = {leg: until_s for leg, until_s in self._deaf_until_s.items() if until_s > now_s}
        await asyncio.sleep(self._deaf_until_s.get(command.leg, now_s) - now_s)
        result = await control.send(command)
        if isinstance(command, Reconnect):
            self._deaf_until_s[command.leg] = time.monotonic() + DEAF_S
        return result

    async def _hang_up(self, control: Control, command: Hangup) -> Result:
        self.narrator.hangs_up(command.leg)
        result = await control.send(command)
        if isinstance(result, Failed):
            self.narrator.hangs_up(command.leg, really=False)
        return result

    async def _park(self, control: Control, command: Park) -> Result:
        """Asterisk leaves the agent's leg where it was, with nobody; only now, as who is moved out of a hold goes last."""
        result = await control.send(command)
        if isinstance(result, Done):
            await control.send(Hangup(id=f"{command.id}-leave", call=command.call, leg=command.leg))
        return result

    async def run(self, sink: Sink) -> None:
        self._sink = sink
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_connected(), name=f"ami-{self.name}")
            if self._control is not None:
                tasks.create_task(self._control.run(), name=f"ami-commands-{self.name}")

    # ---- connecting

    async def _keep_connected(self) -> None:
        while True:
            try:
                await self._converse()
            except (OSError, PbxError, TimeoutError) as error:
                self._lost(error)
            except Exception as error:  # a mistake of ours in one event; a new connection reads the state anew
                log.exception("pbx_event_failed", pbx=self.name)
                self._lost(error)
            if self._control is not None:
                self._control.events_lost()
            await asyncio.sleep(backoff_s(self._failures, random.random()))  # noqa: S311 - jitter is no secret

    def _lost(self, error: Exception) -> None:
        """Said once: the first time, and when the reason changes."""
        reason = _reason(error)
        self._failures += 1
        if self._status.state == "connected":
            self._lost_at = now()
        if self._status.state != "lost" or self._status.reason != reason:
            log.warning("pbx_lost", pbx=self.name, reason=reason, calls=len(self.calls))
        self._become("lost", reason)

    def _become(self, state: Literal["connected", "connecting", "lost"], reason: str = "") -> None:
        if (state, reason) != (self._status.state, self._status.reason):
            self._status = LinkChanged(pbx=self.name, state=state, at=now(), reason=reason)
            self._sink(self._status)

    async def _converse(self) -> None:
        """One connection, from greeting to end. Raises whatever ends it."""
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(self._account.host, self._account.port)
        waiting: asyncio.Queue[list[AmiMessage]] = asyncio.Queue()
        session = AmiSession(self._account.user, self._account.secret, time.monotonic())
        self._behind = 0
        reading = asyncio.create_task(self._read(reader, waiting, session), name=f"ami-read-{self.name}")
        try:
            await self._handle_all(session, waiting, writer, reading)
        finally:
            reading.cancel()
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError, PbxError):
                await reading

    async def _read(
        self, reader: asyncio.StreamReader, waiting: asyncio.Queue[list[AmiMessage]], session: AmiSession
    ) -> None:
        """Does nothing else. What is unfinished when the connection ends is dropped with the decoder."""
        decoder = AmiDecoder(passes_over=is_unread)
        while data := await reader.read(READ_BYTES):
            if self._tap is not None:
                self._tap(data)
            session.heard(time.monotonic())
            passed_over, messages = decoder.passed_over, decoder.feed(data)
            self.figures.events += decoder.passed_over - passed_over
            self._behind += len(messages)
            if self._behind > MOST_WAITING:
                raise PbxUnavailable(f"more than {MOST_WAITING} messages behind")
            if messages:
                waiting.put_nowait(messages)
        raise PbxUnavailable("closed by the PBX")

    # ---- handling

    async def _handle_all(
        self,
        session: AmiSession,
        waiting: asyncio.Queue[list[AmiMessage]],
        writer: asyncio.StreamWriter,
        reading: "asyncio.Task[None]",
    ) -> None:
        while True:
            batch = await _next(waiting, reading, until_s=self._deadline_s(session))
            self._behind -= len(batch)
            now_s = turn_s = time.monotonic()
            received_at = now()
            for message in batch:
                if message.event and session.is_ready:
                    self._hear(message, received_at, now_s)
                else:
                    self._concern(session, message, writer, now_s)
                if time.monotonic() - turn_s > TURN_S:
                    await asyncio.sleep(0)
                    turn_s, received_at = time.monotonic(), now()
            for happening in (*session.tick(now_s), *self._due_resync(session, now_s)):
                self._do(happening, writer, now_s)
            await asyncio.sleep(0)

    def _concern(self, session: AmiSession, message: AmiMessage, writer: asyncio.StreamWriter, now_s: float) -> None:
        for happening in session.handle(message, now_s):
            self._do(happening, writer, now_s)

    def _deadline_s(self, session: AmiSession) -> float:
        if session.state != "ready":
            return session.next_deadline_s
        soon_s = time.monotonic() + REREAD_S if self.narrator.wants_reread() else self._reconcile_at_s
        return min(session.next_deadline_s, soon_s)

    def _due_resync(self, session: AmiSession, now_s: float) -> tuple[Happening, ...]:
        odd = now_s - self._began_sync_s >= REREAD_S and self.narrator.wants_reread()
        if session.state != "ready" or not (odd or now_s >= self._reconcile_at_s):
            return ()
        return tuple(session.resync(now_s))

    def _do(self, happening: Happening, writer: asyncio.StreamWriter, now_s: float) -> None:
        match happening:
            case Send(data=data):
                writer.write(data)
            case Heard(message=message):
                self._hear(message, now(), now_s)
            case Booted(uptime_s=uptime_s):
                self._tell(self.narrator.booted(uptime_s, now(), lost_at=self._lost_at))
            case SyncBegins():
                self._began_sync_s = now_s
                self.narrator.begin_sync(was_away=self._status.state != "connected")
            case Synced():
                self._synced(now_s)

    def _hear(self, message: AmiMessage, received_at: datetime, now_s: float) -> None:
        self.figures.events += 1
        not_believed = self.narrator.not_believed
        changes = self.narrator.feed(message, received_at=received_at, monotonic_s=now_s)
        if changes:
            self.figures.lag_s = max(0.0, (received_at - changes[-1].cause.at).total_seconds())
            self._tell(changes)
        if self.narrator.member_news and self._status.state == "connected":
            self._tell_members()
        if self._control is not None and self.narrator.not_believed == not_believed:
            self._control.feed(message)

    def _synced(self, now_s: float) -> None:
        self._reconcile_at_s = now_s + RECONCILE_S * random.uniform(0.9, 1.1)  # noqa: S311
        self.figures.last_resync_s = now_s - self._began_sync_s
        if self._status.state != "connected":
            self.figures.connects += 1
            self._failures = 0
            log.info(
                "pbx_connected", pbx=self.name, calls=len(self.calls), resync_s=round(self.figures.last_resync_s, 3)
            )
            self._become("connected")
            self._tell_members()

    def _tell(self, changes: Sequence[News]) -> None:
        for change in changes:
            self._sink(change)

    def _tell_members(self) -> None:
        """Not before the PBX is told to be connected: who hears of a member that is wrong will want to mend it at once."""
        news, self.narrator.member_news = self.narrator.member_news, []
        self._tell(news)


async def _next(
    waiting: asyncio.Queue[list[AmiMessage]], reading: "asyncio.Task[None]", *, until_s: float
) -> list[AmiMessage]:
    """What has been read; empty at the deadline. Raises what ended the reading, once all that was read is handled."""
    if not waiting.empty():
        return waiting.get_nowait()
    if reading.done():
        await reading
    getting = asyncio.ensure_future(waiting.get())
    try:
        await asyncio.wait(
            {getting, reading}, timeout=max(0.0, until_s - time.monotonic()), return_when=asyncio.FIRST_COMPLETED
        )
        return getting.result() if getting.done() else []
    finally:
        getting.cancel()


def _reason(error: Exception) -> str:
    match error:
        case PbxAuthFailed():
            return f"login refused: {error}"
        case PbxRefused():
            return f"not permitted: {error}"
        case PbxProtocolError():
            return f"cannot be read: {error}"
        case TimeoutError():
            return "no connection in time"
        case OSError():
            return error.strerror or str(error)
        case _:
            return str(error)
