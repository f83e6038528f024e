"""Settings -> what the rooms are given."""

from pathlib import Path

import pytest

from cti.app import values
from cti.settings import Queue, parse


@pytest.mark.parametrize(("queue", "rings_s"), [("support", 20.0), ("sales", Queue().ring_timeout_s), ("", 60.0)])
def test_a_pop_of_a_queue_lives_as_long_as_its_phones_ring_named_or_not(queue: str, rings_s: float) -> None:
    given = parse("[queues.support]\nring_timeout_s = 20", file=Path("cti.toml"), environ={})
    assert values.hub_settings(given).rings_s(queue) == rings_s


@pytest.mark.parametrize(
    ("web", "console"),
    [("", "http://localhost:8088"), ('public_origins = ["https://cti.example.org"]', "https://cti.example.org")],
)
def test_a_page_that_may_open_a_socket_may_not_act_over_rest_and_the_console_still_may(web: str, console: str) -> None:
    crm = "https://crm.example.org"
    given = parse(f'[web]\n{web}\n[push]\nallowed_origins = ["{crm}"]', file=Path("cti.toml"), environ={})
    rest = values.web_site(given, ()).origins
    assert (console in rest, crm in rest, values.socket_settings(given).origins) == (True, False, {crm})
    given = parse(f"[web]\n{web}", file=Path("cti.toml"), environ={})
    assert values.web_site(given, ()).origins == values.socket_settings(given).origins


def test_the_proxies_of_the_console_are_those_of_the_sockets() -> None:
    given = parse('[web]\ntrusted_proxies = ["127.0.0.1"]', file=Path("cti.toml"), environ={})
    assert values.socket_settings(given).proxies == values.web_site(given, ()).trusted_proxies == {"127.0.0.1"}
