"""SIP messages as text: parsed as far as a phone on loopback needs, and written without judging their content (RFC
3261).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

REASONS: Final = {
    100: "Trying",
    180: "Ringing",
    200: "OK",
    202: "Accepted",
    302: "Moved Temporarily",
    404: "Not Found",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    500: "Server Internal Error",
    503: "Service Unavailable",
    603: "Decline",
}


@dataclass(frozen=True, slots=True)
class Packet:
    """One SIP message: first line, headers in order, body."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: str = ""

    @classmethod
    def parse(cls, data: bytes) -> Self:
        head, _, body = data.decode("utf-8", "surrogateescape").partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        pairs = (line.partition(":") for line in lines if line)
        return cls(
            start,
            tuple((_LONG.get(name.strip().lower(), name.strip().lower()), value.strip()) for name, _, value in pairs),
            body,
        )

    def get(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    @property
    def status(self) -> int:
        """0 for a request."""
        return int(self.start.split(" ")[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        return self.get("cseq").rpartition(" ")[2] if self.status else self.start.split(" ")[0]

    @property
    def to_tag(self) -> str:
        return _tag(self.get("to"))

    @property
    def from_tag(self) -> str:
        return _tag(self.get("from"))


_LONG: Final = {
    "i": "call-id",
    "f": "from",
    "t": "to",
    "v": "via",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
}


def _tag(value: str) -> str:
    found = re.search(r";\s*tag=([^;>\s]+)", value)
    return found[1] if found else ""


def uri_of(value: str) -> str:
    found = re.search(r"<([^>]*)>", value)
    return found[1] if found else value.split(";", maxsplit=1)[0].strip()


def response(
    request: Packet, status: int, *, to_tag: str = "", contact: str = "", extra: Sequence[str] = (), body: str = ""
) -> str:
    to = request.get("to")
    lines = [
        f"SIP/2.0 {status} {REASONS.get(status, 'Whatever')}",
        *(f"Via: {via}" for via in request.all("via")),
        *(f"Record-Route: {route}" for route in request.all("record-route")),
        f"From: {request.get('from')}",
        f"To: {to}" if "tag=" in to or not to_tag else f"To: {to};tag={to_tag}",
        f"Call-ID: {request.get('call-id')}",
        f"CSeq: {request.get('cseq')}",
        *([f"Contact: {contact}"] if contact else []),
        *extra,
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body.encode())}",
    ]
    return "\r\n".join(lines) + "\r\n\r\n" + body
