"""From an agent's button to a command of the PBX, and the answer back."""

from cti.switchboard.board import Switchboard
from cti.switchboard.guard import TollGuard

__all__ = ["Switchboard", "TollGuard"]
