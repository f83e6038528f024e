"""How often Python looks for garbage that it cannot find by counting references.

A look at everything stops the service for as long as there are objects to look at: 0.1 s with a thousand desktops and their
calls. By Python's own rules that is due every few seconds at 100 calls/s, and a pop that comes then waits for it
(benchmarks/bench_pop.py). Hardly anything here is garbage of that kind, so all there is is looked at a hundred times as rarely,
and what was there at the start, program and libraries, never again. The youngest are few at each look, for even they hold up a
pop: 20,000 of them for 30 ms.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_RARELY: Final = (2_000, 5, 1_000)
"""New objects before the youngest are looked at; looks at those before the older ones are; and so on before all are."""


@contextmanager
def rarely_looked_for() -> Iterator[None]:
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
