"""What people add and do, as facts (``cti/store/interactions.py`` lists those of a call)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from cti.agents.agent import AgentId
from cti.calls.call import CallId, PbxName
from cti.envelope import Envelope
from cti.store import callbacks
from cti.store.journeys import Callback, CallbackState

CUSTOMER_CHANGED: Final = "cti.customer.changed.v1"


def note(pbx: PbxName, call: CallId, text: str, *, by: AgentId, at: datetime) -> Envelope:
    return _fact("note", pbx, call, at, {"text": text, "by": by})


def result(
    pbx: PbxName,
    call: CallId,
    code: str,
    label: str,
    *,
    by: AgentId,
    at: datetime,
    fields: Mapping[str, str] | None = None,
) -> Envelope:
    return _fact("result", pbx, call, at, {"code": code, "label": label, "by": by, "fields": dict(fields or {})})


def not_classified(pbx: PbxName, call: CallId, *, by: AgentId, at: datetime) -> Envelope:
    """The agent's wrap-up ran out without a result."""
    return _fact("not_classified", pbx, call, at, {"by": by})


def customer(pbx: PbxName, call: CallId, contact: str, name: str, *, by: AgentId, at: datetime) -> Envelope:
    return _fact("customer", pbx, call, at, {"contact": contact, "name": name, "by": by})


def not_customer(pbx: PbxName, call: CallId, contact: str, number: str, *, by: AgentId, at: datetime) -> Envelope:
    return _fact("not_customer", pbx, call, at, {"contact": contact, "number": number, "by": by})


def callback(
    known: Callback, state: CallbackState, *, by: AgentId, at: datetime, note: str = "", call: str = ""
) -> Envelope:
    """``call``: the one placed for it."""
    data = {"callback": known.id, "state": state.value, "by": by, "note": note, "call": call}
    return _told(callbacks.CHANGED, f"/pbx/{known.pbx}", known.call, at, data)


def customer_changed(
    contact: str, *, by: AgentId, at: datetime, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Envelope:
    """``before`` and ``after`` hold the fields that changed; of a new contact ``before`` is empty."""
    data = {"by": by, "before": dict(before), "after": dict(after)}
    return _told(CUSTOMER_CHANGED, "/customers", contact, at, data)


def _fact(kind: str, pbx: PbxName, call: CallId, at: datetime, data: dict[str, Any]) -> Envelope:
    return _told(f"cti.interaction.{kind}.v1", f"/pbx/{pbx}", call, at, data)


def _told(kind: str, source: str, subject: str, at: datetime, data: dict[str, Any]) -> Envelope:
    return Envelope(id=uuid4().hex, source=source, type=kind, subject=subject, time=at, sequence=0, data=data)
