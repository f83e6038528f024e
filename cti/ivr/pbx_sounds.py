"""Which sounds the PBX has, where its folders are on this machine."""

from collections.abc import Callable, Iterable
from pathlib import Path


def sounds_in(folders: Iterable[Path]) -> Callable[[str], bool]:
    """Is there a sound of that name, in whatever format? Of a PBX that is elsewhere every sound is taken to be there.

    Asterisk looks in the caller's language first; which one that is, is not known here.
    """
    here = [folder for folder in folders if folder.is_dir()]
    return lambda name: not here or any(_has(folder, name) for folder in here)


def _has(folder: Path, name: str) -> bool:
    return any(folder.glob(f"{name}.*")) or any(folder.glob(f"*/{name}.*"))
