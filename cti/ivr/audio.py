"""What a speech program says -> what a telephone can carry: 8 kHz, 16 bit, mono, as a WAV file. Pure; slow enough for a thread.

A telephone hears up to 3.4 kHz. What lies above half the rate would come back as noise below it, so it is filtered away
first (a windowed sinc, which is a page of theory and two lines of code), then the samples are thinned out to 8,000 a second.
"""

import io
import math
import warnings
import wave
from typing import Final

from cti.errors import SpeechUnavailable

with warnings.catch_warnings():
    # Python 3.11 and 3.12 warn that they are the last to have it; from 3.13 on audioop-lts stands in (requirements/run.in).
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

RATE_HZ: Final = 8000
PEAK: Final = 0.7
"""Of full scale: -3 dBFS. Asterisk's English prompts peak between -5 and -2 dBFS (core sounds of 16 and 22)."""
MOST_S: Final = 180.0
LEAST_S: Final = 0.05
SILENT: Final = 0.001
"""Of full scale: nobody speaks below it."""

_SAMPLE: Final = 2
_FINE: Final = 4
"""Bytes a sample while it is worked on, so that nothing is lost to rounding."""
_FULL_SCALE: Final = 2 ** (8 * _FINE - 1)
_CUT_HZ: Final = 3400
_TAPS: Final = 41


def telephone(wav: bytes) -> bytes:
    """Raises ``SpeechUnavailable`` for what is no WAV of one channel and 16 bits, holds no voice, or goes on too long."""
    rate_hz, samples = _read(wav)
    length_s = len(samples) / _SAMPLE / rate_hz
    if not LEAST_S <= length_s <= MOST_S:
        raise SpeechUnavailable(f"{length_s:.2f} s from the speech program; speech is {LEAST_S:g} to {MOST_S:g} s")
    fine = audioop.lin2lin(samples, _SAMPLE, _FINE)
    if rate_hz > RATE_HZ:
        fine = _low_passed(fine, rate_hz)
    if rate_hz != RATE_HZ:
        fine, _ = audioop.ratecv(fine, _FINE, 1, rate_hz, RATE_HZ, None)
    return _written(audioop.lin2lin(_as_loud_as_others(fine), _FINE, _SAMPLE))


def _read(wav: bytes) -> tuple[int, bytes]:
    """A program that writes to a pipe does not know the length when it writes the header: what is there counts."""
    try:
        with wave.open(io.BytesIO(wav)) as file:
            shape = file.getnchannels(), file.getsampwidth()
            rate_hz, samples = file.getframerate(), file.readframes(file.getnframes())
    except (wave.Error, EOFError) as exc:
        raise SpeechUnavailable("what the speech program wrote is no WAV file") from exc
    if shape != (1, _SAMPLE) or not RATE_HZ <= rate_hz <= 6 * RATE_HZ:
        raise SpeechUnavailable(f"the speech program wrote a WAV of another kind: {shape}, {rate_hz} Hz")
    return rate_hz, samples[: len(samples) // _SAMPLE * _SAMPLE]


def _low_passed(fine: bytes, rate_hz: int) -> bytes:
    total = bytes(len(fine))
    for place, weight in enumerate(_weights(rate_hz)):
        delayed = bytes(_FINE * place) + fine[: len(fine) - _FINE * place]
        total = audioop.add(total, audioop.mul(delayed, _FINE, weight), _FINE)
    return total


def _weights(rate_hz: int) -> list[float]:
    """Hamming's window over a sinc. They add up to a half: what swings past full scale is kept from being cut."""
    middle, turn = (_TAPS - 1) / 2, 2 * math.pi * _CUT_HZ / rate_hz
    window = [0.54 - 0.46 * math.cos(2 * math.pi * nr / (_TAPS - 1)) for nr in range(_TAPS)]
    sinc = [math.sin(turn * (nr - middle)) / (nr - middle) if nr != middle else turn for nr in range(_TAPS)]
    raw = [one * other for one, other in zip(window, sinc, strict=True)]
    return [weight / sum(raw) / 2 for weight in raw]


def _as_loud_as_others(fine: bytes) -> bytes:
    peak = audioop.max(fine, _FINE)
    if peak < SILENT * _FULL_SCALE:
        raise SpeechUnavailable("the speech program said nothing that can be heard")
    return audioop.mul(fine, _FINE, PEAK * _FULL_SCALE / peak)


def _written(samples: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(_SAMPLE)
        wav.setframerate(RATE_HZ)
        wav.writeframes(samples)
    return file.getvalue()
