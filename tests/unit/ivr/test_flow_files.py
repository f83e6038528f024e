"""Files of flows: what is wrong is told whole, each with its place, in words a stranger understands."""

import re
from pathlib import Path

import pytest

from cti.errors import ConfigError
from cti.ivr.check import ANYTHING, Hearing
from cti.ivr.flow_file import MOST_SIGNS, load, parse
from cti.ivr.outside import calls_allowed

ROOT = Path(__file__).parents[3]
BYE = '[steps.bye]\nkind = "hang_up"\n'


def findings(text: str, hearing: Hearing = ANYTHING) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(text, file=Path("f.toml"), hearing=hearing)
    return caught.value.findings


def of_step(body: str, more: str = BYE) -> tuple[str, ...]:
    """The findings of a flow whose first step, on lines 3 and after, is ``body``."""
    return findings(f'start = "it"\n[steps.it]\n{body}\n{more}')


@pytest.mark.parametrize("file", sorted((ROOT / "config/ivr").glob("*.toml")), ids=lambda file: file.stem)
def test_the_shipped_flows_are_in_order(file: Path) -> None:
    flow = load(file)
    assert (flow.name, bool(flow.steps)) == (file.stem, True)


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        (
            'kind = "menuu"',
            "f.toml:3: steps.it.kind: there is no kind menuu; did you mean menu?",
        ),
        ("kind = 3", "f.toml:3: steps.it.kind: there is no kind 3"),
        (
            'kind = "say"\nprompt = "Hi."\nnext = "by"',
            "f.toml:5: steps.it.next: leads to by, and there is no such step; did you mean bye?",
        ),
        (
            'kind = "say"\nprompt = "Hi."\nnexxt = "bye"\nnext = "bye"',
            "f.toml:5: steps.it.nexxt: no such key; did you mean next?",
        ),
        ('kind = "say"\nprompt = "Hi."', "f.toml:2: steps.it.next: is missing"),
        (
            'kind = "say"\nprompt = "hello"\nnext = "bye"',
            'f.toml:4: steps.it.prompt: there is no prompt hello; a text of one word is written with a full stop: "Hello."',
        ),
        (
            'kind = "say"\nprompt = "std_goodby"\nnext = "bye"',
            "f.toml:4: steps.it.prompt: there is no prompt std_goodby; did you mean std_goodbye?",
        ),
        (
            'kind = "say"\nprompt = { fr = "Bonjour." }\nnext = "bye"',
            "f.toml:4: steps.it.prompt: it has no words in en",
        ),
        (
            'kind = "say"\nprompt = { sound = "custom/hours.wav" }\nnext = "bye"',
            "f.toml:4: steps.it.prompt: a sound of the PBX is named without its ending: custom/hours",
        ),
        (
            'kind = "say"\nprompt = "You are {nobody}."\nnext = "bye"',
            "f.toml:4: steps.it.prompt: {nobody} stands for nothing",
        ),
        (
            'kind = "menu"\nprompt = "Hi."\nchoices.1 = 5\notherwise = "bye"',
            'f.toml:5: steps.it.choices.1: leads nowhere: it is a step, "billing", or { to = "billing", label = "Billing" }; it is 5',
        ),
        (
            'kind = "menu"\nprompt = "Hi."\nchoices = { x = "bye" }\notherwise = "bye"',
            "f.toml:5: steps.it.choices.x: 'x' is no telephone key: 0 to 9, * and #",
        ),
        (
            'kind = "menu"\nprompt = "Hi."\nchoices.1 = { to = "bye", lable = "x" }\notherwise = "bye"',
            "f.toml:5: steps.it.choices.1.lable: no such key; did you mean label?",
        ),
        (
            'kind = "menu"\nprompt = "Hi."\nchoices = {}\notherwise = "bye"',
            "f.toml:5: steps.it.choices: is empty",
        ),
        (
            'kind = "hours"\nhours = "always"\nopen = "bye"\nclosed = "bye"',
            "f.toml:4: steps.it.hours: is a table, such as { time_zone = \"Asia/Taipei\", mon-fri = [\"09:00-18:00\"] }; it is 'always'",
        ),
        (
            'kind = "branch"\notherwise = "bye"\ncases = [{ tier = "gold", to = "bye" }]',
            "f.toml:5: steps.it.cases.0.tier: should be a list: [...]",
        ),
        (
            'kind = "branch"\notherwise = "bye"\ncases = [{ to = "bye" }]',
            "f.toml:5: steps.it.cases.0: a case without a condition; what is left belongs into otherwise",
        ),
        (
            'kind = "branch"\notherwise = "bye"\ncases = [{ waiting_over = 3, to = "bye" }]',
            "f.toml:2: steps.it: a case is about a queue's load: say which, queue = ...",
        ),
        (
            'kind = "branch"\notherwise = "bye"\ncases = [{ value = { colour = ["red"] }, to = "bye" }]',
            "f.toml:5: steps.it.cases.0.value: no step brings a value colour",
        ),
        (
            'kind = "http"\nurl = "https://{customer}/x"\nnext = "bye"\notherwise = "bye"',
            "f.toml:4: steps.it.url: is no template of a URL: http:// or https://, a host without {}, then path and query",
        ),
        (
            'kind = "http"\nurl = "https://x.example.org/{order}"\nnext = "bye"\notherwise = "bye"',
            "f.toml:4: steps.it.url: {order} stands for nothing",
        ),
        (
            'kind = "http"\nurl = "https://x.example.org/"\nsend = { a = "order" }\nnext = "bye"\notherwise = "bye"',
            "f.toml:5: steps.it.send.a: no step brings a value order",
        ),
        (
            'kind = "language"\nprompt = "Press 1."\nchoices = { 1 = "de" }\nnext = "bye"',
            "f.toml:5: steps.it.choices.1: de is none of the flow's languages, en",
        ),
        (
            'kind = "tell"\nwhat = "balance"\nprompt = "{order}."\nnext = "bye"\nunverified = "bye"',
            "f.toml:5: steps.it.prompt: {order} stands for nothing",
        ),
        ('kind = "tell"\nnext = "bye"\nunverified = "bye"', "f.toml:2: steps.it.what: is missing"),
        (
            'kind = "to_queue"\nqueue = "sup port"',
            "f.toml:4: steps.it.queue: 'sup port' is no queue's name: letters, figures, _ and -",
        ),
        ('kind = "identify"\nmin = 9\nmax = 3\nfound = "bye"\nunknown = "bye"', "f.toml:2: steps.it: min is more than max"),
    ],
)  # fmt: skip
def test_one_mistake_is_one_line_with_its_place(body: str, finding: str) -> None:
    more = "" if "to_queue" in body else BYE
    assert of_step(body, more=more) == (finding,)


