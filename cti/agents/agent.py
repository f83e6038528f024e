"""An agent is a person; a desktop is that person's open browser."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

AgentId = NewType("AgentId", str)
"""The login name: ``mara``."""


class AgentRole(StrEnum):
    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    id: AgentId
    name: str
    role: AgentRole = AgentRole.AGENT
    extension: str = ""
    """What colleagues dial: ``1001``. Empty for people without a phone."""
    device: str = ""
    """The phone in the PBX's words: ``PJSIP/1001``. Which agent a ringing phone belongs to is read off this."""
    queues: tuple[str, ...] = ()
    penalties: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Queue -> penalty, where it is not 0: those with a higher one are called when nobody with a lower one is free."""
    language: str = ""
    """BCP 47, of the console; empty for the browser's own."""
    is_enabled: bool = True
