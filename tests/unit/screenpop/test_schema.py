"""The schema file that consoles are written from is the one the types make."""

import json
from pathlib import Path

import jsonschema
import pytest

from cti.screenpop.messages import json_schema
from cti.screenpop.outbox import encoder

FILE = Path(__file__).parents[3] / "docs" / "reference" / "desktop-protocol.schema.json"
HOW = """the schema is out of date; write it again: python -c "import json; from cti.screenpop.messages import json_schema;
print(json.dumps(json_schema(), indent=2, ensure_ascii=False))" > docs/reference/desktop-protocol.schema.json"""


def test_the_schema_file_is_current() -> None:
    assert json.loads(FILE.read_text(encoding="utf-8")) == json.loads(encoder.encode(json_schema())), HOW


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize(
    "said",
    [
        {"type": "hello", "ticket": "t"},
        {"type": "focus", "call": None},
        {"type": "receipt", "pop": "p", "step": "shown"},
    ],
)
def test_what_desktops_say_fits_the_schema(said: dict[str, object]) -> None:
    schema = json_schema()
    jsonschema.validate(said, schema | {"$ref": "#/$defs/FromDesktop"})
