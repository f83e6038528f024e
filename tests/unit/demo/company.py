"""The demo's people, recordings and menu, as ``cti demo`` puts them together: read once for all tests of it."""

from functools import cache
from pathlib import Path
from typing import Final

from cti.agents.agent import Agent
from cti.crm.contact import Contact
from cti.demo.day import TRACES
from cti.demo.journeys import Rehearsals, contact_of, flow_of_the_demo, has_something_to_tell
from cti.demo.past import Company
from cti.demo.people import AGENTS, COMPLAINT, Caller, callers_of, named_customers
from cti.ivr.flow import Flow
from cti.store.demo_customers import demo_customers
from cti.telephony.replay.score import Score, score_of
from cti.telephony.replay.trace import load
from tests.traces.expected import HERE
from tests.unit.screenpop.stories import T0

ROOT: Final = Path(__file__).parents[3]
DEVICES: Final = {agent.device: str(agent.id) for agent in AGENTS}
ANN: Final[Agent] = AGENTS[0]


@cache
def flow() -> Flow:
    return flow_of_the_demo(ROOT / "config/ivr")


@cache
def scores() -> dict[str, Score]:
    return {name: score_of(load(HERE / "22" / f"{name}.ami")) for name in TRACES}


@cache
def contacts() -> dict[str, Contact]:
    return {one.code: contact_of(one) for one in (*named_customers(T0), *demo_customers(40)) if one.code}


@cache
def company() -> Company:
    callers = tuple(callers_of(demo_customers(40)))
    served = (COMPLAINT, *(one for one in callers if has_something_to_tell(contacts().get(one.code))))
    return Company(callers=callers, served=served, scores=scores(), rehearsals=Rehearsals(flow(), contacts()))


STRANGER: Final = Caller(number="0977000001")
