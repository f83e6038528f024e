"""A SIP phone that a story plays by hand: ring now, answer now, transfer now. Standard library only.

SIPp (`sipp.py`) plays fixed scenarios and many calls; this plays one phone whose next move depends on what has
happened, and whose calls know each other, as an attended transfer (REFER with Replaces) needs. UDP on loopback, RFC
3261 as far as Asterisk needs it; lost packets are not retransmitted, as loopback loses none. It may also send what a
good phone never would.
"""

import asyncio
import itertools
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import quote

from tests.testbed.sip_message import Packet, response, uri_of
from tests.testbed.voice import DTMF_PAYLOAD, LOOPBACK, VOICE_STEP_S, Voice

EVENT_LIMIT_S: Final = 15.0


class PhoneSurprisedError(AssertionError):
    """What the story waited for did not happen. Names what did."""


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, phone: "Phone") -> None:
        self._phone = phone

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 - asyncio's signature
        self._phone.received(data)


@dataclass(slots=True, eq=False)
class Phone:
    """One phone. ``number``: its user part; ``port``: where it listens; ``server_port``: Asterisk's SIP port.
    ``refuse_with``: turns every call away with that status; ``is_silent``: sends no voice, only keys.

    ``async with Phone("2001", port=..., server_port=...) as ann: call = await ann.rings()``
    """

    number: str
    port: int
    server_port: int
    calls: dict[str, "PhoneCall"] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    refuse_with: int = 0
    is_silent: bool = False
    _waiting: "asyncio.Queue[PhoneCall]" = field(default_factory=asyncio.Queue)
    _voice: "asyncio.Task[None] | None" = None
    _transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self), local_addr=(LOOPBACK, self.port)
        )
        self._voice = loop.create_task(self._speak())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._voice is not None:
            self._voice.cancel()
            await asyncio.gather(self._voice, return_exceptions=True)
        for call in list(self.calls.values()):
            call.abandon()
        if self._transport is not None:
            self._transport.close()

    async def _speak(self) -> None:
        """Voice (silence) on every talking call, every 20 ms. Without it Asterisk never optimises a Local channel
        away.
        """
        while True:
            for call in self.calls.values():
                call.voice.tick(is_speaking=call.is_talking and not self.is_silent)
            await asyncio.sleep(VOICE_STEP_S)

    async def rings(self, within_s: float = EVENT_LIMIT_S) -> "PhoneCall":
        """The next new call to this phone; 180 Ringing has been sent. Raises PhoneSurprisedError."""
        try:
            return await asyncio.wait_for(self._waiting.get(), within_s)
        except TimeoutError:
            raise PhoneSurprisedError(f"{self.number} did not ring within {within_s} s: {self.log[-8:]}") from None

    @property
    def is_ringing(self) -> bool:
        return not self._waiting.empty()

    def dial(
        self, target: str, *, caller: str = "", name: str = "", headers: Sequence[str] = (), from_header: str = ""
    ) -> "PhoneCall":
        """Send an INVITE. ``caller`` and ``name``: what the From header claims; ``from_header``: all of it,
        unchecked.
        """
        call = PhoneCall(self, f"{secrets.token_hex(8)}@{LOOPBACK}", secrets.token_hex(4), is_outgoing=True)
        shown = f'"{name}" ' if name else ""
        call.local = from_header or f"{shown}<sip:{caller or self.number}@{LOOPBACK}:{self.port}>"
        call.remote = call.remote_target = f"sip:{target}@{LOOPBACK}:{self.server_port}"
        self.calls[call.call_id] = call
        call.invite(headers=headers)
        return call

    def send(self, text: str) -> None:
        self.log.append("> " + text.split("\r\n", 1)[0])
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(text.encode("utf-8", "surrogateescape"), (LOOPBACK, self.server_port))

    def received(self, data: bytes) -> None:
        packet = Packet.parse(data)
        self.log.append("< " + packet.start)
        call = self.calls.get(packet.get("call-id"))
        if packet.status:
            if call is not None:
                call.answered_by_peer(packet)
            return
        if call is None and packet.method == "INVITE":
            call = self._new_call(packet)
        elif call is None:
            if packet.method != "ACK":
                self.send(
                    response(packet, 200 if packet.method in {"OPTIONS", "NOTIFY"} else 481, contact=self.contact)
                )
            return
        call.asked(packet)

    @property
    def contact(self) -> str:
        return f"<sip:{self.number}@{LOOPBACK}:{self.port}>"

    def _new_call(self, packet: Packet) -> "PhoneCall":
        call = PhoneCall(self, packet.get("call-id"), secrets.token_hex(4), is_outgoing=False)
        call.local, call.remote = packet.get("to"), packet.get("from")
        call.remote_target = uri_of(packet.get("contact"))
        self.calls[call.call_id] = call
        return call

    def offered(self, call: "PhoneCall") -> None:
        if self.refuse_with:
            call.refuse(self.refuse_with)
            return
        call.answer_invite(180)
        self._waiting.put_nowait(call)


