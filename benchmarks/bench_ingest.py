"""What it costs to read AMI and to know the calls in it, beside what other clients take for reading alone.

``python benchmarks/bench_ingest.py [--calls 600] [--millions 10]``. All read the same bytes (``streams.py``) in turns, in one
process; a figure is a median, and a ratio that of neighbouring runs, as the machine's mood changes. Garbage is looked for as rarely
as in the service while they do.
"""

import argparse
import gc
import socket
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import peers
from harness import LACKS_PARTS, Aim, Cell, Line, Plot, Table, Turns, is_quick, rss_kb, save, taking_turns
from streams import END, USUAL, generated, recorded, sized

from cti.telephony.asterisk.ami_codec import AmiDecoder
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.narrator import Narrator
from cti.telephony.asterisk.unread import is_unread

OURS, BARE, SOCKET = "ours: read, believed, tracked", "split at blank lines, nothing else", "a socket, nothing else"
READ_ONLY = "ours: read only"
FEW = 150
"""Events for pyst2, which is slow, and whose socket must hold them."""
PER = 100_000
"""Events that CPU seconds are given for."""


def read_and_track(chunks: Iterable[bytes]) -> int:
    """As the link does it: what the reading task does, then what the handling one does."""
    decoder, narrator, changes = AmiDecoder(passes_over=is_unread), Narrator("bench", Endpoints()), 0
    for chunk in chunks:
        messages, received_at, now_s = decoder.feed(chunk), datetime.now(UTC), time.monotonic()
        for message in messages:
            changes += len(narrator.feed(message, received_at=received_at, monotonic_s=now_s))
    if narrator.quarantined or narrator.anomalies:
        raise RuntimeError(f"not believed: {narrator.quarantined}, out of place: {narrator.anomalies}")
    return changes


def read_only(chunks: Sequence[bytes]) -> int:
    decoder = AmiDecoder(passes_over=is_unread)
    return sum(len(decoder.feed(chunk)) for chunk in chunks) + decoder.passed_over


def split_only(chunks: Sequence[bytes]) -> int:
    rest, found = b"", 0
    for chunk in chunks:
        *blocks, rest = (rest + chunk).split(END)
        found += len(blocks)
    return found


def socket_only(chunks: Sequence[bytes]) -> int:
    """Written and read; the writing counts, too."""
    ours, theirs = socket.socketpair()
    buffer = bytearray(1 << 18)
    with ours, theirs:
        for chunk in chunks:
            ours.sendall(chunk)
            theirs.recv_into(buffer)
    return len(chunks)


# ---- against the others


def against_peers(calls: int, runs: int) -> tuple[Table, list[Aim]]:
    events = list(generated(calls))
    chunks, few = list(sized(iter(events))), [b"".join(events[:FEW])]
    works: dict[str, Callable[[], object]] = {
        SOCKET: lambda: socket_only(chunks),
        BARE: lambda: split_only(chunks),
        READ_ONLY: lambda: read_only(chunks),
        OURS: lambda: read_and_track(chunks),
        "asterisk-ami, read": lambda: peers.asterisk_ami(chunks),
        "panoramisk, read": lambda: peers.panoramisk(chunks),
        "cacofonisk, read and tracked": lambda: peers.cacofonisk(chunks),
        "pyst2, read": lambda: peers.pyst2(few),
    }
    turns = taking_turns(works, runs=runs)
    counts = dict.fromkeys(works, len(events)) | {"pyst2, read": FEW}
    rows = [_row(name, turns[name], counts[name], turns[OURS], len(events)) for name in works]
    table = Table(
        title="Reading AMI: 53 events a call, CPU time",
        columns=("client", f"CPU s per {PER:,} events", "events/s of one core", "times ours"), rows=tuple(rows),
        note=f"{len(events):,} events of {calls} calls, {USUAL.in_flight} of them live at once; {runs} turns. Ours tracks the "
        "calls, too; only cacofonisk does, of the others.",
    )  # fmt: skip
    return table, _aims(table)


def _row(name: str, turns: Turns, events: int, ours: Turns, our_events: int) -> tuple[Cell, ...]:
    cpu_s = turns.cpu_s.median / events
    return name, round(cpu_s * PER, 3), round(1 / cpu_s), round(turns.cpu_against(ours) * our_events / events, 2)


def _aims(table: Table) -> list[Aim]:
    times = {str(row[0]).partition(",")[0]: float(row[3] or 0) for row in table.rows}
    cpu_s = next(float(row[1] or 0) for row in table.rows if row[0] == OURS)
    wanted = {"panoramisk": 5, "cacofonisk": 8, "pyst2": 150}
    return [
        *(
            Aim(words=f"reading and tracking, against {peer}", wanted=f"{least} times as fast", found=f"{times[peer]:.1f} times",
                is_met=times[peer] >= least)
            for peer, least in wanted.items()
        ),
        Aim(words=f"CPU for {PER:,} events of 53 a call", wanted="0.6 s", found=f"{cpu_s:.2f} s", is_met=cpu_s <= 0.6),
    ]  # fmt: skip


# ---- other streams


