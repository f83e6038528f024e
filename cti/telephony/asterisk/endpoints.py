"""What a channel's name says: which phone it is, and on which side of the PBX.

``PJSIP/1001-0000002a`` is a channel of the device ``PJSIP/1001``. Agents' phones and trunks are told apart by patterns the
operator may set; queue members are agents' phones whatever their name.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from re import Pattern
from typing import Final

LOCAL: Final = "Local/"
DEFAULT_AGENTS: Final = r"(PJSIP|SIP|IAX2|SCCP|DAHDI)/\d{2,10}"
DEFAULT_INTERNAL: Final = r"\*?\d{1,5}"
_UNKNOWN: Final = frozenset({"", "<unknown>", "<none>", "unknown"})
_MAX_TEXT: Final = 120
_NOT_EXTEN: Final = re.compile(r"[^0-9A-Za-z+*#_.-]")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Patterns match the whole device name. ``trunks`` wins over ``agents``; what matches neither is outside."""

    agents: Pattern[str] = field(default=re.compile(DEFAULT_AGENTS))
    trunks: Pattern[str] | None = None
    internal: Pattern[str] = field(default=re.compile(DEFAULT_INTERNAL))
    """Dialled digits that stay within the site."""
    keys: tuple[tuple[str, str], ...] = (("CTI_CUSTOMER_CODE", "customer_code"),)
    """Channel variables that say who is calling, and what the look-up calls them."""

    def is_agent(self, device: str) -> bool:
        if self.trunks and self.trunks.fullmatch(device):
            return False
        return bool(self.agents.fullmatch(device))

    def is_internal(self, dialled: str) -> bool:
        return bool(self.internal.fullmatch(dialled))


def is_local(channel: str) -> bool:
    """Is it one half of a Local channel: plumbing, nobody's phone?"""
    return channel.startswith(LOCAL)


def device_of(channel: str) -> str:
    return channel.rpartition("-")[0] or channel


def other_half(channel: str) -> str:
    """``Local/1001@agents-00000003;1`` <-> ``...;2``."""
    return channel[:-1] + ("2" if channel.endswith("1") else "1")


def plain_text(value: str) -> str:
    """Text of strangers made fit to show: no control characters, no more than 120 characters; empty for "unknown"."""
    if value.lower() in _UNKNOWN:
        return ""
    shown = value if value.isprintable() else "".join(char for char in value if _is_shown(char))
    return shown[:_MAX_TEXT].strip()


def _is_shown(char: str) -> bool:
    return unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"}


def dialled_exten(value: str) -> str:
    """An extension as dialled; empty for ``s``, ``h`` and the like, which nobody dials."""
    exten = _NOT_EXTEN.sub("", value)[:40]
    return exten if any(map(str.isdigit, exten)) else ""
