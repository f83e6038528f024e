"""A caller in memory, who does what a script says: the ``VoiceChannel`` of flow tests, of the demo and of ``cti ivr try``.

    Caller(["1", "4711#"])                          answers the first question with 1, the second with 4711#
    Caller(["", "9", "1"])                          says nothing to the first, is wrong at the second, knows it at the third
    Caller([press("2", on="welcome", after_s=1)])   does not wait for the end of what is said
    Caller(["1", hang_up(on="your code")])          goes away while that is being said
    Caller(["3", speak(4.0)])                       leaves a message of four seconds

Whoever has come to the end of the script stays on the line and says nothing more. Time is the given clock's: ``QuickClock`` for
tests, where a call of minutes takes none, ``WallClock`` where somebody watches.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import PurePosixPath
from typing import Final, Protocol

from cti.errors import StateMisuse
from cti.telephony.asterisk.agi_codec import note
from cti.telephony.asterisk.agi_voice import last_words
from cti.telephony.voice import KEYS, Asked, CallerGone, Destination, Keys, Recorded, Sound

REACTION_S: Final = 0.5
"""From the moment a caller could speak to the first key."""
PACE_S: Final = 0.25
"""From key to key."""
MESSAGE_S: Final = 3.0
"""How long a caller speaks into a recording who has no script for it."""


class Clock(Protocol):
    def seconds(self) -> float:
        """Of any beginning; never back."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class QuickClock:
    """Time passes only where somebody sleeps, and takes none. For one caller: two would sleep in each other's time."""

    def __init__(self, began: datetime = datetime(2026, 1, 5, 9, tzinfo=UTC)) -> None:
        self._began, self._passed_s = began, 0.0

    def seconds(self) -> float:
        return self._passed_s

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self._passed_s)

    async def sleep(self, seconds: float) -> None:
        self._passed_s += max(0.0, seconds)
        await asyncio.sleep(0)


