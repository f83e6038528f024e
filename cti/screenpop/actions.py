"""What an agent may do with a call now, and of what they may not, why.

A button is offered from three things: what the phone can be made to do, where the agent stands in the call (``Standing``,
read off the legs), and what the action needs of that (``TABLE``, one row each; the first need that is not met is the reason).
The same table decides again when the button is pressed. There are few ways to stand in a call, so each is decided once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from cti.calls.call import Call, Direction, Leg, LegState, Recording, Role
from cti.screenpop.messages import Action
from cti.telephony.phone import Ability


class ActionName(StrEnum):
    ANSWER = "answer"
    HOLD = "hold"
    RETRIEVE = "retrieve"
    KEYS = "keys"
    TRANSFER = "transfer"
    CONSULT = "consult"
    COMPLETE = "complete"
    CONFERENCE = "conference"
    RECONNECT = "reconnect"
    ALTERNATE = "alternate"
    PARK = "park"
    RECORD = "record"
    RECORD_PAUSE = "record_pause"
    RECORD_RESUME = "record_resume"
    RECORD_STOP = "record_stop"
    HANGUP = "hangup"


class WhyNot(StrEnum):
    """Message keys of the console."""

    NOT_YOUR_CALL = "not_your_call"
    PBX_LOST = "pbx_lost"
    PHONE_CANNOT = "phone_cannot"
    RECORDING_OFF = "recording_off"
    """The site does not let agents record."""
    RECORDING_REFUSED = "recording_refused"
    """The customer does not want to be recorded."""
    NOT_ANSWERED = "not_answered"
    """The agent's own call is being put through."""
    CONSULTED = "consulted"
    """The agent was asked in, and does not speak to the customer."""
    NOT_RINGING = "not_ringing"
    NOT_CONNECTED = "not_connected"
    HELD = "held"
    """The agent has to take the call back first."""
    ALREADY_HELD = "already_held"
    NOT_HELD = "not_held"
    CONSULTING = "consulting"
    """A consultation is open: complete it or go back first."""
    NOT_CONSULTING = "not_consulting"
    CONSULT_RINGING = "consult_ringing"
    """The colleague has not answered yet."""
    IN_CONFERENCE = "in_conference"
    RECORDING = "recording"
    NOT_RECORDING = "not_recording"
    PAUSED = "paused"
    NOT_PAUSED = "not_paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an agent stands in a call."""

    mine: LegState
    is_dialling: bool
    is_consulted: bool
    speaks: bool
    """With the customer, also while either has the other on hold."""
    is_held: bool
    """By this agent's phone."""
    consulted: LegState | None
    """How far whom the agent asked in has come; None: the agent asked nobody in."""
    is_conference: bool
    recording: Recording


def standing(call: Call, mine: Leg) -> Standing:
    others = [leg for leg in call.live_legs() if leg.party.leg != mine.party.leg]
    joined = [leg for leg in others if _is_joined(leg)]
    gone_on = {transfer.by for transfer in call.transfers}  # whoever handed the call over hangs up a moment later
    consulted = next((leg for leg in others if leg.consult and leg.party.leg not in gone_on), None)
    return Standing(
        mine=mine.state,
        is_dialling=_is_dialling(call, mine, others),
        is_consulted=mine.consult,
        speaks=_is_joined(mine) and bool(joined),
        is_held=mine.state is LegState.HELD,
        consulted=consulted.state if consulted and _is_joined(mine) and _asked_in(call, mine) else None,
        is_conference=len(joined) > 1,
        recording=call.recording,
    )


def call_actions(
    call: Call,
    mine: Leg | None,
    *,
    abilities: frozenset[Ability],
    pbx_is_up: bool = True,
    is_recording_offered: bool = True,
    is_recording_refused: bool = False,
) -> tuple[Action, ...]:
    """Every action, always in the same order. ``mine``: the agent's leg; None, or one that is gone: it is not their call.
    ``is_recording_refused``: by the customer; what is recorded already can be paused and stopped."""
    where = standing(call, mine) if mine and mine.is_live else None
    return _actions(where, abilities, pbx_is_up, is_recording_offered, is_recording_refused)


@lru_cache(1024)
def _actions(
    where: "Standing | None",
    abilities: frozenset[Ability],
    pbx_is_up: bool,  # noqa: FBT001 - a cache takes no names
    is_recording_offered: bool,  # noqa: FBT001
    is_recording_refused: bool,  # noqa: FBT001
) -> tuple[Action, ...]:
    def why_not(row: Row) -> WhyNot | None:
        if where is None:
            return WhyNot.NOT_YOUR_CALL
        if not pbx_is_up:
            return WhyNot.PBX_LOST
        if row.ability is Ability.RECORD and not is_recording_offered:
            return WhyNot.RECORDING_OFF
        if row.ability and row.ability not in abilities:
            return WhyNot.PHONE_CANNOT
        if row.name is Name.RECORD and is_recording_refused:
            return WhyNot.RECORDING_REFUSED
        return next((reason for need in row.needs if (reason := need(where))), None)

    return tuple(_action(row.name, why_not(row)) for row in TABLE)


def _action(name: ActionName, why_not: WhyNot | None) -> Action:
    return Action(name=name.value, allowed=why_not is None, why_not=why_not.value if why_not else "")


# ---- what actions need: each says why not, or None


