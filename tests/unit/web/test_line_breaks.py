"""A line break at the end of an id, a phone or keys is no part of them, and is not let through."""

import msgspec
import pytest

from cti.web import schemas


@pytest.mark.parametrize(
    ("kind", "field", "good"),
    [
        (schemas.CommandBody, "id", "command-0001"),
        (schemas.ActionBody, "keys", "12#"),
        (schemas.AgentChange, "device", "PJSIP/1001"),
        (schemas.AgentChange, "extension", "1001"),
    ],
)
def test_a_line_break_at_the_end_is_refused(kind: type[msgspec.Struct], field: str, good: str) -> None:
    beside = {"id": "command-0001"} if kind is schemas.ActionBody else {}
    assert getattr(msgspec.convert(beside | {field: good}, kind), field) == good
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(beside | {field: f"{good}\n"}, kind)
