"""A PBX made of recordings: calls that were real, played again by other people at a pace to be read.

``score.py`` makes a recording other people's call, ``stage.py`` knows what is due when (both without I/O); this is the shell: a
``PbxLink`` with one timer, which feeds the stage's messages to the same narrator as a live PBX. What is played when is decided
by a ``Programme``.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, Literal, Protocol

from cti.calls.call import Call, LegId, PbxName
from cti.telephony.asterisk.actions import actions_for
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.dialplan import Dialplan
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.kinds.kind import Ends, Given, NotNow
from cti.telephony.asterisk.narrator import Narrator
from cti.telephony.commands import (
    AddMember,
    CallCommand,
    Command,
    Done,
    Failed,
    Hangup,
    Hold,
    Originate,
    PauseMember,
    RemoveMember,
    Result,
    Retrieve,
    SendKeys,
    SetPenalty,
)
from cti.telephony.link import LinkChanged, MemberChanged, MembersRead, News, Sink
from cti.telephony.phone import Ability
from cti.telephony.replay.members import MemberCommand, Members
from cti.telephony.replay.score import Play, stamped
from cti.telephony.replay.stage import Stage

_REMEMBERED: Final = 1000
"""Commands whose result is known still, so that the same id again is the same command."""


class Programme(Protocol):
    """Decides what is played. Seconds are the player's, from its start, as fast as it plays."""

    def begin(self, now_s: float, busy: frozenset[str]) -> Sequence[Play]:
        """The plays that begin now. None needs a busy phone, or one that another of them needs."""
        ...

    def next_s(self) -> float:
        """When to ask again; also asked whenever a play has ended."""
        ...

    def rings(self, play: Play, phone: str, taken: frozenset[str], now_s: float) -> Play | None:
        """The play's next phone is about to come in, which may be ``taken`` by another play: the play as it goes on, perhaps
        with another phone; None: nobody's may ring now, and the play waits a second."""
        ...

    def ended(self, play: Play, now_s: float) -> None: ...

    def member(self, member: MemberChanged) -> None:
        """A queue has this phone now, or has it no more."""
        ...

    def dialled(self, command: Originate) -> Play | None:
        """An agent calls somebody; None when nobody can be called like that here."""
        ...


def _quiet(_news: News) -> None:
    pass


