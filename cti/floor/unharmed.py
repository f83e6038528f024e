"""A mistake on the floor costs a state, and nobody else anything."""

from collections.abc import Callable

from cti.log import logger

log = logger("floor")


def unharmed(told: Callable[[], None]) -> None:
    """Whoever tells us something is not to suffer from a mistake of ours."""
    try:
        told()
    except Exception:
        log.exception("floor_failed")
