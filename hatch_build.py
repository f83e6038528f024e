"""Builds the console into the wheel. An editable install skips it: there `make console` does it."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        index = Path(self.root, "cti/web/static/index.html")
        if version == "editable" or (index.exists() and not self._stale(index)):
            return
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError("the console is not built, and there is no npm to build it: run `make console` first")
        environment = os.environ | {"npm_config_fund": "false", "npm_config_audit": "false"}
        for command in ([npm, "ci"], [npm, "run", "build"]):
            subprocess.run(command, cwd=Path(self.root, "console"), check=True, env=environment)
        if not index.exists():
            raise RuntimeError(f"the console's build left no {index}")

    def _stale(self, index: Path) -> bool:
        """Is a source newer than the built page? An sdist carries the page, and may carry no sources."""
        sources = Path(self.root, "console/src")
        return any(path.stat().st_mtime > index.stat().st_mtime for path in sources.rglob("*") if path.is_file())
