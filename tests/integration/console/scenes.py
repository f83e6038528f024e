"""People, calls and answers for the console's tests."""

from datetime import timedelta
from typing import Any

import msgspec
from playwright.async_api import Page

from cti.screenpop import messages as m
from cti.web.schemas import CustomerView, InteractionView, ResultChoice
from tests.integration.console import offers
from tests.integration.console.fake_server import FakeServer, now, numbered

replace = msgspec.structs.replace

MARA = m.MeView(agent="mara", name="Mara Lind", role="agent", extension="1001", queues=("Support", "Billing"))
RESULTS = (
    ResultChoice(code="invoice", label="Invoice explained", queues=("Billing",)),
    ResultChoice(code="credit", label="Credit note sent", queues=("Billing",)),
    ResultChoice(code="plan", label="Payment plan agreed", queues=("Billing",)),
    ResultChoice(code="solved", label="Solved"),
    ResultChoice(code="callback", label="Call back promised"),
    ResultChoice(code="complaint", label="Complaint taken"),
    ResultChoice(code="forwarded", label="Passed to a colleague"),
    ResultChoice(code="wrong", label="Wrong number"),
    ResultChoice(code="router", label="Router exchanged", queues=("Support",)),
)


def ago(**amount: float) -> Any:
    return now() - timedelta(**amount)


def past(call: str, when: Any, **more: Any) -> m.HistoryItem:
    given = {
        "direction": "inbound",
        "outcome": "answered",
        "queue": "Billing",
        "agent": "Jon Ek",
        "number": "+49305551234",
    }
    return m.HistoryItem(call=call, at=when, **(given | more))


HISTORY = (
    past("h1", ago(hours=2), outcome="abandoned", agent="", talk_s=0),
    past("h2", ago(hours=5), talk_s=312, result="Call back promised",
         note="Invoice 2026-1187 lists the garden table twice. Asked accounting to check; promised a call back by tomorrow noon."),
    past("h3", ago(days=1, hours=3), direction="outbound", talk_s=64, result="Solved", agent="Mara Lind", queue="",
         note="Told her that the delivery moves to Thursday."),
    past("h4", ago(days=6), talk_s=540, result="Complaint taken", queue="Support",
         note="Delivery came without screws.\nSent a set by post.\nShe is patient, but it is the second time."),
    past("h6", ago(days=9), outcome="unattended", ivr="self_served", agent="", queue=""),
    past("h5", ago(days=45), direction="outbound", outcome="no_answer", agent="Mara Lind", queue=""),
)  # fmt: skip

