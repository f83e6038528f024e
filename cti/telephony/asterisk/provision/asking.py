"""The part of the dialplan that asks CTI what is to become of a caller (FastAGI), and goes on without an answer in every case.

Unreachable or refusing: AGI() fails at once and the next line runs. Reachable but silent: AGI() itself would wait for ever,
so the absolute timeout sends the call to extension T, which comes back to the line behind the question. Whoever answers and
needs longer winds that clock up again, as long as it is alive (``agi_voice.py``).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FastAgi:
    """Where the dialplan asks. ``pbx``: the PBX's name with us; ``secret``: letters, digits, ``-`` and ``_``, as it stands
    inside an expression of the dialplan; ``timeout_s``: how long the dialplan waits for our first word.
    """

    secret: str
    host: str = "127.0.0.1"
    port: int = 4573
    pbx: str = "main"
    timeout_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dials:
    """Arguments of Dial(): one agent's phone at ``${CTI_GO_TO}``, a number outside at ``${CTI_TO}``; with ``g``, so that the
    caller is still there when the other hangs up."""

    agent: str
    number: str


def number_lines(number: str, queue: str, max_wait_s: int, dials: Dials, fastagi: FastAgi) -> str:
    """A number that callers dial. ``queue`` takes them where nothing else is said, or where nobody answers elsewhere."""
    return f"""\
exten => {number},1,Gosub(cti-clean,s,1)
 same => n,Answer()
 same => n,Set(CTI_BACK=${{CONTEXT}},${{EXTEN}},asked)
 same => n,Gosub(cti-ask,s,1)
 same => n,{_agi("ivr", queue, fastagi)}
 same => n(asked),Gosub(cti-told,s,1({queue}))
 same => n,GotoIf($["${{CTI_GO}}" = "hangup"]?over)
 same => n,GotoIf($["${{CTI_GO}}" = "agent"]?agent)
 same => n,GotoIf($["${{CTI_GO}}" = "number"]?number:queue)
 same => n(agent),Dial({dials.agent})
 same => n,Goto(dialled)
 same => n(number),Dial({dials.number})
 same => n(dialled),GotoIf($["${{DIALSTATUS}}" = "ANSWER"]?after)
 same => n(queue),Queue(${{CTI_QUEUE}},tkc,,,{max_wait_s})
 same => n,GotoIf($["${{QUEUESTATUS}}" != "CONTINUE"]?over) ; nobody took the call: TIMEOUT, FULL, ...
 same => n(after),Set(CTI_BACK=${{CONTEXT}},${{EXTEN}},over) ; the agent hung up, the caller is there still: how was it?
 same => n,Gosub(cti-ask,s,1)
 same => n,{_agi("after", queue, fastagi)}
 same => n(over),Hangup()"""


def timeout_line() -> str:
    return "exten => T,1,Goto(${CTI_BACK})          ; CTI was asked and said nothing: go on"


def contexts(fastagi: FastAgi) -> str:
    """What every question needs, once. With the secret, so: a file that only Asterisk may read."""
    return f"""
; Before CTI is asked. Whoever knows the secret below may ask CTI as this PBX does: keep this file to Asterisk. Each question
; has a nonce of its own and proves with it that it comes from here; the secret itself is never sent, and not logged.
; AGIEXITONHANGUP: or AGI() would wait for CTI even when its time is up.
; The environment that AGI() sends holds what callers wrote, one value a line: what cti-clean leaves is cleaned here.
[cti-ask]
exten => s,1,Set(CTI_GO=)
 same => n,Set(CTI_GO_TO=)
 same => n,Set(CTI_PRIORITY=)
 same => n,Set(CALLERID(dnid)=${{FILTER(0-9+,${{CALLERID(dnid)}})}})
 same => n,GotoIf($[${{LEN(${{REDIRECTING(from-num)}})}} = 0]?prove)
 same => n,Set(REDIRECTING(from-num,i)=${{FILTER(0-9+,${{REDIRECTING(from-num)}})}})
 same => n(prove),Set(CTI_NONCE=${{EPOCH}}-${{RAND(100000000,999999999)}}${{RAND(100000000,999999999)}})
 same => n,Set(CTI_PROOF=${{SHA1({fastagi.secret}:${{UNIQUEID}}:${{CTI_NONCE}})}})
 same => n,Set(AGIEXITONHANGUP=yes)
 same => n,Set(TIMEOUT(absolute)={fastagi.timeout_s:g})
 same => n,Return()

; Behind the question, answered or not. ARG1: the default queue. What was said is held to the letters it may be made of; a
; queue that does not exist is none.
[cti-told]
exten => s,1,Set(TIMEOUT(absolute)=0)
 same => n,Set(CTI_GO=${{FILTER(a-z,${{CTI_GO}})}})
 same => n,Set(CTI_GO_TO=${{FILTER(0-9A-Za-z_+\\-,${{CTI_GO_TO}})}})
 same => n,Set(CTI_TO=${{FILTER(0-9+,${{CTI_GO_TO}})}})
 same => n,Set(QUEUE_PRIO=0${{FILTER(0-9,${{CTI_PRIORITY}})}})
 same => n,Set(CTI_QUEUE=${{ARG1}})
 same => n,GotoIf($["${{CTI_GO}}" != "queue"]?done)
 same => n,GotoIf($["${{CTI_GO_TO}}" = ""]?done)
 same => n,ExecIf(${{QUEUE_EXISTS(${{CTI_GO_TO}})}}?Set(CTI_QUEUE=${{CTI_GO_TO}}))
 same => n(done),Return()
"""


def _agi(question: str, queue: str, fastagi: FastAgi) -> str:
    """Exactly these four arguments: ``agi_server.py`` refuses more and fewer."""
    where = f"agi://{fastagi.host}:{fastagi.port}/{fastagi.pbx}"
    return f"AGI({where},{question},{queue},${{CTI_NONCE}},${{CTI_PROOF}})"
