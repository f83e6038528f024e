"""The command plane: typed commands -> AMI actions, sent by pyst2 on an account that only writes and asks for no events.

Theory of operation. ``action_for`` (pure) makes an action of a command and refuses whatever must not be sent. ``_Wire`` is
one connection: a pyst2 ``Manager`` driven by one worker thread. ``Control`` keeps one wire up, hands actions to it, and lets
``Confirmations`` decide what became of them from the events that the event plane feeds in.

pyst2 0.5.1 has no time limits and some doors that never open (asterisk/manager.py): ``connect`` and ``send_action`` wait
without end, ``close`` sends a Logoff and joins its threads, and so does ``__del__``, in whatever thread the collector runs;
its threads start once, so a Manager connects once; ``send_action`` takes the next response for its own, whatever ActionID it
bears; a ``ChanVariable`` header kills its reader. So: a new Manager for each connection, our limit on every wait, and a
connection whose answer is late or not ours is cut: a late answer dies with it and cannot be taken for the next one's.
"""

import asyncio
import contextlib
import itertools
import queue
import random
import re
import secrets
import socket
import threading
import time
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from asterisk.manager import Manager, ManagerException

from cti import numbers
from cti.calls.call import LegId, PbxName
from cti.errors import PbxAuthFailed, PbxError, PbxRefused, PbxUnavailable
from cti.log import logger
from cti.telephony.asterisk import ami_codec
from cti.telephony.asterisk.confirmations import PBX_LOST, TIMEOUT, Confirmations, Message
from cti.telephony.commands import Command, Failed, Hangup, Originate, Result

Action = Mapping[str, str | tuple[str, ...]]
T = TypeVar("T")
log = logger("telephony")

# --- actions: pure -------------------------------------------------------------------------------------------------------

_HEADERS: Final = {
    "Login": {"Username", "Secret", "Events"},
    "Ping": set[str](),
    "ListCommands": set[str](),
    "Originate": {"Channel", "Context", "Exten", "Priority", "Timeout", "CallerID", "Variable", "Async", "ChannelId"},
    "Hangup": {"Channel"},
}
_DEVICE: Final = re.compile(r"[A-Za-z0-9]{2,10}/[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_LEG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,149}")
_DIALLED: Final = re.compile(r"\+?[0-9]{1,20}")
# A comma would begin a second variable; the dialplan must not find syntax in a value (H19).
_VARIABLE: Final = re.compile(r"CTI_[A-Z0-9_]{1,40}=[A-Za-z0-9_.+-]{0,80}")
_RING_S: Final = (1.0, 120.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialplan:
    """Where calls are put into the PBX, and how numbers are dialled there."""

    outgoing_context: str = "cti-outbound"
    internal_context: str = "cti-internal"
    internal_pattern: str = r"\d{2,6}"
    outgoing_trunk: str = ""
    country: str = "TW"
    national: bool = False
    """Dial numbers of ``country`` as people there do, not in E.164."""
    allowed_countries: frozenset[str] = frozenset()
    """Empty: ``country`` only."""
    emergency_numbers: frozenset[str] = frozenset()


def action_for(command: Command, *, action_id: str, leg: LegId, dialplan: Dialplan) -> Action:
    """The action that carries out ``command``; ``leg`` is the Uniqueid an Originate's channel shall have. Raises
    ValueError for what must not be sent: it never holds text that was not checked against a pattern of its own.
    """
    match command:
        case Originate():
            return checked({"Action": "Originate", "ActionID": action_id, **_originate(command, leg, dialplan)})
        case Hangup():
            return checked({"Action": "Hangup", "ActionID": action_id, "Channel": _whole(_LEG, command.leg, "leg")})
        case _:
            raise ValueError(f"no such command: {type(command).__name__}")


def _originate(command: Originate, leg: LegId, dialplan: Dialplan) -> Action:
    low_s, high_s = _RING_S
    if not low_s <= command.ring_timeout_s <= high_s:
        raise ValueError(f"ring_timeout_s is {low_s:.0f} to {high_s:.0f}")
    context, exten = destination(command.to, dialplan)
    caller = {"CallerID": _whole(_DIALLED, command.caller_id, "caller_id")} if command.caller_id else {}
    trunk = {"Variable": (f"CTI_TRUNK={dialplan.outgoing_trunk}",)} if dialplan.outgoing_trunk else {}
    return {
        "Channel": _whole(_DEVICE, command.device, "device"),
        "Context": context,
        "Exten": exten,
        "Priority": "1",
        "Timeout": str(round(command.ring_timeout_s * 1000)),
        "Async": "true",
        "ChannelId": _whole(_LEG, leg, "leg"),
        **caller,
        **trunk,
    }


def destination(to: str, dialplan: Dialplan) -> tuple[str, str]:
    """Context and digits for ``to``. Raises ValueError for what is no number, or one that may not be called."""
    _whole(_DIALLED, to, "to")
    if to in dialplan.emergency_numbers:
        return dialplan.outgoing_context, to
    if re.fullmatch(dialplan.internal_pattern, to):
        return dialplan.internal_context, to
    number = numbers.parse(to, country=dialplan.country)
    if number is None:
        raise ValueError("to: no telephone number")
    if number.region not in (dialplan.allowed_countries or {dialplan.country}):
        raise ValueError(f"to: calls to {number.region or 'numbers of no country'} are not allowed")
    as_at_home = dialplan.national and number.region == dialplan.country
    return dialplan.outgoing_context, numbers.dialled_digits(number.national) if as_at_home else number.e164


def checked(action: Action) -> Action:
    """``action`` itself if every byte of it may be sent. Raises ValueError, before anything is, for actions and headers we
    do not use, control characters, lone surrogates, lines Asterisk would cut (H3), and variables not our own (H19).
    """
    allowed = _HEADERS.get(str(action.get("Action")))
    if allowed is None or not set(action) <= allowed | {"Action", "ActionID"}:
        raise ValueError(f"not an action of ours: {str(action.get('Action'))[:40]!r} {sorted(set(action))[:20]!r}")
    for key, values in action.items():
        for value in values if isinstance(values, tuple) else (values,):
            _check_line(key, value)
    return action


def _check_line(key: str, value: str) -> None:
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in value):
        raise ValueError(f"{key}: control characters cannot be sent to the PBX")
    ami_codec.encode([(key, value)])
    if key == "Variable" and not _VARIABLE.fullmatch(value):
        raise ValueError(f"{key}: only CTI_ variables with plain values may be set")


