"""The console's files, as they were built."""

import html
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from aiohttp import web

_FOREVER: Final = "public, max-age=31536000, immutable"
_NOT_BUILT: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{name}</title>
<h1>The console is not built</h1>
<p>The service runs; its pages are not there yet. <code>make console</code> builds them, then load this page again.</p>
<p>REST is at <a href="api/v1/openapi.json">api/v1/openapi.json</a>.</p>
</html>
"""


def add_pages(app: web.Application, static: Path, name: str) -> None:
    """``/`` and what lies in ``static``. Names under ``assets/`` hold a hash of what is in them, so they last for ever."""
    app.router.add_get("/", _index(static, name))
    app.router.add_get("/{path:(?!api/).+}", _file(static))


def _index(static: Path, name: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def index(_: web.Request) -> web.StreamResponse:
        page = static / "index.html"
        if page.is_file():
            return web.FileResponse(page, headers={"Cache-Control": "no-store"})
        text = _NOT_BUILT.format(name=html.escape(name))
        return web.Response(text=text, content_type="text/html", status=503)

    return index


def _file(static: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    root = static.resolve()

    async def file(request: web.Request) -> web.StreamResponse:
        wanted = _within(root, request.match_info["path"])
        if wanted is None:
            raise web.HTTPNotFound
        is_hashed = wanted.is_relative_to(root / "assets")
        return web.FileResponse(wanted, headers={"Cache-Control": _FOREVER if is_hashed else "no-cache"})

    return file


def _within(root: Path, path: str) -> Path | None:
    try:
        wanted = (root / path).resolve()
        is_given = wanted.is_relative_to(root) and wanted.is_file() and not wanted.name.startswith(".")
    except (ValueError, OSError):  # no name that a file can have: a zero byte, 300 letters
        return None
    return wanted if is_given else None