def test_a_step_without_a_kind_is_told_which_there_are() -> None:
    (finding,) = of_step('next = "bye"')
    assert finding.startswith("f.toml:2: steps.it.kind: is missing: one of say, menu, collect, ")


def test_all_mistakes_are_told_at_once_in_the_files_order() -> None:
    text = (
        'start = "wellcome"\nstat = 1\n[prompts]\nHello = "x"\nodd = 3\n'
        '[steps.welcome]\nkind = "say"\nprompt = 3\nnext = "by"\n[steps.second]\nkind = "sai"\n' + BYE
    )
    places = [finding.split(": ")[0:2] for finding in findings(text)]
    assert places == [
        ["f.toml:2", "stat"], ["f.toml:4", "prompts.Hello"], ["f.toml:5", "prompts.odd"],
        ["f.toml:8", "steps.welcome.prompt"], ["f.toml:11", "steps.second.kind"],
    ]  # fmt: skip


def test_where_steps_can_be_read_and_others_not_ways_to_both_are_known() -> None:
    text = 'start = "a"\n[steps.a]\nkind = "say"\nprompt = "A."\nnext = "b"\n[steps.b]\nkind = "oops"\n'
    assert [finding.split(": ")[1] for finding in findings(text)] == ["steps.b.kind"]


