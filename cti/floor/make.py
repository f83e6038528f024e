"""From settings to a floor."""

from collections.abc import Mapping

from cti.agents.presence import QueueRules, Reason, Rules, WrapUpKind
from cti.calls.call import PbxName
from cti.floor.facts import Record
from cti.floor.floor import Floor, FloorSettings
from cti.floor.seat import Patience
from cti.screenpop.hub import Hub
from cti.settings import Queue, Settings
from cti.telephony.link import PbxLink


def make_floor(given: Settings, hub: Hub, links: Mapping[PbxName, PbxLink], record: Record) -> Floor:
    desk = given.desk
    made = FloorSettings(
        rules=make_rules(given), reasons=tuple(Reason(one.code, one.label) for one in desk.reasons),
        patience=Patience(reload_s=desk.reload_s, log_out_after_s=desk.log_out_after_s),
    )  # fmt: skip
    return Floor(made, hub=hub, links=links, record=record)


def make_rules(given: Settings) -> Rules:
    return Rules(
        queues={name: _of_queue(queue) for name, queue in given.queues.items()}, usual=_of_queue(Queue()),
        wrap_up_extend_s=given.desk.wrap_up_extend_s, is_ready_at_login=given.desk.is_ready_at_login,
        declined_is_pause=given.desk.declined_is_pause,
    )  # fmt: skip


def _of_queue(queue: Queue) -> QueueRules:
    return QueueRules(wrap_up=WrapUpKind(queue.wrap_up), wrap_up_s=queue.wrap_up_s, missed_limit=queue.missed_limit)
