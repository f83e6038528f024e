"""Settings -> what each room is given: values only, so that no room knows the whole of them."""

import re
import socket
from zoneinfo import ZoneInfo

from cti import __version__, settings
from cti.agents.agent import Agent, AgentId, AgentRole
from cti.crm.connectors import Setup
from cti.crm.lookup import LookupRules
from cti.screenpop.hub import HubSettings
from cti.screenpop.outbox import Limits as OutboxLimits
from cti.screenpop.server import SocketSettings
from cti.screenpop.views import Site
from cti.web.parts import QueueTarget, WebSite
from cti.web.schemas import DemoLogin, ReasonChoice, ResultChoice, ResultField


def is_whole(given: settings.Settings) -> bool:
    """One process does everything."""
    return set(given.roles) == {"pbx", "push", "web"}


def process_name(given: settings.Settings) -> str:
    """Unique in the site, and the same after a restart: no two processes of a machine listen on one port."""
    return given.process.name or re.sub(r"[^A-Za-z0-9_.-]", "-", f"{socket.gethostname()}-{given.web.port}")


def agent(account: settings.AgentAccount) -> Agent:
    return Agent(
        id=AgentId(account.id), name=account.name, role=AgentRole(account.role), extension=account.extension,
        device=account.device, queues=account.queues, language=account.language,
    )  # fmt: skip


def crm_setup(given: settings.Settings, own_url: str) -> Setup:
    crm = given.crm
    return Setup(country=given.site.country, own_url=own_url, mapping=crm.mapping, open_url=crm.open_url)


def lookup_rules(given: settings.Settings) -> LookupRules:
    return LookupRules(
        country=given.site.country, budget_s=given.crm.budget_s, fresh_s=given.crm.cache_s,
        failures_to_open=given.crm.breaker_failures, retry_after_s=given.crm.breaker_open_s,
    )  # fmt: skip


def hub_settings(given: settings.Settings) -> HubSettings:
    return HubSettings(
        site=Site(given.site.country, dict(given.lines)),
        queue_ring_timeout_s=settings.Queue().ring_timeout_s,
        ring_timeouts_s={name: queue.ring_timeout_s for name, queue in given.queues.items()},
        is_recording_offered=given.recording.is_offered,
        limits=OutboxLimits(waiting=given.push.outbox_limit, kept=given.push.outbox_limit),
    )


def socket_settings(given: settings.Settings) -> SocketSettings:
    return SocketSettings(
        host=given.push.host, port=given.push.port, origins=frozenset(given.push.allowed_origins) or _own_pages(given),
        proxies=frozenset(given.web.trusted_proxies), version=__version__, ping_s=given.push.ping_s,
    )  # fmt: skip


def web_site(given: settings.Settings, demo: tuple[DemoLogin, ...]) -> WebSite:
    is_https = bool(given.web.public_origins) and all(
        origin.startswith("https:") for origin in given.web.public_origins
    )
    return WebSite(
        name=given.site.name, country=given.site.country, version=__version__, ws_url=_ws_url(given), origins=_own_pages(given),
        is_https=is_https, language=given.site.language, results=results(given), demo=demo,
        time_zone=ZoneInfo(given.site.time_zone),
        reasons=tuple(ReasonChoice(code=one.code, label=one.label) for one in given.desk.reasons),
        wrap_up_extend_s=given.desk.wrap_up_extend_s,
        trusted_proxies=frozenset(given.web.trusted_proxies),
    )  # fmt: skip


def queues(given: settings.Settings) -> tuple[QueueTarget, ...]:
    return tuple(
        QueueTarget(name=name, label=queue.label or name, extension=queue.extension)
        for name, queue in sorted(given.queues.items())
    )


def results(given: settings.Settings) -> tuple[ResultChoice, ...]:
    """Two queues' results that are the same in everything are one."""
    queues_by_choice: dict[settings.ResultCode, list[str]] = {}
    for queue, choices in given.results.items():
        for choice in choices:
            queues_by_choice.setdefault(choice, []).append(queue)
    return tuple(
        ResultChoice(
            code=choice.code, label=choice.label, queues=() if "default" in queues else tuple(queues),
            fields=tuple(
                ResultField(name=one.name, label=one.label, kind=one.kind, is_required=one.is_required, choices=one.choices)
                for one in choice.fields
            ),
        )
        for choice, queues in queues_by_choice.items()
    )  # fmt: skip


def url(given: settings.Settings) -> str:
    return given.web.public_origins[0] if given.web.public_origins else f"http://localhost:{given.web.port}"


def _own_pages(given: settings.Settings) -> frozenset[str]:
    """Where the console is loaded from."""
    names = ("localhost", "127.0.0.1", given.web.host)
    return frozenset(given.web.public_origins) or frozenset(f"http://{name}:{given.web.port}" for name in names)


def _ws_url(given: settings.Settings) -> str:
    """Behind a proxy, sockets are where the console is, under /desktop; else on their own port of the same host."""
    if given.web.public_origins:
        return given.web.public_origins[0].replace("http", "ws", 1) + "/desktop"
    return f"ws://localhost:{given.push.port}/"