class WallClock:
    def seconds(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing a caller does; of ``press``, ``hang_up`` and ``speak``.

    ``on``: part of a sound's file or words, and the act begins while that is said; empty: when asked for a key, or for a
    message. ``after_s``: so long after that.
    """

    keys: str = ""
    is_hanging_up: bool = False
    speaks_s: float = 0.0
    on: str = ""
    after_s: float = REACTION_S


def press(keys: str, *, on: str = "", after_s: float = REACTION_S) -> Act:
    return Act(keys=keys, on=on, after_s=after_s)


def hang_up(*, on: str = "", after_s: float = REACTION_S) -> Act:
    return Act(is_hanging_up=True, on=on, after_s=after_s)


def speak(seconds: float, *, then: str = "", then_hang_up: bool = False) -> Act:
    """Into the next recording; ``then`` is the key behind it."""
    return Act(speaks_s=seconds, keys=then, is_hanging_up=then_hang_up)


class Caller:
    """The script. Text is what is keyed at the next question; an empty one: nothing, to that question."""

    def __init__(self, keys: Iterable[str | Act] = ()) -> None:
        self._acts = deque(press(act) if isinstance(act, str) else act for act in keys)

    def next_on(self, sound: Sound) -> Act | None:
        """What this caller does now that this is being said."""
        act = self._acts[0] if self._acts else None
        if act is None or not act.on or (act.on not in sound.file and act.on not in sound.text):
            return None
        return self._acts.popleft()

    def next_asked(self) -> Act | None:
        """What this caller does now that an answer is expected."""
        act = self._acts[0] if self._acts else None
        return None if act is None or act.on or act.speaks_s else self._acts.popleft()

    def next_spoken(self) -> Act:
        """What this caller says after the beep."""
        act = self._acts[0] if self._acts else None
        return self._acts.popleft() if act is not None and act.speaks_s else Act(speaks_s=MESSAGE_S)


@dataclass(slots=True)
class Story:
    """What became of it."""

    said: list[Sound] = field(default_factory=list)
    """What the caller heard, also where it was cut short."""
    notes: dict[str, str] = field(default_factory=dict)
    recorded: list[Recorded] = field(default_factory=list)
    left: Destination | None = None
    is_gone: bool = False
    """The caller hung up."""

    @property
    def words(self) -> list[str]:
        return [sound.text or sound.file for sound in self.said]


def spoken_s(sound: Sound) -> float:
    """About as long as it takes to say it."""
    return max(1.0, 0.06 * len(sound.text))


class ScriptedVoice:
    """One call of a ``Caller``. ``listener`` is told of every sound when it begins, and of every key; for who watches."""

    def __init__(
        self,
        asked: Asked,
        caller: Caller,
        *,
        clock: Clock,
        length_s: Callable[[Sound], float] = spoken_s,
        listener: Callable[[Sound | str], None] = lambda _heard: None,
    ) -> None:
        self.asked = asked
        self.story = Story()
        self._caller, self.clock, self._length_s, self._listener = caller, clock, length_s, listener
        self._coming: deque[tuple[float, str]] = deque()
        """When which key is pressed; an empty one: the caller hangs up."""
        self._keyed: deque[str] = deque()
        self._is_asked = True
        """Something was said since the caller last answered: who was given time for more keys says no more of it."""

    async def play(self, sounds: Sequence[Sound], *, until: Keys = KEYS) -> str:
        self._catch_up()
        key = self._beforehand(until)
        for sound in sounds:
            key = key or await self._heard_to_end(sound, until)
        return key

    async def key(self, *, within_s: float) -> str:
        self._catch_up()
        if not self._keyed and not self._coming and self._is_asked:
            self._is_asked = False
            if act := self._caller.next_asked():
                self.does(act)
        end_s = self.clock.seconds() + within_s
        while not self._keyed and self.clock.seconds() < end_s:
            await self._go_on(end_s)
        return self._keyed.popleft() if self._keyed else ""

    async def record(self, file: PurePosixPath, *, max_s: float, silence_s: float, until: Keys = KEYS) -> Recorded:
        self._catch_up()
        self._keyed.clear()
        act = self._caller.next_spoken()
        length_s = min(act.speaks_s, max_s)
        await self.clock.sleep(length_s)
        recorded = Recorded(file=file, length_s=length_s, how="limit")
        if act.speaks_s < max_s:
            recorded = await self._ended(act, recorded, silence_s, until)
        self.story.recorded.append(recorded)
        return recorded

    async def note(self, name: str, value: str) -> None:
        note(name, value)
        self._catch_up()
        self.story.notes[name] = value

    async def leave(self, to: Destination) -> None:
        last_words(to)
        self._catch_up()
        self.story.left = to

    # ---- the caller's side

    def does(self, act: Act) -> None:
        """The caller begins this now, whatever the script says."""
        begins_s = self.clock.seconds() + act.after_s
        doing = [(begins_s + nr * PACE_S, key) for nr, key in enumerate(act.keys)]
        if act.is_hanging_up:
            doing.append((begins_s + len(act.keys) * PACE_S, ""))
        self._coming = deque(sorted([*self._coming, *doing], key=itemgetter(0)))

    def _catch_up(self) -> None:
        """What the caller did while nobody asked."""
        if self.story.left is not None:
            raise StateMisuse("the caller was sent on already")
        while self._coming and self._coming[0][0] <= self.clock.seconds():
            self._happens(self._coming.popleft()[1])
        if self.story.is_gone:
            raise CallerGone

    def _happens(self, key: str) -> None:
        if key:
            self._keyed.append(key)
            self._listener(key)
        else:
            self.story.is_gone = True

    async def _go_on(self, end_s: float) -> None:
        """To the next thing the caller does, or to the end."""
        next_s = min(end_s, self._coming[0][0]) if self._coming else end_s
        await self.clock.sleep(next_s - self.clock.seconds())
        self._catch_up()

    async def _heard_to_end(self, sound: Sound, until: Keys) -> str:
        self.story.said.append(sound)
        self._listener(sound)
        self._is_asked = True
        if act := self._caller.next_on(sound):
            self.does(act)
        end_s = self.clock.seconds() + self._length_s(sound)
        while not (key := self._beforehand(until)) and self.clock.seconds() < end_s:
            await self._go_on(end_s)
        return key

    def _beforehand(self, until: Keys) -> str:
        while until and self._keyed:
            if (key := self._keyed.popleft()) in until:
                return key
        return ""

    async def _ended(self, act: Act, recorded: Recorded, silence_s: float, until: Keys) -> Recorded:
        if act.is_hanging_up:
            self.story.is_gone = True
            return Recorded(file=recorded.file, length_s=recorded.length_s, how="hung_up")
        if act.keys and act.keys[0] in until:
            return Recorded(file=recorded.file, length_s=recorded.length_s, how="key")
        await self.clock.sleep(silence_s)
        return Recorded(file=recorded.file, length_s=recorded.length_s, how="silence")
