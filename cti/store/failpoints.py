"""Places where tests kill the process, to see what a crash there leaves behind. They do nothing unless asked to.

``CTI_FAILPOINT=spool.appended`` kills it (SIGKILL) the first time it comes by there, ``CTI_FAILPOINT=spool.appended:3`` the
third time. Read here and not in the settings, for it is no setting: a service that is run has none.
"""

import os
import signal
from typing import Final

NAMES: Final = (  # in the order in which a fact comes by
    "journal.recorded",
    "tail.before_write",
    "tail.half_a_line",
    "tail.written",
    "journal.taken",
    "journal.written",
    "tail.before_cut",
    "tail.made_anew",
    "tail.replaced",
    "tail.cut",
    "journal.flushed",
    "journal.replaying",
    "journal.stopping",
    "store.before_commit",
    "store.after_commit",
    "spool.before_append",
    "spool.half_a_line",
    "spool.before_sync",
    "spool.appended",
    "spool.replayed",
    "spool.emptied",
    "spool.refused",
    "backfill.planned",
    "backfill.recorded",
    "backfill.completed",
)


def _asked(text: str) -> dict[str, int]:
    name, _, count = text.partition(":")
    return {name: int(count or "1")} if name else {}


_left: Final = _asked(os.environ.get("CTI_FAILPOINT", ""))


def failpoint(name: str) -> None:
    if _left and is_due(name):
        os.kill(os.getpid(), signal.SIGKILL)


def is_due(name: str) -> bool:
    """Counts this passing by."""
    if name not in _left:
        return False
    _left[name] -= 1
    return _left[name] <= 0
