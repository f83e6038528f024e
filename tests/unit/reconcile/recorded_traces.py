"""The recorded traces with what Asterisk wrote itself beside them: its queue_log and CDR, as calls; and the interactions we make."""

import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from cti.calls.call import PbxName
from cti.envelope import Envelope, of_change
from cti.reconcile.recorded import RecordedCall
from cti.reconcile.recorded_calls import recorded_calls
from cti.store.derive import interaction_of
from cti.store.interactions import Interaction
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.records import cdr, queue_log
from cti.telephony.replay.story import replay
from cti.telephony.replay.trace import load
from tests.traces.expected import HERE

PBX = PbxName("pbx")
ELSEWHERE = ZoneInfo("Asia/Taipei")
"""Not where the traces were recorded: the ids set the CDR's wall clock right."""
TRUTHS = sorted(HERE.glob("*/*.truth.toml"))


def name_of(truth: Path) -> str:
    return f"{truth.parent.name}-{truth.name.removesuffix('.truth.toml')}"


@dataclass(frozen=True)
class Written:
    """What Asterisk wrote during one story."""

    lines: tuple[queue_log.QueueLine, ...]
    rows: tuple[cdr.CdrRow, ...]

    def calls(self, *, queue_log: bool = True, cdr: bool = True) -> tuple[RecordedCall, ...]:
        lines, rows = self.lines if queue_log else (), self.rows if cdr else ()
        return recorded_calls(lines, rows, pbx=PBX, endpoints=Endpoints())


def written(truth: Path) -> Written:
    told = tomllib.loads(truth.read_text())
    return Written(
        lines=tuple(queue_log.of_lines(told["queue_log"].splitlines(keepends=True))),
        rows=tuple(cdr.of_csv(told["cdr"].splitlines(keepends=True), ELSEWHERE)),
    )


def facts_of(truth: Path) -> dict[str, list[Envelope]]:
    found: dict[str, list[Envelope]] = defaultdict(list)
    trace = truth.with_name(truth.name.replace(".truth.toml", ".ami"))
    for change in replay(load(trace), pbx=PBX):
        found[change.after.id].append(of_change(change))
    return found


def interactions_of(truth: Path) -> list[Interaction]:
    made = (interaction_of(facts, {}) for facts in facts_of(truth).values())
    return [item for item in made if item]
