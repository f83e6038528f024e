"""The command plane: typed commands carried out over an account that only writes and asks for no events.

``actions.py`` (pure) makes actions of a command and refuses whatever must not be sent; ``ami_wire.py`` is one connection;
``Control`` keeps one up, hands actions to it, and lets ``Confirmations`` decide what became of them from the events that the
event plane feeds in.
"""

import asyncio
import contextlib
import itertools
import random
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from cti.calls.call import LegId, PbxName
from cti.errors import PbxAuthFailed, PbxError, PbxRefused, PbxUnavailable
from cti.log import logger
from cti.telephony.asterisk.account import Account
from cti.telephony.asterisk.actions import actions_for, expectation_of
from cti.telephony.asterisk.ami_wire import Limits, NoAnswer, Wire
from cti.telephony.asterisk.confirmations import PBX_LOST, Confirmations
from cti.telephony.asterisk.dialplan import Dialplan
from cti.telephony.asterisk.kinds.kind import TIMEOUT, Action, Ends, Given, Message, NotNow
from cti.telephony.backoff import backoff_s
from cti.telephony.commands import CallCommand, Command, Failed, Result

log = logger("telephony")


class Control:
    """One PBX's command plane. ``run`` keeps it connected; ``send`` carries out a command; ``feed`` takes every message of
    the event plane. All of it in one event loop.

    ``may_act`` is asked before each action: some go out after others, or after a wait, and the PBX may be another process' by then.
    """

    MOST_OUT: Final = 500
    """Commands out at a time; a site that has more is in a loop."""

    def __init__(
        self,
        name: PbxName,
        account: Account,
        dialplan: Dialplan,
        limits: Limits | None = None,
        *,
        may_act: Callable[[], bool] = lambda: True,
    ) -> None:
        self._name, self._account, self._dialplan = name, account, dialplan
        self._limits = limits or Limits()
        self._may_act = may_act
        self._confirmations = Confirmations()
        self._futures: dict[str, asyncio.Future[Result]] = {}
        self._wire: Wire | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._failures = 0
        self._seed, self._count = secrets.token_hex(4), itertools.count(1)
        self.trouble = "not connected yet"
        """Why there is no connection, in words; empty when there is one."""
        self.interface_of: Callable[[str, str], str] = lambda _queue, device: device
        """(queue, device) -> what the queue calls that member; told by whoever reads the event plane."""
        self.ends_of: Callable[[LegId], Ends] = lambda _leg: Ends()
        """Who is there, of an agent's leg; told by the same."""
        self.intends: Callable[[LegId, str], None] = lambda _leg, _exten: None
        """Told of a leg of ours before it is made, and what it will call."""

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
            chance = random.random()  # noqa: S311 - jitter is no secret
            limits = self._limits
            await asyncio.sleep(
                backoff_s(self._failures, chance, first_s=limits.backoff_first_s, most_s=limits.backoff_most_s)
            )

    def check(self, command: Command) -> None:
        """Raises ValueError for a command that ``send`` would refuse."""
        with contextlib.suppress(NotNow):
            actions_for(command, self._given(command))

    async def send(self, command: Command) -> Result:
        """As ``PbxLink.send``. The same id again waits for, or gets, the same result."""
        if known := self._confirmations.result(command.id):
            return known
        if future := self._futures.get(command.id):
            return await asyncio.shield(future)
        given = self._given(command)
        try:
            actions = actions_for(command, given)
        except NotNow as error:
            return Failed(command=command.id, reason=str(error))
        if len(self._futures) >= self.MOST_OUT:
            return Failed(command=command.id, reason="too many commands at once")
        future = self._futures[command.id] = asyncio.get_running_loop().create_future()
        self._confirmations.begin(expectation_of(command, given), self._now())
        self._settle([])
        self._announce(actions)
        await self._put(command.id, actions)
        return await asyncio.shield(future)

    def feed(self, message: Message) -> None:
        """Any message of the event plane; those that confirm nothing are cheap."""
        if self._confirmations.watches(message.event):
            self._settle(self._confirmations.feed(message, self._now()))

    def events_lost(self) -> None:
        """The event plane is gone: what is out will not be confirmed any more."""
        self._settle(self._confirmations.lose())

    def _announce(self, actions: Sequence[Action]) -> None:
        for action in actions:
            if "ChannelId" in action:
                self.intends(LegId(str(action["ChannelId"])), str(action["Exten"]))

    async def _put(self, command: str, actions: Sequence[Action]) -> None:
        """Hand them to Asterisk. What was accepted waits for its event, also when this connection ends."""
        response: Mapping[str, str] = {}
        for action in actions:
            if self._confirmations.is_out(command):
                response = await self._act(command, action)
        self._settle(self._confirmations.accept(command, response, self._now()))

    async def _act(self, command: str, action: Action) -> Mapping[str, str]:
        """The response; of an error, which is told, none."""
        try:
            response = await self._respond(action)
        except PbxRefused as error:
            words = error.reason
        except PbxUnavailable as error:
            words = TIMEOUT if isinstance(error, NoAnswer) else PBX_LOST
        else:
            self._settle(self._confirmations.answer(command, response, self._now()))
            return response
        self._settle(self._confirmations.refuse(command, words, self._now()))
        return {}

    async def _respond(self, action: Action) -> Mapping[str, str]:
        if self._wire is None:
            raise PbxUnavailable("not connected")
        if not self._may_act():
            log.warning("command_held_back", pbx=self._name, action=action["Action"])
            raise PbxUnavailable("another process may have the PBX")
        return await self._wire.act(action)

    def _given(self, command: Command) -> Given:
        """Asterisk's own ids look like ``1763754000.12``; with a systemname before it, like ours."""
        number = next(self._count)
        leg = LegId(f"cti{self._seed}-{int(time.time())}.{number}")
        action_id = f"cti-{self._seed}-{number}"
        ends = self.ends_of(command.leg) if isinstance(command, CallCommand) else Ends()
        return Given(action_id=action_id, leg=leg, dialplan=self._dialplan, ends=ends, interface_of=self.interface_of)

    async def _connect(self) -> None:
        wire = Wire(self._account, self._limits)
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
