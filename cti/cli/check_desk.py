"""What ``cti check`` looks at for the agents' desk: what a PBX must have so that people can log in, hold, consult and park.

Asked with the account that acts, as the service asks before it presses keys. Nothing here keeps the service from starting: a
PBX without it goes on ringing phones, so what is missing is a warning, with what to do.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Final

from cti.agents.agent import Agent
from cti.cli.findings import Finding
from cti.settings import Pbx, Settings
from cti.telephony.asterisk import feature_codes, site_questions
from cti.telephony.link import MemberChanged

MADE: Final = "`cti init asterisk` makes it"
_SPACES: Final = 50
"""So many parking spaces are asked for, until one is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What one PBX must have. ``members``: as its queues are now."""

    pbx: Pbx
    agents: Sequence[Agent]
    queues: Mapping[str, str]
    """Queue of an agent -> the extension it is handed calls by; empty for none."""
    members: Sequence[MemberChanged] = field(default=())

    @property
    def phones(self) -> tuple[str, ...]:
        """The endpoints that we can look up: those of chan_pjsip."""
        return tuple(sorted(a.device.removeprefix("PJSIP/") for a in self.agents if a.device.startswith("PJSIP/")))

    @property
    def spaces(self) -> tuple[str, ...]:
        pattern = re.compile(self.pbx.parking_pattern)
        return tuple(islice((str(n) for n in range(1, 100_000) if pattern.fullmatch(str(n))), _SPACES))

    @property
    def targets(self) -> tuple[str, ...]:
        """What agents transfer to."""
        return tuple(sorted({a.extension for a in self.agents} | set(self.queues.values()) - {""}))


def desk_of(given: Settings, pbx: Pbx, agents: Sequence[Agent], members: Sequence[MemberChanged]) -> Desk:
    with_phone = [agent for agent in agents if agent.device]
    named = {queue for agent in with_phone for queue in agent.queues}
    names = sorted(queue for queue in named if site_questions.NAME.fullmatch(queue))
    extensions = {name: given.queues[name].extension if name in given.queues else "" for name in names}
    return Desk(pbx=pbx, agents=with_phone, queues=extensions, members=members)


def questions(desk: Desk) -> Iterator[str]:
    """The variables to ask for."""
    yield site_questions.CAN_READ_FILES
    yield from (site_questions.queue_exists(queue) for queue in desk.queues)
    yield from (site_questions.wrap_up_floor(queue) for queue in desk.queues)
    yield from (site_questions.SHARED_LASTCALL, site_questions.FEATURES)
    yield from map(site_questions.consultation_key, CONSULTATION)
    yield from map(site_questions.own_feature, OWN_FEATURES)
    yield from (site_questions.endpoint_variable(phone, place) for phone in desk.phones for place in PLACES)
    yield from (site_questions.has_number(desk.pbx.transfer_context, target) for target in desk.targets)
    yield from (site_questions.has_number(desk.pbx.parking_context, space) for space in desk.spaces)


CONSULTATION: Final = {
    "atxfercomplete": (feature_codes.COMPLETE, "handing over"),
    "atxferthreeway": (feature_codes.THREE_WAY, "three-way"),
    "atxferswap": (feature_codes.SWAP, "swap"),
}
"""Name in features.conf -> the key that we press, and what the button is called."""
OWN_FEATURES: Final = {
    "cti-hold": feature_codes.HOLD,
    "cti-retrieve": feature_codes.RETRIEVE,
    "cti-record": feature_codes.RECORD,
}
PLACES: Final = range(6)
"""An endpoint has several lines ``set_var``; so many of them are read."""


def findings(desk: Desk, answers: Mapping[str, str]) -> Iterator[Finding]:
    """Nothing where no agent has a phone. ``answers``: to every one of ``questions``."""
    if not desk.agents:
        return
    can_read = bool(answers[site_questions.CAN_READ_FILES])
    yield _found(desk, "queues", _queues(desk, answers))
    yield _found(desk, "members", _members(desk))
    yield _found(desk, "consultation", _consultation(answers))
    yield _found(desk, "transfer", _targets(desk, answers))
    yield _found(desk, "parking", _parking(desk, answers))
    if can_read:
        yield _found(desk, "wrap-up", _floor(desk, answers))
        yield _found(desk, "hold and recording", _features(answers) or _phones(desk, answers))
    else:
        words = "not looked at: this Asterisk has not loaded func_config.so"
        yield Finding(f"pbx {desk.pbx.name} hold and recording", "ok", words)


def _found(desk: Desk, what: str, words: str) -> Finding:
    return Finding(f"pbx {desk.pbx.name} {what}", "warning" if words else "ok", words)


def _queues(desk: Desk, answers: Mapping[str, str]) -> str:
    missing = [queue for queue in desk.queues if answers[site_questions.queue_exists(queue)] != "1"]
    if not missing:
        return ""
    return (
        f"not there: {', '.join(missing)}; agents who log in are not put into it. Correct their queues, or queues.conf"
    )


def _members(desk: Desk) -> str:
    """Whoever stands in queues.conf rings with nobody logged in."""
    ours = {agent.device for agent in desk.agents}
    fixed = sorted({(member.device, member.queue) for member in desk.members if not member.is_dynamic})
    phones = [
        f"{device} ({', '.join(queue for _, queue in of_it)})"
        for device, of_it in groupby(fixed, key=lambda pair: pair[0])
        if device in ours
    ]
    if not phones:
        return ""
    return (
        f"{', '.join(phones)}: from queues.conf, so it rings with nobody logged in until its agent has logged in once, and "
        "can then be paused but not removed; take out the `member =>` lines once these agents use the console"
    )


def _consultation(answers: Mapping[str, str]) -> str:
    wrong = [
        (f"{name} = {code}", button)
        for name, (code, button) in CONSULTATION.items()
        if answers[site_questions.consultation_key(name)] != code
    ]
    if not wrong:
        return ""
    lines, buttons = zip(*wrong, strict=True)
    return f"[general] of features.conf lacks {', '.join(lines)}: {', '.join(buttons)} will fail; {MADE}"


def _targets(desk: Desk, answers: Mapping[str, str]) -> str:
    context = desk.pbx.transfer_context
    missing = [target for target in desk.targets if answers[site_questions.has_number(context, target)] != "1"]
    if not missing:
        return ""
    return (
        f"context {context} has no extension {', '.join(missing)}: calls cannot be handed there; {MADE}, or name "
        "yours as transfer_context in [[pbx]]"
    )


def _parking(desk: Desk, answers: Mapping[str, str]) -> str:
    context = desk.pbx.parking_context
    if not desk.spaces or any(answers[site_questions.has_number(context, space)] == "1" for space in desk.spaces):
        return ""
    return f"no parking space ({desk.pbx.parking_pattern}) in context {context}: res_parking.conf; {MADE}"


def _floor(desk: Desk, answers: Mapping[str, str]) -> str:
    """Without it the next caller may be offered before our pause for the paperwork has come."""
    there = [queue for queue in desk.queues if answers[site_questions.queue_exists(queue)] == "1"]
    without = [queue for queue in there if answers[site_questions.wrap_up_floor(queue)] in {"", "0"}]
    wrong = [f"wrapuptime = 2 in {', '.join(without)}"] if without else []
    if answers[site_questions.SHARED_LASTCALL].lower() not in {"yes", "true", "1", "on"}:
        wrong.append("shared_lastcall = yes in [general]")
    if not wrong:
        return ""
    return f"queues.conf lacks {' and '.join(wrong)}: the next call may ring before the agent's wrap-up has begun"


def _features(answers: Mapping[str, str]) -> str:
    wrong = [
        name
        for name, code in OWN_FEATURES.items()
        if answers[site_questions.own_feature(name)].partition(",")[0].strip() != code
    ]
    if not wrong:
        return ""
    return f"[applicationmap] of features.conf lacks {', '.join(wrong)}: these buttons will fail; {MADE}"


def _phones(desk: Desk, answers: Mapping[str, str]) -> str:
    """An endpoint that is not in pjsip.conf (in a database, say) is not judged."""
    if set(OWN_FEATURES) <= set(answers[site_questions.FEATURES].split("#")):
        return ""
    lines = {
        phone: [answers[site_questions.endpoint_variable(phone, place)] for place in PLACES] for phone in desk.phones
    }
    unable = [phone for phone, found in lines.items() if any(found) and not any(map(_has_features, found))]
    if not unable:
        return ""
    return (
        f"no `set_var = {site_questions.FEATURES}={'#'.join(OWN_FEATURES)}` at {', '.join(unable)}: "
        "their agents cannot hold or record; the template cti-agent of pjsip_cti.conf has it"
    )


def _has_features(line: str) -> bool:
    name, _, value = line.partition("=")
    return name.strip("_ ") == site_questions.FEATURES and set(OWN_FEATURES) <= set(value.strip().split("#"))