ANNA = m.ContactView(
    id="k1", code="70012", name="Anna Berg", company="Berg & Söhne GmbH", language="de", segment="Retail", tier="Gold",
    email="anna.berg@berg-soehne.example", url="https://crm.example/k1", flags=("complaint_open", "recording_refused"),
    numbers=(m.NumberView(typed="030 / 555 12 34", e164="+49305551234", label="office"),
             m.NumberView(typed="0171 555 98 76", e164="+491715559876", label="mobile")),
    preferences={"greeting": "Frau Berg, by surname", "best_time": "Mornings before 11"},
    cases=(m.CaseView(id="#4821", title="Invoice wrong: garden table charged twice", status="open", opened_at=ago(days=2)),),
    orders=(m.OrderView(id="A-1187", title="Garden table, oak", status="delivered", ordered_on="2026-11-02", amount="429.00 EUR"),
            m.OrderView(id="A-1102", title="Four chairs", status="delivered", ordered_on="2026-08-14", amount="316.00 EUR")),
    fields={"contract": "Plus, until 2027-03-31", "account_manager": "Lena Fuchs"},
    matched_by="number", matched_value="+49 30 5551234",
)  # fmt: skip
MEILING = m.ContactView(
    id="k2", code="70013", name="陳美玲", company="晨光貿易股份有限公司", language="zh-Hant", segment="企業", tier="銀卡",
    numbers=(m.NumberView(typed="02-2345-6789", e164="+886223456789", label="公司"),),
    preferences={"稱呼": "陳小姐"}, cases=(m.CaseView(id="#5107", title="發票抬頭錯誤、請重新開立", status="處理中", opened_at=ago(hours=20)),),
    matched_by="number", matched_value="+886 2 2345 6789",
)  # fmt: skip
ZHIMING = m.ContactView(
    id="k3", code="70014", name="陳志明", company="晨光貿易股份有限公司", language="zh-Hant", tier="銀卡",
    numbers=(m.NumberView(typed="02-2345-6789", e164="+886223456789"),), matched_value="+886 2 2345 6789",
)  # fmt: skip
WANG = m.ContactView(
    id="k4", code="80001", name="王小明", company="晨星科技有限公司", language="zh-Hans", flags=("complaint_open",),
    numbers=(m.NumberView(typed="02-2345-6789", e164="+886223456789"),), matched_value="+886 2 2345 6789",
)  # fmt: skip
LONG = m.ContactView(
    id="k5", code="CUST-2026-000000184467", language="en", segment="Public administration and associations", tier="Strategic",
    name="Dr. Maximiliane-Alexandra von Hohenzollern-Sigmaringen zu Brandenburg-Ansbach",
    company="Internationale Gesellschaft für Verkehrswegeinfrastrukturfinanzierungsberatung mbH & Co. KGaA",
    email="maximiliane-alexandra.vonhohenzollernsigmaringen@verkehrswegeinfrastrukturfinanzierungsberatung.example",
    numbers=tuple(m.NumberView(typed=f"+49 89 1234567-{n:03}", e164=f"+4989123456{n:03}", label=label)
                  for n, label in enumerate(("switchboard, reception desk", "mobile", "assistant"))),
    flags=("do_not_call", "recording_refused", "complaint_open", "deletion_requested"),
    fields={"purchase_order_reference": "PO-2026-11-0000-0000-1844-6744-0737-0955-1615", "site": "Munich"},
    cases=tuple(m.CaseView(id=f"#{9000 + n}", title="Verkehrswegeinfrastrukturfinanzierungsberatungsvertragsverlängerung " * 2, status="waiting for customer",
                opened_at=ago(days=n)) for n in (1, 3)),
    matched_by="code", matched_value="CUST-2026-000000184467",
)  # fmt: skip
MAN = m.ContactView(
    id="k6", code="60001", name="\u202emoc.live//:sptth <img src=x onerror=alert(1)>", company="<script>alert('x')</script>",
    numbers=(m.NumberView(typed="+44 7700 900123", e164="+447700900123"),), matched_value="+44 7700 900123",
    cases=(m.CaseView(id="<b>1</b>", title="\u202eevil \u2066title"),),
)  # fmt: skip


def step(label: str, kind: str = "menu", **more: Any) -> m.JourneyStep:
    return m.JourneyStep(
        **({"step": label.lower().replace(" ", "_"), "kind": kind, "label": label, "spent_s": 6.4} | more)
    )


def journey(*steps: m.JourneyStep, **more: Any) -> m.JourneyView:
    given = {
        "flow": "bank", "label": "Telephone bank", "entered_at": ago(seconds=94), "spent_s": 48.0, "outcome": "to_agent",
        "steps": steps,
    }  # fmt: skip
    return m.JourneyView(**(given | more))


