"""Where the dialplan asks us what is to become of a caller: FastAGI, from the socket to the flow.

FastAGI has no password and no encryption (trust: H21). So the door opens to a few addresses only, and each question proves that
it comes from our dialplan: it brings a nonce of its own, and the SHA-1 of ``secret:uniqueid:nonce``. SHA-1, as Asterisk's
dialplan has nothing newer; with a secret in front, and nonces without the bytes that a lengthened message would need, it does
here. Whoever is refused is simply cut off: the call goes on along the dialplan's safe path, and its caller notices nothing.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import re
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from cti.calls.call import LegId, PbxName
from cti.errors import PbxProtocolError, PbxUnavailable
from cti.log import logger
from cti.telephony.asterisk.agi_codec import AgiEnvironment
from cti.telephony.asterisk.agi_voice import PATIENCE, AgiVoice, Patience
from cti.telephony.asterisk.agi_wire import AgiWire
from cti.telephony.voice import Asked, CallerGone, VoiceChannel

log = logger("telephony")

MOST_SESSIONS: Final = 2000
ENVIRONMENT_S: Final = 1.0
"""The dialplan waits no longer, either."""
MOST_NONCES: Final = 100_000
"""Remembered; at ten calls a second, the last three hours."""

_ARGUMENTS: Final = 4
_NONCE: Final = re.compile(r"[0-9A-Za-z-]{8,64}")
_UNIQUEID: Final = re.compile(r"[0-9A-Za-z._-]{1,150}")
_NOT_DIALLED: Final = re.compile(r"[^0-9+]")


@dataclass(slots=True)
class AgiFigures:
    """Counted since the start; what ``/metrics`` shows."""

    live: int = 0
    served: int = 0
    failed: int = 0
    """Served, but a mistake of ours ended it."""
    refused: Counter[str] = field(default_factory=Counter)
    """By reason: address, full, slow, environment, arguments, proof, nonce."""


class _RefusedError(Exception):
    """``args[0]`` is the reason, as the figures name it."""


class AgiServer:
    """One listener for all PBXs. ``doors``: each PBX's name, as its dialplan writes it behind the address, and its secret;
    ``permit``: the networks it may come from; ``serve``: the flow, run once a call in a task of its own.

    ``serve`` need not say where the caller goes: a flow that returns, or fails, leaves them to the dialplan.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        permit: Iterable[str],
        doors: Mapping[PbxName, str],
        serve: Callable[[VoiceChannel], Awaitable[None]],
        patience: Patience = PATIENCE,
        most_sessions: int = MOST_SESSIONS,
    ) -> None:
        self.figures = AgiFigures()
        self.port = port
        """Once ``started`` is set: where it listens, also where 0 was asked for."""
        self._host = host
        self._permit = [ipaddress.ip_network(network) for network in permit]
        self._doors, self._serve = dict(doors), serve
        self._patience, self._most_sessions = patience, most_sessions
        self._nonces = Nonces()
        self._sessions: set[asyncio.Task[None]] = set()

    async def run(self, started: asyncio.Event | None = None) -> None:
        """Until cancelled; the callers who are here then take the safe path. Raises OSError when the port is taken."""
        server = await asyncio.start_server(self._connected, self._host, self.port)
        self.port = server.sockets[0].getsockname()[1]
        if started is not None:
            started.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            server.close()
            for session in self._sessions:
                session.cancel()
            await asyncio.gather(*self._sessions, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = asyncio.create_task(self._session(reader, writer))
        self._sessions.add(session)
        session.add_done_callback(self._sessions.discard)

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self._admit(writer)
            wire = AgiWire(reader, writer)
            voice = AgiVoice(wire, await self._question(wire), patience=self._patience)
        except _RefusedError as exc:
            self._refused(str(exc), writer)
        else:
            await self._serve_one(voice)
        finally:
            writer.close()

    def _admit(self, writer: asyncio.StreamWriter) -> None:
        if not self._is_permitted(_address(writer)):
            raise _RefusedError("address")
        if len(self._sessions) > self._most_sessions:
            raise _RefusedError("full")

    def _is_permitted(self, address: str) -> bool:
        if not address:
            return False
        peer = ipaddress.ip_address(address)
        peer = getattr(peer, "ipv4_mapped", None) or peer
        return any(peer in network for network in self._permit)

    async def _question(self, wire: AgiWire) -> Asked:
        try:
            async with asyncio.timeout(ENVIRONMENT_S):
                environment = await wire.environment()
        except TimeoutError as exc:
            raise _RefusedError("slow") from exc
        except (PbxProtocolError, CallerGone) as exc:
            raise _RefusedError("environment") from exc
        return self._believed(environment)

    def _believed(self, environment: AgiEnvironment) -> Asked:
        pbx, uniqueid = PbxName(environment.get("agi_network_script")), environment.get("agi_uniqueid")
        arguments = environment.arguments
        if len(arguments) != _ARGUMENTS or arguments[0] not in {"ivr", "after"} or not _UNIQUEID.fullmatch(uniqueid):
            raise _RefusedError("arguments")
        question, queue, nonce, given = arguments
        secret = self._doors.get(pbx)
        if secret is None or not _NONCE.fullmatch(nonce) or not is_proven(given, secret, uniqueid, nonce):
            raise _RefusedError("proof")
        if not self._nonces.is_new(uniqueid, nonce):
            raise _RefusedError("nonce")
        return _asked(environment, pbx=pbx, queue=queue, nonce=nonce, is_after=question == "after")

    async def _serve_one(self, voice: AgiVoice) -> None:
        asked = voice.asked
        self.figures.live += 1
        try:
            await voice.begin()
            await self._serve(voice)
        except CallerGone:
            log.debug("voice_caller_gone", pbx=asked.pbx, leg=asked.leg)
        except PbxUnavailable as exc:
            log.warning("voice_lost", pbx=asked.pbx, leg=asked.leg, reason=str(exc))
        except Exception:
            self.figures.failed += 1
            log.exception("voice_failed", pbx=asked.pbx, leg=asked.leg)
        finally:
            self.figures.live -= 1
            self.figures.served += 1
            await voice.close()

    def _refused(self, reason: str, writer: asyncio.StreamWriter) -> None:
        """The first of each reason, and then every hundredth: who knocks for ever fills no log."""
        self.figures.refused[reason] += 1
        if self.figures.refused[reason] % 100 == 1:
            log.warning("voice_refused", reason=reason, peer=_address(writer), times=self.figures.refused[reason])


class Nonces:
    """Which questions have been asked, as far back as memory goes; a restart forgets them all."""

    def __init__(self, most: int = MOST_NONCES) -> None:
        self._most = most
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()

    def is_new(self, uniqueid: str, nonce: str) -> bool:
        """Asked once about each; it is known from then on."""
        if (uniqueid, nonce) in self._seen:
            return False
        self._seen[uniqueid, nonce] = None
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)
        return True


def proof_of(secret: str, uniqueid: str, nonce: str) -> str:
    """What our dialplan computes: ``${SHA1(secret:${UNIQUEID}:${CTI_NONCE})}``."""
    return hashlib.sha1(f"{secret}:{uniqueid}:{nonce}".encode(), usedforsecurity=False).hexdigest()


def is_proven(given: str, secret: str, uniqueid: str, nonce: str) -> bool:
    return hmac.compare_digest(given.encode(), proof_of(secret, uniqueid, nonce).encode())


def _address(writer: asyncio.StreamWriter) -> str:
    """Empty for one who has gone already."""
    peer = writer.get_extra_info("peername")
    return str(peer[0]) if peer else ""


def _asked(environment: AgiEnvironment, *, pbx: PbxName, queue: str, nonce: str, is_after: bool) -> Asked:
    return Asked(
        pbx=pbx,
        leg=LegId(environment.get("agi_uniqueid")),
        ani=_NOT_DIALLED.sub("", environment.get("agi_callerid")),
        ani_name=environment.get("agi_calleridname"),
        dnis=environment.get("agi_extension"),
        language=environment.get("agi_language"),
        default_queue=queue,
        is_after=is_after,
        nonce=nonce,
    )
