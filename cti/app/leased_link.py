"""A PBX's link as those see it who send commands: none goes out once the lease may be another's."""

from collections.abc import Callable

from cti.calls.call import Call
from cti.log import logger
from cti.telephony.commands import Command, Failed, Result
from cti.telephony.link import LinkChanged, PbxLink, Sink
from cti.telephony.phone import Ability

log = logger("lease")


class LeasedLink:
    def __init__(self, link: PbxLink, may_act: Callable[[], bool]) -> None:
        self.name = link.name
        self._link = link
        self._may_act = may_act

    async def run(self, sink: Sink) -> None:
        await self._link.run(sink)

    def restore(self, calls: tuple[Call, ...]) -> None:
        self._link.restore(calls)

    def check(self, command: Command) -> None:
        self._link.check(command)

    def abilities(self, device: str) -> frozenset[Ability]:
        return self._link.abilities(device)

    async def send(self, command: Command) -> Result:
        if not self._may_act():
            log.warning("command_held_back", pbx=self.name, command=type(command).__name__)
            return Failed(command=command.id, reason="pbx_lost")
        return await self._link.send(command)

    @property
    def calls(self) -> tuple[Call, ...]:
        return self._link.calls

    @property
    def status(self) -> LinkChanged:
        return self._link.status