def _whole(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"{what}: {text[:40]!r} is none")
    return text


# --- privileges: pure ----------------------------------------------------------------------------------------------------

COMMANDS_NEED: Final = frozenset({"call", "agent", "originate", "reporting"})
EVENTS_NEED: Final = frozenset({"reporting"})
_CLASSES: Final = re.compile(r"\(Priv: ([^)]*)\)")


def excess_privileges(listed: Mapping[str, str], *, needed: frozenset[str] = COMMANDS_NEED) -> tuple[str, ...]:
    """Classes an account may write beyond those needed, the dangerous ones first, from what ``ListCommands`` told it.

    Asterisk lists the actions this account may send, with the classes of which any one suffices: an action of one
    class shows that the account holds it.
    """
    classes = [set(re.split(r"[,\s]+", found[1])) - {"all", "<none>", ""} for text in listed.values() if (found := _CLASSES.search(text))]
    held = {only for group in classes if len(group) == 1 for only in group}
    return tuple(sorted(held - needed, key=lambda name: (name not in {"system", "command", "config"}, name)))


# --- one connection ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    host: str = "127.0.0.1"
    port: int = 5038
    user: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds."""

    connect_s: float = 5.0
    answer_s: float = 5.0
    """For the response to an action, its wait behind others included."""
    ping_s: float = 10.0
    backoff_first_s: float = 0.5
    backoff_most_s: float = 30.0


class _Manager(Manager):  # type: ignore[misc]
    """pyst2's Manager with ends to its waits. ``ended`` is called once, in a thread of its own, when the connection is over."""

    def __init__(self, ended: Callable[[], None]) -> None:
        super().__init__()
        self._ended = ended
        self._raw: socket.socket | None = None
        self._is_over = False

    def connect(self, host: str, port: int, limit_s: float) -> None:
        """As pyst2's, which knows no IPv6 and no limit. Raises OSError, queue.Empty."""
        self._raw = socket.create_connection((host, port), timeout=limit_s)
        self._raw.settimeout(None)
        self._raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = self._raw.makefile(mode="rwb", buffering=0)
        self._connected.set()
        self._running.set()
        if self._is_over:  # cut while it was being made
            self.abort()
        self.message_thread.start()
        self.event_dispatch_thread.start()
        if self._response_queue.get(timeout=limit_s) is None:
            raise ConnectionResetError("closed before its greeting")

    def message_loop(self) -> None:
        """Whatever ends pyst2's reader ends the connection, silently: it prints, and this side logs."""
        with contextlib.suppress(Exception):
            super().message_loop()
        self.abort()
        self._sock.close()
        self._ended()

    def abort(self) -> None:
        """Cut the connection and wake everyone who waits for it. Never blocks; may be called again, from any thread."""
        self._is_over = True
        self._connected.clear()
        self._running.clear()
        if self._raw is not None:
            with contextlib.suppress(OSError):
                self._raw.shutdown(socket.SHUT_RDWR)
            self._raw.close()
        for waiting in (self._response_queue, self._message_queue, self._event_queue):
            waiting.put(None)

    def close(self) -> None:
        self.abort()

    def __del__(self) -> None:
        """Pyst2's would block the collector."""


