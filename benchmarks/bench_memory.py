"""What a live call and an open desktop weigh, and what stays after tens of thousands of calls; ``bench_ingest.py`` has the reader alone.

``python benchmarks/bench_memory.py`` (6 minutes; ``QUICK=1``: 1). The service is a process of its own, with its record in SQLite;
its memory is what the kernel says, after a collection of garbage, when whatever was played to it is dealt with.

Much is kept to a number on purpose: the last 10,000 pops, the last 256 KB sent to each desktop. So the first calls fill what is kept,
and are a figure of their own; what grows after them, grows without end, and is named.
"""

import multiprocessing
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness import Aim, Line, Plot, Table, is_quick, save
from mem_house import BURST, housed, processes, started
from mem_service import Look, be_model, slope_kb
from pop_desktops import Place, Seen, be_desktops
from pop_ground import Agents

from tests import heap

SLACK = 200
"""Entries that come and go."""
RINGS_S = 16.0
"""A queue's phone rings shorter than this; the end of that is planned with each pop, and is no growth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    live_calls: int
    desktops: Sequence[int]
    filling_calls: int
    """More than the largest of what is kept to a number."""
    soaked_calls: int
    """After them."""
    soaking_desktops: int
    """So few that each is sent 256 KB while that is filled."""


FULL = Sizes(live_calls=10_000, desktops=(1000, 5000), filling_calls=12_000, soaked_calls=20_000, soaking_desktops=200)
SHORT = Sizes(live_calls=2_000, desktops=(1000,), filling_calls=2_000, soaked_calls=1_000, soaking_desktops=50)
"""Nothing is full after so few, so nothing is said of growth."""


# ---- what is measured


def of_live_calls(calls: int) -> float:
    """KB for each call that an agent is in, after a tenth of them as a warm-up."""
    with processes() as running:
        orders = started(running, be_model, calls, calls // 10, says="")
        before, after, live = (orders.recv() for _ in range(3))
        if live != calls + calls // 10:
            raise RuntimeError(f"{live} calls are live of {calls + calls // 10}")
        return float(after - before) / calls


def of_desktops(count: int) -> float:
    """KB for each open desktop that is told nothing, with what the first of them makes the service load."""
    agents = Agents(count)
    with housed(agents) as house, processes() as running:
        seen = Seen([0.0], [0.0])
        place = Place(port=house.ports.push, web=house.ports.web)
        before = house.look()
        people = started(running, be_desktops, agents, seen)
        people.send(place)
        people.recv()
        return (house.look().rss_kb - before.rss_kb) / count


@dataclass(frozen=True, slots=True)
class Soaked:
    """A look before the first call and after each burst, with the calls up to then."""

    looks: Sequence[tuple[int, Look]]
    filling_calls: int

    @property
    def filling(self) -> Sequence[tuple[int, Look]]:
        return [(calls, look) for calls, look in self.looks if calls <= self.filling_calls]

    @property
    def full(self) -> Sequence[tuple[int, Look]]:
        return [(calls, look) for calls, look in self.looks if calls >= self.filling_calls]

    @property
    def kept_kb(self) -> int:
        return self.filling[-1][1].in_use_kb - self.filling[0][1].in_use_kb

    @property
    def call_kb(self) -> float:
        return slope_kb([(calls, look.in_use_kb) for calls, look in self.full])

    @property
    def resident_kb(self) -> float:
        return slope_kb([(calls, look.rss_kb) for calls, look in self.full])

    @property
    def grown(self) -> Mapping[str, tuple[int, int]]:
        """What has more entries at the end than when all was full."""
        return heap.grown(self.full[0][1].held, self.full[-1][1].held, by_more_than=SLACK)

    def lines(self) -> tuple[Line, ...]:
        return (
            Line(name="resident", points=tuple((calls / 1000, look.rss_kb / 1024) for calls, look in self.looks)),
            Line(name="in use", points=tuple((calls / 1000, look.in_use_kb / 1024) for calls, look in self.looks)),
        )


def of_soaking(sizes: Sizes) -> Soaked:
    agents, calls = Agents(sizes.soaking_desktops), sizes.filling_calls + sizes.soaked_calls
    with housed(agents, calls=calls) as house, processes() as running:
        seen = Seen(*(multiprocessing.get_context("spawn").Array("d", 2 * calls, lock=False) for _ in range(2)))
        people = started(running, be_desktops, agents, seen)
        people.send(Place(port=house.ports.push, web=house.ports.web))
        people.recv()
        looks = [(0, house.look())]
        while house.played < calls:
            house.play(BURST)
            if house.played in {sizes.filling_calls, calls}:
                time.sleep(RINGS_S)
            look = house.look()
            looks.append((house.played, look))
            print(
                f"  {house.played:,} calls: {look.rss_kb / 1024:.0f} MB, {look.in_use_kb / 1024:.1f} in use", flush=True
            )
    return Soaked(looks, sizes.filling_calls)


# ---- what is said of it


def main() -> None:
    sizes = SHORT if is_quick() else FULL
    per_call = of_live_calls(sizes.live_calls)
    per_desktop = [(count, of_desktops(count)) for count in sizes.desktops]
    soak = of_soaking(sizes)
    rows = (
        (f"a live call, {sizes.live_calls:,} of them", per_call),
        *((f"an idle desktop, {count:,} of them", kb) for count, kb in per_desktop),
        (
            f"what is kept of the first {sizes.filling_calls:,} calls, {sizes.soaking_desktops} desktops",
            float(soak.kept_kb),
        ),
        (f"a call that is over, of the next {sizes.soaked_calls:,}, bytes in use", soak.call_kb),
        ("the same, resident", soak.resident_kb),
    )
    save(
        "memory",
        tables=[
            Table(title="What it weighs", columns=("what", "KB"), rows=rows, note=f"What the process has more, divided by how many there are more: the call in the model, the PBX's mirror, the hub and on the record. The first {sizes.filling_calls:,} calls fill what is kept to a number: the last 256 KB sent to each desktop, the last 10,000 pops, the last 5,000 calls, the customer system's answers; the next show what grows without end."),
            Table(title="What has more entries than when the keeps were full", columns=("whose", "before", "after"), rows=tuple((name, *counts) for name, counts in list(soak.grown.items())[:12]), note="Containers and objects of the whole service by name, counted after a collection; what is kept to a number (the last 10,000 pops) was full before."),
        ],
        plots=[
            Plot(title=f"Memory of the whole service over its calls, {sizes.soaking_desktops} desktops", x="thousand calls", y="MB", lines=soak.lines()),
        ],
        aims=[] if is_quick() else [
            Aim(words=f"memory of the service over {sizes.soaked_calls:,} calls, its keeps being full, bytes in use", wanted="flat: under 0.1 KB a call", found=f"{soak.call_kb:+.3f} KB a call; resident {soak.resident_kb:+.2f}", is_met=soak.call_kb < 0.1),
            Aim(words="containers with more entries after them", wanted="none", found=", ".join(soak.grown) or "none", is_met=not soak.grown),
        ],
    )  # fmt: skip


if __name__ == "__main__":
    main()
