"""A PBX that does what the test says."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cti.calls.call import Call, PbxName
from cti.telephony.commands import Command, Done, Result
from cti.telephony.link import LinkChanged, Sink
from cti.telephony.phone import Ability

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass(slots=True)
class PaperLink:
    name: PbxName
    state: str = "connected"
    answer: Result | None = None
    refusal: str = ""
    is_stuck: bool = False
    breaks: bool = False
    can: frozenset[Ability] = frozenset(Ability)
    calls: tuple[Call, ...] = ()
    sent: list[Command] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    """It was sent something."""

    @property
    def status(self) -> LinkChanged:
        return LinkChanged(pbx=self.name, state=self.state, at=NOW)  # type: ignore[arg-type]

    def check(self, _command: Command) -> None:
        if self.refusal:
            raise ValueError(self.refusal)

    def abilities(self, _device: str) -> frozenset[Ability]:
        return self.can

    async def send(self, command: Command) -> Result:
        self.sent.append(command)
        self.heard.set()
        if self.is_stuck:
            await asyncio.Event().wait()
        if self.breaks:
            raise RuntimeError("out of paper")
        return self.answer or Done(command=command.id)

    async def run(self, sink: Sink) -> None:
        raise NotImplementedError

    def restore(self, calls: tuple[Call, ...]) -> None:
        raise NotImplementedError
