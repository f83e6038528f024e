"""The shell around the speech program, with a program of ours on the PATH: what it does right, and every way it can fail."""

import asyncio
import io
import math
import os
import wave
from array import array
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from threading import Event

import pytest

from cti.errors import SpeechUnavailable
from cti.ivr.speech import Speech, TextOnly, sayable
from cti.telephony.voice import Sound

SPEAKS = 'cat > "$HERE/heard"; echo "$*" >> "$HERE/started"; cat "$HERE/voice.wav"'
HANGS = 'echo $$ > "$HERE/pid"; sleep 600 & echo $! > "$HERE/child"; wait'

Says = Callable[[str], None]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where our program stands, and what it notes."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.setenv("HERE", str(here))
    monkeypatch.setenv("PATH", f"{here}:{os.environ['PATH']}")
    (here / "voice.wav").write_bytes(_wav())
    return here


@pytest.fixture
def says(here: Path) -> Says:
    """Makes an ``espeak-ng`` of these lines of shell."""

    def make(script: str) -> None:
        program = here / "espeak-ng"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    make(SPEAKS)
    return make


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    return tmp_path / "sounds"


@pytest.fixture
def speech(sounds: Path, says: Says) -> Speech:
    return Speech(sounds, within_s=20)


async def test_a_sound_is_a_telephones_file_and_its_words(speech: Speech, sounds: Path) -> None:
    sound = await speech.sound("Your  order\nhas left.", "en")
    assert sound.text == "Your order has left."
    assert PurePosixPath(sound.file).parent == PurePosixPath(sounds / "passing")
    with wave.open(f"{sound.file}.wav") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)


async def test_the_pbx_is_told_the_path_it_knows(sounds: Path, says: Says) -> None:
    sound = await Speech(sounds, seen_as=PurePosixPath("/mnt/cti")).sound("Hello.", "en")
    assert sound.file.startswith("/mnt/cti/passing/")
    assert (sounds / "passing" / f"{PurePosixPath(sound.file).name}.wav").exists()


async def test_the_text_goes_by_stdin_and_never_into_the_command_line(speech: Speech, here: Path) -> None:
    await speech.sound("Anna Berg, 1140 euros", "en")
    assert (here / "heard").read_text() == "Anna Berg, 1140 euros"
    assert (here / "started").read_text() == "-v en-us -s 150 -b 1 --stdin --stdout\n"


async def test_voice_and_speed_are_the_operators(sounds: Path, here: Path, says: Says) -> None:
    await Speech(sounds, voices={"zh-Hant": "yue"}, words_per_min=120).sound("您好", "zh-Hant")
    assert (here / "started").read_text().startswith("-v yue -s 120 ")


async def test_what_was_said_is_not_made_again(speech: Speech, sounds: Path, here: Path) -> None:
    first = await speech.sound("Hello.", "en")
    assert first == await speech.sound("Hello.", "en")
    assert first == await Speech(sounds).sound("Hello.", "en")
    assert _lines(here / "started") == 1


async def test_another_voice_speed_or_text_is_another_sound(sounds: Path, says: Says) -> None:
    files = {
        (await Speech(sounds, voices={"en": voice}, words_per_min=speed).sound(text, "en")).file
        for voice, speed, text in (("en-us", 150, "a"), ("en-gb", 150, "a"), ("en-us", 140, "a"), ("en-us", 150, "b"))
    }
    assert len(files) == 4


async def test_a_file_that_went_away_is_made_again(sounds: Path, here: Path, says: Says) -> None:
    sound = await Speech(sounds).sound("Hello.", "en")
    _files(sounds)[0].unlink()
    assert sound == await Speech(sounds).sound("Hello.", "en")
    assert [f"{sound.file}.wav"] == [str(path) for path in _files(sounds)]


async def test_prompts_are_made_once_and_told(speech: Speech, here: Path) -> None:
    texts = [("One.", "en"), ("一", "zh-Hant"), ("One.", "en")]
    told: list[tuple[int, int]] = []
    assert texts[:2] == await speech.missing(texts)
    await speech.ready(texts, told=lambda done, of: told.append((done, of)))
    await speech.ready(texts)
    assert told == [(1, 2), (2, 2)]
    assert await speech.missing(texts) == []
    assert _lines(here / "started") == 2
    assert "/prompts/" in (await speech.sound("One.", "en")).file


