"""The contact-center CTI service for Asterisk. ``docs/explanation/architecture.md`` has the picture."""

from importlib.metadata import version

__version__ = version("cti")
