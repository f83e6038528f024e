"""A caller at a terminal: the keyboard is the telephone, and what would be said is shown. The voice of ``cti ivr try``.

Time is the telephone's: words take as long as they would to be said, and a silence as long as it was waited for.
"""

import asyncio
import os
import re
import termios
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Final, Protocol, TextIO

from cti.calls.journey import DOT
from cti.telephony.replay.voice import MESSAGE_S, spoken_s
from cti.telephony.voice import KEYS, Asked, CallerGone, Destination, Keys, Recorded, Sound

ENTER: Final = "\n"
"""Wait no longer: the caller says nothing."""
GONE: Final = "h"
_HANGS_UP: Final = frozenset("hH\x03\x04")
"""Also Ctrl-C and Ctrl-D."""
KEY_S: Final = 0.5
_MODES: Final = 3
"""Where ``tcgetattr`` has the local modes."""
_BEFORE_A_MARK: Final = re.compile(r"\s+(?=[.,;:!?%，。、；：！？])")  # noqa: RUF001 - Chinese marks are meant


class Keyboard(Protocol):
    def beforehand(self) -> str:
        """The keys that wait already; asked for when something new is said."""
        ...

    async def key(self, *, within_s: float) -> str:
        """A telephone key, ``ENTER`` or ``GONE``; empty when none came in time."""
        ...


class Lines:
    """Keys from a pipe: a line is the answer to one question, an empty one says nothing, and their end hangs up."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._keys = ""
        self._is_read = False

    def beforehand(self) -> str:
        keys, self._keys, self._is_read = self._keys, "", False
        return keys

    async def key(self, *, within_s: float) -> str:  # noqa: ARG002 - a pipe has its answers or has none
        if not self._keys and self._is_read:
            return ENTER
        if not self._keys:
            self._keys = await asyncio.to_thread(self._line)
            self._is_read = True
        key, self._keys = self._keys[0], self._keys[1:]
        return key

    def _line(self) -> str:
        line = self._stream.readline()
        return GONE if not line or _HANGS_UP & set(line) else _keys_in(line) or ENTER


class Keypad:
    """Keys from a terminal, as they are pressed. Within ``listening`` only."""

    def __init__(self) -> None:
        self._pressed: asyncio.Queue[str] = asyncio.Queue()

    @contextmanager
    def listening(self, stream: TextIO) -> Iterator[None]:
        terminal, loop = stream.fileno(), asyncio.get_running_loop()
        was, now = termios.tcgetattr(terminal), termios.tcgetattr(terminal)
        now[_MODES] &= ~(termios.ICANON | termios.ECHO | termios.ISIG)  # one by one, unseen, and Ctrl-C is a key
        termios.tcsetattr(terminal, termios.TCSADRAIN, now)
        loop.add_reader(terminal, self._read, terminal)
        try:
            yield
        finally:
            loop.remove_reader(terminal)
            termios.tcsetattr(terminal, termios.TCSADRAIN, was)

    def beforehand(self) -> str:
        waiting = [self._pressed.get_nowait() for _ in range(self._pressed.qsize())]
        return "".join(key for key in waiting if key != ENTER)

    async def key(self, *, within_s: float) -> str:
        try:
            return await asyncio.wait_for(self._pressed.get(), within_s)
        except TimeoutError:
            return ""

    def _read(self, terminal: int) -> None:
        """A terminal that has gone is a caller who has."""
        for sign in os.read(terminal, 64).decode(errors="ignore") or GONE:
            key = GONE if sign in _HANGS_UP else ENTER if sign in "\r\n " else sign
            if key in {GONE, ENTER} or key in KEYS:
                self._pressed.put_nowait(key)


class TerminalVoice:
    """``write`` gets what is to be shown, with its line breaks. ``is_secret``: the keys that come now are shown as dots."""

    def __init__(
        self, asked: Asked, keyboard: Keyboard, write: Callable[[str], None], *, is_secret: Callable[[], bool]
    ) -> None:
        self.asked = asked
        self.spent_s = 0.0
        self.left: Destination | None = None
        self._keyboard = keyboard
        self._write = write
        self._is_secret = is_secret
        self._ahead = ""
        self._is_mid_line = False

    async def play(self, sounds: Sequence[Sound], *, until: Keys = KEYS) -> str:
        if sounds:
            self._say(words(sounds))
        self.spent_s += sum(spoken_s(sound) for sound in sounds)
        self._ahead += self._keyboard.beforehand()
        while until and self._ahead:
            key, self._ahead = self._ahead[0], self._ahead[1:]
            if key in until or key == GONE:
                return self._pressed(key)
        return ""

    async def key(self, *, within_s: float) -> str:
        key, self._ahead = self._ahead[:1], self._ahead[1:]
        key = key or await self._keyboard.key(within_s=within_s)
        if key and key != ENTER:
            return self._pressed(key)
        self.spent_s += within_s
        self._end_line() if self._is_mid_line else self._write(f"> (nothing, {within_s:g} s)\n")
        return ""

    async def record(self, file: PurePosixPath, *, max_s: float, silence_s: float, until: Keys = KEYS) -> Recorded:  # noqa: ARG002 - nothing is recorded
        self._say("(beep; a key: you have left a message, Enter: you have said nothing)")
        if not await self.key(within_s=max_s):
            return Recorded(file=file, length_s=0.0, how="silence")
        return Recorded(file=file, length_s=MESSAGE_S, how="key")

    async def note(self, name: str, value: str) -> None:
        """Nobody looks at this channel later."""

    async def leave(self, to: Destination) -> None:
        self._end_line()
        self.left = to

    def _pressed(self, key: str) -> str:
        if key == GONE:
            self._end_line()
            raise CallerGone
        self.spent_s += KEY_S
        self._write(("" if self._is_mid_line else "> ") + (DOT if key.isdigit() and self._is_secret() else key))
        self._is_mid_line = True
        return key

    def _say(self, text: str) -> None:
        self._end_line()
        self._write(f"  {text}\n")

    def _end_line(self) -> None:
        if self._is_mid_line:
            self._write("\n")
            self._is_mid_line = False


def words(sounds: Sequence[Sound]) -> str:
    """What is said, in one line; marks stand at the word before them again, as they do in the flow's file."""
    return _BEFORE_A_MARK.sub("", " ".join(sound.text or f"[{sound.file}]" for sound in sounds))


def _keys_in(line: str) -> str:
    return "".join(sign for sign in line if sign in KEYS)
