"""The kinds of steps there are: to add one, write a file here and a line in ``KINDS``."""

from collections.abc import Mapping
from typing import Final

from cti.ivr.step import Step
from cti.ivr.steps.authenticate import Authenticate
from cti.ivr.steps.branch import Branch
from cti.ivr.steps.callback import Callback
from cti.ivr.steps.collect import Collect
from cti.ivr.steps.hang_up import HangUpStep
from cti.ivr.steps.hours import HoursStep
from cti.ivr.steps.http import AskService
from cti.ivr.steps.identify import Identify
from cti.ivr.steps.language import LanguageStep
from cti.ivr.steps.menu import Menu
from cti.ivr.steps.say import Say
from cti.ivr.steps.set_values import SetValues
from cti.ivr.steps.survey import Survey
from cti.ivr.steps.tell import Tell
from cti.ivr.steps.to_agent import ToAgentStep
from cti.ivr.steps.to_number import ToNumberStep
from cti.ivr.steps.to_queue import ToQueueStep
from cti.ivr.steps.voicemail import Voicemail

KINDS: Final[Mapping[str, type[Step]]] = {
    "say": Say,
    "menu": Menu,
    "collect": Collect,
    "language": LanguageStep,
    "identify": Identify,
    "authenticate": Authenticate,
    "branch": Branch,
    "hours": HoursStep,
    "set": SetValues,
    "tell": Tell,
    "http": AskService,
    "callback": Callback,
    "voicemail": Voicemail,
    "survey": Survey,
    "to_queue": ToQueueStep,
    "to_agent": ToAgentStep,
    "to_number": ToNumberStep,
    "hang_up": HangUpStep,
}