def test_a_value_that_a_step_with_a_mistake_would_bring_is_not_missed() -> None:
    collect = (
        '[steps.it]\nkind = "collect"\nprompt = "Key."\nname = "code"\nmax = 99\nnext = "say"\notherwise = "bye"\n'
    )
    say = '[steps.say]\nkind = "say"\nprompt = "{code}."\nnext = "bye"\n'
    assert [finding.split(": ")[1] for finding in findings(f'start = "it"\n{collect}{say}{BYE}')] == ["steps.it.max"]


def test_start_and_after_must_be_steps() -> None:
    assert findings(f'start = "a"\nafter = "byee"\n{BYE}') == (
        "f.toml:1: start: leads to a, and there is no such step",
        "f.toml:2: after: leads to byee, and there is no such step; did you mean bye?",
    )


def test_a_step_nobody_reaches_is_told() -> None:
    assert findings(f'start = "bye"\n[steps.lost]\nkind = "hang_up"\n{BYE}') == (
        "f.toml:2: steps.lost: no step leads here",
    )


def test_after_the_conversation_nobody_is_put_through() -> None:
    text = f'start = "bye"\nafter = "how"\n[steps.how]\nkind = "to_queue"\nqueue = "support"\n{BYE}'
    assert findings(text) == (
        "f.toml:3: steps.how: nobody is put through after the conversation; `after` must not lead here",
    )


def test_a_step_that_only_callers_after_the_conversation_reach_is_reached() -> None:
    flow = parse(
        f'start = "bye"\nafter = "how"\n[steps.how]\nkind = "survey"\nnext = "bye"\n{BYE}', file=Path("f.toml")
    )
    assert flow.after == "how"


def test_a_circle_without_a_way_out_is_told_once() -> None:
    a, b = ('[steps.{}]\nkind = "say"\nprompt = "X."\nnext = "{}"\n'.format(*pair) for pair in ("ab", "ba"))
    assert findings(f'start = "a"\n{a}{b}') == ("f.toml:2: steps.a: a loop without exit: a -> b",)


def test_a_circle_with_a_way_out_is_a_menu() -> None:
    menu = '[steps.a]\nkind = "menu"\nprompt = "X."\nchoices.1 = "a"\notherwise = "bye"\n'
    assert len(parse(f'start = "a"\n{menu}{BYE}', file=Path("f.toml")).steps) == 2


def test_standard_prompts_are_wanted_in_every_language_of_the_flow() -> None:
    (finding,) = findings(f'start = "bye"\nlanguages = ["en", "fr"]\n{BYE}')
    assert finding == "f.toml:3: steps.bye.prompt: std_goodbye has no words in fr"


def test_a_flow_can_bring_the_words_itself() -> None:
    own = '[prompts]\nstd_goodbye = { en = "Bye.", fr = "Au revoir." }\n'
    flow = parse(f'start = "bye"\nlanguages = ["en", "fr"]\n{own}{BYE}', file=Path("f.toml"))
    assert [said.text for said in flow.texts()] == ["Bye.", "Au revoir."]


def test_values_can_only_be_said_in_languages_we_know_numbers_of() -> None:
    step = 'kind = "collect"\nprompt = "Cle."\nname = "code"\nmax = 3\nnext = "say"\notherwise = "say"\n'
    say = '[steps.say]\nkind = "say"\nprompt = "C\'est {code}."\nnext = "bye"\n'
    own = '[prompts]\nstd_no_input = "Rien."\nstd_not_valid = "Non."\nstd_goodbye = "Au revoir."\n'
    (finding,) = findings(f'start = "it"\nlanguages = ["fr"]\n{own}[steps.it]\n{step}{say}{BYE}')
    assert finding == "f.toml:2: languages: numbers, dates and names cannot be said in fr, only in en, zh-Hans, zh-Hant"


def test_a_secret_is_neither_said_nor_put_into_an_address() -> None:
    step = 'kind = "collect"\nprompt = "Id."\nname = "id"\nsecret = true\nmax = 3\nnext = "ask"\notherwise = "bye"\n'
    ask = '[steps.ask]\nkind = "http"\nurl = "https://x.example.org/{id}"\nsend = { id = "id" }\nnext = "say"\notherwise = "bye"\n'
    say = '[steps.say]\nkind = "say"\nprompt = "{id}!"\nnext = "bye"\n'
    assert findings(f'start = "it"\n[steps.it]\n{step}{ask}{say}{BYE}') == (
        "f.toml:12: steps.ask.url: {id} is secret: a body can hold it, no prompt and no URL",
        "f.toml:18: steps.say.prompt: {id} is secret: a body can hold it, no prompt and no URL",
    )


