"""The one way to ask an outside service over HTTP. The URL may come from a file that a stranger wrote: see trust, H36::

    egress = Egress(EgressRules(origins=("http://crm.internal:8080",)))
    order = await egress.ask(url_of("https://shop.example.org/orders/{order}", {"order": keyed}), limit_s=3.0)

Every request is resolved and looked at anew, inside the connector that connects to just those addresses: between the look
and the connection there is no moment in which a name could change its mind. Redirects are not followed, proxies of the
environment not used, cookies not kept, connections not kept either.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from socket import AddressFamily
from typing import Final

import aiohttp
import msgspec
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult

from cti.egress.addresses import is_public
from cti.egress.names import SystemNames
from cti.egress.urls import Target, names_in, target_of, url_of
from cti.errors import EgressRefused, EgressUnavailable

__all__ = ["MAX_BYTES", "Egress", "EgressRules", "Reply", "names_in", "url_of"]

log = structlog.get_logger()

MAX_BYTES: Final = 64 * 1024
_ALWAYS: Final = {"User-Agent": "cti", "Accept": "application/json", "Accept-Encoding": "identity"}
"""Nothing compressed: 64 KiB of it may be a gigabyte."""
_OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressRules:
    ports: frozenset[int] = frozenset({80, 443})
    origins: tuple[str, ...] = ()
    """Exactly these may be private, and on any port: ``http://crm.internal:8080``."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes


class Egress:
    """``resolver`` is the system's; tests bring one of their own."""

    def __init__(self, rules: EgressRules, resolver: AbstractResolver | None = None) -> None:
        self._rules = rules
        self._resolver = resolver or SystemNames()

    async def ask(
        self, url: str, *, limit_s: float, body: object = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, object]:
        """GET, or POST of ``body`` as JSON; the answer is a JSON object. Raises EgressRefused and EgressUnavailable;
        a status that is no success is the latter, with ``status``.
        """
        data = None if body is None else msgspec.json.encode(body)
        kind = {} if body is None else {"Content-Type": "application/json"}
        reply = await self.send(url, limit_s=limit_s, data=data, headers={**kind, **(headers or {})})
        if not 200 <= reply.status < 300:  # noqa: PLR2004
            raise EgressUnavailable(f"it answers with status {reply.status}", reply.status)
        try:
            return msgspec.json.decode(reply.body, type=dict[str, object])
        except (msgspec.DecodeError, RecursionError, ValueError):
            raise EgressUnavailable("its answer is no JSON object", reply.status) from None

    async def send(
        self, url: str, *, limit_s: float, data: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """GET, or POST of ``data``; whatever status comes back. ``limit_s`` covers all of it, from the name to the last byte."""
        try:
            target = target_of(url, ports=self._rules.ports, origins=self._rules.origins)
            said = _checked(headers or {})
            async with asyncio.timeout(limit_s):
                return await self._exchange(target, data, said)
        except EgressRefused as refused:
            log.warning("egress_refused", reason=str(refused))
            raise
        except TimeoutError:
            raise EgressUnavailable(f"no answer within {limit_s} s") from None
        except (aiohttp.ClientError, OSError) as error:
            # Without its cause: the library's words hold the URL, and the URL what a caller keyed.
            raise EgressUnavailable(_words(error)) from None

    async def _exchange(self, target: Target, data: bytes | None, headers: Mapping[str, str]) -> Reply:
        guard = _Guard(self._resolver, target)
        connector = aiohttp.TCPConnector(resolver=guard, use_dns_cache=False, force_close=True)
        async with (
            aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None), headers=_ALWAYS,
            ) as session,
            session.request(
                "GET" if data is None else "POST", target.url, data=data, headers=headers, allow_redirects=False
            ) as response,
        ):  # fmt: skip
            return Reply(response.status, await _bounded(response))


class _Guard(AbstractResolver):
    """Answers the connector with addresses that have been looked at. One per request."""

    def __init__(self, inner: AbstractResolver, target: Target) -> None:
        self._inner = inner
        self._target = target

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        private = [each["host"] for each in found if not is_public(each["host"])]
        if private and not self._target.is_permitted:
            raise EgressRefused(f"{host} is at {private[0]}, which is no public address")
        return found

    async def close(self) -> None:
        """The inner one is not ours to close."""


def _checked(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if name.lower() in _OURS:
            raise EgressRefused(f"the header {name} is not for the asker to set")
        if not (f"{name}{value}".isascii() and f"{name}{value}".isprintable()):
            raise EgressRefused("a header holds characters that cannot be sent")
    return dict(headers)


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BYTES:
            raise EgressUnavailable(f"its answer is longer than {MAX_BYTES // 1024} KiB", response.status)
    return bytes(body)


def _words(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "its name cannot be resolved"
        case aiohttp.ClientSSLError():
            return "no trusted connection: its certificate or its TLS is not right"
        case aiohttp.ClientConnectorError():
            return "no connection"
        case aiohttp.ClientPayloadError() | aiohttp.ServerDisconnectedError() | ConnectionError():
            return "the connection broke off before the answer was whole"
        case _:
            return "what it answers is not HTTP as we know it"