def other_streams(calls: int, runs: int) -> Table:
    """Ours alone, against the bare split of the same bytes."""
    streams = {
        "53 events a call": list(generated(calls)),
        "53, with ChanVariable": list(generated(calls, chan_variables=True)),
        "150 events a call, Local channels": list(generated(calls, heavy=True)),
        "150, with ChanVariable": list(generated(calls, heavy=True, chan_variables=True)),
        "recorded calls as they were": list(recorded(calls)),
    }
    works: dict[str, Callable[[], object]] = {}
    for name, events in streams.items():
        chunks = list(sized(iter(events)))
        works[name] = lambda chunks=chunks: read_and_track(chunks)  # type: ignore[misc]
        works[f"{name}: {BARE}"] = lambda chunks=chunks: split_only(chunks)  # type: ignore[misc]
    turns = taking_turns(works, runs=runs)
    return Table(
        title="Reading and tracking, by kind of stream",
        columns=("stream", "events a call", "bytes an event", "not read", f"CPU s per {PER:,} events", "CPU µs a call", "times the bare split"),
        rows=tuple(_stream_row(name, events, calls, turns[name], turns[f"{name}: {BARE}"]) for name, events in streams.items()),
        note="Not read: the part of the events that is passed over by name and form.",
    )  # fmt: skip


def _stream_row(name: str, events: list[bytes], calls: int, ours: Turns, bare: Turns) -> tuple[Cell, ...]:
    passed_over = sum(is_unread(event.removesuffix(END)) for event in events) / len(events)
    cpu_s = ours.cpu_s.median
    return (
        name, round(len(events) / calls), round(sum(map(len, events)) / len(events)), f"{passed_over:.0%}",
        round(cpu_s / len(events) * PER, 3), round(cpu_s / calls * 1e6), round(ours.cpu_against(bare), 1),
    )  # fmt: skip


def by_live_calls(runs: int) -> Table:
    """The same calls, more or fewer of them at once."""
    calls = 1000
    works: dict[str, Callable[[], object]] = {}
    for in_flight in (10, 100, 1000):
        chunks = list(sized(generated(calls, traffic=replace(USUAL, in_flight=in_flight))))
        works[str(in_flight)] = lambda chunks=chunks: read_and_track(chunks)  # type: ignore[misc]
    turns = taking_turns(works, runs=runs)
    return Table(
        title="CPU for a call, by how many are live",
        columns=("live calls", "CPU µs a call", "times that of 10"),
        rows=tuple(
            (name, round(found.cpu_s.median / calls * 1e6), round(found.cpu_against(turns["10"]), 2))
            for name, found in turns.items()
        ),
        note="Nothing in the path looks at other calls than the event's own (a test counts that).",
    )  # fmt: skip


# ---- memory


def memory(millions: float) -> tuple[Table, Plot, Aim]:
    """One process reads on and on; its memory is looked at twenty times."""
    calls = int(millions * 1e6 / 53)
    points = []
    for seen in _in_parts(calls, 20):
        gc.collect()
        points.append((seen / 1e6, rss_kb() / 1024))
    settled, last = points[3][1], points[-1][1]
    is_flat = last <= settled * 1.03
    table = Table(
        title="Memory while events go by",
        columns=("million events", "MB"),
        rows=tuple((round(millions, 2), round(mb, 1)) for millions, mb in points[1::3]),
        note=f"Resident memory of one process that reads, believes and tracks {calls:,} calls, {USUAL.in_flight} at once.",
    )
    plot = Plot(title=table.title, x="million events", y="MB", lines=(Line(name="resident", points=tuple(points)),))
    aim = Aim(words=f"memory over {millions:g} million events", wanted="flat", is_met=is_flat,
              found=f"{settled:.1f} MB after a fifth, {last:.1f} MB at the end")  # fmt: skip
    return table, plot, aim


def _in_parts(calls: int, parts: int) -> Iterable[int]:
    decoder, narrator = AmiDecoder(passes_over=is_unread), Narrator("bench", Endpoints())
    seen, reported, each = 0, 0, calls * 53 / parts
    for chunk in sized(generated(calls)):
        messages = decoder.feed(chunk)
        seen += len(messages)
        for message in messages:
            narrator.feed(message)
        if seen + decoder.passed_over >= (reported + 1) * each - 1000:
            reported += 1
            yield seen + decoder.passed_over


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=200 if is_quick() else 600)
    parser.add_argument("--millions", type=float, default=0.3 if is_quick() else 10.0)
    asked = parser.parse_args()
    if not peers.are_here():
        print(
            f"NOT MEASURED: other clients to measure against are missing in {peers.FOLDER}; make bench", file=sys.stderr
        )
        sys.exit(LACKS_PARTS)
    runs = 3 if is_quick() else 7
    grown, plot, flat = memory(asked.millions)  # first, while the process is small
    from cti.app.garbage import rarely_looked_for  # and the whole service with it

    with rarely_looked_for():
        table, aims = against_peers(asked.calls, runs)
        tables = (table, other_streams(asked.calls // 2, runs), by_live_calls(runs), grown)
    save("ingest", tables=tables, plots=[plot], aims=[*aims, flat])


if __name__ == "__main__":
    main()