@dataclass(slots=True, eq=False)
class PhoneCall:
    """One dialog of a phone, and its voice port. Methods send at once; ``until_...`` wait for the other side."""

    phone: Phone
    call_id: str
    tag: str
    is_outgoing: bool
    local: str = ""
    remote: str = ""
    remote_target: str = ""
    remote_tag: str = ""
    status: int = 0
    hold: bool = False
    is_over: bool = False
    began_at: float = field(default_factory=time.monotonic)
    answered_at: float = 0.0
    ended_at: float = 0.0
    refer_results: list[str] = field(default_factory=list)
    invite_packet: Packet | None = None
    voice: Voice = field(default_factory=Voice)
    _cseq: "Iterator[int]" = field(default_factory=lambda: itertools.count(1))
    _invite_cseq: int = 0
    _branch: str = ""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def remote_number(self) -> str:
        """The user part of the other side's URI: who calls, for a call that came in."""
        return uri_of(self.remote).removeprefix("sip:").partition("@")[0]

    @property
    def is_talking(self) -> bool:
        return bool(self.answered_at) and not self.is_over

    # --- what the story does -------------------------------------------------------------------------------------

    def answer(self) -> None:
        """200 OK to the INVITE that rings. Raises PhoneSurprisedError where it rings no more."""
        if self.is_over:
            raise PhoneSurprisedError(f"{self.phone.number}: rings no more: {self.phone.log[-8:]}")
        self.answer_invite(200, sdp=True)
        self._set_status(200)

    def refuse(self, status: int = 486) -> None:
        """486 busy, 603 decline, 480 unavailable, 404..."""
        self.answer_invite(status)
        self._end()

    def forward(self, target: str) -> None:
        """302: the phone itself sends the call elsewhere."""
        uri = f"<sip:{target}@{LOOPBACK}:{self.phone.server_port}>"
        if self.invite_packet is not None:
            self.phone.send(response(self.invite_packet, 302, to_tag=self.tag, contact=uri))
        self._end()

    def hang_up(self) -> None:
        """BYE when talking, CANCEL when our own call still rings, 603 when theirs does."""
        if self.is_over:
            return
        if self.status >= 200:
            self._request("BYE")
        elif self.is_outgoing:
            self.phone.send(self._text("CANCEL", self._invite_cseq, branch=self._branch, tagged=False))
            return
        else:
            self.answer_invite(603)
        self._end()

    def put_on_hold(self) -> None:
        self.hold = True
        self.invite()

    def retrieve(self) -> None:
        self.hold = False
        self.invite()

    def transfer(self, target: str) -> None:
        """REFER without asking anybody (blind)."""
        self._request(
            "REFER",
            [f"Refer-To: <sip:{target}@{LOOPBACK}:{self.phone.server_port}>", f"Referred-By: {self.phone.contact}"],
        )

    def transfer_to_call(self, other: "PhoneCall") -> None:
        """REFER with Replaces: this call's party is joined to the other call's party (attended)."""
        replaces = quote(f"{other.call_id};to-tag={other.remote_tag};from-tag={other.tag}", safe="")
        target = uri_of(other.remote).split(";")[0]
        self._request("REFER", [f"Refer-To: <{target}?Replaces={replaces}>", f"Referred-By: {self.phone.contact}"])

    async def press(self, keys: str, *, tone_ms: int = 100, gap_ms: int = 60) -> None:
        """Keys as RFC 4733 events, one after the other."""
        for key in keys:
            await self.voice.press(key, tone_ms)
            await asyncio.sleep(gap_ms / 1000)

    def abandon(self) -> None:
        """Forget the call without a word, as a phone does that loses its power."""
        self._end()
        self.voice.close()

    # --- what the story waits for --------------------------------------------------------------------------------

    async def until_ringing(self, within_s: float = EVENT_LIMIT_S) -> None:
        await self._until(lambda: self.status >= 180, "ringing", within_s)

    async def until_answered(self, within_s: float = EVENT_LIMIT_S) -> None:
        await self._until(lambda: self.status == 200, "answered", within_s)

    async def until_over(self, within_s: float = EVENT_LIMIT_S) -> None:
        """Hung up by the other side, cancelled, refused, or by us."""
        await self._until(lambda: self.is_over, "over", within_s)

    async def until_transferred(self, within_s: float = EVENT_LIMIT_S) -> str:
        """The last status line that came back for our REFER (``SIP/2.0 200 OK``: done)."""
        await self._until(
            lambda: any(not line.startswith("SIP/2.0 1") for line in self.refer_results), "transferred", within_s
        )
        return self.refer_results[-1]

    async def _until(self, reached: Callable[[], bool], what: str, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                while not reached():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise PhoneSurprisedError(
                f"{self.phone.number}: not {what} within {within_s} s: {self.phone.log[-8:]}"
            ) from None

    # --- what comes in -------------------------------------------------------------------------------------------

    def asked(self, packet: Packet) -> None:
        """A request of the other side inside this dialog (or the INVITE that begins it)."""
        self.remote_tag = self.remote_tag or packet.from_tag
        method = packet.method
        if method == "INVITE":
            self._asked_invite(packet)
        elif method == "CANCEL":
            self._reply(packet, 200)
            if self.invite_packet is not None and self.status < 200:
                self.answer_invite(487)
            self._end()
        elif method == "BYE":
            self._reply(packet, 200)
            self._end()
        elif method == "NOTIFY":
            self.refer_results += [line for line in packet.body.splitlines() if line.startswith("SIP/2.0")]
            self._reply(packet, 200)
        elif method != "ACK":
            self._reply(packet, 200)
        self._changed.set()

    def _asked_invite(self, packet: Packet) -> None:
        if self.invite_packet is not None and self.invite_packet.get("cseq") == packet.get("cseq"):
            return
        is_new = self.invite_packet is None and not self.is_outgoing
        self.invite_packet = packet
        self._note_media(packet)
        if is_new:
            self.phone.offered(self)
        else:
            self.remote_target = uri_of(packet.get("contact")) or self.remote_target
            self.answer_invite(200, sdp=True)

    def answered_by_peer(self, packet: Packet) -> None:
        """A response to something we asked."""
        if packet.method == "INVITE" and packet.status >= 200:
            self.remote_tag = packet.to_tag or self.remote_tag
            self._acknowledge(packet)
            if packet.status >= 300 and self.status < 200:
                self._end(packet.status)
        if packet.method == "INVITE" and not self.is_over:
            self.remote_tag = packet.to_tag or self.remote_tag
            self._set_status(max(self.status, packet.status) if packet.status < 300 else self.status)
            self._note_media(packet)
        if packet.method == "REFER" and packet.status >= 300:
            self.refer_results.append(packet.start)
        self._changed.set()

    def _note_media(self, packet: Packet) -> None:
        port = re.search(r"^m=audio (\d+)", packet.body, re.MULTILINE)
        host = re.search(r"^c=IN IP4 (\S+)", packet.body, re.MULTILINE)
        if port and host:
            self.voice.peer = (host[1], int(port[1]))

    # --- what goes out -------------------------------------------------------------------------------------------

    def invite(self, headers: Sequence[str] = ()) -> None:
        """The first INVITE, or a new offer inside the call (hold, retrieve)."""
        self._invite_cseq, self._branch = next(self._cseq), _branch()
        extra = [f"Contact: {self.phone.contact}", "Allow: INVITE,ACK,CANCEL,BYE,REFER,NOTIFY,OPTIONS,UPDATE", *headers]
        self.phone.send(
            self._text(
                "INVITE",
                self._invite_cseq,
                branch=self._branch,
                extra=extra,
                body=self._sdp(),
                tagged=self.remote_tag != "",
            )
        )

    def answer_invite(self, status: int, *, sdp: bool = False) -> None:
        if self.invite_packet is not None:
            body = self._sdp() if sdp else ""
            self.phone.send(
                response(self.invite_packet, status, to_tag=self.tag, contact=self.phone.contact, body=body)
            )

    def _reply(self, packet: Packet, status: int) -> None:
        self.phone.send(response(packet, status, to_tag=self.tag, contact=self.phone.contact))

    def _request(self, method: str, extra: Sequence[str] = ()) -> None:
        self.phone.send(
            self._text(method, next(self._cseq), branch=_branch(), extra=[f"Contact: {self.phone.contact}", *extra])
        )

    def _acknowledge(self, packet: Packet) -> None:
        good = packet.status < 300
        if good:
            self.remote_target = uri_of(packet.get("contact")) or self.remote_target
        number = int(packet.get("cseq").split(" ")[0])
        self.phone.send(self._text("ACK", number, branch=_branch() if good else self._branch))

    def _text(
        self, method: str, cseq: int, *, branch: str, extra: Sequence[str] = (), body: str = "", tagged: bool = True
    ) -> str:
        remote = self.remote if "<" in self.remote else f"<{self.remote}>"
        if tagged and self.remote_tag and "tag=" not in remote:
            remote = f"{remote};tag={self.remote_tag}"
        local = self.local if "tag=" in self.local else f"{self.local};tag={self.tag}"
        lines = [
            f"{method} {self.remote_target} SIP/2.0",
            f"Via: SIP/2.0/UDP {LOOPBACK}:{self.phone.port};branch={branch};rport",
            "Max-Forwards: 70",
            f"From: {local}",
            f"To: {remote}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq} {method}",
            *extra,
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body.encode())}",
        ]
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def _sdp(self) -> str:
        lines = [
            "v=0",
            f"o=phone 1 {self._invite_cseq + 1} IN IP4 {LOOPBACK}",
            "s=-",
            f"c=IN IP4 {LOOPBACK}",
            "t=0 0",
            f"m=audio {self.voice.port} RTP/AVP 8 0 {DTMF_PAYLOAD}",
            "a=rtpmap:8 PCMA/8000",
            "a=rtpmap:0 PCMU/8000",
            f"a=rtpmap:{DTMF_PAYLOAD} telephone-event/8000",
            f"a=fmtp:{DTMF_PAYLOAD} 0-16",
            "a=sendonly" if self.hold else "a=sendrecv",
        ]
        return "\r\n".join(lines) + "\r\n"

    def _set_status(self, status: int) -> None:
        self.status = status
        if status == 200 and not self.answered_at:
            self.answered_at = time.monotonic()

    def _end(self, status: int = 0) -> None:
        self.ended_at = self.ended_at or time.monotonic()
        self.is_over = True
        self.status = status or self.status
        self._changed.set()


def _branch() -> str:
    return f"z9hG4bK{secrets.token_hex(8)}"
