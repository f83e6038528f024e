"""Options of ``cti init asterisk`` -> the files of the provisioning text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from cti.errors import RequestError
from cti.telephony.asterisk.provision import FastAgi, InboundNumber, ProvisionOptions, QueuePlan, render

_ENDPOINT = re.compile(r"[A-Za-z0-9_.-]{1,40}")


@dataclass(frozen=True, slots=True)
class Secrets:
    """``fastagi`` empty: the dialplan does not ask us."""

    events: str = field(repr=False)
    commands: str = field(repr=False)
    fastagi: str = field(default="", repr=False)


def files(
    known: Secrets, *, trunk: str, agents: Sequence[str], queues: Sequence[str], fastagi: str = "127.0.0.1:4573"
) -> dict[str, str]:
    """File name -> text; ``fastagi`` is where the dialplan asks. Raises RequestError with every value that cannot stand in a
    file."""
    wrong = [name for name in (trunk, *agents) if not _ENDPOINT.fullmatch(name)]
    if wrong:
        raise RequestError(f"not an endpoint's name: {', '.join(wrong)}")
    plans, inbound = _queues(queues)
    options = ProvisionOptions(
        events_secret=known.events,
        commands_secret=known.commands,
        fastagi=_asking(fastagi, known.fastagi) if known.fastagi else None,
        queues=plans,
        inbound=inbound,
        trunk_dial=f"PJSIP/${{CTI_TO}}@{trunk}",
        agent_pattern=_pattern(agents),
    )
    try:
        return render(options)
    except ValueError as error:
        raise RequestError(str(error)) from error


def _asking(address: str, secret: str) -> FastAgi:
    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdigit():
        raise RequestError(f"--fastagi {address}: HOST:PORT was expected, such as 127.0.0.1:4573")
    return FastAgi(secret=secret, host=host, port=int(port))


def _queues(queues: Sequence[str]) -> tuple[tuple[QueuePlan, ...], tuple[InboundNumber, ...]]:
    """Without members: agents become such when they log in. Several numbers may lead to one queue."""
    by_number: dict[str, str] = {}
    for text in queues:
        name, equals, number = text.partition("=")
        if not equals or not name or not number:
            raise RequestError(f"--queue {text}: NAME=NUMBER was expected, such as support=0800100100")
        if by_number.setdefault(number, name) != name:
            raise RequestError(f"--queue {text}: {number} leads to {by_number[number]} already")
    names = dict.fromkeys(by_number.values())
    plans = (QueuePlan(name, str(3000 + place)) for place, name in enumerate(names, 1))
    return tuple(plans), tuple(InboundNumber(number, name) for number, name in by_number.items())


def _pattern(agents: Sequence[str]) -> str:
    """A dialplan pattern that fits all the agents' extensions: what they share, and X for what they do not."""
    digits = [agent for agent in agents if agent.isdigit()]
    if not digits or len({len(agent) for agent in digits}) != 1:
        return "XXXX"
    return "".join(column[0] if len(set(column)) == 1 else "X" for column in zip(*digits, strict=True))
