"""What an agent's phone can be made to do, whichever kind it is: the one place where kinds of phones differ.

A desk phone is moved by the PBX; a phone in the page (later) does some of it by itself. Call bar and call model know only
abilities. What a phone cannot is not offered, with the reason ``phone_cannot``.
"""

from enum import StrEnum


class Ability(StrEnum):
    ANSWER = "answer"
    HOLD = "hold"
    KEYS = "keys"
    TRANSFER = "transfer"
    """Blind, and with a consultation."""
    PARK = "park"
    RECORD = "record"
