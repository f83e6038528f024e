"""What ``cti check`` asks an Asterisk about how it is set up, with ``Getvar``. Pure.

Answers are texts; what is not there is empty. Files are read through ``AST_CONFIG`` (func_config.so), and only the few lines
that are named here: the same function would tell the secrets in manager.conf.
"""

import re
from typing import Final

NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,79}")
"""A queue or an endpoint that can be asked about."""

FEATURES: Final = "DYNAMIC_FEATURES"
"""For all phones, where [globals] has it."""
CAN_READ_FILES: Final = "AST_CONFIG(manager.conf,general,enabled)"
"""Not empty where files can be read at all: whoever answers has it."""
SHARED_LASTCALL: Final = "AST_CONFIG(queues.conf,general,shared_lastcall)"

QUESTION: Final = re.compile(
    rf"{FEATURES}|"
    r"AST_CONFIG\(manager\.conf,general,enabled\)|"
    rf"AST_CONFIG\(queues\.conf,{NAME.pattern},(shared_lastcall|wrapuptime)\)|"
    r"AST_CONFIG\(features\.conf,applicationmap,cti-[a-z]+\)|"
    rf"AST_CONFIG\(pjsip\.conf,{NAME.pattern},set_var,[0-9]\)|"
    r"FEATURE\(atxfer[a-z]+\)|"
    rf"QUEUE_EXISTS\({NAME.pattern}\)|"
    r"DIALPLAN_EXISTS\([A-Za-z0-9_-]{1,79},\+?[0-9]{1,20},1\)"
)
"""All that may be asked, as a whole match."""


def queue_exists(queue: str) -> str:
    return f"QUEUE_EXISTS({queue})"


def wrap_up_floor(queue: str) -> str:
    return f"AST_CONFIG(queues.conf,{queue},wrapuptime)"


def consultation_key(name: str) -> str:
    return f"FEATURE({name})"


def own_feature(name: str) -> str:
    return f"AST_CONFIG(features.conf,applicationmap,{name})"


def endpoint_variable(endpoint: str, place: int) -> str:
    """One of the lines ``set_var`` of a phone."""
    return f"AST_CONFIG(pjsip.conf,{endpoint},set_var,{place})"


def has_number(context: str, number: str) -> str:
    return f"DIALPLAN_EXISTS({context},{number},1)"
