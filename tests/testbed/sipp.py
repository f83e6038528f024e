"""SIPp callers and agents: fixed scenarios, composed here from steps, many calls at a time.

For a phone whose next move depends on what has happened (attended transfers, feature codes, races) use `phone.py`.
Facts about SIPp 3.6.1: keys are heard only with payload type 96; ``<pause>`` takes no CSV field; the 487 after a
CANCEL must carry the INVITE's CSeq; a variable that is assigned must be used; a killed SIPp leaves its call in the
queue, so hang up all channels between tests.
"""

import asyncio
import atexit
import contextlib
import csv
import io
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from tests.testbed import parts

LOOPBACK: Final = "127.0.0.1"
RTP_EVENT: Final = 96
LATER: Final = 100
EARLY: Final = (100, 180, 181, 183)
SILENCE: Final = "silence.al"
LIMIT_S: Final = 60.0

_SDP: Final = f"""v=0
o=sipp 1 VERSION IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 {RTP_EVENT}
a=rtpmap:8 PCMA/8000
a=rtpmap:{RTP_EVENT} telephone-event/8000
a=fmtp:{RTP_EVENT} 0-16
a=DIRECTION"""


@dataclass(frozen=True, slots=True)
class Dialog:
    """How the headers of a request inside the call read, seen from the caller's or from the agent's end."""

    uri: str
    local: str
    remote: str


_CALLER: Final = Dialog(
    uri="sip:[field2]@[remote_ip]:[remote_port]",
    local='From: "[field1]" <sip:[field0]@[local_ip]:[local_port]>;tag=[pid]c[call_number]',
    remote="To: <sip:[field2]@[remote_ip]:[remote_port]>[peer_tag_param]",
)
_AGENT: Final = Dialog(uri="[$uri]", local="From:[$local];tag=[pid]a[call_number]", remote="To:[$remote]")


class Step:
    """One thing an end of the call does after the answer. Subclasses render their XML; ``cseq`` is fresh for each
    step.
    """

    def xml(self, dialog: Dialog, cseq: int, /) -> str:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Wait(Step):
    seconds: float

    def xml(self, _dialog: Dialog, _cseq: int, /) -> str:
        return _pause(self.seconds)


@dataclass(frozen=True, slots=True)
class Press(Step):
    """Keys as RFC 4733 events, then the time they take. Callers only: Asterisk offers agents payload type 101, SIPp
    sends 96. Once in a scenario: SIPp begins the next one with the same timestamps, and Asterisk takes its first keys
    for those it has heard. ``keys`` may be ``[field3]``: those of the caller's row.
    """

    keys: str
    tone_ms: int = 200

    def xml(self, _dialog: Dialog, _cseq: int, /) -> str:
        keys = f'<nop><action><exec play_dtmf="{self.keys},{self.tone_ms}"/></action></nop>'
        return keys + _pause(2 * self.tone_ms / 1000 * len(self.keys))


@dataclass(frozen=True, slots=True)
class HangUp(Step):
    def xml(self, dialog: Dialog, cseq: int, /) -> str:
        return _send(_request("BYE", dialog, cseq)) + '<recv response="200"/>'


@dataclass(frozen=True, slots=True)
class AwaitHangUp(Step):
    def xml(self, _dialog: Dialog, _cseq: int, /) -> str:
        return '<recv request="BYE"/>' + _send(_reply(200, in_dialog=True))


@dataclass(frozen=True, slots=True)
class Speak(Step):
    """Voice (silence) from now to the end, as phones send it. Keys that the PBX is told to hear from a phone are heard only
    between packets of its voice."""

    def xml(self, _dialog: Dialog, _cseq: int, /) -> str:
        return f'<nop><action><exec rtp_stream="{SILENCE},-1,8"/></action></nop>'


@dataclass(frozen=True, slots=True)
class Hold(Step):
    """re-INVITE; ``retrieve`` takes the call back."""

    retrieve: bool = False

    def xml(self, dialog: Dialog, cseq: int, /) -> str:
        offer = _sdp(cseq, "sendrecv" if self.retrieve else "sendonly")
        wait = '<recv response="100" optional="true"/><recv response="200"/>'
        return _send(_request("INVITE", dialog, cseq, body=offer)) + wait + _send(_request("ACK", dialog, cseq))


@dataclass(frozen=True, slots=True)
class Transfer(Step):
    """REFER without asking (blind). Hangs up once Asterisk has told how it went (Asterisk itself leaves that to the
    phone).
    """

    target: str

    def xml(self, dialog: Dialog, cseq: int, /) -> str:
        extra = (
            f"Refer-To: <sip:{self.target}@[remote_ip]:[remote_port]>",
            "Contact: <sip:sipp@[local_ip]:[local_port]>",
        )
        told, over = f"told{cseq}", f"over{cseq}"
        final = f'<action><ereg regexp="SIP/2.0 [2-6]" search_in="body" assign_to="{over}"/></action>'
        return "".join(
            (
                _send(_request("REFER", dialog, cseq, extra)) + '<recv response="202"/>',
                f'<label id="{told}"/><recv request="NOTIFY" next="{over}" test="{over}">{final}</recv>',
                _send(_reply(200, in_dialog=True)).replace("<send>", f'<send next="{told}">'),
                f'<label id="{over}"/>' + _send(_reply(200, in_dialog=True)),
                HangUp().xml(dialog, cseq + LATER),
            )
        )


