"""The Asterisk configuration CTI needs, as text: what ``cti init asterisk`` prints and what the tests run on.

Pure: values in, file texts out. The caller makes the secrets and writes the files. Every value is checked before it
is put into a file, since a line break in one of them would be a configuration line of its own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from importlib import resources
from string import Template
from typing import Final, Literal

from cti.telephony.asterisk import feature_codes
from cti.telephony.asterisk.provision import asking
from cti.telephony.asterisk.provision.asking import FastAgi

__all__ = ["FastAgi", "InboundNumber", "ProvisionOptions", "QueuePlan", "render"]

TEMPLATES: Final = (
    "manager.conf",
    "extensions_cti.conf",
    "queues_cti.conf",
    "pjsip_cti.conf",
    "features.conf",
    "res_parking.conf",
    "cdr.conf",
    "cdr_custom.conf",
)
CUSTOMER_VARIABLE: Final = "CTI_CUSTOMER_CODE"
MIN_SECRET: Final = 32

Strategy = Literal["ringall", "leastrecent", "fewestcalls", "random", "rrmemory", "linear", "wrandom", "rrordered"]

_PATTERN: Final = re.compile(r"_[0-9XZN.!+\[\]-]+|\+?[0-9]+")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_HOST: Final = re.compile(r"[0-9A-Za-z.-]+|\[[0-9A-Fa-f:.]+\]")
_PORTS: Final = 65536
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f;]")


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """One queue. ``extension``: the internal number agents transfer to. Times in seconds."""

    name: str
    extension: str
    members: tuple[str, ...] = ()
    strategy: Strategy = "rrmemory"
    ring_timeout_s: int = 15
    retry_s: int = 1
    max_wait_s: int = 600
    exit_context: str = ""
    wrapup_s: int = 2
    """How long the PBX by itself offers no call to an agent whose call has ended."""


@dataclass(frozen=True, slots=True)
class InboundNumber:
    """A number callers dial (digits, or a pattern starting with ``_``) and the queue it leads to."""

    number: str
    queue: str


@dataclass(frozen=True, slots=True)
class ProvisionOptions:
    """What differs between sites. Secrets hold at least 32 characters and are made by the caller.

    ``trunk_dial`` is the dial string with ``${CTI_TO}`` where the cleaned number goes. ``fastagi`` None: the dialplan
    does not ask us anything and goes straight to the queue.
    """

    events_secret: str
    commands_secret: str
    queues: tuple[QueuePlan, ...]
    inbound: tuple[InboundNumber, ...]
    trunk_dial: str = "PJSIP/${CTI_TO}@trunk"
    outbound_patterns: tuple[str, ...] = ("_0XXXXXXX!", "_+ZXXXXXXX!")
    emergency_numbers: tuple[str, ...] = ("110", "112", "119")
    outbound_caller_id: str = "anonymous"
    outbound_timeout_s: int = 60
    agent_pattern: str = "20XX"
    ring_timeout_s: int = 20
    events_user: str = "cti-events"
    commands_user: str = "cti-commands"
    ami_bind: str = "127.0.0.1"
    ami_port: int = 5038
    permit: tuple[str, ...] = ("127.0.0.1/255.255.255.255",)
    fastagi: FastAgi | None = None
    inbound_context: str = "cti-inbound"
    agents_context: str = "cti-agents"
    internal_context: str = "cti-internal"
    transfer_context: str = "cti-transfer"
    outbound_context: str = "cti-outbound"
    parking_context: str = "parkedcalls"
    blind_code: str = "#1"
    attended_code: str = "*2"
    park_code: str = "#72"
    pickup_code: str = "*8"
    pickup_prefix: str = "*9"
    attended_ring_timeout_s: int = 15
    blonde_drop: bool = False
    park_extension: str = "700"
    park_first: int = 701
    park_last: int = 720
    parking_time_s: int = 45
    comeback_dial_s: int = 20


def render(options: ProvisionOptions) -> dict[str, str]:
    """File name -> text, ready for /etc/asterisk. Raises ValueError naming every value that may not stand in a file."""
    if faults := _faults(options):
        raise ValueError("; ".join(faults))
    values = _values(options)
    return {name: _template(name).substitute(values) for name in TEMPLATES}


def _template(name: str) -> Template:
    return Template(resources.files(__name__).joinpath("templates", name).read_text(encoding="utf-8"))


def _values(options: ProvisionOptions) -> Mapping[str, object]:
    queues = {queue.name: queue for queue in options.queues}
    plain = {field.name: getattr(options, field.name) for field in fields(options)}
    outside = (*options.emergency_numbers, *options.outbound_patterns)
    return plain | {
        **feature_codes.BY_NAME,
        "customer_variable": CUSTOMER_VARIABLE,
        "permit_lines": "\n".join(f"permit = {address}" for address in options.permit),
        "pickup_length": len(options.pickup_prefix),
        "blonde_drop": "yes" if options.blonde_drop else "no",
        "inbound_lines": "\n".join(_number_lines(n.number, queues[n.queue], options) for n in options.inbound),
        "queue_lines": "\n".join(_queue_lines(queue.extension, queue) for queue in options.queues),
        "timeout_line": asking.timeout_line() if options.fastagi else "",
        "asking_contexts": asking.contexts(options.fastagi) if options.fastagi else "",
        "outbound_lines": "\n".join(_dial_lines(pattern, "TK", options) for pattern in outside),
        "transfer_lines": "\n".join(_dial_lines(pattern, "", options) for pattern in outside),
        "queue_sections": "\n".join(_queue_section(queue) for queue in options.queues),
    }


def _number_lines(number: str, queue: QueuePlan, options: ProvisionOptions) -> str:
    if options.fastagi is None:
        return _queue_lines(number, queue)
    dials = asking.Dials(
        agent=f"PJSIP/${{CTI_GO_TO}},{options.ring_timeout_s},tkg",
        number=f"{options.trunk_dial},{options.outbound_timeout_s},g",
    )
    return asking.number_lines(number, queue.name, queue.max_wait_s, dials, options.fastagi)


def _queue_lines(exten: str, queue: QueuePlan) -> str:
    """Where nobody is asked: without FastAGI, and where agents transfer to."""
    lines = [
        f"exten => {exten},1,Gosub(cti-clean,s,1)",
        " same => n,Answer()",
        f" same => n,Queue({queue.name},tk,,,{queue.max_wait_s})",
        " same => n,Hangup()                     ; nobody took the call; ${QUEUESTATUS} says why (TIMEOUT, FULL, ...)",
    ]
    return "\n".join(lines)


def _dial_lines(pattern: str, features: str, options: ProvisionOptions) -> str:
    lines = [
        f"exten => {pattern},1,Set(CTI_TO=${{FILTER(0-9+,${{EXTEN}})}})",
        f" same => n,Dial({options.trunk_dial},{options.outbound_timeout_s},{features})",
        " same => n,Hangup()",
    ]
    return "\n".join(lines)


def _queue_section(queue: QueuePlan) -> str:
    lines = [
        "",
        f"[{queue.name}]",
        f"strategy = {queue.strategy}",
        f"timeout = {queue.ring_timeout_s:<22}; seconds a phone rings before the next agent is tried",
        f"retry = {queue.retry_s:<24}; seconds between two attempts",
        # A floor: without it the next caller may be offered before CTI has heard that the call is over and has paused the
        # agent. Longer would be wrong: an agent who is ready again waits for it, and when CTI is away nobody can end it.
        f"wrapuptime = {queue.wrapup_s:<19}; seconds after a call until CTI's own pause for the agent's paperwork has come;",
        "                                ; the paperwork is CTI's affair: when CTI is away, calls go on after this",
        "ringinuse = no                  ; an agent who talks is not rung again",
        "autofill = yes                  ; several callers are offered to several agents at the same time",
        "joinempty = yes                 ; callers may wait although nobody is ready: CTI shows them to supervisors",
        "leavewhenempty = no",
        *(
            [f"context = {queue.exit_context:<22}; a key pressed while waiting leads here"]
            if queue.exit_context
            else []
        ),
        *(f"member => {member}" for member in queue.members),
    ]
    return "\n".join(lines)


def _faults(options: ProvisionOptions) -> list[str]:
    names = {queue.name for queue in options.queues}
    return [
        *(
            f"{where}: control character or semicolon in {text!r}"
            for where, text in _texts(options)
            if _UNSAFE.search(text)
        ),
        *(
            f"{user}: a secret has at least {MIN_SECRET} characters"
            for user, secret in _secrets(options)
            if len(secret) < MIN_SECRET
        ),
        *(f"queue name {name!r}" for name in sorted(names) if not _NAME.fullmatch(name)),
        *(f"number {n.number!r}" for n in options.inbound if not _PATTERN.fullmatch(n.number)),
        *(f"number {n.number!r} leads to no queue: {n.queue!r}" for n in options.inbound if n.queue not in names),
        *_asking_faults(options.fastagi),
        *(f"outbound pattern {p!r}" for p in options.outbound_patterns if not _PATTERN.fullmatch(p)),
        *(f"emergency number {n!r}" for n in options.emergency_numbers if not re.fullmatch(r"[0-9]{2,6}", n)),
    ]


def _secrets(options: ProvisionOptions) -> list[tuple[str, str]]:
    accounts = [(options.events_user, options.events_secret), (options.commands_user, options.commands_secret)]
    return accounts + ([("fastagi", options.fastagi.secret)] if options.fastagi else [])


def _asking_faults(fastagi: FastAgi | None) -> list[str]:
    if fastagi is None:
        return []
    return [
        *(["fastagi: a secret is made of letters, digits, - and _"] if not _NAME.fullmatch(fastagi.secret) else []),
        *([f"fastagi host {fastagi.host!r}"] if not _HOST.fullmatch(fastagi.host) else []),
        *([f"pbx name {fastagi.pbx!r}"] if not _NAME.fullmatch(fastagi.pbx) else []),
        *([f"fastagi port {fastagi.port}"] if not 0 < fastagi.port < _PORTS else []),
    ]


def _texts(value: object, where: str = "") -> list[tuple[str, str]]:
    """Every text inside, with its path: all of them end in a file."""
    if isinstance(value, str):
        return [(where, value)]
    if isinstance(value, tuple):
        return [found for item in value for found in _texts(item, where)]
    if is_dataclass(value):
        return [
            found for f in fields(value) for found in _texts(getattr(value, f.name), f"{where}.{f.name}".lstrip("."))
        ]
    return []
