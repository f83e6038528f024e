"""What is asked outside, and what is refused before a byte is sent. Nothing here reaches a network."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event, current_thread

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from cti.egress import Egress, EgressRules, names_in, url_of
from cti.egress.addresses import is_public
from cti.egress.names import THREADS, SystemNames
from cti.errors import EgressRefused, EgressUnavailable
from tests.conftest import LogLines

PUBLIC = "93.184.216.34"
PRIVATE = [
    "0.0.0.1", "10.0.0.1", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1", "127.255.255.254",
    "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.168.1.1", "198.18.0.1",
    "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "fe80::1", "fe80::1%eth0",
    "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2002:7f00:1::",
    "2002:c0a8:101::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "5f00::1", "3fff::1",
]  # fmt: skip
ODD_URLS = [
    "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/",
    "http://017700000001/", "http://0177.0.0.1/", "http://127.0.0.1./", "http://localhost./", "http://127.0.0.01/",
    "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[fe80::1%25eth0]/",
    "http://[64:ff9b::169.254.169.254]/", "http://169.254.169.254/latest/meta-data/", "http://0/", "http://0x/",
    "http://①②⑦.⓪.⓪.①/", "http://\uff11\uff12\uff17.0.0.1/", "http://127。0。0。1/", "http://l\u043ecalhost/",
    "http://a.example.org@127.0.0.1/", "http://user:secret@a.example.org/", "http://@a.example.org/",
    "http://a.example.org\\@127.0.0.1/", "http://a.example.org:22/", "http://a.example.org:0/", "http://a.example.org:99999/",
    "http://a.example.org /", "http://a.example.org/\r\nX: y", "http://a%2eexample.org/", "http://127.0.0.1%00.example.org/",
    "http://-a.example.org/", "http://a..example.org/", "http:///x", "http://", "//a.example.org/", "a.example.org", "",
    "ftp://a.example.org/", "file:///etc/passwd", "gopher://a.example.org/", "javascript:alert(1)", "http:a.example.org",
    "http://[::1", "http://[127.0.0.1]/", "http://[2606:4700::1111%25eth0]/", "http://[v1.x]/",
]  # fmt: skip


class Names(AbstractResolver):
    """A name server that gives one answer after another, and the last one from then on."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        del family
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [_result(host, address, port) for address in answer]

    async def close(self) -> None:
        pass


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that anything tried to connect to; none of them answers."""
    tried: list[str] = []

    async def connect(_loop: object, _sock: socket.socket, address: tuple[str, int]) -> None:
        tried.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr("asyncio.selector_events.BaseSelectorEventLoop.sock_connect", connect)
    return tried


@pytest.mark.parametrize("url", ODD_URLS)
async def test_50_ssrf_matrix_odd_urls(url: str, connected: list[str], log_lines: LogLines) -> None:
    names = Names([PUBLIC])
    with pytest.raises(EgressRefused):
        await Egress(EgressRules(), names).ask(url, limit_s=1.0)
    assert (names.asked, connected) == ([], [])
    assert [line["event"] for line in log_lines()] == ["egress_refused"]


@pytest.mark.parametrize("address", PRIVATE)
async def test_50_ssrf_matrix_names_of_private_addresses(
    address: str, connected: list[str], log_lines: LogLines
) -> None:
    for answer in ([address], [PUBLIC, address], [address, PUBLIC]):
        with pytest.raises(EgressRefused, match="no public address"):
            await Egress(EgressRules(), Names(answer)).ask("https://a.example.org/", limit_s=1.0)
    assert connected == []
    assert [line["event"] for line in log_lines()] == 3 * ["egress_refused"]


@pytest.mark.parametrize("address", PRIVATE)
def test_50_ssrf_matrix_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", [PUBLIC, "1.1.1.1", "100.128.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


async def test_50_ssrf_matrix_a_name_that_flips_after_the_check(connected: list[str]) -> None:
    """It is asked once for one request, and what it said then is where the connection goes."""
    names = Names([PUBLIC], ["127.0.0.1"])
    egress = Egress(EgressRules(), names)
    with pytest.raises(EgressUnavailable, match="no connection"):
        await egress.ask("http://a.example.org/", limit_s=1.0)
    assert (names.asked, connected) == (["a.example.org"], [PUBLIC])

    with pytest.raises(EgressRefused):
        await egress.ask("http://a.example.org/", limit_s=1.0)
    assert connected == [PUBLIC]


@pytest.mark.parametrize(
    ("url", "is_permitted"),
    [
        ("http://crm.internal:8080/x", True),
        ("http://CRM.internal:8080/x", True),
        ("http://crm.internal/x", False),
        ("http://crm.internal:8081/x", False),
        ("https://crm.internal:8080/x", False),
        ("http://x.crm.internal:8080/x", False),
        ("http://crm.internal:8080@evil.example.org/x", False),
    ],
)
async def test_only_the_very_origin_may_be_private(url: str, *, is_permitted: bool, connected: list[str]) -> None:
    egress = Egress(EgressRules(origins=("http://crm.internal:8080",)), Names(["10.1.2.3"]))
    with pytest.raises(EgressUnavailable if is_permitted else EgressRefused):
        await egress.ask(url, limit_s=1.0)
    assert (["10.1.2.3"] if is_permitted else []) == connected


async def test_a_port_that_is_permitted_is_asked(connected: list[str]) -> None:
    with pytest.raises(EgressUnavailable):
        await Egress(EgressRules(ports=frozenset({8443})), Names([PUBLIC])).ask(
            "https://a.example.org:8443/", limit_s=1.0
        )
    assert connected == [PUBLIC]


@pytest.mark.parametrize(
    "headers", [{"Host": "b.example.org"}, {"X": "a\r\nY: b"}, {"X\n": "a"}, {"X": "\0"}, {"content-length": "3"}]
)
async def test_headers_that_change_the_request_are_refused(headers: Mapping[str, str], connected: list[str]) -> None:
    with pytest.raises(EgressRefused):
        await Egress(EgressRules(), Names([PUBLIC])).ask("https://a.example.org/", limit_s=1.0, headers=headers)
    assert connected == []


async def test_no_words_hold_what_the_caller_keyed(connected: list[str], log_lines: LogLines) -> None:
    for host, error in (("a.example.org", EgressUnavailable), ("a.example.org:22", EgressRefused)):
        url = url_of(f"https://{host}/{{code}}?pin={{pin}}", {"code": "K-4711", "pin": "739164"})
        with pytest.raises(error) as caught:
            await Egress(EgressRules(), Names([PUBLIC])).ask(url, limit_s=1.0)
        assert "4711" not in f"{caught.value!r}"
        assert "739164" not in f"{caught.value!r}"
        assert caught.value.__cause__ is None
    assert "4711" not in str(log_lines())
    assert connected == [PUBLIC]


TEMPLATE = "https://a.example.org/orders/{order}/x-{code}?of={code}&lang=de"


def test_a_url_is_filled_in() -> None:
    filled = url_of(TEMPLATE, {"order": "A 1", "code": "ä&b=c?d#e%2f"})
    assert filled == (
        "https://a.example.org/orders/A%201/x-%C3%A4%26b%3Dc%3Fd%23e%252f?of=%C3%A4%26b%3Dc%3Fd%23e%252f&lang=de"
    )
    assert names_in(TEMPLATE) == {"order", "code"}


@given(order=st.text(max_size=12), code=st.text("/.\\?#&=%@:[]{}\r\n\0 a1ä", max_size=8))
def test_no_value_changes_the_host_or_the_shape_of_the_path(order: str, code: str) -> None:
    try:
        url = URL(url_of(TEMPLATE, {"order": order, "code": code}), encoded=True)
    except (EgressRefused, UnicodeEncodeError):
        return
    assert url.raw_authority == "a.example.org"
    assert url.path_safe.count("/") == 3
    assert url.raw_parts[:2] == ("/", "orders")
    assert (url.parts[2], url.parts[3]) == (order, f"x-{code}")
    assert [("of", code), ("lang", "de")] == list(url.query.items())
    assert not url.raw_fragment


@pytest.mark.parametrize("value", ["", ".", "..", "a/b", "../x", "a\\b", "a\0", "a\n"])
def test_a_value_that_is_no_part_of_a_path_is_refused(value: str) -> None:
    with pytest.raises(EgressRefused):
        url_of("https://a.example.org/{code}", {"code": value})


def test_two_values_cannot_make_up_a_way_upwards() -> None:
    with pytest.raises(EgressRefused):
        url_of("https://a.example.org/{a}{b}/x", {"a": ".", "b": "."})


def test_a_value_that_is_not_known_is_refused() -> None:
    with pytest.raises(EgressRefused, match=r"\{code\}"):
        url_of("https://a.example.org/?c={code}", {})


@pytest.mark.parametrize(
    "template",
    [
        "https://{host}/", "https://a.example.org{code}", "https://a.example.org:{port}/", "{scheme}://a.example.org/",
        "https://a.{x}.org/", "https://{user}@a.example.org/", "https://a.example.org/{", "https://a.example.org/{a b}",
        "https://a.example.org/}{", "https://a.example.org/#{x}", "ftp://a.example.org/{x}", "", "/{x}",
    ],
)  # fmt: skip
def test_what_is_no_template_is_told_when_loaded(template: str) -> None:
    with pytest.raises(ValueError, match=r"template|brace"):
        names_in(template)


# ---- names that nobody answers


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A name server that says nothing until the test is over: the threads that asked it."""
    is_over, asking = Event(), []

    def getaddrinfo(*_asked: object, **_how: object) -> list[object]:
        asking.append(current_thread().name)
        is_over.wait(10)
        return []

    monkeypatch.setattr("cti.egress.names.getaddrinfo", getaddrinfo)
    yield asking
    is_over.set()


