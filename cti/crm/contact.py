"""A CRM record as the service knows it, and the answers to "who is this?"."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NewType

ContactId = NewType("ContactId", str)
"""The CRM's own key of a record, as text."""


class Flag(StrEnum):
    """What an agent must know before saying anything; shown first, in red."""

    DO_NOT_CALL = "do_not_call"
    RECORDING_REFUSED = "recording_refused"
    COMPLAINT_OPEN = "complaint_open"
    DELETION_REQUESTED = "deletion_requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactNumber:
    typed: str
    """As somebody typed it."""
    e164: str = ""
    """What it means, ``+49301234567``; empty where it means nothing."""
    label: str = ""
    """mobile, office, ..."""


@dataclass(frozen=True, slots=True)
class Money:
    """Exact: what is read out to a customer is what the books say."""

    amount: Decimal
    currency: str
    """ISO 4217: ``EUR``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An open matter with the customer."""

    id: str
    title: str
    status: str = ""
    opened_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    id: str
    title: str
    status: str = ""
    ordered_on: date | None = None
    amount: str = ""
    """With its currency, ready to be read: ``129.00 EUR``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One customer. Everything but the id may be empty: people with nothing but a number are customers too."""

    id: ContactId
    code: str = ""
    """The customer code, as keyed into the IVR."""
    name: str = ""
    company: str = ""
    language: str = ""
    """BCP 47: ``en``, ``zh-Hant``."""
    segment: str = ""
    tier: str = ""
    email: str = ""
    numbers: tuple[ContactNumber, ...] = ()
    preferences: tuple[tuple[str, str], ...] = ()
    flags: frozenset[Flag] = frozenset()
    cases: tuple[Case, ...] = ()
    orders: tuple[Order, ...] = ()
    balance: Money | None = None
    """What the customer owes; below zero, what is owed to them. None: the customer system says nothing about it."""
    fields: tuple[tuple[str, str], ...] = ()
    """What else the mapping file wants shown, label and text."""
    url: str = ""
    """Opens the record in the CRM."""


class MatchedBy(StrEnum):
    """Why a contact is shown, the surest first. A calling number is a claim, so its matches are candidates."""

    IVR = "ivr"
    """The caller said so in the IVR, by code, number or order; the journey says by which."""
    CODE = "code"
    ORDER = "order"
    NUMBER = "number"
    EXTENSION = "extension"
    """The number without the extension that was dialled or noted behind it."""
    NATIONAL = "national"
    """The same digits in the site's country; one side had no country code."""


@dataclass(frozen=True, slots=True)
class Match:
    contact: Contact
    by: MatchedBy
    value: str
    """The key that matched: the code, or the number or order as it stands in the CRM."""


@dataclass(frozen=True, slots=True)
class Found:
    """One or several contacts, the most likely first. Several are offered as a list; nobody chooses for the agent."""

    matches: tuple[Match, ...]
    source: str
    """The connector's name."""
    at: datetime
    """When the CRM said so; an answer from the cache keeps its age."""
    disagrees: tuple[Match, ...] = ()
    """Whose calling number it is, where that is not who the caller said: a household, a borrowed phone, or a fraud. The
    agent decides. Empty where both agree, and where the number says nothing."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The CRM answered: nobody. ``reason`` says why in words: "number withheld", "no record with +49 30 ..."."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The CRM could not be asked, or did not answer in time."""

    reason: str


Answer = Found | Unknown | Unavailable
