"""The shell around a session: a caller is handed to us, their flow runs, and they go where it says.

::

    PBX --VoiceChannel--> Ivr.serve --answers--> Session --requests--> Ivr --> voice, customer system, PINs, queues, services
                              `--journey events--> tell (record, the agent's screen)

Whatever goes wrong here costs one caller the menu and nothing else: they take the dialplan's safe path.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Final, TypeVar
from uuid import uuid4

from cti.calls.call import CallId
from cti.calls.journey import Identified, IvrLeft, JourneyEvent, KnownBy, Noted, PinTried
from cti.clock import now
from cti.crm.contact import Answer as CrmAnswer
from cti.crm.contact import ContactId, Unknown
from cti.errors import PbxUnavailable, SpeechUnavailable, StateMisuse
from cti.ivr.flow import Flow
from cti.ivr.hearing import Ear
from cti.ivr.prompts import Played, Said, Utterance
from cti.ivr.requests import (
    Ask,
    AskQueue,
    CheckPin,
    Fetch,
    Fetched,
    FindCustomer,
    PinResult,
    QueueLoad,
    Record,
    Request,
    Say,
    Unreachable,
)
from cti.ivr.session import Over, Session
from cti.ivr.speech import Speaker
from cti.ivr.step import Caller
from cti.log import logger
from cti.telephony.voice import Asked, CallerGone, HangUp, Recorded, SafePath, Sound, VoiceChannel

T = TypeVar("T")
log = logger("ivr")

CODE_VARIABLE: Final = "CTI_CUSTOMER_CODE"
VARIABLES: Final = {"intent": "CTI_INTENT", "skills": "CTI_SKILLS"}
"""Of what a flow notes, those that routing goes by."""
SHORTEST_MESSAGE_S: Final = 1.0
"""What is shorter was no message: a breath, and the receiver put down."""
KEPT_SILENCE_S: Final = 1.0
"""Of the silence that ends a message the PBX leaves so much in it (``res_agi.c``, 16 and 22): nobody spoke in that."""


async def nothing_to_discard(_name: str) -> None:
    """Where nothing is really recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a flow may ask for. Every answer comes in bounded time, and none of these raises."""

    find_customer: Callable[[KnownBy, str], Awaitable[CrmAnswer]]
    check_pin: Callable[[ContactId, str, str], Awaitable[PinResult]]
    """Contact, PIN, calling number."""
    fetch: Callable[[Fetch], Awaitable[Fetched | Unreachable]]
    queue_load: Callable[[str], QueueLoad]
    call_of: Callable[[Asked], CallId]
    """Which call this caller's channel belongs to."""
    zone: str
    recordings: PurePosixPath
    """Where messages are kept, as the PBX sees it."""
    discard: Callable[[str], Awaitable[None]] = nothing_to_discard
    """Remove what turned out to be no message, by its name in that folder."""


