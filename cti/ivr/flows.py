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
    stamp: tuple[int, int]
    """When it was changed, and its size: what tells one version from the next."""
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
        self._files: dict[str, _File] = {}

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
        """Those that are new or have changed. Never raises for what stands in them."""
        for name in filter(None, dict.fromkeys((*self._lines.values(), self._otherwise))):
            stamp = self._stamp(name)
            known = self._files.get(name)
            if known is None or known.stamp != stamp:
                await self._read(name, stamp, known.flow if known else None)

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            await self.read()
            await asyncio.sleep(WATCH_S)

    async def _read(self, name: str, stamp: tuple[int, int], before: Flow | None) -> None:
        try:
            flow = await asyncio.to_thread(load, self._path(name), self._hearing)
            await self._speech.ready((said.text, said.language) for said in flow.texts())
        except (ConfigError, SpeechUnavailable) as wrong:
            findings = wrong.findings if isinstance(wrong, ConfigError) else (f"{self._path(name)}: {wrong}",)
            self._files[name] = _File(stamp, before, findings)
            callers = "go on with the flow as it was" if before else "take the dialplan's safe path"
            log.error("flow_not_used", flow=name, findings=findings, callers=callers)  # noqa: TRY400 - whose fault it is, is known
        else:
            self._files[name] = _File(stamp, flow)
            log.info(
                "flow_in_use", flow=name, steps=len(flow.steps), languages=flow.languages, is_reload=before is not None
            )

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.toml"

    def _stamp(self, name: str) -> tuple[int, int]:
        try:
            found = self._path(name).stat()
        except OSError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_size)