class Player:
    """A PbxLink whose PBX is a programme of recordings. ``speed`` 2: everything takes half as long."""

    def __init__(
        self,
        name: PbxName,
        programme: Programme,
        *,
        dialplan: Dialplan,
        speed: float = 1.0,
        seconds: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self.narrator = Narrator(name, Endpoints())
        self._programme, self._dialplan, self._speed = programme, dialplan, speed
        self._seconds, self._now = seconds, now
        self._stage = Stage(self._rings)
        self._members = Members()
        self._began_s = seconds()
        self._sink: Sink = _quiet
        self._woken = asyncio.Event()
        self._asked: dict[str, asyncio.Future[Result]] = {}
        self._status = LinkChanged(pbx=name, state="connecting", at=now())

    # ---- what PbxLink asks

    @property
    def calls(self) -> tuple[Call, ...]:
        return self.narrator.tracker.live

    @property
    def status(self) -> LinkChanged:
        return self._status

    def restore(self, calls: tuple[Call, ...]) -> None:
        self.narrator.restore(calls)

    def check(self, command: Command) -> None:
        """The same refusals as a real PBX's link."""
        ends = self.narrator.ends_of(command.leg) if isinstance(command, CallCommand) else Ends()
        given = Given(action_id="check", leg=LegId("check"), dialplan=self._dialplan, ends=ends)
        with contextlib.suppress(NotNow):
            actions_for(command, given)

    def abilities(self, device: str) -> frozenset[Ability]:  # noqa: ARG002
        """A recording takes its course; but its customers can wait, and hear keys without minding."""
        return frozenset({Ability.HOLD, Ability.KEYS})

    async def send(self, command: Command) -> Result:
        self.check(command)
        if command.id not in self._asked:
            self._forget_old_commands()
            self._asked[command.id] = asyncio.get_running_loop().create_future()
            self._carry_out(command)
            self._woken.set()
        return await asyncio.shield(self._asked[command.id])

    async def run(self, sink: Sink) -> None:
        self.start(sink)
        while True:
            wait_s = self.step()
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._woken.wait()

    # ---- step by step, for whoever owns the clock

    def start(self, sink: Sink) -> None:
        """The PBX is up, newly: calls of before are over."""
        self._sink, self._began_s = sink, self._seconds()
        self._tell(self.narrator.booted(0.0, self._now()))
        self._become("connected")
        self._sink(MembersRead(pbx=self.name, began_at=self._status.at, at=self._status.at))

    def step(self) -> float:
        """Say what is due; in how many seconds there is more."""
        now_s = self._time_s()
        self._begin_plays(now_s)
        for message, play, is_over in self._stage.due(now_s):
            self._say(message, play)
            if is_over:
                self._answer(_failed(play.command))
                self._programme.ended(play, now_s)
                self._begin_plays(now_s)
        next_s = min(at_s for at_s in (self._programme.next_s(), self._stage.next_s()) if at_s is not None)
        return max(0.01, (next_s - now_s) / self._speed)

    # ---- within

    def _begin_plays(self, now_s: float) -> None:
        for play in self._programme.begin(now_s, self._stage.busy):
            self._stage.begin(play, now_s, int(self._now().timestamp()))

    def _say(self, message: AmiMessage, play: Play) -> None:
        if message.event == "OriginateResponse":
            is_success = message.get("Response") == "Success"
            self._answer(
                Done(command=play.command, leg=LegId(message.get("Uniqueid"))) if is_success else _failed(play.command)
            )
        else:
            self._tell(self.narrator.feed(stamped(message, self._now())))

    def _carry_out(self, command: Command) -> None:
        match command:
            case Originate():
                self._originate(command)
            case Hangup():
                self._answer(_result(command, is_done=self._stage.hang_up(command.leg, self._time_s())))
            case Hold():
                self._of_talking(command, self._stage.hold(command.leg, self._time_s()))
            case Retrieve():
                self._of_talking(command, self._stage.retrieve(command.leg, self._time_s()))
            case SendKeys():
                self._answer(_result(command, is_done=self._stage.is_there(command.leg)))
            case AddMember() | RemoveMember() | PauseMember() | SetPenalty():
                self._of_member(command)
            case _:
                self._answer(Failed(command=command.id, reason="not_able"))

    def _of_talking(self, command: Hold | Retrieve, message: AmiMessage | None) -> None:
        if message is not None:
            self._tell(self.narrator.feed(stamped(message, self._now())))
        self._answer(_result(command, is_done=message is not None))

    def _rings(self, play: Play, phone: str, taken: frozenset[str]) -> Play | None:
        return self._programme.rings(play, phone, taken, self._time_s())

    def _of_member(self, command: MemberCommand) -> None:
        """The PBX's event comes before the result."""
        messages, result = self._members.carry_out(command)
        for message in messages:
            self._tell(self.narrator.feed(stamped(message, self._now())))
        news, self.narrator.member_news = self.narrator.member_news, []
        for one in news:
            if isinstance(one, MemberChanged):
                self._programme.member(one)
        self._tell(news)
        self._answer(result)

    def _originate(self, command: Originate) -> None:
        play = self._programme.dialled(command)
        if play is None or play.phones & self._stage.in_calls:
            return self._answer(Failed(command=command.id, reason="busy" if play else "unavailable"))
        self._stage.begin(play, self._time_s(), int(self._now().timestamp()))
        if not any(message.event == "OriginateResponse" for _, message in play.score.steps):
            self._answer(Done(command=command.id))  # recorded as dialled at the phone
        return None

    def _forget_old_commands(self) -> None:
        for done in [one for one, asked in self._asked.items() if asked.done()][: -_REMEMBERED or None]:
            del self._asked[done]

    def _answer(self, result: Result) -> None:
        asked = self._asked.get(result.command)
        if asked and not asked.done():
            asked.set_result(result)

    def _tell(self, news: Iterable[News]) -> None:
        for one in news:
            self._sink(one)

    def _become(self, state: Literal["connected"]) -> None:
        self._status = LinkChanged(pbx=self.name, state=state, at=self._now())
        self._sink(self._status)

    def _time_s(self) -> float:
        return (self._seconds() - self._began_s) * self._speed


def _result(command: Command, *, is_done: bool) -> Result:
    return Done(command=command.id) if is_done else Failed(command=command.id, reason="No such channel")


def _failed(command: str) -> Failed:
    return Failed(command=command, reason="no answer")