SAID_ANNA: dict[str, Any] = {
    "contact": "k1", "contact_name": "Anna Berg", "contact_code": "70012", "known_by": "code", "known_value": "70012",
}  # fmt: skip
WAY = (
    step("Welcome", "say", spent_s=4.0),
    step("Language", "language", choice="English", keyed="2"),
    step("Customer code", "identify", keyed="70012", spent_s=9.1),
    step("PIN", "authenticate", keyed="••••", failures=2, spent_s=21.7),
    step("What is it about?", choice="Orders", keyed="1"),
    step("Order status", "tell", keyed="1187"),
    step("Talk to an agent", "to_queue", spent_s=0.2),
)
LONG_WAY = (
    *WAY[:3],
    step("PIN", "authenticate", keyed="••••••", failures=3, how="refused", spent_s=38.0),
    step("What is it about?", choice="Deliveries, returns and everything about furniture", keyed="4"),
    step("Verkehrswegeinfrastrukturfinanzierungsberatung", choice="Verkehrswegeinfrastrukturfinanzierungsberatungsvertrag"),
    step("Order number", "collect", keyed="20261187000044", failures=1),
    step("Order service", "http", how="unavailable", spent_s=5.0),
    step("Menu of returns", choice="Return by post", keyed="3"),
    step("Menu of returns", choice="Missing parts", keyed="9"),
    step("Opening hours", "hours", spent_s=0.0),
    step("Talk to an agent", "to_queue"),
)  # fmt: skip
WAY_IN_CHINESE = (
    step("歡迎", "say"),
    step("選擇語言", "language", choice="中文", keyed="1"),
    step("客戶代碼", "identify", keyed="20118"),
    step("密碼", "authenticate", keyed="••••", failures=2, spent_s=22.0),
    step("服務項目", choice="訂單查詢", keyed="1"),
    step("轉接客服人員", "to_queue"),
)


def call(number: str = "+49305551234", shown: str = "+49 30 5551234", region: str = "DE", **more: Any) -> m.CallView:
    n = next(numbered)
    given: dict[str, Any] = {
        "call": f"main-{n}", "pbx": "main", "direction": "inbound", "state": "ringing", "since": now(), "offered_at": ago(seconds=46),
        "number": number, "number_shown": shown, "region": region, "dnis": "4930999", "dnis_label": "Billing Germany",
        "queue": "Billing", "waited_s": 42.0, "keys": {"customer_code": "70012", "menu": "Billing > Invoice"},
        "actions": offers.RINGING,
        "parties": (m.PartyView(leg="c", role="customer", number=number, name="", state="connected"),
                    m.PartyView(leg="a", role="agent", number="1001", name="Mara Lind", state="ringing", is_me=True)),
    }  # fmt: skip
    return m.CallView(**(given | more))


def card(of: m.CallView, *contacts: m.ContactView, **more: Any) -> m.CustomerCard:
    state = {0: "unknown", 1: "found"}.get(len(contacts), "several")
    given: dict[str, Any] = {
        "state": state, "contacts": contacts, "chosen": contacts[0].id if len(contacts) == 1 else None,
        "source": "Odoo" if contacts else "", "as_of": now() if contacts else None,
    }  # fmt: skip
    return m.CustomerCard(call=of.call, **(given | more))


def pop(of: m.CallView, shown: m.CustomerCard | None = None, seconds: float = 20) -> m.PopView:
    at = now()
    return m.PopView(
        pop=f"pop-{of.call}",
        call=of,
        card=shown or m.CustomerCard(call=of.call, state="asking"),
        at=at,
        expires_at=at + timedelta(seconds=seconds),
    )


def through_the_ivr(*steps: m.JourneyStep, verified: bool = True, **more: Any) -> m.PopView:
    """Anna identified by code and PIN, wants something about an order, and was handed to Support."""
    way = journey(*(steps or WAY), is_verified=verified, intent="order_status", language="en", **SAID_ANNA)
    ring = call(journey=way, queue="Support", dnis_label="Service line")
    known = replace(ANNA, matched_by="ivr", matched_value="70012", balance="1,140.50 EUR")
    return pop(ring, card(ring, known, history=HISTORY, calls_24h=3, **more))


def on_somebody_elses_phone(**more: Any) -> m.PopView:
    """The code is Anna's; the number is Mei-ling's."""
    way = journey(*WAY[:3], WAY[-1], intent="order_status", language="en", **SAID_ANNA)
    ring = call("+886223456789", "+886 2 2345 6789", "TW", journey=way, queue="Support", **more)
    known = replace(ANNA, matched_by="ivr", matched_value="70012", flags=(), cases=())
    return pop(ring, card(ring, known, number_says=(MEILING,)))


