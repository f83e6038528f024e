"""One sentence through espeak-ng (GPL, so a program of its own; Debian: ``espeak-ng``): text in by stdin, WAV out by stdout.

The text never stands in the command line, which every user of the machine can read.
"""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import PIPE, Process
from typing import Final

from cti.errors import SpeechUnavailable

MOST_BYTES: Final = 8 * 1024 * 1024
"""Of sound as it comes from the program: three minutes."""
_MOST_REASON: Final = 200


async def say(text: str, *, voice: str, words_per_min: int, program: str) -> bytes:
    """Raises ``SpeechUnavailable``. However it ends, cancelled too, the program has ended before."""
    process = await _started(program, "-v", voice, "-s", str(words_per_min), "-b", "1", "--stdin", "--stdout")
    try:
        wav, complaint = await _heard(process, text)
        code = await process.wait()
    finally:
        await _ended(process)
    if code:
        raise SpeechUnavailable(_why(complaint, code, program=program, voice=voice))
    return wav


async def _started(program: str, *arguments: str) -> Process:
    starting = asyncio.create_task(
        asyncio.create_subprocess_exec(
            program, *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _ended(await starting)  # half started, asyncio would leave its pipes behind
        raise
    except FileNotFoundError as exc:
        raise SpeechUnavailable(f"{program} is not installed: `apt install espeak-ng`") from exc
    except OSError as exc:
        raise SpeechUnavailable(f"{program} cannot be started: {exc.strerror}") from exc


async def _heard(process: Process, text: str) -> tuple[bytes, str]:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise AssertionError("all three are pipes")
    process.stdin.write(text.encode())
    process.stdin.close()
    wav = bytearray()
    while piece := await process.stdout.read(65536):
        wav += piece
        if len(wav) > MOST_BYTES:
            raise SpeechUnavailable("the speech program does not stop talking")
    return bytes(wav), (await process.stderr.read(_MOST_REASON)).decode("utf-8", "replace")


async def _ended(process: Process) -> None:
    """With whatever it has started itself. Its pipes are read to their end, or the event loop would keep them."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    await process.communicate()


def _why(complaint: str, code: int, *, program: str, voice: str) -> str:
    if "voice" in complaint:
        return f"{program} has no voice {voice!r}; `{program} --voices` lists what it has"
    words = " ".join(complaint.split())
    return f"{program} failed ({code})" + (f": {words}" if words else "")