async def test_what_a_caller_was_told_becomes_a_prompt_when_a_flow_says_it(speech: Speech) -> None:
    await speech.sound("One.", "en")
    await speech.ready([("One.", "en")])
    assert await speech.missing([("One.", "en")]) == []


async def test_a_text_is_made_once_for_all_who_wait_for_it(speech: Speech, here: Path) -> None:
    heard = await asyncio.gather(*(speech.sound("Hello.", "en") for _ in range(5)))
    assert len(set(heard)) == _lines(here / "started") == 1


async def test_who_gives_up_takes_nothing_from_who_still_waits(speech: Speech, here: Path, says: Says) -> None:
    says(f'if [ ! -e "$HERE/pid" ]; then {HANGS}; fi; {SPEAKS}')
    gives_up = asyncio.create_task(speech.sound("Hello.", "en"))
    await _until(lambda: _has_text(here / "child"))
    waits = asyncio.create_task(speech.sound("Hello.", "en"))
    gives_up.cancel()
    assert (await waits).text == "Hello."


async def test_no_more_than_two_programs_run_at_once(speech: Speech, here: Path, says: Says) -> None:
    gate = 'while [ ! -e "$HERE/gate" ]; do sleep 0.01; done'
    says(f'echo in >> "$HERE/log"; {gate}; cat "$HERE/voice.wav"; echo out >> "$HERE/log"')
    waiting = [asyncio.create_task(speech.sound(f"Number {nr}.", "en")) for nr in range(6)]
    await _until(lambda: _lines(here / "log") >= 2)
    (here / "gate").touch()
    await asyncio.gather(*waiting)
    running = [1 if line == "in" else -1 for line in (here / "log").read_text().split()]
    assert max(sum(running[: nr + 1]) for nr in range(len(running))) == 2


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ('echo "cannot open the dictionary" >&2; exit 1', r"failed \(1\): cannot open the dictionary"),
        ('echo "Error: The specified espeak-ng voice does not exist." >&2; exit 1', "no voice 'en-us'.*--voices"),
        ("kill -9 $$", r"failed \(-9\)"),
        ("echo this is no sound", "no WAV"),
        ("true", "no WAV"),
        ('head -c 20000 "$HERE/voice.wav"; kill -9 $$', r"failed \(-9\)"),
        ("exec yes", "does not stop talking"),
    ],
    ids=[
        "exits 1",
        "no such voice",
        "is killed",
        "writes rubbish",
        "writes nothing",
        "dies in mid-word",
        "never stops",
    ],
)
async def test_a_program_that_fails_is_said_to_and_leaves_nothing(
    speech: Speech, sounds: Path, says: Says, script: str, words: str
) -> None:
    says(script)
    with pytest.raises(SpeechUnavailable, match=words):
        await speech.sound("Hello.", "en")
    assert not _files(sounds)


async def test_a_program_that_failed_is_asked_again(speech: Speech, says: Says) -> None:
    says("exit 1")
    with pytest.raises(SpeechUnavailable):
        await speech.sound("Hello.", "en")
    says(SPEAKS)
    assert (await speech.sound("Hello.", "en")).file


async def test_without_the_program_it_says_how_to_get_it(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SpeechUnavailable, match="espeak-ng is not installed: `apt install espeak-ng`"):
        await Speech(sounds).sound("Hello.", "en")


async def test_a_program_that_may_not_be_started_is_said_to(sounds: Path, here: Path, says: Says) -> None:
    (here / "espeak-ng").chmod(0o644)
    with pytest.raises(SpeechUnavailable, match="cannot be started: Permission denied"):
        await Speech(sounds, program=str(here / "espeak-ng")).sound("Hello.", "en")


async def test_a_program_that_hangs_is_ended_with_its_children(sounds: Path, here: Path, says: Says) -> None:
    says(HANGS)
    speech = Speech(sounds, within_s=0.3)
    with pytest.raises(SpeechUnavailable, match=r"did not say it within 0\.3 s"):
        await speech.sound("Hello.", "en")
    await _until(lambda: _is_gone(here / "pid") and _is_gone(here / "child"))


