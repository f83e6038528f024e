"""The verbs. Each module adds its own to the table by being named here."""

from cti.cli import backfill, check, crm, database, init, ivr, record, replay, service, shadow, users

__all__ = ["backfill", "check", "crm", "database", "init", "ivr", "record", "replay", "service", "shadow", "users"]
