"""Options of ``cti init asterisk`` -> the files of the provisioning text."""

import re
from collections.abc import Sequence

from cti.errors import RequestError
from cti.telephony.asterisk.provision import InboundNumber, ProvisionOptions, QueuePlan, render

_ENDPOINT = re.compile(r"[A-Za-z0-9_.-]{1,40}")


def files(
    events_secret: str, commands_secret: str, *, trunk: str, agents: Sequence[str], queues: Sequence[str]
) -> dict[str, str]:
    """File name -> text. Raises RequestError with every value that cannot stand in a file."""
    wrong = [name for name in (trunk, *agents) if not _ENDPOINT.fullmatch(name)]
    if wrong:
        raise RequestError(f"not an endpoint's name: {', '.join(wrong)}")
    plans, inbound = _queues(agents, queues)
    options = ProvisionOptions(
        events_secret=events_secret,
        commands_secret=commands_secret,
        queues=plans,
        inbound=inbound,
        trunk_dial=f"PJSIP/${{CTI_TO}}@{trunk}",
        agent_pattern=_pattern(agents),
    )
    try:
        return render(options)
    except ValueError as error:
        raise RequestError(str(error)) from error


def _queues(agents: Sequence[str], queues: Sequence[str]) -> tuple[tuple[QueuePlan, ...], tuple[InboundNumber, ...]]:
    members = tuple(f"PJSIP/{agent}" for agent in agents)
    plans, inbound = [], []
    for place, text in enumerate(queues, 1):
        name, equals, number = text.partition("=")
        if not equals or not name or not number:
            raise RequestError(f"--queue {text}: NAME=NUMBER was expected, such as support=0800100100")
        plans.append(QueuePlan(name, str(3000 + place), members))
        inbound.append(InboundNumber(number, name))
    return tuple(plans), tuple(inbound)


def _pattern(agents: Sequence[str]) -> str:
    """A dialplan pattern that fits all the agents' extensions: what they share, and X for what they do not."""
    digits = [agent for agent in agents if agent.isdigit()]
    if not digits or len({len(agent) for agent in digits}) != 1:
        return "XXXX"
    return "".join(column[0] if len(set(column)) == 1 else "X" for column in zip(*digits, strict=True))
