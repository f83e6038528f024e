"""What waits for somebody to ring back: callers who asked for it, and messages they left. Agents see their own queues'.

Of two who claim a callback at once, the record says who has it: each puts a fact there, and then reads what it made of it.
"""

from pathlib import Path
from typing import Any, Final

import msgspec

from cti.agents.agent import AgentId
from cti.errors import Conflict, NotFound
from cti.log import logger
from cti.screenpop.access import Deed
from cti.store.callbacks import NEXT
from cti.store.journeys import Callback, CallbackState, Sought
from cti.web import facts
from cti.web.asked import Asked, Reply, Route
from cti.web.files import FileReply, FileRoute
from cti.web.schemas import CallbackEnd, CallbackPage, CallbackQuery, CallbackView, VoicemailPage, VoicemailQuery

WAV: Final = "audio/wav"
log: Final = logger("voicemails")


async def callbacks(asked: Asked[None, CallbackQuery]) -> Reply:
    """Callers who asked to be called back, who has been with us longest first. Agents see those of their queues."""
    query = asked.query
    sought = Sought(
        queues=_queues(asked, query.queue, Deed.CALLBACK_SEE),
        state=CallbackState(query.state) if query.state else None,
    )
    if query.mine:
        queues = None if query.queue is None else frozenset({query.queue})
        sought = Sought(queues=queues, state=sought.state, claimed_by=asked.agent.id)
    page = await asked.parts.log.callbacks(sought, cursor=query.cursor, limit=query.limit)
    return Reply(body=msgspec.convert(page, CallbackPage, from_attributes=True))


async def claim_callback(asked: Asked[None, None]) -> Reply:
    """See to a callback. 409 with the name of whoever was quicker."""
    return _shown(await claimed(asked, asked.path["callback"]))


async def release_callback(asked: Asked[None, None]) -> Reply:
    """Give a callback back, for anybody to see to. Supervisors also take it from others."""
    known = await _callback(asked, asked.path["callback"])
    if known.state is not CallbackState.CLAIMED:
        raise Conflict("nobody has claimed this callback")
    return _shown(await _moved(asked, known, CallbackState.OPEN))


async def close_callback(asked: Asked[CallbackEnd, None]) -> Reply:
    """Say what came of a callback: ``done``, ``failed`` (not reached; anybody may try again) or ``cancelled``."""
    known = await _callback(asked, asked.path["callback"])
    return _shown(await _moved(asked, known, CallbackState(asked.body.state), note=asked.body.note))


async def claimed(asked: Asked[Any, Any], callback: str) -> Callback:
    """The callback, seen to by whoever asks from now on, if not before. Raises ``NotFound``, ``Forbidden``, ``Conflict``."""
    known = await _callback(asked, callback)
    if known.state is CallbackState.CLAIMED and known.claimed_by == asked.agent.id:
        return known
    if known.state is CallbackState.CLAIMED:
        raise await _taken(asked, known)
    return await _moved(asked, known, CallbackState.CLAIMED)


async def _callback(asked: Asked[Any, Any], name: str) -> Callback:
    known = await asked.parts.log.callback(name)
    if known is None:
        raise NotFound("no such callback")
    asked.require(_WRITE, own=known.queue in asked.agent.queues or known.claimed_by == asked.agent.id)
    return known


async def _moved(asked: Asked[Any, Any], known: Callback, state: CallbackState, *, note: str = "") -> Callback:
    by, at = asked.agent.id, asked.parts.clock()
    if known.state is CallbackState.CLAIMED and known.claimed_by != by and not asked.sees_all(_WRITE):
        raise await _taken(asked, known)
    if state not in NEXT[known.state]:
        raise _not_from(known, state)
    await asked.parts.record([facts.callback(known, state, by=by, at=at, note=note)])
    after = await asked.parts.log.callback(known.id)
    if after is None or (after.state, after.changed_by) != (state, by):
        raise await _taken(asked, after or known)
    log.info("callback_changed", callback=known.id, state=state.value, by=by)
    return after


