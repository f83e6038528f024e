"""Alembic: one file in ``versions/`` for each step from one schema to the next."""
