"""The story a trace tells: the same narrator that hears a live PBX, fed from a file."""

from collections.abc import Iterator

from cti.calls.transitions import CallChanged
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.narrator import Narrator
from cti.telephony.replay.trace import Trace


def replay(
    trace: Trace,
    *,
    pbx: str = "replay",
    endpoints: Endpoints | None = None,
    chop: int | None = None,
    narrator: Narrator | None = None,
) -> Iterator[CallChanged]:
    """Every step of every call, in order. A call that is live when the trace ends is ended there, with cause ``trace_end``."""
    narrator = narrator or Narrator(pbx, endpoints or Endpoints())
    is_booted = False  # in this connection
    for message in trace.messages(chop):
        if message.event == "FullyBooted" and not (is_booted and message.is_ours):
            is_booted = True
            uptime = message.get("Uptime")
            yield from narrator.booted(float(uptime) if uptime.isdigit() else None, None)
        else:
            is_booted = is_booted and not message.is_greeting
            yield from narrator.feed(message)
    yield from narrator.end_all("trace_end")
