"""The Asterisk of the chaos suite: one queue of five phones, a small IVR, and a log of its own with microseconds.

queue_log and CDR have whole seconds. So Asterisk's channel events (CEL) are written to a file besides: the same channels, the
same ids, with the fraction. Nothing of ours reads that file but the checker.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

from cti.telephony.asterisk.provision import InboundNumber, QueuePlan
from tests.testbed.asterisk import AGENT_NAMES, Asterisk

QUEUE: Final = "floor"
MEMBERS: Final = ("2001", "2002", "2003", "2004", "2005")
COLLEAGUE: Final = "2006"
"""No member: callers are handed over to this one."""
LINE: Final = "0800100100"
IVR_LINE: Final = "0800100650"
RING_S: Final = 3

_CEL: Final = "[general]\nenable = yes\nevents = CHAN_START,BRIDGE_ENTER,HANGUP\ndateformat = %s.%6q\n"
_CEL_CUSTOM: Final = "[mappings]\nMaster.csv => ${eventtype},${eventtime},${CHANNEL(uniqueid)},${CHANNEL(linkedid)},${CHANNEL(channame)}\n"
_IVR: Final = f"""
exten => {IVR_LINE},1,Gosub(cti-clean,s,1)
 same => n,Answer()
 same => n,Read(TYPED,beep,4,,1,3)
 same => n,Gosub(cti-customer,s,1(${{TYPED}}))
 same => n,Queue({QUEUE},tk,,,60)
 same => n,Hangup()
"""


def chaos_asterisk(version: str) -> Asterisk:
    """Not started yet."""
    extra = {
        "modules.conf": "load = res_cdrel_custom.so\nload = cel_custom.so\n",  # the first is not there in 16, nor needed
        "cel.conf": _CEL,
        "cel_custom.conf": _CEL_CUSTOM,
        "extensions.conf": f"[cti-inbound](+)\n{_IVR}",
    }
    pbx = Asterisk(version, extra=extra)
    members = tuple(f"PJSIP/{number},0,{AGENT_NAMES[number]},PJSIP/{number}" for number in MEMBERS)
    plan = QueuePlan(QUEUE, "3001", members, strategy="rrmemory", ring_timeout_s=RING_S, max_wait_s=60, wrapup_s=0)
    pbx.options = replace(pbx.options, queues=(plan,), inbound=(InboundNumber(LINE, QUEUE),))
    cel_log(pbx).parent.mkdir(parents=True, exist_ok=True)
    return pbx


def cel_log(pbx: Asterisk) -> Path:
    return pbx.home / "log" / "cel-custom" / "Master.csv"
