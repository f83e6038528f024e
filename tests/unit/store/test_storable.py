"""A fact is encoded once: its line serves tail, spool and database."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cti.envelope import Envelope
from cti.store.storable import line_of
from tests.unit.store.call_stories import NINE

TEXTS = st.text() | st.sampled_from(
    ["data", '","data":', '","data":{}', '"data":', "\\", '\\","data":', "\x00", "\ud800"]
)


@given(
    name=TEXTS,
    source=TEXTS,
    kind=st.text(),
    subject=TEXTS,
    data=st.dictionaries(TEXTS, TEXTS | st.integers() | st.none()),
)
def test_the_data_of_a_line_are_the_facts_whatever_stands_before_them(
    name: str, source: str, kind: str, subject: str, data: dict[str, object]
) -> None:
    line = line_of(Envelope(id=name, source=source, type=kind, subject=subject, time=NINE, sequence=1, data=data))
    assert line.data == msgspec.json.encode(line.fact.data).decode()
    assert msgspec.json.decode(line.data) == line.fact.data