class Ivr:
    """One for all callers. ``serve`` is what the voice server calls, once for each."""

    def __init__(
        self,
        flow_for: Callable[[Asked], Flow | None],
        speech: Speaker,
        world: World,
        tell: Callable[[JourneyEvent], None],
        *,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._flow_for = flow_for
        self._speech = speech
        self._world = world
        self._tell = tell
        self._clock = clock
        self.live: dict[tuple[CallId, str], Session] = {}
        """The sessions under way, by call and name."""
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """Of journeys that have ended, by flow."""
        self.pins: Counter[str] = Counter()
        """Tries, by result."""

    async def serve(self, voice: VoiceChannel) -> None:
        """Returns when the caller has gone, or been sent on."""
        flow = self._flow_for(voice.asked)
        if flow is None or (voice.asked.is_after and flow.after is None):
            await self._let_go(voice)
            return
        session = self._session(flow, voice.asked)
        self.live[session.call, session.name] = session
        try:
            await self._run(session, voice)
        except CallerGone:
            session.hung_up(self._clock())
        except PbxUnavailable as lost:
            log.warning("ivr_pbx_lost", call=session.call, flow=flow.name, step=session.step, reason=str(lost))
            session.failed("pbx_lost", self._clock())
        except asyncio.CancelledError:
            session.failed("service_stopped", self._clock())
            raise
        finally:
            self._drain(session)
            del self.live[session.call, session.name]

    # ---- one caller

    def _session(self, flow: Flow, asked: Asked) -> Session:
        now = self._clock()
        language = asked.language if asked.language in flow.languages else flow.languages[0]
        caller = Caller(asked=asked, language=language, now=now, entered_at=now, zone=self._world.zone)
        return Session(flow, caller, call=self._world.call_of(asked), name=asked.nonce or uuid4().hex[:12])

    async def _run(self, session: Session, voice: VoiceChannel) -> None:
        """Ends early only by what the PBX does: the caller gone, or the PBX itself."""
        ear = Ear(voice)
        doing: Request | Over | None = None
        while not isinstance(doing, Over):
            doing = await self._done(session, ear, voice, doing)
            await self._leave_notes(session.pending, voice)
            if not isinstance(doing, Over):
                self._drain(session)
        await voice.leave(doing.to)  # where they went is told once they have gone there

    async def _done(self, session: Session, ear: Ear, voice: VoiceChannel, request: Request | None) -> Request | Over:
        """One request carried out, and the next one; None: the first. A mistake of ours, or no voice, and the caller takes the
        safe path."""
        try:
            if request is None:
                return session.begin(self._clock())
            return session.answered(await self._perform(request, session, ear, voice), self._clock())
        except (CallerGone, PbxUnavailable):
            raise
        except SpeechUnavailable as mute:
            log.error("ivr_speechless", call=session.call, flow=session.flow.name, step=session.step, reason=str(mute))  # noqa: TRY400 - whose fault it is, is known
            return session.failed("speech_unavailable", self._clock())
        except Exception:
            log.exception("ivr_step_failed", call=session.call, flow=session.flow.name, step=session.step)
            return session.failed("mistake_in_step", self._clock())

    async def _leave_notes(self, events: Iterable[JourneyEvent], voice: VoiceChannel) -> None:
        """Some of it also goes on the channel: it is known there when we are not, and to whatever the dialplan does next. What
        cannot be sent leaves nothing of an earlier customer behind."""
        for name, value in filter(None, map(_left_on_channel, events)):
            try:
                await voice.note(name, value)
            except ValueError:
                log.warning("ivr_note_unsendable", name=name)
                await voice.note(name, "")

    def _drain(self, session: Session) -> None:
        for event in session.drain():
            self._tell(event)
            self._count(event, session.flow.name)

    def _count(self, event: JourneyEvent, flow: str) -> None:
        match event:
            case IvrLeft():
                self.outcomes[flow, event.outcome.value] += 1
            case PinTried():
                self.pins[event.result] += 1
            case _:
                pass

    async def _let_go(self, voice: VoiceChannel) -> None:
        with contextlib.suppress(CallerGone, PbxUnavailable):
            await voice.leave(HangUp() if voice.asked.is_after else SafePath())

    # ---- what steps ask for

    async def _perform(self, request: Request, session: Session, ear: Ear, voice: VoiceChannel) -> object:  # noqa: PLR0911 - one line for each request
        world = self._world
        match request:
            case Say(lines):
                await ear.say(await self._sounds(session.utterance(lines)))
                return None
            case Ask(lines=lines):
                return await ear.hear(await self._sounds(session.utterance(lines)), request)
            case FindCustomer(by, value):
                if not session.may(request):
                    return Unknown("too many codes that are nobody's")
                return await self._still_there(world.find_customer(by, value), voice)
            case CheckPin(contact, pin):
                return await world.check_pin(contact, pin, session.caller.asked.ani)
            case Fetch():
                return await self._still_there(world.fetch(request), voice)
            case AskQueue(queue):
                return world.queue_load(queue)
            case Record():
                ear.forget()
                return await self._recorded(request, session, voice)
            case _:  # pragma: no cover - the session keeps the others to itself
                raise StateMisuse(f"nobody carries out {type(request).__name__}")

    async def _still_there(self, asking: Awaitable[T], voice: VoiceChannel) -> T:
        """Whoever hung up while we asked is not sent on as if they were there; playing nothing tells. A PIN is no such question:
        it counts as tried, whoever hears the answer."""
        answer = await asking
        await voice.play((), until="")
        return answer

    async def _recorded(self, request: Record, session: Session, voice: VoiceChannel) -> Recorded | None:
        """The file's name is ours: nothing a caller or a PBX says stands in it."""
        if not session.may(request):
            return None
        file = self._world.recordings / uuid4().hex
        recorded = await voice.record(file, max_s=request.max_s, silence_s=request.silence_s)
        if recorded.length_s - (KEPT_SILENCE_S if recorded.how == "silence" else 0) < SHORTEST_MESSAGE_S:
            await self._world.discard(f"{file.name}.wav")
            return None
        log.info("ivr_message", call=session.call, queue=request.queue, length_s=round(recorded.length_s, 1))
        return replace(recorded, file=PurePosixPath(f"{file.name}.wav"))

    async def _sounds(self, utterance: Utterance) -> list[Sound]:
        """All at once, so that a name is being spoken while the sentence around it is looked for."""
        found = await asyncio.gather(*(self._sound(piece) for piece in utterance))
        return [sound for sound in found if sound is not None]

    async def _sound(self, piece: Said | Played) -> Sound | None:
        """A value that cannot be spoken is left out; words of the flow that cannot are a failure."""
        if isinstance(piece, Played):
            return Sound(piece.sound, f"[{piece.sound}]")
        try:
            return await self._speech.sound(piece.text, piece.language)
        except SpeechUnavailable as mute:
            if not piece.is_passing:
                raise
            log.warning("ivr_value_unspoken", language=piece.language, reason=str(mute))
            return None


def _left_on_channel(event: JourneyEvent) -> tuple[str, str] | None:
    match event:
        case Identified(code=code):
            return CODE_VARIABLE, code
        case Noted(name=name, value=value) if name in VARIABLES:
            return VARIABLES[name], value
        case _:
            return None
