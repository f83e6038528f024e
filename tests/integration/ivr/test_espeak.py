"""What the real espeak-ng makes of our prompts: a sound a telephone carries, in the language it should be in."""

import subprocess
import wave
from array import array
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path, PurePosixPath

import pytest

from cti.errors import SpeechUnavailable
from cti.ivr.speech import VOICES, Speech
from cti.ivr.spoken import Count, Day, Digits, MaskedName, Money, Span, Value, words
from cti.telephony.voice import Sound
from tests.testbed.asterisk import Asterisk
from tests.testbed.fixtures import require

SENTENCES = [
    ("Please enter your customer code, and then the hash key.", "en"),
    ("請輸入您的客戶代碼、並以井字鍵結束。", "zh-Hant"),
    ("请输入您的客户代码、并以井号键结束。", "zh-Hans"),
]
VALUES: list[Value] = [
    Digits("88301"),
    Count(20002),
    Money(Decimal("1140.50"), "EUR"),
    Money(Decimal("-12.05"), "TWD"),
    Day(date(2025, 11, 3)),
    Span(240),
    MaskedName("王小明"),
]
HEADER = 44
"""Bytes of a WAV file before its sound."""
IN_ENGLISH = "(en)"
"""How espeak-ng marks, among its phonemes, what it says in English."""


@dataclass(frozen=True)
class Heard:
    length_s: float
    peak: int
    loudness: float
    rate_hz: int


@pytest.fixture(autouse=True)
def espeak() -> None:
    require("espeak-ng")


@pytest.fixture
def speech(tmp_path: Path) -> Speech:
    return Speech(tmp_path, within_s=20)


@pytest.mark.parametrize(("text", "language"), SENTENCES, ids=[language for _, language in SENTENCES])
async def test_a_prompt_is_a_sound_of_likely_length_and_loudness(speech: Speech, text: str, language: str) -> None:
    heard = _heard(await speech.sound(text, language))
    assert heard.rate_hz == 8000
    assert heard.peak == pytest.approx(0.7 * 32768, abs=2)
    assert 1000 < heard.loudness < 6000
    assert 2 < heard.length_s < 12


@pytest.mark.parametrize("language", sorted(VOICES))
@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
async def test_every_value_can_be_heard_in_every_language(speech: Speech, value: Value, language: str) -> None:
    assert 0.3 < _heard(await speech.sound(words(value, language), language)).length_s < 10


@pytest.mark.parametrize("language", ["zh-Hant", "zh-Hans"])
@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_mandarin_words_are_said_in_mandarin_sign_by_sign(value: Value, language: str) -> None:
    said = words(value, language)
    phonemes = _phonemes(said, VOICES[language])
    assert IN_ENGLISH not in phonemes
    assert phonemes.count("_|") >= sum(sign.isalpha() for sign in said)


def test_both_writings_of_chinese_sound_the_same() -> None:
    said = {_phonemes(text, VOICES["zh-Hant"]) for text in ("您的訂單已經寄出。", "您的订单已经寄出。")}
    assert len(said) == 1


def test_the_letter_a_of_a_code_is_no_article() -> None:
    assert "'eI" in _phonemes(words(Digits("A1"), "en"), VOICES["en"])


@pytest.mark.parametrize("code", ["SO-2291", "W7", "A-B"])
def test_letters_of_a_code_are_named_in_mandarin_too(code: str) -> None:
    assert IN_ENGLISH not in _phonemes(words(Digits(code), "zh-Hant"), VOICES["zh-Hant"])


async def test_pauses_between_the_groups_of_a_code_are_heard(speech: Speech) -> None:
    grouped = _heard(await speech.sound(words(Digits("88301"), "en"), "en"))
    in_one = _heard(await speech.sound(words(Digits("88301"), "en").replace(",", ""), "en"))
    assert grouped.length_s > in_one.length_s + 0.1


async def test_a_faster_voice_is_done_earlier(tmp_path: Path) -> None:
    text, language = SENTENCES[0]
    slow, fast = [
        _heard(await Speech(tmp_path, words_per_min=speed).sound(text, language)).length_s for speed in (120, 200)
    ]
    assert fast < slow


async def test_the_longest_text_is_said_to_its_end(speech: Speech) -> None:
    assert 90 < _heard(await speech.sound("好" * 500, "zh-Hans")).length_s < 180


async def test_a_voice_that_espeak_does_not_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpeechUnavailable, match="no voice 'tlh-nowhere'"):
        await Speech(tmp_path, voices={"en": "tlh-nowhere"}).sound("Hello.", "en")


async def test_punctuation_alone_is_not_taken_for_speech(speech: Speech) -> None:
    with pytest.raises(SpeechUnavailable):
        await speech.sound("...", "en")


async def test_what_looks_like_phonemes_or_markup_is_harmless(speech: Speech) -> None:
    assert _heard(await speech.sound("[[h@'loU]] <audio src='/etc/passwd'/> -w x", "en")).length_s > 1


async def test_asterisk_can_read_it(asterisk: Asterisk) -> None:
    seen_as = PurePosixPath(asterisk.shared_inside)
    sound = await Speech(asterisk.shared, seen_as=seen_as, within_s=20).sound("Please hold the line.", "en")
    assert "Converted" in asterisk.cli(f"file convert {sound.file}.wav {sound.file}.sln")
    heard = (asterisk.shared / PurePosixPath(sound.file).relative_to(seen_as)).with_suffix(".sln")
    samples = heard.with_suffix(".wav").stat().st_size - HEADER
    assert heard.stat().st_size == pytest.approx(
        samples, abs=HEADER
    )  # both versions drop the last 44 bytes, under 3 ms


def _heard(sound: Sound) -> Heard:
    with wave.open(f"{sound.file}.wav") as file:
        rate_hz, samples = file.getframerate(), array("h", file.readframes(file.getnframes()))
    loudness = (sum(value * value for value in samples) / len(samples)) ** 0.5
    return Heard(len(samples) / rate_hz, max(abs(value) for value in samples), loudness, rate_hz)


def _phonemes(text: str, voice: str) -> str:
    command = ["espeak-ng", "-q", "-x", "-b", "1", "-v", voice, "--stdin"]
    return subprocess.run(command, input=text.encode(), capture_output=True, check=True, timeout=20).stdout.decode()
