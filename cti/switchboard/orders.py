"""An action's name, and what was said with it -> the command, given as the agent's own phone would. Pure."""

import re
from collections.abc import Mapping
from typing import Final

from cti.calls.call import CallId, LegId
from cti.errors import RequestError
from cti.screenpop.actions import ActionName
from cti.telephony.commands import (
    Alternate,
    Answer,
    BlindTransfer,
    CallCommand,
    CompleteTransfer,
    Conference,
    Consult,
    Hangup,
    Hold,
    Park,
    Reconnect,
    Record,
    RecordingStep,
    Retrieve,
    SendKeys,
)

KEYS: Final = re.compile(r"[0-9*#]{1,32}")
TO_A_NUMBER: Final = frozenset({ActionName.TRANSFER, ActionName.CONSULT})
_PLAIN: Final[Mapping[ActionName, type[CallCommand]]] = {
    ActionName.ANSWER: Answer,
    ActionName.HOLD: Hold,
    ActionName.RETRIEVE: Retrieve,
    ActionName.COMPLETE: CompleteTransfer,
    ActionName.CONFERENCE: Conference,
    ActionName.RECONNECT: Reconnect,
    ActionName.ALTERNATE: Alternate,
    ActionName.PARK: Park,
    ActionName.HANGUP: Hangup,
}
_STEPS: Final[Mapping[ActionName, RecordingStep]] = {
    ActionName.RECORD: RecordingStep.START,
    ActionName.RECORD_PAUSE: RecordingStep.PAUSE,
    ActionName.RECORD_RESUME: RecordingStep.RESUME,
    ActionName.RECORD_STOP: RecordingStep.STOP,
}


def command_for(
    name: ActionName, *, command: str, call: CallId, leg: LegId, to: str = "", keys: str = ""
) -> CallCommand:
    """``to``: digits that the guard has let pass. Raises ``RequestError`` for keys that are none."""
    if name in _STEPS:
        return Record(id=command, call=call, leg=leg, step=_STEPS[name])
    match name:
        case ActionName.KEYS:
            if not KEYS.fullmatch(keys):
                raise RequestError("keys are 1 to 32 of 0-9, * and #")
            return SendKeys(id=command, call=call, leg=leg, keys=keys)
        case ActionName.TRANSFER:
            return BlindTransfer(id=command, call=call, leg=leg, to=to)
        case ActionName.CONSULT:
            return Consult(id=command, call=call, leg=leg, to=to)
        case _:
            return _PLAIN[name](id=command, call=call, leg=leg)
