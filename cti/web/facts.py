"""What people add to a call, as facts (``cti/store/interactions.py`` lists them)."""

from datetime import datetime
from uuid import uuid4

from cti.agents.agent import AgentId
from cti.calls.call import CallId, PbxName
from cti.envelope import Envelope


def note(pbx: PbxName, call: CallId, text: str, *, by: AgentId, at: datetime) -> Envelope:
    return _fact("note", pbx, call, at, {"text": text, "by": by})


def result(pbx: PbxName, call: CallId, code: str, label: str, *, by: AgentId, at: datetime) -> Envelope:
    return _fact("result", pbx, call, at, {"code": code, "label": label, "by": by})


def customer(pbx: PbxName, call: CallId, contact: str, name: str, *, by: AgentId, at: datetime) -> Envelope:
    return _fact("customer", pbx, call, at, {"contact": contact, "name": name, "by": by})


def not_customer(pbx: PbxName, call: CallId, contact: str, number: str, *, by: AgentId, at: datetime) -> Envelope:
    return _fact("not_customer", pbx, call, at, {"contact": contact, "number": number, "by": by})


def _fact(kind: str, pbx: PbxName, call: CallId, at: datetime, data: dict[str, str]) -> Envelope:
    return Envelope(
        id=uuid4().hex,
        source=f"/pbx/{pbx}",
        type=f"cti.interaction.{kind}.v1",
        subject=call,
        time=at,
        sequence=0,
        data=data,
    )
