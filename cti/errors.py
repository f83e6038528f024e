"""Every error the service raises. The branch says whose fault it is, the leaf what to do about it::

CtiError
|-- ConfigError          the operator: a file, a key, a value         -> mend it, start again
|-- RequestError         the asker: a REST body, a desktop message, a command line argument
|   |-- NotFound
|   |-- Forbidden
|   |-- Conflict         it is someone else's, or has changed meanwhile
|   |   `-- CrmReadOnly  the customer system is only read from here      -> there, by hand
|   |   `-- NotNow       not in this state; ``code`` says why, for the console's words
|   |-- NumberRefused    may not be called; ``code`` says why
|   `-- TooMany          slow down; ``retry_after_s`` says how long
|-- PbxError             the PBX
|   |-- PbxProtocolError what it sent cannot be read                  -> drop the connection
|   |-- PbxUnavailable   no connection, or no answer in time          -> retry
|   |-- PbxAuthFailed    wrong account or secret                      -> ask the operator
|   |-- PbxRefused       it said no; ``reason`` is in its own words
|   `-- RecordsUnreadable  its queue_log or CDR; the words say what to do -> ask the operator
|-- CrmError             the customer system
|   |-- CrmUnavailable   no answer in time                            -> retry
|   `-- CrmAuthFailed    wrong account                                -> ask the operator
|-- EgressError          an outside service that is asked over HTTP
|   |-- EgressRefused    not asked: the URL or its address is not permitted  -> ask the operator
|   `-- EgressUnavailable  no answer that can be used; ``status`` says more  -> retry
|-- StoreError           the database
|   |-- StoreUnavailable                                              -> retry; facts wait in the spool
|   |-- StoreSchema      too old or too new for this program          -> ``cti db upgrade``, or upgrade cti
|   `-- StaleEpoch       another process has taken the lease          -> stop telling; it tells now
|-- SpeechUnavailable    the speech program; its words say what to do -> the prompt is left out
`-- StateMisuse          us
"""

from dataclasses import dataclass


class CtiError(Exception):
    """The root: whatever this service raises on purpose."""


class ConfigError(CtiError):
    """What the operator wrote cannot be used. ``findings`` holds every mistake, one line each, with its place."""

    def __init__(self, *findings: str) -> None:
        self.findings = findings
        super().__init__(*findings)

    def __str__(self) -> str:
        return "\n".join(self.findings)


class RequestError(CtiError):
    """What was asked cannot be done as asked; the words are for the asker."""


class NotFound(RequestError):  # noqa: N818 - reads as the answer it becomes
    pass


class Forbidden(RequestError):  # noqa: N818
    pass


class Conflict(RequestError):  # noqa: N818
    pass


class CrmReadOnly(Conflict):
    pass


@dataclass(eq=False)
class NotNow(Conflict):
    code: str

    def __str__(self) -> str:
        return self.code.replace("_", " ")


@dataclass(eq=False)
class NumberRefused(RequestError):  # noqa: N818
    code: str
    words: str

    def __str__(self) -> str:
        return self.words


@dataclass(eq=False)
class TooMany(RequestError):  # noqa: N818
    retry_after_s: float

    def __str__(self) -> str:
        return f"too many attempts; try again in {self.retry_after_s:.0f} s"


class PbxError(CtiError):
    pass


class PbxProtocolError(PbxError):
    pass


class PbxUnavailable(PbxError):  # noqa: N818
    pass


class PbxAuthFailed(PbxError):  # noqa: N818
    pass


@dataclass(eq=False)
class PbxRefused(PbxError):  # noqa: N818
    """The PBX answered, and the answer is no."""

    reason: str

    def __str__(self) -> str:
        return self.reason


class RecordsUnreadable(PbxError):  # noqa: N818
    """What the PBX wrote down itself cannot be read."""


class CrmError(CtiError):
    pass


class CrmUnavailable(CrmError):  # noqa: N818
    pass


class CrmAuthFailed(CrmError):  # noqa: N818
    pass


class EgressError(CtiError):
    pass


class EgressRefused(EgressError):  # noqa: N818
    pass


@dataclass(eq=False)
class EgressUnavailable(EgressError):  # noqa: N818
    reason: str
    status: int = 0
    """HTTP; 0 when none came."""

    def __str__(self) -> str:
        return self.reason


class StoreError(CtiError):
    pass


class StoreUnavailable(StoreError):  # noqa: N818
    pass


class StoreSchema(StoreError):  # noqa: N818
    pass


@dataclass(eq=False)
class StaleEpoch(StoreError):  # noqa: N818
    lease: str
    ours: int
    now: int

    def __str__(self) -> str:
        return f"the lease of {self.lease} has been taken by another process: its epoch is {self.now}, ours was {self.ours}"


class SpeechUnavailable(CtiError):  # noqa: N818
    pass


class StateMisuse(CtiError):  # noqa: N818
    pass
