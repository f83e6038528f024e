"""``Shift`` of a process without a floor: asked of the one that keeps everybody's state."""

from collections.abc import Callable, Iterable
from typing import Literal

from cti.agents.agent import Agent, AgentId
from cti.calls.call import CallId
from cti.fanout import wishes
from cti.fanout.remote_asker import Asker
from cti.screenpop.messages import PresenceView


class RemoteShift:
    """``roster_changed`` tells all other processes to read the people again."""

    def __init__(self, asker: Asker, *, roster_changed: Callable[[], None]) -> None:
        self._asker = asker
        self._roster_changed = roster_changed

    def roster(self, agents: Iterable[Agent]) -> None:  # noqa: ARG002 - whoever hears of it reads them in the database
        self._roster_changed()

    async def ask_state(
        self, agent: AgentId, state: Literal["READY", "NOT_READY", "LOGOUT"], *, reason_code: int | None, command: str,
        by: Agent,
    ) -> None:  # fmt: skip
        await self._asker.ask(
            wishes.AskState(agent=agent, state=state, reason_code=reason_code, command=command, by=by)
        )

    async def extend(self, agent: Agent, command: str) -> None:
        await self._asker.ask(wishes.Extend(agent=agent, command=command))

    async def end_wrap_up(self, agent: Agent, command: str) -> None:
        await self._asker.ask(wishes.EndWrapUp(agent=agent, command=command))

    def result_given(self, agent: AgentId, call: CallId) -> None:
        self._asker.tell(wishes.ResultGiven(agent=agent, call=call))

    def log_out(self, agent: AgentId, session: str, by: Agent) -> None:
        self._asker.tell(wishes.LogOut(agent=agent, session=session, by=by))

    async def states(self, by: Agent) -> tuple[PresenceView, ...]:
        return wishes.decode_states(await self._asker.ask(wishes.States(by=by)))
