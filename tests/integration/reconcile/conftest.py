"""The command line, as ``tests/integration/cli`` has it."""

from tests.integration.cli.conftest import cti

__all__ = ["cti"]
