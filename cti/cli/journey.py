"""A journey through a flow, as the agent reads it."""

import unicodedata
from collections.abc import Iterator
from typing import Final

from cti.calls.journey import IvrOutcome, Journey, LeftBy, StepTaken
from cti.telephony.voice import Destination, HangUp, ToAgent, ToNumber, ToQueue

_LEFT: Final = {
    LeftBy.NO_INPUT: "no answer",
    LeftBy.NO_MATCH: "nothing that fits",
    LeftBy.NOT_FOUND: "not found",
    LeftBy.REFUSED: "refused",
    LeftBy.UNAVAILABLE: "did not answer",
    LeftBy.HUNG_UP: "hung up here",
    LeftBy.FAILED: "failed",
}


def told(journey: Journey, left: Destination | None) -> Iterator[str]:
    yield "As the agent reads it:"
    label = max((_columns(step.label) for step in journey.steps), default=0)
    keyed = max((len(step.keyed) for step in journey.steps), default=0)
    for step in journey.steps:
        gap = " " * (label - _columns(step.label))
        yield f"  {step.label}{gap}  {step.keyed:<{keyed}}  {step.spent_s:4.0f} s  {_what(step)}".rstrip()
    yield ""
    for name, text in _known(journey):
        yield f"  {name:<9} {text}"
    yield f"  outcome   {_outcome(journey)}"
    yield f"  then      {_where(left)}"


def _what(step: StepTaken) -> str:
    failed = f"{step.failures} failed {'try' if step.failures == 1 else 'tries'}" if step.failures else ""
    return ", ".join(part for part in (step.choice, _LEFT.get(step.how, ""), failed) if part)


def _columns(text: str) -> int:
    """A Chinese sign takes two in a terminal."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _known(journey: Journey) -> Iterator[tuple[str, str]]:
    if journey.contact:
        who = f"{journey.contact_name} {journey.contact_code}".strip() or journey.contact
        yield "customer", f"{who}, by {journey.known_by}{'; PIN confirmed' if journey.is_verified else ''}"
    for name, text in (("wants", journey.intent), ("speaks", journey.language), ("skills", ", ".join(journey.skills))):
        if text:
            yield name, text
    if journey.callback_number:
        yield "callback", f"{journey.callback_number} (only shown: nobody will call)"
    if journey.voicemail:
        yield "message", "left (only shown: nothing is recorded)"
    for question, score, scale in journey.ratings:
        yield "mark", f"{score} of {scale}, {question}"


def _outcome(journey: Journey) -> str:
    outcome = str(journey.outcome or "").replace("_", " ")
    where = f" in {journey.at_step}" if journey.outcome is IvrOutcome.ABANDONED else ""
    return f"{outcome}{where}{f' ({journey.reason})' if journey.reason else ''}"


def _where(left: Destination | None) -> str:
    match left:
        case ToQueue(queue=queue, priority=priority):
            return f"queue {queue}" + (f", priority {priority}" if priority else "")
        case ToAgent(extension=extension):
            return f"the phone of {extension}"
        case ToNumber(number=number):
            return f"the number {number}"
        case HangUp():
            return "the call is over"
        case None:
            return "the caller has hung up"
        case _:
            return "the dialplan's default queue"
