"""How many AMI events a second one core reads and tells, beside what the bytes alone cost.

``python benchmarks/bench_ingest.py``. Recorded calls are repeated under new ids; each figure is the median of five runs,
taken in turn, as the machine is never quiet. What counts are the ratios.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from cti.telephony.asterisk.ami_codec import AmiDecoder
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.narrator import Narrator

TRACES = Path(__file__).parent.parent / "tests" / "traces" / "asterisk" / "22"
STORIES = (
    "plain_inbound_caller_hangs_up",
    "ring_no_answer_then_other",
    "attended_transfer_by_refer",
    "agent_by_local_channel",
)
CALLS = 300
RUNS = 5


def stream() -> list[bytes]:
    """Calls as a PBX would send them, each with ids of its own."""
    chunks = []
    for story in STORIES:
        recorded = (TRACES / f"{story}.ami").read_bytes()
        events = recorded[recorded.index(b"Event: Newchannel") :]
        epoch = events.split(b"Uniqueid: ", 1)[1].split(b".", 1)[0][:7]
        for number in range(CALLS // len(STORIES)):
            chunks.append(events.replace(epoch, b"%07d" % (1_700_000 + len(chunks) * 7 + number % 3)))
    return chunks


def split_only(chunks: list[bytes]) -> int:
    return sum(chunk.count(b"\r\n\r\n") for chunk in chunks)


def decode(chunks: list[bytes]) -> int:
    decoder = AmiDecoder()
    return sum(len(decoder.feed(chunk)) for chunk in chunks)


def tell(chunks: list[bytes]) -> int:
    decoder, narrator, count = AmiDecoder(), Narrator("bench", Endpoints()), 0
    for chunk in chunks:
        for message in decoder.feed(chunk):
            narrator.feed(message)
            count += 1
    return count


def rate(work: Callable[[list[bytes]], int], chunks: list[bytes]) -> float:
    began = time.process_time()
    count = work(chunks)
    return count / (time.process_time() - began)


def main() -> None:
    chunks = stream()
    works = {"split at blank lines": split_only, "decoded": decode, "decoded, believed, told": tell}
    rates: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(RUNS):
        for name, work in works.items():
            rates[name].append(rate(work, chunks))
    medians = {name: statistics.median(found) for name, found in rates.items()}
    whole = medians["decoded, believed, told"]
    print(
        f"{sum(map(len, chunks)) / 1e6:.1f} MB, {decode(chunks)} events, {len(chunks)} calls; CPU time, median of {RUNS}"
    )
    for name, median in medians.items():
        print(f"  {name:<26} {median:>12,.0f} events/s   {median / whole:>7.1f} x")


if __name__ == "__main__":
    main()