def _ringing(where: Standing) -> WhyNot | None:
    return None if where.mine is LegState.RINGING else WhyNot.NOT_RINGING


def _put_through(where: Standing) -> WhyNot | None:
    return WhyNot.NOT_ANSWERED if where.is_dialling else None


def _own_customer(where: Standing) -> WhyNot | None:
    if where.is_consulted:
        return WhyNot.CONSULTED
    return None if where.speaks else WhyNot.NOT_CONNECTED


def _heard(where: Standing) -> WhyNot | None:
    """By the customer or by a colleague."""
    if where.is_consulted or where.consulted:
        return None if where.mine in _JOINED else WhyNot.NOT_CONNECTED
    if not where.speaks:
        return WhyNot.NOT_CONNECTED
    return WhyNot.HELD if where.is_held else None


def _not_yet_held(where: Standing) -> WhyNot | None:
    return WhyNot.ALREADY_HELD if where.is_held else None


def _on_hold(where: Standing) -> WhyNot | None:
    return None if where.is_held else WhyNot.NOT_HELD


def _alone_with_customer(where: Standing) -> WhyNot | None:
    if where.consulted:
        return WhyNot.CONSULTING
    return WhyNot.IN_CONFERENCE if where.is_conference else None


def _not_consulting(where: Standing) -> WhyNot | None:
    return WhyNot.CONSULTING if where.consulted else None


def _consulting(where: Standing) -> WhyNot | None:
    return None if where.consulted else WhyNot.NOT_CONSULTING


def _colleague_answered(where: Standing) -> WhyNot | None:
    return None if where.consulted is LegState.CONNECTED else WhyNot.CONSULT_RINGING


def _not_recorded(where: Standing) -> WhyNot | None:
    return None if where.recording is Recording.OFF else WhyNot.RECORDING


def _recorded(where: Standing) -> WhyNot | None:
    return WhyNot.NOT_RECORDING if where.recording is Recording.OFF else None


def _not_paused(where: Standing) -> WhyNot | None:
    return WhyNot.PAUSED if where.recording is Recording.PAUSED else None


def _paused(where: Standing) -> WhyNot | None:
    return None if where.recording is Recording.PAUSED else WhyNot.NOT_PAUSED


Need = Callable[[Standing], WhyNot | None]


@dataclass(frozen=True, slots=True)
class Row:
    name: ActionName
    ability: Ability | None
    """What the phone must be able to do."""
    needs: tuple[Need, ...] = ()


Name = ActionName
_MINE: Final = (_put_through, _own_customer)
_ASKED: Final = (*_MINE, _consulting)
_ON_RECORD: Final = (*_MINE, _recorded)

# fmt: off - a table is read in columns
TABLE: Final = (
    Row(Name.ANSWER, Ability.ANSWER, (_put_through, _ringing)),
    Row(Name.HOLD, Ability.HOLD, (*_MINE, _not_consulting, _not_yet_held)),
    Row(Name.RETRIEVE, Ability.HOLD, (*_MINE, _not_consulting, _on_hold)),
    Row(Name.KEYS, Ability.KEYS, (_put_through, _heard)),
    Row(Name.TRANSFER, Ability.TRANSFER, (*_MINE, _alone_with_customer)),
    Row(Name.CONSULT, Ability.TRANSFER, (*_MINE, _alone_with_customer)),
    Row(Name.COMPLETE, Ability.TRANSFER, _ASKED),  # also while it rings: a blonde transfer
    Row(Name.CONFERENCE, Ability.TRANSFER, (*_ASKED, _colleague_answered)),
    Row(Name.RECONNECT, Ability.TRANSFER, _ASKED),
    Row(Name.ALTERNATE, Ability.TRANSFER, (*_ASKED, _colleague_answered)),
    Row(Name.PARK, Ability.PARK, (*_MINE, _alone_with_customer)),
    Row(Name.RECORD, Ability.RECORD, (*_MINE, _not_recorded)),
    Row(Name.RECORD_PAUSE, Ability.RECORD, (*_ON_RECORD, _not_paused)),
    Row(Name.RECORD_RESUME, Ability.RECORD, (*_ON_RECORD, _paused)),
    Row(Name.RECORD_STOP, Ability.RECORD, _ON_RECORD),
    Row(Name.HANGUP, None),
)
# fmt: on

_JOINED: Final = frozenset({LegState.CONNECTED, LegState.HELD})


def _is_joined(leg: Leg) -> bool:
    return leg.state in _JOINED and not leg.consult


def _is_dialling(call: Call, mine: Leg, others: list[Leg]) -> bool:
    """The agent placed it, and nobody at the other end has answered."""
    placed_it = call.direction is not Direction.INBOUND and call.legs[0].party.leg == mine.party.leg
    return placed_it and call.answered_at is None and not any(leg.state in _JOINED for leg in others)


def _asked_in(call: Call, mine: Leg) -> bool:
    """Is the consultation ``mine``'s? Whoever consults has the customer on hold, or speaks to them again while the colleague
    waits; then it is anybody's who is there, mostly one."""
    agents = [leg for leg in call.live_legs() if leg.party.role is Role.AGENT and _is_joined(leg)]
    holding = [leg for leg in agents if leg.state is LegState.HELD]
    return any(leg.party.leg == mine.party.leg for leg in holding or agents)
