"""A private Asterisk: its own configuration, folders and free ports, so that several run side by side.

The product's own provisioning text (`cti init asterisk`) is what it runs on; `etc/` here adds what only tests need.
"""

import asyncio
import atexit
import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from types import TracebackType
from typing import Final, Self

from cti.telephony.asterisk.provision import FastAgi, InboundNumber, ProvisionOptions, QueuePlan, render
from tests.testbed import parts

BOOT_LIMIT_S: Final = 40.0
STOP_LIMIT_S: Final = 10.0
AGENTS: Final = ("2001", "2002", "2003", "2004", "2005", "2006")
AGENT_NAMES: Final = dict(zip(AGENTS, ("Ann", "Bob", "Cho", "Dee", "Eve", "Fay"), strict=True))
SOUNDS: Final = "usr/share/asterisk/sounds/en_US_f_Allison"
RTP_PORTS: Final = 400
_FIRST: Final = ("nice", "-n", "-10")
"""A PBX has a machine of its own. Where it waits for ours, the times in its events are late by as long."""


class AsteriskFailedError(RuntimeError):
    """Asterisk did not start, answer or stop. The text ends with the last lines of its log."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Free ports, taken when the Asterisk object is made and kept over restarts. ``agents``: extension -> SIP port;
    ``fastagi``: for whoever answers this PBX's questions, should it ask any."""

    ami: int
    fastagi: int
    sip: int
    carrier: int
    rtp_first: int
    agents: Mapping[str, int]


_FIRST_BLOCK: Final = 10_000
_BLOCKS: Final = 600
_BLOCK: Final = 16
_held: Final[list[socket.socket]] = []
"""What keeps other test processes off our blocks of ports, until this process ends."""


def free_ports() -> Ports:
    """Ports that stay ours while this process lives, even while nobody listens on them (between two tests, over a
    restart). They lie below those that the system gives to whoever asks for any port. Raises AsteriskFailedError.
    """
    for block in secrets.SystemRandom().sample(range(_BLOCKS), _BLOCKS):
        guard, ami, fastagi, *udp = range(_FIRST_BLOCK + block * _BLOCK, _FIRST_BLOCK + (block + 1) * _BLOCK)
        wanted = [
            *((socket.SOCK_DGRAM, port) for port in udp),
            *((socket.SOCK_STREAM, port) for port in (ami, fastagi)),
        ]
        if not all(_is_free(kind, port) for kind, port in wanted):
            continue
        held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            held.bind(("127.0.0.1", guard))
        except OSError:
            held.close()
            continue
        _held.append(held)
        first = 20_000 + 2 * secrets.randbelow(5_000)
        agents = dict(zip(AGENTS, udp[2:], strict=False))
        return Ports(ami=ami, fastagi=fastagi, sip=udp[0], carrier=udp[1], rtp_first=first, agents=agents)
    raise AsteriskFailedError(
        "no block of free ports between 10000 and 19600; is another test run leaving PBXs behind?"
    )


