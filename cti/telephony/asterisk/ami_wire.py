"""One connection of the commands account: a pyst2 ``Manager`` driven by one worker thread. The only file that knows pyst2.

pyst2 0.5.1 has no time limits and some doors that never open (asterisk/manager.py): ``connect`` and ``send_action`` wait
without end, ``close`` sends a Logoff and joins its threads, and so does ``__del__``, in whatever thread the collector runs;
its threads start once, so a Manager connects once; ``send_action`` takes the next response for its own, whatever ActionID it
bears; a ``ChanVariable`` header kills its reader. So: a new Manager for each connection, our limit on every wait, and a
connection whose answer is late or not ours is cut: a late answer dies with it and cannot be taken for the next one's.
"""

import asyncio
import contextlib
import queue
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from asterisk.manager import Manager, ManagerException

from cti.errors import PbxAuthFailed, PbxRefused, PbxUnavailable
from cti.telephony.asterisk.account import Account
from cti.telephony.asterisk.actions import checked
from cti.telephony.asterisk.kinds.kind import Action

T = TypeVar("T")


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
        # Buffered: pyst2's own reads a byte at a time, and for each byte its thread would stand in line behind a flood of events.
        self._sock = self._raw.makefile(mode="rwb")
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


class NoAnswer(PbxUnavailable):
    """It may have been done, or not."""


class Wire:
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
        login = {
            "Action": "Login",
            "ActionID": "login",
            "Username": account.user,
            "Secret": account.secret,
            "Events": "off",
        }
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
        except (ManagerException, OSError, ValueError) as error:  # ValueError: its file was closed while it wrote
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
            raise NoAnswer(f"no answer within {limit_s:g} s") from None

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
    async with _opened(account, limits) as wire:
        return await wire.act({"Action": "ListCommands", "ActionID": "list"})


async def answers(account: Account, questions: Iterable[str], limits: Limits | None = None) -> dict[str, str]:
    """Variables of ``site_questions``, each with its value; what is not there, or is refused, is empty. Raises PbxError."""
    found: dict[str, str] = {}
    async with _opened(account, limits) as wire:
        for number, question in enumerate(questions):
            found[question] = ""
            with contextlib.suppress(PbxRefused):
                told = await wire.act({"Action": "Getvar", "ActionID": f"ask-{number}", "Variable": question})
                found[question] = told.get("Value", "")
    return found


@contextlib.asynccontextmanager
async def _opened(account: Account, limits: Limits | None) -> AsyncIterator[Wire]:
    wire = Wire(account, limits or Limits())
    try:
        await wire.open()
        yield wire
    finally:
        wire.close()
