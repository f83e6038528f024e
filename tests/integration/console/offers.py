"""What the server offers of a call, as ``cti/screenpop/actions.py`` would for a phone that can do everything."""

from collections.abc import Mapping
from typing import Final

from cti.screenpop.actions import ActionName as A
from cti.screenpop.messages import Action

_TRANSFERRING: Final = {A.COMPLETE, A.CONFERENCE, A.RECONNECT, A.ALTERNATE}
_WHEN_NOT: Final[Mapping[A, str]] = {
    A.ANSWER: "not_ringing", A.HOLD: "already_held", A.RETRIEVE: "not_held", A.RECORD: "recording", A.RECORD_PAUSE: "not_recording",
    A.RECORD_RESUME: "not_recording", A.RECORD_STOP: "not_recording", **dict.fromkeys(_TRANSFERRING, "not_consulting"),
}  # fmt: skip


def offers(*allowed: A, otherwise: str = "not_connected", **why_not: str) -> tuple[Action, ...]:
    """All actions in the server's order: those named may be done, the others not, for the reason given or the usual one."""

    def one(name: A) -> Action:
        reason = "" if name in allowed else why_not.get(name.value) or _WHEN_NOT.get(name, otherwise)
        return Action(name=name.value, allowed=name in allowed, why_not=reason)

    return tuple(one(name) for name in A)


RINGING: Final = offers(A.HANGUP, answer="phone_cannot")
"""A phone that cannot be made to pick up: most desk phones."""
RINGING_HERE: Final = offers(A.ANSWER, A.HANGUP)
TALKING: Final = offers(A.HOLD, A.KEYS, A.TRANSFER, A.CONSULT, A.PARK, A.RECORD, A.HANGUP)
RECORDED: Final = offers(
    A.HOLD, A.KEYS, A.TRANSFER, A.CONSULT, A.PARK, A.RECORD_PAUSE, A.RECORD_STOP, A.HANGUP, record_resume="not_paused"
)
PAUSED: Final = offers(
    A.HOLD, A.KEYS, A.TRANSFER, A.CONSULT, A.PARK, A.RECORD_RESUME, A.RECORD_STOP, A.HANGUP, record_pause="paused"
)
HELD: Final = offers(A.RETRIEVE, A.TRANSFER, A.PARK, A.RECORD, A.HANGUP, keys="held", consult="held")
CONSULT_RINGING: Final = offers(
    A.KEYS, A.COMPLETE, A.RECONNECT, A.RECORD, A.HANGUP, otherwise="consulting", hold="consulting", retrieve="consulting",
    conference="consult_ringing", alternate="consult_ringing",
)  # fmt: skip
CONSULTING: Final = offers(
    A.KEYS, A.COMPLETE, A.CONFERENCE, A.RECONNECT, A.ALTERNATE, A.RECORD, A.HANGUP, otherwise="consulting", hold="consulting",
    retrieve="consulting",
)  # fmt: skip