def caller(*steps: Step) -> str:
    """Dials field 2 as field 0, named field 1 (`Sipp.rows`), and after the answer does the steps. Default: waits for
    the BYE.
    """
    contact = ("Contact: <sip:[field0]@[local_ip]:[local_port]>",)
    invite = _request("INVITE", _CALLER, 1, contact, _sdp(1, "sendrecv")).replace("[peer_tag_param]", "")
    ringing = "".join(f'<recv response="{status}" optional="true"/>' for status in EARLY)
    begin = _send(invite) + ringing + '<recv response="200"/>' + _send(_request("ACK", _CALLER, 1))
    return _scenario(begin + _steps(steps or (AwaitHangUp(),), _CALLER))


def refused_caller(status: int) -> str:
    """Dials and expects to be turned away with that status."""
    contact = ("Contact: <sip:[field0]@[local_ip]:[local_port]>",)
    invite = _request("INVITE", _CALLER, 1, contact, _sdp(1, "sendrecv")).replace("[peer_tag_param]", "")
    early = "".join(f'<recv response="{early}" optional="true"/>' for early in EARLY)
    return _scenario(_send(invite) + early + f'<recv response="{status}"/>' + _send(_request("ACK", _CALLER, 1)))


def agent(*steps: Step, ring_s: float = 1.0) -> str:
    """Rings, answers, does the steps. Default: waits for the BYE. Raises ValueError for Press, which Asterisk would
    not hear.
    """
    if any(isinstance(step, Press) for step in steps):
        raise ValueError("an agent's keys are pressed with phone.py")
    sdp = _sdp(1, "sendrecv")
    if any(isinstance(step, Speak) for step in steps):
        sdp = sdp.replace("[media_port]", "[rtpstream_audio_port]")
    answer = _send(_reply(200, contact=True, body=sdp), again=True) + '<recv request="ACK"/>'
    return _scenario(_rings() + _pause(ring_s) + answer + _steps(steps or (AwaitHangUp(),), _AGENT))


def declining_agent(status: int = 603, ring_s: float = 0.5) -> str:
    """486 busy, 603 decline, 480 unavailable."""
    return _scenario(_rings() + _pause(ring_s) + _send(_reply(status)) + '<recv request="ACK"/>')


def forwarding_agent(target: str) -> str:
    """302: the phone sends the call on to another extension."""
    moved = _reply(302, contact=False, extra=(f"Contact: <sip:{target}@[remote_ip]:[remote_port]>",))
    return _scenario(_rings() + _send(moved) + '<recv request="ACK"/>')


def silent_agent() -> str:
    """Rings until Asterisk gives up (CANCEL)."""
    refused = _reply(487).replace("[last_CSeq:]", "CSeq:[$cseq]")
    return _scenario(
        _rings() + '<recv request="CANCEL"/>' + _send(_reply(200)) + _send(refused) + '<recv request="ACK"/>'
    )


