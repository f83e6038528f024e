"""What a telephone is given to carry: its rate, no noise from above it, one loudness; and never silence for speech."""

import io
import math
import wave
from array import array

import pytest

from cti.errors import SpeechUnavailable
from cti.ivr.audio import telephone


def test_speech_comes_out_at_eight_kilohertz_as_loud_as_other_prompts() -> None:
    with wave.open(io.BytesIO(telephone(_tone(1000, amplitude=3000)))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        samples = array("h", file.readframes(file.getnframes()))
    assert len(samples) == pytest.approx(8000, abs=2)
    assert max(samples) == pytest.approx(0.7 * 32768, abs=2)


@pytest.mark.parametrize(("heard_hz", "unheard_hz"), [(300, 4600), (1000, 5000), (3000, 7000), (3000, 10900)])
def test_what_a_telephone_cannot_carry_does_not_come_back_as_noise(heard_hz: int, unheard_hz: int) -> None:
    both = _samples(telephone(_tone(heard_hz, unheard_hz)))
    alias_hz = abs(unheard_hz - 8000 * round(unheard_hz / 8000))
    assert _strength(both, alias_hz) < _strength(both, heard_hz) / 50


def test_sound_that_has_the_right_rate_keeps_its_length() -> None:
    assert len(_samples(telephone(_tone(1000, rate_hz=8000)))) == 8000


def test_a_length_that_the_program_could_not_know_is_counted() -> None:
    wav = bytearray(_tone(1000))
    wav[4:8] = wav[40:44] = b"\x00\xf0\xff\x7f"
    assert len(_samples(telephone(bytes(wav)))) == pytest.approx(8000, abs=2)


def test_half_a_sample_at_the_end_is_no_obstacle() -> None:
    assert len(_samples(telephone(_tone(1000)[:-1]))) == pytest.approx(8000, abs=2)


@pytest.mark.parametrize(
    ("wav", "words"),
    [
        (b"", "no WAV"),
        (b"hello, this is no sound", "no WAV"),
        (b"RIFF", "no WAV"),
        ("too short", r"0\.01 s from"),
        ("too long", r"181\.00 s from"),
        ("silent", "nothing that can be heard"),
        ("stereo", "another kind"),
        ("of another rate", "another kind"),
    ],
    ids=str,
)
def test_what_is_no_speech_is_said_to_be_none(wav: bytes | str, words: str) -> None:
    made = {
        "too short": lambda: _tone(1000, length_s=0.01),
        "too long": lambda: _tone(1000, length_s=181, rate_hz=8000),
        "silent": lambda: _tone(1000, amplitude=10),
        "stereo": lambda: _tone(1000, channels=2),
        "of another rate": lambda: _tone(1000, rate_hz=4000),
    }
    with pytest.raises(SpeechUnavailable, match=words):
        telephone(made[wav]() if isinstance(wav, str) else wav)


def _tone(
    *hertz: int, amplitude: float = 8000, length_s: float = 1.0, rate_hz: int = 22050, channels: int = 1
) -> bytes:
    turns = [2 * math.pi * hz / rate_hz for hz in hertz]
    count = int(length_s * rate_hz)
    samples = array("h", (int(sum(amplitude * math.sin(turn * nr) for turn in turns)) for nr in range(count)))
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setparams((channels, 2, rate_hz, 0, "NONE", ""))
        wav.writeframes(samples.tobytes())
    return file.getvalue()


def _samples(wav: bytes) -> "array[int]":
    with wave.open(io.BytesIO(wav)) as file:
        return array("h", file.readframes(file.getnframes()))


def _strength(samples: "array[int]", hz: int) -> float:
    """Of one frequency, by Fourier's sum for it."""
    turn = 2 * math.pi * hz / 8000
    return math.hypot(
        sum(value * math.cos(turn * nr) for nr, value in enumerate(samples)),
        sum(value * math.sin(turn * nr) for nr, value in enumerate(samples)),
    )
