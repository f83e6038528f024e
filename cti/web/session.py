"""Logging in and out, tickets for the socket, passwords."""

import hashlib
import secrets
import time
from datetime import timedelta
from typing import Final

from cti.agents.agent import Agent, AgentId
from cti.crm.writing import writer_of
from cti.log import logger
from cti.screenpop.access import Deed
from cti.screenpop.tickets import LIFE_S
from cti.screenpop.views import me_view
from cti.store.people import Session
from cti.web.asked import Asked, Cookie, Reply, Route
from cti.web.errors import NotLoggedIn
from cti.web.parts import Parts
from cti.web.recent import Who
from cti.web.schemas import LoggedIn, LogIn, NewPassword, SessionView, SiteView, TicketView

log: Final = logger("session")
_TOKEN_BYTES: Final = 32
_WRONG: Final = "name or password is wrong"


def hash_token(token: str) -> str:
    """A token is 256 random bits, so a plain hash keeps it: there is nothing to guess."""
    return hashlib.sha256(token.encode()).hexdigest()


async def site(asked: Asked[None, None]) -> Reply:
    """What the console needs before log-in."""
    return Reply(body=_site_view(asked.parts, logged_in=False))


async def log_in(asked: Asked[LogIn, None]) -> Reply:
    """Log in: a new session, its token as a cookie and, for programs, in the answer."""
    agent_id = AgentId(asked.body.agent)
    await _check_password(asked, agent_id, asked.body.password)
    agent = await asked.parts.people.agent(agent_id)
    if agent is None or not agent.is_enabled:
        raise NotLoggedIn(_WRONG)
    if asked.parts.hub.agent(agent_id) != agent:  # added or changed from the command line
        agents = await asked.parts.people.agents()
        asked.parts.hub.roster(agents)
        asked.parts.shift.roster(agents)
    log.info("logged_in", agent=agent_id)
    return await _open(asked.parts, agent)


async def who_am_i(asked: Asked[None, None]) -> Reply:
    """Whose session this is, and what the console needs to know about the site."""
    site = _site_view(asked.parts, logged_in=True)
    return Reply(body=SessionView(me=me_view(asked.agent), site=site, ends_at=asked.who.session.ends_at))


async def log_out(asked: Asked[None, None]) -> Reply:
    """Log out: the session is gone, and its socket within a second. Agents in a call are logged out when it ends."""
    await asked.parts.people.end_session(asked.who.session.token_hash)
    asked.parts.shift.log_out(asked.agent.id, asked.who.session.token_hash, asked.agent)
    await forget(asked.parts, asked.who.session.token_hash)
    log.info("logged_out", agent=asked.agent.id)
    return Reply(status=204, cookie=Cookie(value="", max_age_s=0))


async def ticket(asked: Asked[None, None]) -> Reply:
    """A ticket for the desktop's socket: good once, and for 30 s."""
    session, parts = asked.who.session, asked.parts
    token = await parts.tickets.issue(session.agent, session.token_hash, session.ends_at, parts.clock())
    return Reply(body=TicketView(ticket=token, expires_s=LIFE_S, ws_url=parts.site.ws_url), status=201)


async def new_password(asked: Asked[NewPassword, None]) -> Reply:
    """Change one's password: every session of the agent ends, and this browser gets a new one."""
    await _check_password(asked, asked.agent.id, asked.body.old)
    password_hash = await asked.parts.passwords.hash(asked.body.new)
    await asked.parts.people.set_password(asked.agent.id, password_hash)
    await end_all(asked.parts, asked.agent.id)
    log.info("password_changed", agent=asked.agent.id)
    return await _open(asked.parts, asked.agent)


async def end_all(parts: Parts, agent: AgentId) -> tuple[str, ...]:
    """End every session of an agent, tickets and sockets too; which those were."""
    ended = await parts.people.end_sessions(agent)
    for token_hash in ended:
        await forget(parts, token_hash)
    parts.recent.forget_agent(agent)
    return ended


async def forget(parts: Parts, token_hash: str) -> None:
    parts.recent.forget(token_hash)
    await parts.tickets.revoke(token_hash)
    parts.hub.desktops.close_session(token_hash)


async def _check_password(asked: Asked[object, None], agent: AgentId, password: str) -> None:
    """The same words and the same time, whether or not there is such an agent."""
    parts, account = asked.parts, agent.lower()
    parts.throttle.begins(account, asked.address, time.monotonic())
    try:
        is_right = await parts.passwords.is_right(await parts.people.password_hash(agent), password)
    finally:
        parts.throttle.ends(account, asked.address)
    if not is_right:
        parts.throttle.wrong(account, asked.address, time.monotonic())
        log.warning("login_failed", address=asked.address)
        raise NotLoggedIn(_WRONG)
    parts.throttle.right(account, asked.address, time.monotonic())


async def _open(parts: Parts, agent: Agent) -> Reply:
    token, ends_at = secrets.token_urlsafe(_TOKEN_BYTES), parts.clock() + timedelta(seconds=parts.site.session_s)
    session = Session(hash_token(token), agent.id, ends_at)
    await parts.people.open_session(session)
    parts.recent.remember(Who(agent, session))
    cookie = Cookie(value=token, max_age_s=parts.site.session_s)
    return Reply(body=LoggedIn(token=token, ends_at=ends_at), status=201, cookie=cookie)


def _site_view(parts: Parts, *, logged_in: bool) -> SiteView:
    site = parts.site
    return SiteView(
        name=site.name, version=site.version, country=site.country, language=site.language, ws_url=site.ws_url,
        demo=site.demo, results=site.results if logged_in else (), reasons=site.reasons if logged_in else (),
        wrap_up_extend_s=site.wrap_up_extend_s,
        crm_writes=writer_of(parts.customers) is not None,
    )  # fmt: skip


ROUTES: Final = (
    Route(method="GET", path="/api/v1/site", handler=site, deed=None, gives=SiteView),
    Route(
        method="POST", path="/api/v1/session", handler=log_in, deed=None, body=LogIn, gives=LoggedIn, status=201,
        refuses=(401,),
    ),
    Route(method="GET", path="/api/v1/session", handler=who_am_i, deed=Deed.ME, gives=SessionView),
    Route(method="DELETE", path="/api/v1/session", handler=log_out, deed=Deed.ME, gives=None, status=204),
    Route(method="POST", path="/api/v1/session/ticket", handler=ticket, deed=Deed.ME, gives=TicketView, status=201),
    Route(
        method="PUT", path="/api/v1/session/password", handler=new_password, deed=Deed.ME, body=NewPassword,
        gives=LoggedIn, status=201,
    ),
)  # fmt: skip
