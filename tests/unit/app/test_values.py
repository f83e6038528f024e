"""Settings -> what the rooms are given."""

from pathlib import Path

import pytest

from cti.app import values
from cti.settings import Queue, parse


@pytest.mark.parametrize(("queue", "rings_s"), [("support", 20.0), ("sales", Queue().ring_timeout_s), ("", 60.0)])
def test_a_pop_of_a_queue_lives_as_long_as_its_phones_ring_named_or_not(queue: str, rings_s: float) -> None:
    given = parse("[queues.support]\nring_timeout_s = 20", file=Path("cti.toml"), environ={})
    assert values.hub_settings(given).rings_s(queue) == rings_s
