"""Text -> a sound the PBX can play. What flows say is made when they are loaded (``ready``), so that a caller waits for nothing;
a caller's own name or balance while they wait, some 50 ms (``sound``).
"""

import asyncio
import hashlib
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Protocol, TypeVar
from weakref import WeakValueDictionary

import structlog

from cti.errors import SpeechUnavailable
from cti.ivr import audio, espeak
from cti.ivr.kept_sounds import PARTS, PROMPTS, KeptSounds
from cti.telephony.voice import Sound

log = structlog.get_logger()

T = TypeVar("T")

MOST_SIGNS: Final = 500
AT_ONCE: Final = 2
KNOWN: Final = 512
KNOWN_S: Final = 60.0
"""So long a file that was seen on disk is taken to be there still; far less than it is kept."""
TIDY_EVERY_S: Final = 600.0
_MAKE: Final = "1"
"""Of the sounds we make. Another one, and none of those made before is used."""

# espeak-ng 1.51's ``cmn`` says its own Pinyin in English, "yi one" for 一 (its issue 1236); this voice speaks Mandarin.
_MANDARIN: Final = "cmn-latn-pinyin"
VOICES: Final[Mapping[str, str]] = {"en": "en-us", "zh-Hans": _MANDARIN, "zh-Hant": _MANDARIN}
"""Language -> what ``espeak-ng --voices`` calls it."""

Text = tuple[str, str]
"""What to say, and in which language."""
Told = Callable[[int, int], None]
"""So many done, of so many."""


def _nobody(_done: int, _of: int) -> None:
    pass


class Speaker(Protocol):
    """Every method may raise ``SpeechUnavailable``, in words that say what to do about it."""

    async def sound(self, text: str, language: str) -> Sound: ...

    async def ready(self, texts: Iterable[Text], *, told: Told = _nobody) -> None:
        """Make those that are missing, to stay. Ends at the first that cannot be made."""
        ...

    async def missing(self, texts: Iterable[Text]) -> list[Text]:
        """Those that ``ready`` would have to make."""
        ...


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    voice: str
    name: str


class Speech:
    """The shell around espeak-ng and the folder of its sounds. Run ``keep_tidy`` in a task, from before the first caller on.

    ``seen_as`` is the folder as the PBX finds it, where that is another path. ``readers``: ``KeptSounds``. ``within_s``: from
    being asked to the sound, whatever else is being said; the caller hears silence meanwhile.
    """

    def __init__(
        self, folder: Path, *, seen_as: PurePosixPath | None = None, voices: Mapping[str, str] = VOICES,
        words_per_min: int = 150, readers: str = "", program: str = "espeak-ng", within_s: float = 3.0,
    ) -> None:  # fmt: skip
        self._kept = KeptSounds(folder, readers=readers)
        self._seen_as = seen_as or PurePosixPath(self._kept.folder)
        self._voices = voices
        self._words_per_min = words_per_min
        self._program = program
        self._within_s = within_s
        self._known: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._slots = asyncio.Semaphore(AT_ONCE)
        # Not the event loop's: whatever else is slow there, a caller hears their prompt.
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="speech")
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def sound(self, text: str, language: str) -> Sound:
        line = self._line(text, language)
        part = self._remembered(line.name)
        if part is None:
            part = await self._found_or_made(line, PARTS)
            self._remember(line.name, part)
        return Sound(str(self._seen_as / part / line.name), line.text)

    async def ready(self, texts: Iterable[Text], *, told: Told = _nobody) -> None:
        """One at a time, so that callers are not kept waiting by a flow that is loaded."""
        lines = list(dict.fromkeys(self._line(*text) for text in texts))
        for done, line in enumerate(lines, start=1):
            await self._found_or_made(line, (PROMPTS,))
            told(done, len(lines))

    async def missing(self, texts: Iterable[Text]) -> list[Text]:
        wanted = [(text, self._kept.path(PROMPTS, self._line(*text).name)) for text in dict.fromkeys(texts)]
        return await self._aside(lambda: [text for text, path in wanted if not path.exists()])

    async def keep_tidy(self) -> None:
        """Until cancelled. What was said to callers is forgotten at once, and then as it gets old."""
        tidying = self._kept.forget_passing
        while True:
            try:
                await asyncio.to_thread(tidying)
            except OSError as exc:
                log.warning("sounds_not_tidied", folder=str(self._kept.folder), reason=str(exc))
            tidying = self._kept.tidy
            await asyncio.sleep(TIDY_EVERY_S)

    def _line(self, text: str, language: str) -> _Line:
        if language not in self._voices:
            raise SpeechUnavailable(
                f"no voice for language {language!r}; name one of `{self._program} --voices` for it"
            )
        said, voice = sayable(text), self._voices[language]
        if not 0 < len(said) <= MOST_SIGNS:
            raise SpeechUnavailable(f"a text of {len(said)} signs; one is the least and {MOST_SIGNS} are the most")
        key = f"{_MAKE}|{voice}|{self._words_per_min}|{said}"
        return _Line(said, voice, hashlib.sha256(key.encode()).hexdigest()[:32])

    async def _found_or_made(self, line: _Line, parts: tuple[str, ...]) -> str:
        """Which part holds it. Whoever wants the same text meanwhile waits for the one that is being made."""
        try:
            async with asyncio.timeout(self._within_s), self._locks.setdefault(line.name, asyncio.Lock()):
                found = await self._aside(lambda: self._kept.find(line.name, parts))
                return found or await self._made(line, parts[-1])
        except TimeoutError as exc:
            raise SpeechUnavailable(f"{self._program} did not say it within {self._within_s:g} s") from exc

    async def _made(self, line: _Line, part: str) -> str:
        async with self._slots:
            spoken = await espeak.say(
                line.text, voice=line.voice, words_per_min=self._words_per_min, program=self._program
            )
        await self._aside(lambda: self._kept.keep(part, line.name, audio.telephone(spoken)))
        return part

    async def _aside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _remembered(self, name: str) -> str | None:
        part, seen_at = self._known.get(name, (None, 0.0))
        if part is None or time.monotonic() - seen_at > KNOWN_S:
            return None
        self._known.move_to_end(name)
        return part

    def _remember(self, name: str, part: str) -> None:
        self._known[name] = (part, time.monotonic())
        while len(self._known) > KNOWN:
            self._known.popitem(last=False)


class TextOnly:
    """Says nothing aloud: sounds of text and no file, for a terminal, a demo, a test."""

    async def sound(self, text: str, _language: str) -> Sound:
        return Sound("", sayable(text))

    async def ready(self, texts: Iterable[Text], *, told: Told = _nobody) -> None:
        lines = list(dict.fromkeys(texts))
        for done in range(1, len(lines) + 1):
            told(done, len(lines))

    async def missing(self, _texts: Iterable[Text]) -> list[Text]:
        return []


def sayable(text: str) -> str:
    """One line without control characters, and without ``[[``, behind which espeak-ng expects phonemes."""
    seen = "".join(char for char in text if char.isspace() or not unicodedata.category(char).startswith("C"))
    return " ".join(seen.replace("[[", " ").split())
