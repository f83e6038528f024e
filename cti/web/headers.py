"""What every answer says to the browser: no scripts but ours, no frames, no guessing of types."""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from cti.web.parts import WebSite

_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


def content_security_policy(site: WebSite) -> str:
    """Nothing inline and nothing from elsewhere; the socket's origin is the one address beside our own."""
    parts = urlsplit(site.ws_url)
    return "; ".join(
        (
            "default-src 'self'",
            f"connect-src 'self' {parts.scheme}://{parts.netloc}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def for_site(site: WebSite) -> dict[str, str]:
    headers = _ALWAYS | {"Content-Security-Policy": content_security_policy(site)}
    if site.is_https:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


def middleware(site: WebSite) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Answers of REST are never kept by a browser or a proxy; files say themselves how long they last."""
    said = for_site(site)

    @web.middleware
    async def add(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        response = await handler(request)
        response.headers.update(said)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Server"] = "cti"
        return response

    return add
