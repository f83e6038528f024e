"""The system's resolver, in threads of its own.

A name server that says nothing holds a thread for as long as it likes, and no thread can be called back. So these are few and
do nothing else: who hangs here costs other questions to the outside, but no prompt and no file. And they are nobody's to wait
for: the interpreter ends without them, which it would not with those of a ``ThreadPoolExecutor``.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import cache
from queue import SimpleQueue
from socket import AI_ADDRCONFIG, AI_NUMERICHOST, AI_NUMERICSERV, SOCK_STREAM, AddressFamily, getaddrinfo
from threading import Thread
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult

THREADS: Final = 4


class SystemNames(AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_INET
    ) -> list[ResolveResult]:
        """Raises ``socket.gaierror``. A question whose asker has gone before its turn is not asked."""
        return await asyncio.get_running_loop().run_in_executor(_threads(), _resolved, host, port, family)

    async def close(self) -> None:
        """The threads are everybody's."""


class _DaemonThreads(Executor):
    def __init__(self, many: int) -> None:
        self._work: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        for number in range(many):
            Thread(target=self._run, name=f"names-{number}", daemon=True).start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._work.put((future, lambda: fn(*args, **kwargs)))
        return future

    def _run(self) -> None:
        while True:
            future, work = self._work.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except Exception as error:  # noqa: BLE001 - whoever asked gets it
                future.set_exception(error)


@cache
def _threads() -> _DaemonThreads:
    return _DaemonThreads(THREADS)


def _resolved(host: str, port: int, family: AddressFamily) -> list[ResolveResult]:
    """Link-local addresses come without their zone: there is no way to them, and none is wanted."""
    infos = getaddrinfo(host, port, family=family, type=SOCK_STREAM, flags=AI_ADDRCONFIG)
    return [
        ResolveResult(
            hostname=host, host=str(address[0]), port=port, family=kind, proto=proto, flags=AI_NUMERICHOST | AI_NUMERICSERV
        )
        for kind, _, proto, _, address in infos
    ]  # fmt: skip
