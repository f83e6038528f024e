"""Asks from other processes, carried out by the one that reads the PBXs, with its own switchboard and floor."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from cti.calls.call import CallId
from cti.envelope import Envelope
from cti.errors import CtiError, PbxUnavailable
from cti.fanout import wishes
from cti.fanout.bus import Answer, Ask
from cti.fanout.told_errors import encode_error
from cti.log import logger
from cti.screenpop.dialled import Placed
from cti.web.ports import Commands, ContactChanged, Shift

log = logger("asks")

_TOO_NEW = "the process that reads the PBX does not know this yet; is it being upgraded?"


class Attendant:
    """``may_act``: is the lease still ours? What is asked of a reader that has lost it is refused, and may be asked again."""

    def __init__(
        self, commands: Commands, shift: Shift, *, contact_changed: ContactChanged, may_act: Callable[[], bool]
    ) -> None:
        self._commands = commands
        self._shift = shift
        self._contact_changed = contact_changed
        self._may_act = may_act

    async def carry_out(self, ask: Ask) -> Answer:
        try:
            wish = wishes.decode_wish(ask.body)
        except msgspec.DecodeError:
            log.warning("ask_not_known", kind=ask.kind, sender=ask.sender)
            return _refused(ask, PbxUnavailable(_TOO_NEW))
        if not self._may_act():
            return _refused(ask, PbxUnavailable("another process is taking over the PBX; try again"))
        try:
            return Answer(ask=ask.id, is_done=True, body=await self._do(wish))
        except CtiError as error:
            return _refused(ask, error)

    async def _do(self, wish: wishes.AnyWish) -> bytes:
        match wish:
            case wishes.Originate() | wishes.CarryOut() | wishes.Fetch():
                await self._command(wish)
            case wishes.AskState():
                await self._shift.ask_state(
                    wish.agent, wish.state, reason_code=wish.reason_code, command=wish.command, by=wish.by
                )
            case wishes.Extend():
                await self._shift.extend(wish.agent, wish.command)
            case wishes.EndWrapUp():
                await self._shift.end_wrap_up(wish.agent, wish.command)
            case wishes.ResultGiven():
                self._shift.result_given(wish.agent, wish.call)
            case wishes.LogOut():
                self._shift.log_out(wish.agent, wish.session, wish.by)
            case wishes.ContactChanged():
                await self._contact_changed(wish.contact)
            case wishes.States():
                return wishes.encode_states(await self._shift.states(wish.by))
        return b""

    async def _command(self, wish: wishes.Originate | wishes.CarryOut | wishes.Fetch) -> None:
        commands = self._commands
        match wish:
            case wishes.Originate():
                placed = _placed(wish.placed) if wish.placed else None
                await commands.originate(wish.agent, wish.to, wish.command, contact=wish.contact, placed=placed)
            case wishes.CarryOut():
                await commands.carry_out(wish.agent, wish.call, wish.action, wish.command, to=wish.to, keys=wish.keys)
            case wishes.Fetch():
                await commands.fetch(wish.agent, wish.space, wish.command)


def _placed(told: Envelope) -> Placed:
    return lambda call, at: _of_call(told, call, at)


def _of_call(told: Envelope, call: CallId, at: datetime) -> Envelope:
    return msgspec.structs.replace(told, time=at, data=told.data | {"call": call})


def _refused(ask: Ask, error: CtiError) -> Answer:
    return Answer(ask=ask.id, is_done=False, body=encode_error(error))
