"""Writes the expected story beside each trace, to be read and judged by a person before it is kept.

``python -m tests.traces.expected`` writes those that are missing; with ``--again NAME...`` it writes these anew. The test
(tests/unit/telephony/test_traces.py) holds the code to what stands there, and what stands there to the truth file, which
knows nothing of our code.
"""

import sys
from pathlib import Path

from cti.telephony.replay.story import replay
from cti.telephony.replay.tell import line
from cti.telephony.replay.trace import load

HERE = Path(__file__).parent / "asterisk"


def story(trace: Path, chop: int | None = None) -> list[str]:
    return [line(change) for change in replay(load(trace), pbx="pbx", chop=chop)]


def expected_path(trace: Path) -> Path:
    return trace.with_name(trace.name.removesuffix(".gz").removesuffix(".ami") + ".expected.toml")


def main() -> None:
    again = set(sys.argv[2:]) if sys.argv[1:2] == ["--again"] else set()
    for trace in sorted(HERE.glob("*/*.ami")):
        path = expected_path(trace)
        if not path.exists() or trace.name.removesuffix(".ami") in again or "all" in again:
            lines = "\n".join(story(trace)).replace("\\", "\\\\").replace('"""', '\\"""')
            path.write_text(f'story = """\n{lines}\n"""\n')
            print(f"{path.parent.name}/{path.name}: {len(lines.splitlines())} lines")


if __name__ == "__main__":
    main()
