"""A night at a busy PBX, as it would have written it: queue_log and cti.csv, made up line by line."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cti.calls.call import PbxName
from cti.reconcile.reading import RecordsPlaces

MIDNIGHT: Final = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
EVERY_S: Final = 7
AGENTS: Final = ("Ann", "Bob", "Cho", "Dee")
WAITS_S, TALKS_S = 3, 30


@dataclass(frozen=True)
class Night:
    """``calls`` one after another; every fifth caller gives up."""

    folder: Path
    calls: int
    pbx: str = "main"
    begins: datetime = MIDNIGHT
    talks_s: int = TALKS_S

    @property
    def queue_log(self) -> Path:
        return self.folder / "queue_log"

    @property
    def cdr(self) -> Path:
        return self.folder / "cti.csv"

    @property
    def ends(self) -> datetime:
        return self.begins + timedelta(seconds=self.calls * EVERY_S + self.talks_s + 30)

    @property
    def places(self) -> RecordsPlaces:
        return RecordsPlaces(pbx=PbxName(self.pbx), queue_log=str(self.queue_log), cdr=str(self.cdr))

    def id(self, number: int) -> str:
        return f"{int(self.begins.timestamp()) + number * EVERY_S}.{number * 2}"

    def write(self) -> "Night":
        queue: list[tuple[float, str]] = []
        records: list[tuple[float, str]] = []
        for number in range(self.calls):
            lines, record = self._abandoned(number) if number % 5 == 4 else self._answered(number)
            queue += lines
            records.append(record)
        self.queue_log.write_text("".join(line for _, line in sorted(queue)))
        self.cdr.write_text("".join(line for _, line in sorted(records)))
        return self

    def _answered(self, number: int) -> tuple[list[tuple[float, str]], tuple[float, str]]:
        at, call, agent = self._at(number), self.id(number), number % len(AGENTS)
        bridged = f"{int(at)}.{number * 2 + 1}"
        end = at + WAITS_S + self.talks_s
        lines = [
            (at, f"ENTERQUEUE||{self._number(number)}|1"),
            (at + WAITS_S, f"CONNECT|{WAITS_S}|{bridged}|{WAITS_S}"),
            (end, f"COMPLETECALLER|{WAITS_S}|{self.talks_s}|1"),
        ]
        whole = [
            (when, f"{int(when)}|{call}|support|{'NONE' if 'ENTER' in what else AGENTS[agent]}|{what}\n")
            for when, what in lines
        ]
        return whole, (end, self._record(number, at, end, f"PJSIP/200{agent + 1}-{number * 2 + 1:08x}"))

    def _abandoned(self, number: int) -> tuple[list[tuple[float, str]], tuple[float, str]]:
        at, call = self._at(number), self.id(number)
        lines = [(at, f"{int(at)}|{call}|support|NONE|ENTERQUEUE||{self._number(number)}|1\n"),
                 (at + 5, f"{int(at + 5)}|{call}|support|NONE|ABANDON|1|1|5\n")]  # fmt: skip
        return lines, (at + 5, self._record(number, at, at + 5, ""))

    def _record(self, number: int, at: float, end: float, phone: str) -> str:
        call, caller = self.id(number), self._number(number)
        name = f'"""Caller {number},\nwith a break"" <{caller}>"'
        return (
            f'cti1,{call},{call},{number},{at:.6f},{at:.6f},{end:.6f},ANSWERED,"{caller}","0800100100","cti-inbound",{name},'
            f'"PJSIP/trunk-{number * 2:08x}","{phone}","Queue","support,tk"\n'
        )

    def _at(self, number: int) -> float:
        return self.begins.timestamp() + number * EVERY_S + 0.25

    @staticmethod
    def _number(number: int) -> str:
        return f"09{number:08}"
