"""One of Asterisk's two AMI accounts for us: the one that listens, or the one that acts."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    host: str = "127.0.0.1"
    port: int = 5038
    user: str
    secret: str = field(repr=False)
