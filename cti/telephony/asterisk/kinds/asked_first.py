"""What is asked of the PBX before something is done that could not be taken back, and keys pressed for an agent. Pure.

A transfer to a number that is none would hang the customer up (BlindTransfer: 16 and 22), or leave them with music while
Asterisk asks the agent for another number (Atxfer). So the dialplan is asked first, with Getvar, which the class call allows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cti.calls.call import LegId
from cti.telephony.asterisk import feature_codes
from cti.telephony.asterisk.kinds.kind import LEG, Action, Ends, Expectation, Form, Verdict, whole
from cti.telephony.commands import Failed

_EXTEN: Final = re.compile(r"\+?[0-9]{1,20}")
_CONTEXT: Final = re.compile(r"[A-Za-z0-9_-]{1,79}")
FEATURES: Final = "DYNAMIC_FEATURES"
"""Channel variable of an agent's phone: the features of [applicationmap] it may use (pjsip_cti.conf)."""
NO_SUCH_NUMBER: Final = "no such extension"
NOT_ABLE: Final = "not_able"

FORMS: Final[Mapping[str, Form]] = {
    "Getvar": Form(
        frozenset({"Channel", "Variable"}),
        variable=re.compile(rf"{FEATURES}|DIALPLAN_EXISTS\({_CONTEXT.pattern},{_EXTEN.pattern},1\)"),
    ),
    "PlayDTMF": Form(frozenset({"Channel", "Digit", "Receive"})),
}


def is_there(context: str, exten: str) -> Action:
    """Has the dialplan that number?"""
    whole(_CONTEXT, context, "context")
    return {"Action": "Getvar", "Variable": f"DIALPLAN_EXISTS({context},{whole(_EXTEN, exten, 'to')},1)"}


def features_of(leg: LegId) -> Action:
    return {"Action": "Getvar", "Channel": whole(LEG, leg, "leg"), "Variable": FEATURES}


def pressed(leg: LegId, code: str) -> tuple[Action, ...]:
    """The keys of a feature code, as if that phone had sent them: nobody hears them, and no class dtmf is needed."""
    channel = whole(LEG, leg, "leg")
    return tuple({"Action": "PlayDTMF", "Channel": channel, "Digit": key, "Receive": "true"} for key in code)


def retrieved_first(leg: LegId, ends: Ends) -> tuple[Action, ...]:
    """Out of a hold by the PBX: Asterisk moves nobody who is busy with an application before that has ended (16 and 22)."""
    return pressed(leg, feature_codes.RETRIEVE) if ends.is_held else ()


@dataclass(slots=True, kw_only=True)
class Asking(Expectation):
    """An expectation whose first action was a question."""

    feature: str = ""
    """What the phone must be able to."""
    no: str = NO_SUCH_NUMBER

    def answered(self, response: Mapping[str, str]) -> Verdict:
        match response.get("Variable", ""):
            case "":
                return None
            case variable if variable == FEATURES:
                is_able = self.feature in response.get("Value", "").split("#")
                return None if is_able else Failed(command=self.command, reason=NOT_ABLE)
            case _:
                has_it = response.get("Value") == "1"
                return None if has_it else Failed(command=self.command, reason=self.no)
