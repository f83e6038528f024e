"""Who asks, and from where: session by cookie or bearer token, and no unsafe request from another site's page."""

from typing import Final

from aiohttp import web

from cti.errors import Forbidden, StoreUnavailable
from cti.log import logger
from cti.screenpop.access import Reach, reach
from cti.screenpop.limits import browser_address
from cti.web.asked import Route
from cti.web.errors import NotLoggedIn
from cti.web.parts import Parts, WebSite
from cti.web.recent import Who
from cti.web.session import hash_token

COOKIE: Final = "cti_session"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST_TOKEN: Final = 200
log: Final = logger("access")


def check_origin(request: web.Request, site: WebSite) -> None:
    """Raises ``Forbidden`` for an unsafe request with our cookie, or with none, that a page of another origin made.

    Browsers say where a request comes from (``Sec-Fetch-Site``, ``Origin``); programs say nothing and bring a token.
    """
    if request.method in _SAFE or "Authorization" in request.headers:
        return
    fetch_site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    is_told = fetch_site is not None or origin is not None
    if not is_told and COOKIE not in request.cookies:
        return
    if fetch_site != "same-origin" and (origin not in site.origins or fetch_site == "cross-site"):
        log.warning("cross_site_request", path=request.path, address=request.remote)
        raise Forbidden("asked from another site")


async def who_asks(request: web.Request, parts: Parts) -> Who:
    """Raises ``NotLoggedIn``; with the same words whatever is wrong. While the database is away its last word counts."""
    token = _token(request)
    if not token:
        raise NotLoggedIn("not logged in")
    try:
        who = await _on_record(hash_token(token), parts)
    except StoreUnavailable:
        who = parts.recent.of(hash_token(token))
        if who is None:
            raise
    if who is None or who.session.ends_at <= parts.clock() or not who.agent.is_enabled:
        raise NotLoggedIn("not logged in")
    return who


async def _on_record(token_hash: str, parts: Parts) -> Who | None:
    session = await parts.people.session(token_hash)
    agent = await parts.people.agent(session.agent) if session else None
    if session is None or agent is None:
        parts.recent.forget(token_hash)
        return None
    parts.recent.remember(Who(agent, session))
    return Who(agent, session)


def check_role(who: Who, route: Route) -> None:
    """Raises ``Forbidden`` where the role never may; handlers ask again for the one thing asked about."""
    if route.deed is not None and reach(who.agent.role, route.deed) is Reach.NONE:
        raise Forbidden(f"the role {who.agent.role.value} does not include this")


def address(request: web.Request, site: WebSite) -> str:
    forwarded = request.headers.getall("X-Forwarded-For", [])
    return browser_address(request.remote or "", forwarded, site.trusted_proxies)


def _token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    found = token.strip() if scheme.lower() == "bearer" else request.cookies.get(COOKIE, "")
    return found if len(found) <= _LONGEST_TOKEN else ""
