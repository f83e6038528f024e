"""Other people's AMI clients, each fed the same bytes in the way it reads them itself, with nobody's network between.

They live in ``.venv/peers`` (``make bench`` puts them there, requirements/bench.lock). Each function reads all of ``chunks`` and
returns how many events came out at its other end.
"""

import logging
import socket
import sys
import threading
import warnings
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(sys.prefix) / "peers"
GREETING: Final = b"Asterisk Call Manager/9.0.0\r\n"


def are_here() -> bool:
    """Make them importable, behind everything else."""
    if not FOLDER.is_dir():
        return False
    import asterisk  # pyst2's package, in which asterisk-ami has a part of its own

    sys.path.append(str(FOLDER))
    asterisk.__path__.append(str(FOLDER / "asterisk"))
    logging.getLogger("panoramisk").setLevel(logging.CRITICAL)
    return True


def panoramisk(chunks: Sequence[bytes]) -> int:
    """Its protocol, its parser, and one callback for every event."""
    counter = count()
    protocol, manager = _panoramisk()
    manager.register_event("*", lambda _manager, _event: next(counter) and None)
    for chunk in chunks:
        protocol.data_received(chunk)
    return next(counter)


def cacofonisk(chunks: Sequence[bytes]) -> int:
    """Panoramisk, and the tracking of calls behind it, as its runner puts them together."""
    from cacofonisk.handlers import EventHandler  # type: ignore[import-not-found]
    from cacofonisk.reporters import BaseReporter  # type: ignore[import-not-found]

    handler, counter = EventHandler(BaseReporter()), count()
    protocol, manager = _panoramisk()

    def on_event(_manager: object, event: object) -> None:
        handler.on_event(event)
        next(counter)

    for name in handler.event_handlers():
        manager.register_event(name, on_event)
    for chunk in chunks:
        protocol.data_received(chunk)
    return next(counter)


def _panoramisk() -> tuple[Any, Any]:
    from panoramisk import Manager  # type: ignore[import-not-found]
    from panoramisk.ami_protocol import AMIProtocol  # type: ignore[import-not-found]

    protocol, manager = AMIProtocol(), Manager()
    protocol.connection_made(None)
    protocol.factory, protocol.encoding = manager, "utf8"
    return protocol, manager


class _Bytes:
    """What ``asterisk-ami`` takes for a socket."""

    def __init__(self, chunks: Sequence[bytes]) -> None:
        self._data = memoryview(b"".join(chunks))
        self._at = -1

    def recv(self, size: int) -> bytes:
        if self._at < 0:
            self._at = 0
            return GREETING
        self._at += size
        return bytes(self._data[self._at - size : self._at])

    def close(self) -> None: ...


def asterisk_ami(chunks: Sequence[bytes]) -> int:
    from asterisk.ami import AMIClient

    client, counter = AMIClient(), count()
    client.add_event_listener(on_event=lambda **_event: next(counter) and None)
    client._socket, client.finished = _Bytes(chunks), threading.Event()  # noqa: SLF001 - instead of connecting
    client.listen()
    return next(counter)


def pyst2(chunks: Sequence[bytes]) -> int:
    """Its two reading threads, from a real socket: it reads that a byte at a time. Not more than a socket holds."""
    from asterisk.manager import Manager

    ours, its = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    ours.sendall(GREETING + b"".join(chunks))
    ours.close()
    manager = Manager()
    manager.close = lambda: None  # which waits for threads that only ``connect`` starts
    manager._sock = its.makefile("rwb", buffering=0)  # noqa: SLF001
    manager._running.set()  # noqa: SLF001
    manager._connected.set()  # noqa: SLF001
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        manager.message_loop()
    return int(manager._event_queue.qsize()) - 1  # noqa: SLF001
