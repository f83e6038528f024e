"""What is wrong with a flow although each of its steps is well-formed: where it leads, what it says, whether it ends."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Final

from cti.ivr import spoken
from cti.ivr.flow import Flow
from cti.ivr.prompts import Said
from cti.ivr.step import StepId
from cti.settings.keys import KeyPath
from cti.settings.spelling import did_you_mean

Findings = list[tuple[KeyPath, str]]
"""Where in the file, and what, in words."""
Finding = tuple[KeyPath, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What callers of this site can be made to hear, and where they can be sent."""

    has_sound: Callable[[str], bool] = lambda _: True
    why_unspoken: Callable[[Said], str] = lambda _: ""
    """Why a text cannot be spoken, in words; empty: it can."""
    why_not_called: Callable[[str], str] = lambda _: ""
    """Why a number outside may not be called, in words; empty: it may."""


PUTS_THROUGH: Final = frozenset({"to_queue", "to_agent", "to_number"})
ANYTHING: Final = Hearing()
SHOWN_SIGNS: Final = 40


def of_steps(flow: Flow, names: Collection[str]) -> Iterator[Finding]:
    """What each step says wrong by itself. ``names``: the steps that stand in the file, also those that cannot be read."""
    yield from _dangling(flow, names)
    yield from _wordless(flow)
    yield from _unknown_languages(flow)
    if len(flow.steps) == len(names):
        yield from _unknown_values(flow)


def of_whole(flow: Flow) -> Iterator[Finding]:
    """What only shows once every step can be read and leads to another."""
    yield from _unreachable(flow)
    yield from _endless(flow)
    yield from _too_late(flow)
    yield from _unspoken_languages(flow)


def unheard(flow: Flow, hearing: Hearing) -> Iterator[Finding]:
    """What callers would not hear, and where they would not arrive: found here, so that no caller finds it."""
    yield from _unplayed(flow, hearing)
    yield from _unspoken(flow, hearing)
    for name, step in flow.steps.items():
        for at, number in step.dials():
            if why := hearing.why_not_called(number):
                yield ("steps", name, *at), f"{number}: {why}"


def _unplayed(flow: Flow, hearing: Hearing) -> Iterator[Finding]:
    for step, name, prompt in flow.prompts():
        for sound in flow.book.sounds(prompt):
            if not hearing.has_sound(sound):
                yield ("steps", step, name), f"the PBX has no sound {sound}"


def _unspoken(flow: Flow, hearing: Hearing) -> Iterator[Finding]:
    """One finding for each reason, not for each text."""
    unspoken = [(hearing.why_unspoken(said), said.text) for said in flow.texts()]
    for why in dict.fromkeys(why for why, _ in unspoken if why):
        texts = [text for reason, text in unspoken if reason == why]
        yield ("prompts",), f"{_texts(texts)} cannot be spoken: {why}"


def _texts(texts: Sequence[str]) -> str:
    return f"{len(texts)} texts" if texts[1:] else f'"{shorten(texts[0], SHOWN_SIGNS)}"'


def _dangling(flow: Flow, names: Collection[str]) -> Iterator[Finding]:
    for key in ("start", "after"):
        target = getattr(flow, key)
        if target and target not in names:
            yield (key,), _no_step(target, names)
    for name, step in flow.steps.items():
        for lead in step.leads():
            if lead.to not in names:
                yield ("steps", name, *lead.at), _no_step(lead.to, names)


def _no_step(target: str, names: Collection[str]) -> str:
    return f"leads to {target}, and there is no such step{did_you_mean(target, names)}"


def _unreachable(flow: Flow) -> Iterator[Finding]:
    reached = _reached(flow, [one for one in (flow.start, flow.after) if one])
    for name in flow.steps:
        if name not in reached:
            yield ("steps", name), "no step leads here"


def _too_late(flow: Flow) -> Iterator[Finding]:
    """After the conversation the dialplan hangs up, whatever a flow says."""
    for name in _reached(flow, [flow.after] if flow.after else []):
        if flow.steps[name].kind in PUTS_THROUGH:
            yield ("steps", name), "nobody is put through after the conversation; `after` must not lead here"


def _endless(flow: Flow) -> Iterator[Finding]:
    """Steps from which no way leads to an end, told once for each circle: at its first step in the file."""
    ending: set[StepId] = set()
    while more := [name for name in flow.steps if name not in ending and _may_end(flow, name, ending)]:
        ending.update(more)
    told: set[StepId] = set()
    for name in flow.steps:
        if name in ending or name in told:
            continue
        circle = _reached(flow, [name])
        told |= circle
        yield ("steps", name), f"a loop without exit: {' -> '.join(one for one in flow.steps if one in circle)}"


def _may_end(flow: Flow, name: StepId, ending: set[StepId]) -> bool:
    leads = [lead.to for lead in flow.steps[name].leads()]
    return not leads or not ending.isdisjoint(leads)


def _reached(flow: Flow, first: Iterable[StepId]) -> set[StepId]:
    found: set[StepId] = set()
    waiting = list(first)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [lead.to for lead in flow.steps[name].leads()]
    return found


def _wordless(flow: Flow) -> Iterator[Finding]:
    for step, name, prompt in flow.prompts():
        if not flow.book.wordings(prompt):
            yield ("steps", step, name), f"there is no prompt {prompt.name}{_or_a_text(prompt.name, flow)}"
        elif missing := flow.book.missing(prompt):
            yield ("steps", step, name), f"{prompt.name or 'it'} has no words in {', '.join(missing)}"


def _or_a_text(name: str, flow: Flow) -> str:
    near = did_you_mean(name, flow.book.prompts)
    return near or f'; a text of one word is written with a full stop: "{name.capitalize()}."'


def _unknown_languages(flow: Flow) -> Iterator[Finding]:
    for name, step in flow.steps.items():
        for at, language in step.languages():
            if language not in flow.languages:
                yield ("steps", name, *at), f"{language} is none of the flow's languages, {', '.join(flow.languages)}"


def _unspoken_languages(flow: Flow) -> Iterator[Finding]:
    """Texts and sounds can be in any language; values are put into words, and we know those of a few."""
    if any(flow.book.placeholders(prompt) for _, _, prompt in flow.prompts()):
        for language in flow.languages:
            if language not in spoken.LANGUAGES:
                known = ", ".join(sorted(spoken.LANGUAGES))
                yield ("languages",), f"numbers, dates and names cannot be said in {language}, only in {known}"


def _unknown_values(flow: Flow) -> Iterator[Finding]:
    known = {name for step in flow.steps.values() for name in step.names()}
    secret = {name for step in flow.steps.values() for name in step.secrets()}
    for step, at, name in _shown(flow):
        if name in secret:
            yield ("steps", step, *at), f"{{{name}}} is secret: a body can hold it, no prompt and no URL"
        elif name not in known:
            yield ("steps", step, *at), f"{{{name}}} stands for nothing{did_you_mean(name, sorted(known - secret))}"
    for step_id, one in flow.steps.items():
        for at, name in one.uses():
            if name not in known:
                yield ("steps", step_id, *at), f"no step brings a value {name}{did_you_mean(name, sorted(known))}"


def _shown(flow: Flow) -> Iterator[tuple[StepId, KeyPath, str]]:
    """The values that callers hear, and that stand where others can read them. A step's own are not of interest here."""
    for step, field, prompt in flow.prompts():
        yield from (
            (step, (field,), name) for name in sorted(flow.book.placeholders(prompt) - flow.steps[step].fills())
        )
    for step_id, one in flow.steps.items():
        yield from ((step_id, at, name) for at, name in one.shows())
