"""The flows of a site: read, made ready to be heard, and read again when their files change.

A flow that cannot be used is not used: what was wrong is in the log, in ``cti ivr check`` and in ``/readyz``, and its callers
take the dialplan's safe path, or go on with the flow as it was before the mistake. A call ends on the flow it began.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cti.errors import ConfigError, SpeechUnavailable
from cti.ivr.check import Hearing
from cti.ivr.flow import Flow
from cti.ivr.flow_file import load
from cti.ivr.speech import Speaker
from cti.log import logger
from cti.telephony.voice import Asked

log = logger("ivr")

WATCH_S: Final = 2.0
"""How soon a changed file is noticed."""


@dataclass(slots=True)
class _File:
    stamp: tuple[int, int] | None = None
    """Of the version in use: when it was changed, and its size. None: the one in the folder is not in use."""
    flow: Flow | None = None
    findings: tuple[str, ...] = ()
    """What is wrong with the version that stands in the folder now."""


class Flows:
    """``lines``: dialled number -> the flow's name, which is its file's; ``otherwise``: that of all other lines. An empty name
    is no flow. Files no line leads to are not read."""

    def __init__(
        self, folder: Path, lines: Mapping[str, str], otherwise: str, speech: Speaker, hearing: Hearing
    ) -> None:
        self._folder = folder
        self._lines = dict(lines)
        self._otherwise = otherwise
        self._speech = speech
        self._hearing = hearing
        self._files = {name: _File() for name in (*lines.values(), otherwise) if name}

    def flow_for(self, asked: Asked) -> Flow | None:
        return self.get(self._lines.get(asked.dnis, self._otherwise))

    def get(self, name: str) -> Flow | None:
        known = self._files.get(name)
        return known.flow if known else None

    @property
    def all(self) -> tuple[Flow, ...]:
        return tuple(known.flow for known in self._files.values() if known.flow)

    @property
    def findings(self) -> tuple[str, ...]:
        """Empty: every flow is used as it stands in its file."""
        return tuple(finding for known in self._files.values() for finding in known.findings)

    async def read(self) -> None:
        """Those that have changed, and those that cannot be used. Never raises."""
        for name, known in self._files.items():
            stamp = self._stamp(name)
            if known.stamp != stamp:
                await self._read(name, known, stamp)

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            await self.read()
            await asyncio.sleep(WATCH_S)

    async def _read(self, name: str, known: _File, stamp: tuple[int, int]) -> None:
        path, is_reload = self._path(name), known.flow is not None
        try:
            flow = await asyncio.to_thread(load, path, self._hearing)
            await self._speech.ready((said.text, said.language) for said in flow.texts())
        except ConfigError as wrong:
            _not_used(name, known, wrong.findings)
        except SpeechUnavailable as mute:
            _not_used(name, known, (f"{path}: {mute}",))
        except Exception as mistake:  # noqa: BLE001 - one file costs neither the others nor the service
            _not_used(name, known, (f"{path}: cannot be read: {mistake!r}",))
        else:
            known.stamp, known.flow, known.findings = stamp, flow, ()
            log.info("flow_in_use", flow=name, steps=len(flow.steps), languages=flow.languages, is_reload=is_reload)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.toml"

    def _stamp(self, name: str) -> tuple[int, int]:
        try:
            found = self._path(name).stat()
        except OSError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_size)


def _not_used(name: str, known: _File, findings: tuple[str, ...]) -> None:
    """It is tried again at every look, for what was missing may be a sound, or the voice; told only when it is news."""
    is_news, known.findings, known.stamp = findings != known.findings, findings, None
    if is_news:
        callers = "go on with the flow as it was" if known.flow else "take the dialplan's safe path"
        log.error("flow_not_used", flow=name, findings=findings, callers=callers)