def _is_free(kind: socket.SocketKind, port: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def queue_plans() -> tuple[QueuePlan, ...]:
    """The queues of the test PBX. Short times, so that a story takes seconds; in most nobody rests after a call, or a story
    would find its agent still resting from the one before."""
    ann, bob, cho = (f"PJSIP/{number},0,{AGENT_NAMES[number]},PJSIP/{number}" for number in ("2001", "2002", "2003"))
    local, local_n = (f"Local/2001@agents-by-local{n},0,Ann,PJSIP/2001" for n in ("", "/n"))
    return (
        QueuePlan("support", "3001", (ann, bob), strategy="linear", ring_timeout_s=3, max_wait_s=60, wrapup_s=0),
        QueuePlan("sales", "3002", (ann, bob, cho), strategy="ringall", ring_timeout_s=6, max_wait_s=60, wrapup_s=0),
        QueuePlan("short", "3003", (ann,), strategy="linear", ring_timeout_s=2, max_wait_s=4),
        QueuePlan(
            "keyed",
            "3004",
            (ann,),
            strategy="linear",
            ring_timeout_s=4,
            max_wait_s=60,
            exit_context="queue-exit",
            wrapup_s=0,
        ),
        QueuePlan("billing", "3005", (bob, cho), strategy="linear", ring_timeout_s=6, max_wait_s=60, wrapup_s=0),
        QueuePlan("viaLocal", "3006", (local,), strategy="linear", ring_timeout_s=6, max_wait_s=60, wrapup_s=0),
        QueuePlan("viaLocalN", "3007", (local_n,), strategy="linear", ring_timeout_s=6, max_wait_s=60, wrapup_s=0),
        QueuePlan("empty", "3008", (), max_wait_s=60),
        QueuePlan("care", "3009", (), strategy="linear", ring_timeout_s=4, max_wait_s=120),
    )


INBOUND: Final = {
    "0800100100": "support",
    "0800100200": "sales",
    "0800100300": "short",
    "0800100400": "keyed",
    "0800100410": "viaLocal",
    "0800100420": "viaLocalN",
    "0800100430": "billing",
    "0800100440": "empty",
    "0800100450": "care",
}


def provision_options(ports: Ports, fastagi: FastAgi | None = None) -> ProvisionOptions:
    return ProvisionOptions(
        events_secret=secrets.token_urlsafe(32),
        commands_secret=secrets.token_urlsafe(32),
        queues=queue_plans(),
        inbound=tuple(InboundNumber(number, queue) for number, queue in INBOUND.items()),
        ami_port=ports.ami,
        ring_timeout_s=6,
        outbound_timeout_s=6,
        outbound_caller_id="0222220000",
        attended_ring_timeout_s=4,
        parking_time_s=4,
        comeback_dial_s=5,
        fastagi=fastagi,
    )


@dataclass(slots=True)
class Asterisk:
    """``with Asterisk("22") as pbx:`` (or ``async with``). Blocking calls; from a coroutine use ``asyncio.to_thread``.

    ``extra``: file name -> text put after our own text of that file (or a new file). ``fastagi``: where its dialplan asks;
    None: it does not. Raises AsteriskFailedError.
    """

    version: str = "22"
    extra: Mapping[str, str] = field(default_factory=dict)
    fastagi: FastAgi | None = None
    ports: Ports = field(default_factory=free_ports)
    options: ProvisionOptions = field(init=False)
    root: Path = field(init=False)
    home: Path = field(init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        root = parts.asterisk_root(self.version)
        if root is None:
            raise AsteriskFailedError(f"no Asterisk {self.version} here: {parts.PREPARE}")
        self.root = root
        self.home = root / "var" / "tmp" / f"cti-{os.getpid()}-{secrets.token_hex(4)}"
        self.options = provision_options(self.ports, self.fastagi)
        atexit.register(self.remove)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def queue_log(self) -> Path:
        return self.home / "log" / "queue_log"

    @property
    def cdr_csv(self) -> Path:
        return self.home / "log" / "cdr-csv" / "Master.csv"

    @property
    def cdr_custom(self) -> Path:
        """The same with microseconds, as ``cti init asterisk`` has it."""
        return self.home / "log" / "cdr-custom" / "cti.csv"

    @property
    def messages(self) -> Path:
        return self.home / "log" / "messages"

    @property
    def inside(self) -> str:
        """Our folder as Asterisk sees it."""
        return f"/{self.home.relative_to(self.root)}"

    @property
    def shared(self) -> Path:
        """A folder that both sides read and write: prompts, recordings. For Asterisk it is ``shared_inside``. There once
        it has started."""
        return self.home / "shared"

    @property
    def shared_inside(self) -> str:
        return f"{self.inside}/shared"

    def start(self) -> None:
        """Return once Asterisk is fully booted. Raises AsteriskFailedError after 40 s."""
        sweep(self.root)
        self.write_config()
        self.home.joinpath("owner").write_text(str(os.getpid()))
        with self.home.joinpath("log", "console").open("ab") as console:
            self._process = subprocess.Popen(
                [
                    *_FIRST,
                    "chroot",
                    self.root,
                    "/usr/sbin/asterisk",
                    "-C",
                    f"{self.inside}/etc/asterisk.conf",
                    "-f",
                    "-n",
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "TZ": "UTC", "HOME": "/"},
            )
        self._wait_booted(time.monotonic() + BOOT_LIMIT_S)

    def stop(self) -> None:
        """End it as an operator would: calls are dropped, AMI clients are told ``Shutdown``."""
        if self._process is None:
            return
        with contextlib.suppress(AsteriskFailedError, subprocess.TimeoutExpired):
            self.cli("core stop now")
        self._reap(STOP_LIMIT_S)

    def kill(self) -> None:
        """SIGKILL: nobody is told anything."""
        if self._process is not None:
            self._process.kill()
            self._reap(STOP_LIMIT_S)

    def restart(self) -> None:
        self.stop()
        self.start()

    def remove(self) -> None:
        """Kill it if it runs and delete its folder. Also called at interpreter exit."""
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)
        atexit.unregister(self.remove)

    def cli(self, command: str) -> str:
        """What ``asterisk -rx`` prints."""
        done = subprocess.run(
            ["chroot", self.root, "/usr/sbin/asterisk", "-C", f"{self.inside}/etc/asterisk.conf", "-rx", command],
            capture_output=True,
            text=True,
            timeout=15,
            check=False,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/"},
        )
        if done.returncode:
            raise AsteriskFailedError(f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    def hang_up_everything(self) -> None:
        """Back to an idle PBX: no channel, no dynamic queue member, nobody paused, counters at zero. For use between
        tests.
        """
        self.cli("channel request hangup all")
        deadline = time.monotonic() + STOP_LIMIT_S
        while not self.is_idle() and time.monotonic() < deadline:
            time.sleep(0.05)
        for command in _tidying(self.cli("queue show")):
            self.cli(command)
        self.cli("queue reset stats")

    def is_idle(self) -> bool:
        return "0 active channels" in self.cli("core show channels count")

    def write_config(self) -> None:
        """Write every file Asterisk reads. Called by start(); again after a change, before a reload by hand."""
        for name in ("etc", "db", "spool", "run", "log/cdr-csv", "log/cdr-custom", "moh", "shared"):
            self.home.joinpath(name).mkdir(parents=True, exist_ok=True)
        music = self.root / SOUNDS / "demo-congrats.gsm"
        shutil.copy(music, self.home / "moh") if music.exists() else None
        for name, text in self.config().items():
            self.home.joinpath("etc", name).write_text(text, encoding="utf-8")

    def config(self) -> dict[str, str]:
        """File name -> text: what the product renders, what `etc/` here adds, then ``extra``."""
        texts = render(self.options)
        for path in sorted(Path(__file__).with_name("etc").glob("*.conf")):
            texts[path.name] = Template(path.read_text(encoding="utf-8")).safe_substitute(self._values())
        for name, text in self.extra.items():
            texts[name] = f"{texts.get(name, '')}\n{text}\n"
        return texts

    def _values(self) -> dict[str, object]:
        return {
            "home": self.inside,
            "sip_port": self.ports.sip,
            "carrier_port": self.ports.carrier,
            "rtp_first": self.ports.rtp_first,
            "rtp_last": self.ports.rtp_first + RTP_PORTS - 1,
            "agent_sections": "\n".join(_agent_section(number, port) for number, port in self.ports.agents.items()),
        }

    def _wait_booted(self, deadline: float) -> None:
        while time.monotonic() < deadline and self._process is not None and self._process.poll() is None:
            with contextlib.suppress(AsteriskFailedError, subprocess.TimeoutExpired):
                if "fully booted" in self.cli("core waitfullybooted"):
                    return
            time.sleep(0.1)
        self.kill()
        raise AsteriskFailedError(f"Asterisk {self.version} did not start:\n{self.log_tail()}")

    def log_tail(self, lines: int = 40) -> str:
        """The end of Asterisk's own log, without what it says at every start."""
        text = self.messages.read_text("utf-8", "replace") if self.messages.exists() else self._console()
        told = [line for line in text.splitlines() if " loader.c: " not in line and " SECURITY" not in line]
        return "\n".join(told[-lines:])

    def _console(self) -> str:
        console = self.home / "log" / "console"
        return console.read_text("utf-8", "replace") if console.exists() else "(it wrote no log)"

    def _reap(self, limit_s: float) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        self.home.joinpath("run", "asterisk.ctl").unlink(missing_ok=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.remove)


def asking_asterisk(version: str, secret: str, extra: Mapping[str, str] | None = None) -> Asterisk:
    """An Asterisk whose dialplan asks at its ``ports.fastagi``, where the test may listen, or not."""
    ports = free_ports()
    return Asterisk(version, ports=ports, fastagi=FastAgi(secret=secret, port=ports.fastagi), extra=extra or {})


def _tidying(shown: str) -> list[str]:
    """What ``queue show`` prints -> the CLI commands that undo what a test did to the members."""
    commands, queue = [], ""
    for line in shown.splitlines():
        queue = line.split(" ")[0] if line[:1].strip() else queue
        member = re.search(r"\(((?:PJSIP|Local)/[^)\s]+)", line)
        if member and "(dynamic)" in line:
            commands.append(f"queue remove member {member[1]} from {queue}")
        elif member and "(paused" in line:
            commands.append(f"queue unpause member {member[1]} queue {queue}")
    return commands


def _agent_section(number: str, port: int) -> str:
    return f"""
[{number}](cti-agent)
aors = {number}
transport = udp
callerid = {AGENT_NAMES[number]} <{number}>

[{number}]
type = aor
contact = sip:{number}@127.0.0.1:{port}
"""


def sweep(root: Path) -> None:
    """Remove what a test run that was killed left behind. Only Asterisks of ours whose owner is gone are touched."""
    for home in root.glob("var/tmp/cti-*"):
        owner = home.joinpath("owner")
        if not owner.exists() or Path("/proc", owner.read_text()).exists():
            continue
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if f"/{home.name}/etc/".encode() in process.read_bytes():
                    os.kill(int(process.parent.name), signal.SIGKILL)
        shutil.rmtree(home, ignore_errors=True)