# ---- what the world must have


def test_a_sound_the_pbx_does_not_have_is_told() -> None:
    text = f'start = "it"\n[steps.it]\nkind = "say"\nprompt = {{ sound = "custom/hi" }}\nnext = "bye"\n{BYE}'
    assert findings(text, Hearing(has_sound=lambda _: False)) == (
        "f.toml:4: steps.it.prompt: the PBX has no sound custom/hi",
    )


def test_a_text_that_cannot_be_spoken_is_told() -> None:
    (finding,) = findings(f'start = "bye"\n{BYE}', Hearing(why_unspoken=lambda said: f"no voice for {said.language}"))
    assert finding == 'f.toml: prompts: "Thank you for calling. Goodbye." cannot be spoken: no voice for en'


def test_texts_that_cannot_be_spoken_for_one_reason_are_told_once() -> None:
    text = f'start = "it"\n[steps.it]\nkind = "say"\nprompt = "Hi."\nnext = "bye"\n{BYE}'
    (finding,) = findings(text, Hearing(why_unspoken=lambda _: "espeak-ng is not installed"))
    assert finding == "f.toml: prompts: 2 texts cannot be spoken: espeak-ng is not installed"


@pytest.mark.parametrize(
    ("number", "finding"),
    [
        ("+442071234567", "calls to GB are not allowed; see toll.allowed_countries"),
        ("+88213300000", "calls to numbers of no country are not allowed; see toll.allowed_countries"),
        ("12345678901234", "is no telephone number"),
    ],
)
def test_a_number_that_may_not_be_called_is_told(number: str, finding: str) -> None:
    hearing = Hearing(why_not_called=calls_allowed(country="TW", countries=(), emergency=("112",)))
    text = f'start = "it"\n[steps.it]\nkind = "to_number"\nnumber = "{number}"\n'
    assert findings(text, hearing) == (f"f.toml:4: steps.it.number: {number}: {finding}",)


@pytest.mark.parametrize(
    ("number", "countries"), [("0912345678", ()), ("+886912345678", ()), ("112", ()), ("+442071234567", ("GB",))]
)
def test_numbers_of_allowed_countries_and_for_emergencies_may_be_called(
    number: str, countries: tuple[str, ...]
) -> None:
    assert calls_allowed(country="TW", countries=countries, emergency=("112",))(number) == ""


# ---- what is no flow at all


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ('start = "a', "f.toml:1: "),
        ("", "f.toml: start: is missing"),
        ('start = "a"\nsteps = 3\n', "f.toml:2: steps: should be a table"),
        ('start = "a"\n[steps]\n', "f.toml:2: steps: is empty"),
        ('start = "a"\n[steps]\na = 3\n', "f.toml:3: steps.a: should be a table"),
        ('start = "a"\nsteps.a.kind = ' + "[" * 3000 + "]" * 3000, "f.toml: lists or tables stand in one another"),
        ("#" * (MOST_SIGNS + 1), f"f.toml: is too large for a flow, more than {MOST_SIGNS} signs"),
        ('start = "a"\n' + "".join(f'[steps.s{n}]\nkind = "hang_up"\n' for n in range(501)), "f.toml: steps: "),
    ],
    ids=["broken", "empty", "steps no table", "no steps", "a step no table", "deep", "giant", "too many steps"],
)  # fmt: skip
def test_what_is_no_flow_is_told_and_nothing_breaks(text: str, finding: str) -> None:
    assert any(one.startswith(finding) for one in findings(text))


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        load(tmp_path / "nowhere.toml")
    binary = tmp_path / "x.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=f"{re.escape(str(binary))}: cannot be read"):
        load(binary)


def test_five_hundred_mistakes_are_five_hundred_findings() -> None:
    text = 'start = "s0"\n' + "".join(f'[steps.s{n}]\nkind = "say"\nprompt = "X."\nnext = "t{n}"\n' for n in range(500))
    assert len(findings(text)) == 500