class _NoAnswer(PbxUnavailable):
    """It may have been done, or not."""


class _Wire:
    """A Manager and the one thread that calls it. All methods but ``_work`` belong to the event loop's thread."""

    def __init__(self, account: Account, limits: Limits) -> None:
        self._account, self._limits = account, limits
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self.closed = asyncio.Event()
        self._manager = _Manager(self._tell_closed)
        threading.Thread(target=self._work, name="ami-commands", daemon=True).start()

    async def open(self) -> None:
        """Connect and log in. Raises PbxUnavailable, PbxAuthFailed."""
        account, limit_s = self._account, self._limits.connect_s
        try:
            await self._do(lambda: self._manager.connect(account.host, account.port, limit_s), 2 * limit_s)
        except (OSError, queue.Empty) as error:
            raise PbxUnavailable(str(error) or "no greeting") from error
        login = {"Action": "Login", "ActionID": "login", "Username": account.user, "Secret": account.secret, "Events": "off"}
        try:
            await self.act(checked(login))
        except PbxRefused as error:
            raise PbxAuthFailed(error.reason) from error

    async def act(self, action: Action) -> Mapping[str, str]:
        """Send and return the response's headers. Raises PbxRefused with the PBX's words, PbxUnavailable."""
        # a new dict of lists: pyst2 repeats a header for a list only, and writes into the dict it is given
        headers = {key: list(value) if isinstance(value, tuple) else value for key, value in checked(action).items()}
        try:
            response = await self._do(lambda: self._manager.send_action(headers), self._limits.answer_s)
        except (ManagerException, OSError) as error:
            self.close()
            raise PbxUnavailable("connection lost") from error
        return self._verified(response.headers, str(headers.get("ActionID")))

    def _verified(self, response: Mapping[str, str], action_id: str) -> Mapping[str, str]:
        """An error may come without ActionID (H3): as only one action is out at a time, it is that one's."""
        if response.get("ActionID", action_id) != action_id:
            self.close()
            raise PbxUnavailable("an answer to something else")
        if response.get("Response") == "Error":
            raise PbxRefused(response.get("Message", "refused"))
        return response

    def close(self) -> None:
        self._manager.abort()
        self._jobs.put(None)
        self.closed.set()

    async def _do(self, work: Callable[[], T], limit_s: float) -> T:
        """Have the worker do it. A worker that does not come back costs the connection."""
        if self.closed.is_set():
            raise PbxUnavailable("connection closed")
        done: Future[T] = Future()
        self._jobs.put((work, done))
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.wrap_future(done)
        except TimeoutError:
            self.close()
            raise _NoAnswer(f"no answer within {limit_s:g} s") from None

    def _work(self) -> None:
        while job := self._jobs.get():
            work, done = job
            if not done.set_running_or_notify_cancel():
                continue
            try:
                result = work()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is for the one who waits
                with contextlib.suppress(RuntimeError):
                    done.set_exception(error)
            else:
                with contextlib.suppress(RuntimeError):
                    done.set_result(result)

    def _tell_closed(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is gone, and so is whoever wanted to know
            self._loop.call_soon_threadsafe(self.closed.set)


async def listed_actions(account: Account, limits: Limits | None = None) -> Mapping[str, str]:
    """The actions an account may send, with their classes: food for ``excess_privileges``. Raises PbxError."""
    wire = _Wire(account, limits or Limits())
    try:
        await wire.open()
        return await wire.act({"Action": "ListCommands", "ActionID": "list"})
    finally:
        wire.close()


# --- the plane -----------------------------------------------------------------------------------------------------------


class Control:
    """One PBX's command plane. ``run`` keeps it connected; ``send`` carries out a command; ``feed`` takes every message of
    the event plane. All of it in one event loop.
    """

    MOST_OUT: Final = 500
    """Commands out at a time; a site that has more is in a loop."""

    def __init__(self, name: PbxName, account: Account, dialplan: Dialplan, limits: Limits | None = None) -> None:
        self._name, self._account, self._dialplan = name, account, dialplan
        self._limits = limits or Limits()
        self._confirmations = Confirmations()
        self._futures: dict[str, asyncio.Future[Result]] = {}
        self._wire: _Wire | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._failures = 0
        self._seed, self._count = secrets.token_hex(4), itertools.count(1)
        self.trouble = "not connected yet"
        """Why there is no connection, in words; empty when there is one."""

    @property
    def is_connected(self) -> bool:
        return self._wire is not None and not self._wire.closed.is_set()

    async def run(self) -> None:
        """Connect, and again whenever it is lost; ends by being cancelled. Never raises for what the PBX does."""
        while True:
            try:
                await self._connect()
                await self._keep_alive()
            except PbxError as error:
                self._lost(error)
            finally:
                self._disconnect()
            await asyncio.sleep(backoff_s(self._failures, self._limits, random.random()))  # noqa: S311 - jitter is no secret

    def check(self, command: Command) -> None:
        """Raises ValueError for a command that ``send`` would refuse."""
        leg = command.leg if isinstance(command, Hangup) else LegId("check")
        action_for(command, action_id="check", leg=leg, dialplan=self._dialplan)

    async def send(self, command: Command) -> Result:
        """As ``PbxLink.send``. The same id again waits for, or gets, the same result."""
        action_id, leg = self._new_ids(command)
        action = action_for(command, action_id=action_id, leg=leg, dialplan=self._dialplan)
        if known := self._confirmations.result(command.id):
            return known
        if (future := self._futures.get(command.id)) is None:
            if len(self._futures) >= self.MOST_OUT:
                return Failed(command=command.id, reason="too many commands at once")
            future = self._futures[command.id] = asyncio.get_running_loop().create_future()
            self._confirmations.begin(command, action_id=action_id, leg=leg, now=self._now())
            self._settle([])
            await self._put(command, action)
        return await asyncio.shield(future)

    def feed(self, message: Message) -> None:
        """Any message of the event plane; those that confirm nothing are cheap."""
        if self._futures:
            self._settle(self._confirmations.feed(message, self._now()))

    def events_lost(self) -> None:
        """The event plane is gone: what is out will not be confirmed any more."""
        self._settle(self._confirmations.lose())

    async def _put(self, command: Command, action: Action) -> None:
        """Hand it to Asterisk. What was accepted waits for its event, also when this connection ends."""
        if self._wire is None:
            return self._settle(self._confirmations.refuse(command.id, PBX_LOST))
        try:
            await self._wire.act(action)
        except PbxRefused as error:
            self._settle(self._confirmations.refuse(command.id, error.reason))
        except PbxUnavailable as error:
            reason = TIMEOUT if isinstance(error, _NoAnswer) else PBX_LOST
            self._settle(self._confirmations.refuse(command.id, reason))

    def _new_ids(self, command: Command) -> tuple[str, LegId]:
        """ActionID and leg. Asterisk's own ids look like ``1763754000.12``; with a systemname before it, like ours."""
        number = next(self._count)
        leg = command.leg if isinstance(command, Hangup) else LegId(f"cti{self._seed}-{int(time.time())}.{number}")
        return f"cti-{self._seed}-{number}", leg

    async def _connect(self) -> None:
        wire = _Wire(self._account, self._limits)
        try:
            await wire.open()
        except BaseException:
            wire.close()
            raise
        self._wire, self.trouble = wire, ""
        log.info("pbx_commands_connected", pbx=self._name)

    async def _keep_alive(self) -> None:
        """Return never; raises PbxUnavailable once the connection is over."""
        while wire := self._wire:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.ping_s):
                    await wire.closed.wait()
            if wire.closed.is_set():
                raise PbxUnavailable("connection closed")
            await wire.act({"Action": "Ping", "ActionID": f"ping-{next(self._count)}"})
            self._failures = 0  # only now: one that falls at once, each time, is not tried more often for it

    def _lost(self, error: PbxError) -> None:
        """Told once, not at each attempt."""
        self.trouble = f"log-in refused: {error}" if isinstance(error, PbxAuthFailed) else str(error)
        if not self._failures:
            log.warning("pbx_commands_lost", pbx=self._name, reason=self.trouble)
        self._failures += 1

    def _disconnect(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _settle(self, results: Iterable[Result]) -> None:
        """Tell those who wait, and set the timer to the next deadline."""
        for result in results:
            future = self._futures.pop(result.command, None)
            if future is not None and not future.done():
                future.set_result(result)
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._confirmations.next_deadline()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(deadline, self._expire) if deadline is not None else None

    def _expire(self) -> None:
        self._settle(self._confirmations.expire(self._now()))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def backoff_s(failures: int, limits: Limits, chance: float) -> float:
    """How long to wait after so many failures in a row; ``chance`` is 0 to 1. Half of it is jitter; never above the cap."""
    most_s = min(limits.backoff_most_s, limits.backoff_first_s * 2.0 ** min(max(failures - 1, 0), 16))
    return most_s * (0.5 + 0.5 * chance)
