"""A guard over the figures of docs/performance.md: what we do, against the bare work under it, in one run and in CPU time.

Only ratios, never a time: they hold on a slow machine and on a busy one. Each may double before this fails, and a doubtful one
is measured again. ``USUAL`` is what they are; whoever makes one better writes it down here.
"""

import asyncio
import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import pytest
import streams
from harness import taking_turns

from cti.agents.agent import Agent, AgentId
from cti.calls.transitions import CallChanged
from cti.envelope import Envelope, of_change
from cti.screenpop.hub import Hub, HubSettings
from cti.screenpop.views import Site
from cti.store import schema
from cti.store.database import Database
from cti.store.sql import SqlInteractionLog
from cti.telephony.asterisk.ami_codec import AmiDecoder
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.narrator import Narrator
from cti.telephony.asterisk.unread import is_unread

USUAL: Final = {"told": 1.3, "dicts": 1.4, "desktop": 1.9, "record": 1.2}
TRIES: Final = 3
CALLS: Final = 30
BATCHES: Final = 20

Work = Callable[[], object]


def assert_as_usual(name: str, ours: Work, bare: Work) -> None:
    found = []
    for _ in range(TRIES):
        turns = taking_turns({"ours": ours, "bare": bare}, runs=5)
        found.append(turns["ours"].cpu_against(turns["bare"]))
        if found[-1] < 2 * USUAL[name]:
            return
    pytest.fail(f"{name}: {min(found):.2f} times the bare work, and {USUAL[name]:.2f} is usual")


@pytest.fixture(scope="module")
def chunks() -> list[bytes]:
    return list(streams.sized(streams.generated(CALLS)))


def told(chunks: list[bytes]) -> list[CallChanged]:
    decoder, narrator = AmiDecoder(passes_over=is_unread), Narrator("guard", Endpoints())
    return [change for chunk in chunks for message in decoder.feed(chunk) for change in narrator.feed(message)]


def test_reading_and_telling_calls_costs_what_it_does_against_a_bare_split(chunks: list[bytes]) -> None:
    """The least a reader can do: find where events end, and how they begin."""

    def split() -> int:
        return sum(len([block[7:20] for block in chunk.split(b"\r\n\r\n")]) for _ in range(20) for chunk in chunks)

    assert_as_usual("told", lambda: told(chunks), split)


def test_reading_and_telling_calls_costs_what_it_does_against_a_dict_of_each_event(chunks: list[bytes]) -> None:
    """What every other client does with every event before anybody has asked for it."""
    text = b"".join(chunks)

    def read() -> int:
        blocks = text.decode().split("\r\n\r\n")
        return len([dict(line.split(": ", 1) for line in block.split("\r\n")) for block in blocks if block])

    assert_as_usual("dicts", lambda: told(chunks), read)


class OpenDesktop:
    session = "guard"
    session_ends_at = datetime.now(UTC) + timedelta(days=1)

    def wake(self, *, is_urgent: bool = False) -> None:
        pass

    def close(self, _code: int, reason: str, **_last: bytes) -> None:
        raise AssertionError(reason)


def test_what_desktops_are_told_costs_what_it_does_against_bare_frames(chunks: list[bytes]) -> None:
    changes = told(chunks)
    facts = [of_change(change) for change in changes]
    agents = [Agent(id=AgentId(str(at)), name="", device=f"PJSIP/{1000 + at}") for at in range(CALLS)]

    def tell() -> None:
        hub, desktop = Hub(HubSettings(site=Site("TW"))), OpenDesktop()
        hub.roster(agents)
        for agent in agents:
            hub.desktops.attach(agent.id, desktop)
        for change in changes:
            hub.call_changed(change)
            for leg in change.after.legs:
                number = leg.party.number
                if number.startswith("1"):
                    hub.desktops.take(AgentId(str(int(number) - 1000)), desktop)

    assert_as_usual("desktop", tell, lambda: [msgspec.json.encode(fact) for _ in range(20) for fact in facts])


@pytest.fixture
def batches() -> Iterator[list[Envelope]]:
    """The facts of ten calls at a time, told once."""
    calls = (told(list(streams.generated(10, first=first))) for first in itertools.count(0, 10))
    return iter([[of_change(change) for change in changes] for changes in itertools.islice(calls, BATCHES)])


def test_recording_facts_costs_what_it_does_against_a_bare_insert(
    tmp_path: Path, batches: Iterator[list[Envelope]]
) -> None:
    with asyncio.Runner() as loop, closing(sqlite3.connect(tmp_path / "bare.db", isolation_level=None)) as bare:
        loop.run(schema.upgrade(f"sqlite:///{tmp_path / 'ours.db'}"))
        database = Database(f"sqlite:///{tmp_path / 'ours.db'}")
        log = SqlInteractionLog(database)
        bare.executescript(
            "PRAGMA journal_mode = WAL; CREATE TABLE fact (source, id, type, json, PRIMARY KEY (source, id))"
        )

        def insert() -> None:
            """Ten times the facts, as one would be over too soon."""
            rows = [(one.source, f"{one.id}/{next(numbers)}", one.type, msgspec.json.encode(one)) for one in facts * 10]
            bare.execute("BEGIN IMMEDIATE")
            bare.executemany("INSERT INTO fact VALUES (?, ?, ?, ?)", rows)
            bare.execute("COMMIT")

        facts, numbers = next(batches), itertools.count()
        assert_as_usual("record", lambda: loop.run(log.append(next(batches))), insert)
        loop.run(database.close())
