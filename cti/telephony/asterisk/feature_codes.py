"""The keys that make Asterisk do something in mid-call: what ``cti init asterisk`` writes into features.conf, and what we press
for an agent whose console asks for the same.

Completing has a code of its own, not that of beginning: were it ``*2`` as in Asterisk's default, a click a moment after the
consulted party has hung up would begin another transfer.
"""

from collections.abc import Mapping
from typing import Final

ABORT: Final = "*1"
COMPLETE: Final = "*5"
THREE_WAY: Final = "*3"
SWAP: Final = "*4"
HOLD: Final = "*61"
RETRIEVE: Final = "*62"
RECORD: Final = "*63"

BY_NAME: Final[Mapping[str, str]] = {
    "abort_code": ABORT,
    "complete_code": COMPLETE,
    "three_way_code": THREE_WAY,
    "swap_code": SWAP,
    "hold_code": HOLD,
    "retrieve_code": RETRIEVE,
    "record_code": RECORD,
}
