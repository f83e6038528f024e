"""The story of a trace for people: one line for each step of a call."""

from cti.calls.call import Party
from cti.calls.events import (
    CallInformation,
    Cleared,
    Conferenced,
    ConnectionCleared,
    Delivered,
    Diverted,
    Established,
    Held,
    Offered,
    Queued,
    RecordingChanged,
    Retrieved,
    Transferred,
)
from cti.calls.transitions import CallChanged
from cti.envelope import TYPE_OF


def line(change: CallChanged) -> str:
    """``12:41:05.140  main-1763754000.12  delivered           agent 1001 (Ann)``; times are UTC."""
    name = TYPE_OF[type(change.cause)].split(".")[2]
    return f"{change.cause.at:%H:%M:%S.%f}"[:12] + f"  {change.after.id}  {name:<18}  {what(change)}".rstrip()


def what(change: CallChanged) -> str:  # noqa: C901, PLR0911 - one line a kind of event
    """The step in words, without when and whose."""
    call = change.after
    match change.cause:
        case Offered():
            return f"{call.direction} {call.ani or 'withheld'}{_quoted(call.ani_name)} -> {call.dnis or '?'}{_keys(call.keys)}"
        case CallInformation():
            return f"{call.direction} {call.ani or 'withheld'} -> {call.dnis or '?'}{_keys(call.keys)}"
        case Queued(queue=queue, position=position):
            return f"{queue}, place {position}"
        case Delivered(party=party, consult=consult) | Established(party=party, consult=consult):
            return _who(party) + (", consulted" if consult else "")
        case Diverted(party=party, cause=cause, to=to):
            return (
                f"{_who(party) if party else 'from ' + (call.queue or 'the call')}: {cause}{' to ' + to if to else ''}"
            )
        case Transferred(kind=kind, by=by, to_number=number, to=to):
            return f"{kind} by {_who(by)} to {_who(to) if to else number}"
        case Conferenced(party=party, by=by):
            return _who(party) + (f", by {_who(by)}" if by else "")
        case ConnectionCleared(party=party, cause=cause):
            return f"{_who(party)}: {cause}"
        case RecordingChanged(recording=recording):
            return str(recording)
        case Held(party=party) | Retrieved(party=party):
            return f"by {_who(party)}"
        case Cleared(cause=cause, ended_by=ended_by):
            times = f"wait {call.wait_s or 0:.2f} s, talk {call.talk_s:.2f} s, hold {call.hold_s:.2f} s"
            return f"{call.outcome} ({cause}{', by ' + ended_by if ended_by else ''}); {times}"
        case _:
            return ""


def _who(party: Party) -> str:
    return f"{party.role} {party.number or party.device or 'withheld'}{_quoted(party.name)}"


def _quoted(name: str) -> str:
    return f" ({name})" if name else ""


def _keys(keys: tuple[tuple[str, str], ...]) -> str:
    return "".join(f", {name} {value}" for name, value in keys)