def _scenario(body: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="testbed">\n{body}\n</scenario>\n'


def _steps(steps: Sequence[Step], dialog: Dialog) -> str:
    return "".join(step.xml(dialog, number) for number, step in enumerate(steps, start=2))


def _rings() -> str:
    kept = {"remote": "From:", "local": "To:", "cseq": "CSeq:"}
    actions = "".join(
        f'<ereg regexp=".*" search_in="hdr" header="{header}" assign_to="{name}"/>' for name, header in kept.items()
    )
    uri = '<ereg regexp="sip:[^>;]*" search_in="hdr" header="Contact:" assign_to="uri"/>'
    used = '<Reference variables="remote,local,cseq,uri"/>'
    return f'<recv request="INVITE"><action>{actions}{uri}</action></recv>{used}' + _send(_reply(180, contact=True))


def _pause(seconds: float) -> str:
    return f'<pause milliseconds="{round(seconds * 1000)}"/>'


def _send(message: str, *, again: bool = False) -> str:
    retransmit = ' retrans="500"' if again else ""
    return f"<send{retransmit}><![CDATA[\n{message}\n]]></send>"


def _request(method: str, dialog: Dialog, cseq: int, extra: Iterable[str] = (), body: str = "") -> str:
    lines = [
        f"{method} {dialog.uri} SIP/2.0",
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
        "Max-Forwards: 70",
        dialog.local,
        dialog.remote,
        "Call-ID: [call_id]",
        f"CSeq: {cseq} {method}",
        *(
            ["Contact: <sip:sipp@[local_ip]:[local_port]>"]
            if body and not any("Contact" in line for line in extra)
            else []
        ),
        *extra,
    ]
    return _finish(lines, body)


def _reply(
    status: int, *, in_dialog: bool = False, contact: bool = False, extra: Iterable[str] = (), body: str = ""
) -> str:
    lines = [
        f"SIP/2.0 {status} Testbed",
        "[last_Via:]",
        "[last_From:]",
        "[last_To:]" if in_dialog else "[last_To:];tag=[pid]a[call_number]",
        "[last_Call-ID:]",
        "[last_CSeq:]",
        *(["Contact: <sip:[local_ip]:[local_port];transport=[transport]>"] if contact else []),
        *extra,
    ]
    return _finish(lines, body)


def _finish(lines: list[str], body: str) -> str:
    kind = ["Content-Type: application/sdp"] if body else []
    return "\n".join([*lines, *kind, "Content-Length: [len]", "", body])


def _sdp(version: int, direction: str) -> str:
    return _SDP.replace("VERSION", str(version)).replace("DIRECTION", direction)


@dataclass(slots=True)
class Sipp:
    """One SIPp process. ``rows``: (number, name, dialled number, more) of each caller; agents need none. Raises
    RuntimeError when absent.

    ``rate``: new calls a second; ``at_once``: most calls at a time; ``calls``: how many in all, then it ends by itself.
    """

    scenario: str
    server_port: int
    port: int = 0
    rows: Sequence[tuple[str, ...]] = ()
    calls: int = 1
    rate: float = 10.0
    at_once: int = 1000
    _folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="cti-sipp-")))
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        program = parts.sipp()
        if program is None:
            raise RuntimeError(f"no SIPp here: {parts.PREPARE}")
        atexit.register(self.stop)
        self._folder.joinpath("scenario.xml").write_text(self.scenario, encoding="utf-8")
        self._folder.joinpath(SILENCE).write_bytes(b"\xd5" * 8000)
        self._folder.joinpath("rows.csv").write_text(_csv(self.rows), encoding="utf-8")
        self._process = subprocess.Popen(
            [program, *self._arguments()],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"TERM": "dumb"},
        )
        return self

    async def wait(self, within_s: float = LIMIT_S) -> int:
        """Its exit code once all calls are done: 0 all went as the scenario says, 1 some did not. Raises
        TimeoutError.
        """
        deadline = time.monotonic() + within_s
        while self._process is not None and self._process.poll() is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"SIPp still runs after {within_s} s: {self.errors()}")
            await asyncio.sleep(0.05)
        return self._process.returncode if self._process is not None else 0

    def no_more(self) -> None:
        """No new callers; those there are finish."""
        if self._process is not None:
            self._process.send_signal(signal.SIGUSR1)

    def errors(self) -> str:
        return "\n".join(path.read_text("utf-8", "replace") for path in self._folder.glob("*errors*"))[-3000:]

    def stop(self) -> None:
        """Kill it if it runs (its calls stay in the PBX) and delete its files."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)
        atexit.unregister(self.stop)

    def _arguments(self) -> list[str]:
        own_port = ["-p", str(self.port)] if self.port else []
        rows = ["-inf", "rows.csv"] if self.rows else []
        limits = ["-m", str(self.calls), "-r", str(self.rate), "-l", str(self.at_once)]
        media = ["-mp", str(20_000 + 2 * secrets.randbelow(20_000))]
        errors = ["-trace_err", "-error_file", "errors.log", "-nostdin"]
        return [
            f"{LOOPBACK}:{self.server_port}",
            "-i",
            LOOPBACK,
            "-sf",
            "scenario.xml",
            *own_port,
            *rows,
            *limits,
            *media,
            *errors,
        ]

    async def __aenter__(self) -> Self:
        """A phone with a port of its own can be called at once."""
        self.start()
        await self._until_it_listens()
        return self

    async def _until_it_listens(self) -> None:
        """SIPp says so nowhere; a call that came before would find nobody there."""
        with contextlib.suppress(TimeoutError):  # what keeps it from listening, the story says better
            async with asyncio.timeout(LIMIT_S):
                while self._is_coming():  # noqa: ASYNC110 - nothing announces it
                    await asyncio.sleep(0.02)

    def _is_coming(self) -> bool:
        runs = self._process is not None and self._process.poll() is None
        return runs and bool(self.port) and not _is_bound(self.port)

    async def __aexit__(self, *_: object) -> None:
        self.stop()


def _is_bound(port: int) -> bool:
    return any(f":{port:04X} " in line for line in Path("/proc/net/udp").read_text("ascii").splitlines())


def _csv(rows: Sequence[tuple[str, ...]]) -> str:
    """SIPp's own CSV: a first line with the order of use, then semicolons; a field cannot hold one."""
    out = io.StringIO()
    writer = csv.writer(
        out, delimiter=";", quoting=csv.QUOTE_NONE, quotechar=None, escapechar="\\", lineterminator="\n"
    )
    writer.writerows([field.replace(";", ",") for field in row] for row in rows)
    return "SEQUENTIAL\n" + out.getvalue()
