"""Free ports for what a test starts."""

import secrets
import socket
from typing import Final

_FIRST: Final = 61_000
_PAIRS: Final = 2_200
_GIVEN: Final[set[int]] = set()


def free_port() -> int:
    """One that nobody is given by chance: above those that the system hands to whoever asks for any, which is what a port
    chosen by ``bind(0)`` may meet again before it is used. Its neighbour above is free as well, and never given.
    """
    for pair in secrets.SystemRandom().sample(range(_PAIRS), _PAIRS):
        port = _FIRST + 2 * pair
        if port not in _GIVEN and _is_free(port) and _is_free(port + 1):
            _GIVEN.add(port)
            return port
    raise RuntimeError(f"no free port from {_FIRST} on; is a test run leaving services behind?")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