def anna(**more: Any) -> m.PopView:
    ring = call()
    return pop(ring, card(ring, ANNA, history=HISTORY, calls_24h=3), **more)


def recorded(name: str, minutes: float, **more: Any) -> InteractionView:
    at = ago(minutes=minutes)
    given: dict[str, Any] = {
        "call": f"past-{next(numbered)}", "pbx": "main", "direction": "inbound", "ani": "+49305550000", "ani_name": "", "dnis": "4930999",
        "queue": "Support", "keys": {}, "offered_at": at, "queued_at": at, "answered_at": at, "ended_at": at + timedelta(seconds=200),
        "wait_s": 12.0, "ring_s": 4.0, "talk_s": 184.0, "hold_s": 0.0, "outcome": "answered", "cause": "normal", "ended_by": "customer",
        "agent": "mara", "handled_by": (), "transfers": (), "contact": "", "contact_name": name, "note": "", "result": "solved",
        "result_label": "Solved",
    }  # fmt: skip
    return InteractionView(**(given | more))


def a_day() -> list[InteractionView]:
    return [
        recorded("Tomás Herrera", 9, result="", result_label="", contact="k1", talk_s=95),
        recorded("陳美玲", 31, result="callback", result_label="Call back promised", talk_s=611, contact="k2"),
        recorded("", 52, ani="", result="wrong", result_label="Wrong number", talk_s=22),
        recorded("Ingrid Solberg", 74, direction="outbound", dnis="+4722334455", talk_s=45),
        recorded(
            "Berg & Söhne GmbH",
            96,
            outcome="no_answer",
            direction="outbound",
            talk_s=0,
            result="",
            result_label="",
            dnis="+49305551234",
        ),
    ]


def colleague(who: str, name: str, extension: str, state: str, since: Any, **more: Any) -> dict[str, Any]:
    since = since.isoformat() if since else None
    given = {
        "id": who,
        "name": name,
        "extension": extension,
        "state": state,
        "since": since,
        "reason": "",
        "is_me": False,
    }
    return given | more


def desk_server(**more: Any) -> FakeServer:
    contacts = (ANNA, MEILING, ZHIMING, WANG, LONG, MAN)
    server = FakeServer(
        me=MARA, results=RESULTS, record=a_day(),
        customers={one.id: CustomerView(contact=one, history=HISTORY if one is ANNA else ()) for one in contacts},
    )  # fmt: skip
    server.agents = [
        colleague("jon", "Jon Ek", "1002", "READY", ago(minutes=4)),
        colleague("mara", "Mara Lind", "1001", "TALKING", ago(minutes=2), is_me=True),
        colleague("lena", "Lena Fuchs", "1003", "NOT_READY", ago(minutes=12), reason="Lunch"),
        colleague("ivo", "Ivo Marek", "1004", "TALKING", ago(seconds=71)),
        colleague("suda", "蘇達", "1005", "WORK", ago(seconds=20)),
        colleague("eva", "Eva Roth", "1006", "LOGOUT", None),
    ]
    server.destinations = [
        {"name": "Billing", "label": "Billing", "extension": "610", "waiting": 0, "ready": 2},
        {"name": "Support", "label": "Support", "extension": "620", "waiting": 4, "ready": 0},
    ]
    server.pbxs["main"] = m.PbxView(name="main", state="connected", since=ago(hours=3))
    server.queues["Support"] = m.QueueView(name="Support", waiting=4, oldest_since=ago(seconds=65))
    server.queues["Billing"] = m.QueueView(name="Billing", waiting=0)
    for name, value in more.items():
        setattr(server, name, value)
    return server


async def still(page: Page) -> None:
    """Wait until nothing on the page moves or changes colour any more, but for what never stops."""
    await page.evaluate("""() => Promise.allSettled(document.getAnimations()
        .filter(one => one.effect.getComputedTiming().endTime !== Infinity).map(one => one.finished))""")