def _not_from(known: Callback, state: CallbackState) -> Conflict:
    if not NEXT[known.state]:
        return Conflict(f"this callback is {known.state.value} already")
    return Conflict(f"a callback that is {known.state.value} cannot become {state.value}: claim it first")


async def _taken(asked: Asked[Any, Any], known: Callback) -> Conflict:
    """Somebody else was quicker."""
    by = AgentId(known.claimed_by if known.state is CallbackState.CLAIMED else known.changed_by)
    agent = await asked.parts.people.agent(by)
    name = agent.name if agent else by
    return Conflict(
        f"{name} sees to this callback already"
        if known.state is CallbackState.CLAIMED
        else f"{name} has just changed this callback to {known.state.value}"
    )


def _shown(known: Callback) -> Reply:
    return Reply(body=msgspec.convert(known, CallbackView, from_attributes=True))


async def voicemails(asked: Asked[None, VoicemailQuery]) -> Reply:
    """Messages callers left, newest first. Agents see those of their queues."""
    query = asked.query
    page = await asked.parts.log.voicemails(
        Sought(queues=_queues(asked, query.queue, _SEE)), cursor=query.cursor, limit=query.limit
    )
    return Reply(body=msgspec.convert(page, VoicemailPage, from_attributes=True))


async def voicemail_audio(asked: Asked[None, None]) -> Reply:
    """A message, to be heard. Who listens is written down."""
    found = await asked.parts.log.voicemail(asked.path["voicemail"])
    if found is None:
        raise NotFound("no such voicemail")
    asked.require(_SEE, own=found.queue in asked.agent.queues)
    recording = _recording(asked.parts.recordings, found.file)
    log.info("voicemail_heard", agent=asked.agent.id, voicemail=found.id, queue=found.queue)
    return FileReply(content=recording, media=WAV)


def _queues(asked: Asked[None, Any], queue: str | None, deed: Deed) -> frozenset[str] | None:
    wanted = None if queue is None else frozenset({queue})
    if asked.sees_all(deed):
        return wanted
    own = frozenset(asked.agent.queues)
    return own if wanted is None else own & wanted


def _recording(folder: Path | None, file: str) -> Path:
    """The record says where; all the same it must lie below the folder, wherever links lead. Raises ``NotFound``."""
    if folder is None:
        raise NotFound("no folder of recordings is configured")
    root = folder.resolve()
    path = (root / (file if file.endswith(".wav") else f"{file}.wav")).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise NotFound("the recording is not there any more")
    return path


_SEE: Final = Deed.INTERACTION_SEE
_WRITE: Final = Deed.CALLBACK_WRITE
_CALLBACK: Final = "/api/v1/callbacks/{callback}"
ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/api/v1/callbacks",
        handler=callbacks,
        deed=Deed.CALLBACK_SEE,
        query=CallbackQuery,
        gives=CallbackPage,
    ),
    Route(
        method="POST",
        path=f"{_CALLBACK}/claim",
        handler=claim_callback,
        deed=_WRITE,
        gives=CallbackView,
        refuses=(404, 409),
    ),
    Route(
        method="POST",
        path=f"{_CALLBACK}/release",
        handler=release_callback,
        deed=_WRITE,
        gives=CallbackView,
        refuses=(404, 409),
    ),
    Route(
        method="POST",
        path=f"{_CALLBACK}/close",
        handler=close_callback,
        deed=_WRITE,
        body=CallbackEnd,
        gives=CallbackView,
        refuses=(404, 409),
    ),
    Route(
        method="GET",
        path="/api/v1/voicemails",
        handler=voicemails,
        deed=_SEE,
        query=VoicemailQuery,
        gives=VoicemailPage,
    ),
    FileRoute(
        method="GET",
        path="/api/v1/voicemails/{voicemail}/audio",
        handler=voicemail_audio,
        deed=_SEE,
        gives=None,
        files=(WAV,),
        refuses=(404,),
    ),
)
