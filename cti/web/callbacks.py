"""What waits for somebody to ring back: callers who asked for it, and messages they left. Agents see their own queues'."""

from pathlib import Path
from typing import Any, Final

import msgspec

from cti.errors import NotFound
from cti.log import logger
from cti.screenpop.access import Deed
from cti.store.journeys import CallbackState, Sought
from cti.web.asked import Asked, Reply, Route
from cti.web.files import FileReply, FileRoute
from cti.web.schemas import CallbackPage, CallbackQuery, VoicemailPage, VoicemailQuery

WAV: Final = "audio/wav"
log: Final = logger("voicemails")


async def callbacks(asked: Asked[None, CallbackQuery]) -> Reply:
    """Callers who asked to be called back, who has been with us longest first. Agents see those of their queues."""
    query = asked.query
    sought = Sought(queues=_queues(asked, query.queue), state=CallbackState(query.state) if query.state else None)
    page = await asked.parts.log.callbacks(sought, cursor=query.cursor, limit=query.limit)
    return Reply(body=msgspec.convert(page, CallbackPage, from_attributes=True))


async def voicemails(asked: Asked[None, VoicemailQuery]) -> Reply:
    """Messages callers left, newest first. Agents see those of their queues."""
    query = asked.query
    page = await asked.parts.log.voicemails(
        Sought(queues=_queues(asked, query.queue)), cursor=query.cursor, limit=query.limit
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


def _queues(asked: Asked[None, Any], queue: str | None) -> frozenset[str] | None:
    wanted = None if queue is None else frozenset({queue})
    if asked.sees_all(_SEE):
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
ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET", path="/api/v1/callbacks", handler=callbacks, deed=_SEE, query=CallbackQuery, gives=CallbackPage
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