async def test_names_that_nobody_answers_hold_up_other_questions_only(silence: list[str]) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    egress = Egress(EgressRules())
    asked = [egress.ask("http://a.example.org/", limit_s=0.05) for _ in range(6)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {str(answer) for answer in answers} == {"no answer within 0.05 s"}
    async with asyncio.timeout(5):
        assert await asyncio.to_thread(lambda: "a prompt") == "a prompt"
    assert 0 < len(silence) <= THREADS
    assert all(thread.startswith("names-") for thread in silence)


def test_the_service_ends_while_a_name_is_asked_for() -> None:
    script = """
import asyncio, threading
from cti.egress import Egress, EgressRules, names
names.getaddrinfo = lambda *_asked, **_how: threading.Event().wait()
asyncio.run(Egress(EgressRules()).ask("http://a.example.org/", limit_s=0.05))
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert "no answer within 0.05 s" in ended.stderr


async def test_the_systems_names() -> None:
    [found] = await SystemNames().resolve("127.0.0.1", 80)
    assert (found["hostname"], found["host"], found["port"]) == ("127.0.0.1", "127.0.0.1", 80)


async def test_a_name_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_asked: object, **_how: object) -> list[object]:
        raise socket.gaierror

    monkeypatch.setattr("cti.egress.names.getaddrinfo", getaddrinfo)
    with pytest.raises(EgressUnavailable, match="its name cannot be resolved"):
        await Egress(EgressRules()).ask("http://a.example.org/", limit_s=5.0)
