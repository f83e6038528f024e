"""Answers that are files: what a route says of them, and how they go out."""

from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from cti.web.asked import Reply, Route


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReply(Reply):
    content: bytes | Path
    """A path's file can be asked for in parts, as players do."""
    media: str
    name: str = ""
    """What it is to be saved as, in ASCII; empty: it is to be shown, or heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRoute(Route):
    files: tuple[str, ...]
    """The media types it may give, beside JSON where it ``gives`` any."""


def as_response(reply: FileReply) -> web.StreamResponse:
    said = dict(reply.headers) | {"Content-Type": reply.media}
    if reply.name:
        said["Content-Disposition"] = f'attachment; filename="{reply.name}"'
    if isinstance(reply.content, Path):
        return web.FileResponse(reply.content, headers=said)
    return web.Response(body=reply.content, status=reply.status, headers=said)