async def test_a_caller_who_hangs_up_ends_the_program(speech: Speech, here: Path, says: Says) -> None:
    says(HANGS)
    asked = asyncio.create_task(speech.sound("Hello.", "en"))
    await _until(lambda: _has_text(here / "child"))
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await _until(lambda: _is_gone(here / "pid") and _is_gone(here / "child"))


async def test_waiting_for_others_counts_as_waiting(sounds: Path, here: Path, says: Says) -> None:
    """However many programs hang, each caller is answered in the same time."""
    says("exec sleep 600")
    speech = Speech(sounds, within_s=0.3)
    answers = await asyncio.gather(*(speech.sound(str(nr), "en") for nr in range(20)), return_exceptions=True)
    assert {"espeak-ng did not say it within 0.3 s"} == {str(answer) for answer in answers}


async def test_whatever_else_is_slow_a_prompt_is_said(speech: Speech) -> None:
    """The event loop's own threads are all taken."""
    is_over, others = Event(), ThreadPoolExecutor(1)
    asyncio.get_running_loop().set_default_executor(others)
    others.submit(is_over.wait)
    try:
        async with asyncio.timeout(10):
            assert (await speech.sound("Hello.", "en")).text == "Hello."
            assert await speech.missing([("Hello.", "en")]) == [("Hello.", "en")]
    finally:
        is_over.set()


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("Bonjour.", "fr", "no voice for language 'fr'"),
        (" \x00 ", "en", "a text of 0 signs"),
        ("x" * 501, "en", "a text of 501 signs"),
    ],
)
async def test_what_cannot_be_said_is_refused_before_anything_is_started(
    speech: Speech, here: Path, text: str, language: str, words: str
) -> None:
    with pytest.raises(SpeechUnavailable, match=words):
        await speech.sound(text, language)
    assert not (here / "started").exists()


async def test_a_folder_that_cannot_be_written_to_is_said(tmp_path: Path, says: Says) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SpeechUnavailable, match="cannot be written to"):
        await Speech(tmp_path / "file" / "sounds").ready([("Hello.", "en")])


async def test_what_was_said_to_callers_is_forgotten_at_a_start(speech: Speech, sounds: Path) -> None:
    await speech.ready([("Welcome.", "en")])
    await speech.sound("Anna Berg", "en")
    tidying = asyncio.create_task(Speech(sounds).keep_tidy())
    await _until(lambda: len(_files(sounds)) < 2)
    tidying.cancel()
    assert [path.parent.name for path in _files(sounds)] == ["prompts"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one\x00two\x1b[31m\r\nthree", "onetwo[31m three"),
        ("[[h@'loU]] [\x01[x]]", "h@'loU]] x]]"),
        ("\ud800\u202eevil\u200b", "evil"),
        ("王小明、您好。", "王小明、您好。"),
    ],
)
def test_no_text_is_a_command_to_the_program(text: str, said: str) -> None:
    assert sayable(text) == said


async def test_text_only_speaks_without_a_sound() -> None:
    told: list[tuple[int, int]] = []
    await TextOnly().ready([("a", "en"), ("b", "en")], told=lambda done, of: told.append((done, of)))
    assert await TextOnly().sound("Hello.", "en") == Sound("", "Hello.")
    assert (told, await TextOnly().missing([("a", "en")])) == ([(1, 2), (2, 2)], [])


def _wav() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setparams((1, 2, 22050, 0, "NONE", ""))
        wav.writeframes(array("h", (int(9000 * math.sin(nr / 10)) for nr in range(22050))).tobytes())
    return file.getvalue()


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 - another process does it, and tells nobody
            await asyncio.sleep(0.005)


def _files(sounds: Path) -> list[Path]:
    return list(sounds.rglob("*.*"))


def _has_text(path: Path) -> bool:
    return path.exists() and bool(path.read_text())


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def _is_gone(pid_file: Path) -> bool:
    """Ended, and if it is an orphan that nobody has buried yet, dead."""
    try:
        state = Path(f"/proc/{pid_file.read_text().strip()}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"
