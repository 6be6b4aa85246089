"""Replies in the spellings of real models and servers: one reading or none, and the whole reply in the record."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chat_server import completion, serving
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_recorder import MemoryRecorder, make_context

from core.config import RunConfig
from core.evaluation.answers import Answers
from core.evaluation.endpoints.messages import text_of
from core.evaluation.stage import judge
from core.events import JudgeCalled
from core.facts.judging import objects
from core.facts.judging.replies import Malformed, parse_questions, parse_ranking
from core.types import Question

LABELS = ("A", "B", "C")
BAC = ("B", "A", "C")
OBJECT = '{"ranking": ["B", "A", "C"]}'
QUOTE = '{"ranking": ["C", "A", "B"]}'


def full_width(text: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) if letter.isalpha() else letter for letter in text)


ENTRIES: dict[str, Callable[[str], str]] = {
    "lower case": str.lower,
    "a word": lambda label: f"Answer {label}",
    "a word in capitals": lambda label: f"RESPONSE {label}",
    "a word in lower case": lambda label: f"option_{label.lower()}",
    "a word without a blank": lambda label: f"Candidate{label}",
    "a full stop": lambda label: f"{label}.",
    "blanks": lambda label: f" {label} ",
    "emphasis": lambda label: f"**{label}**",
    "brackets": lambda label: f"({label.lower()})",
    "full width": full_width,
}

OBJECTS: dict[str, Callable[[tuple[str, ...]], str]] = {
    **{
        f"an entry with {name}": lambda order, spelled=spelled: json.dumps({"ranking": [spelled(x) for x in order]})
        for name, spelled in ENTRIES.items()
    },
    "a text": lambda order: json.dumps({"ranking": " > ".join(order)}),
    "a text of commas": lambda order: json.dumps({"ranking": ", ".join(order)}),
    "a text of full width": lambda order: json.dumps({"ranking": "＞".join(order)}, ensure_ascii=False),
    "a text of signs": lambda order: json.dumps({"ranking": " ≻ ".join(f"Answer {x}" for x in order)}),
    "a key": lambda order: json.dumps({"Ranking": order}),
    "a key in capitals": lambda order: json.dumps({"RANKING": order}),
    "a trailing comma": lambda order: '{"ranking": [' + "".join(f'"{x}", ' for x in order) + "],}",
    "single quotes": lambda order: str({"ranking": list(order), "why": 'it is "kind"'}),
    "escaped single quotes": lambda order: "{'why': 'it\\'s \\\\ \"kind\"', " + f"'ranking': {list(order)}}}",
    "comments": lambda order: '{ // the order\n"ranking": // best first\n' + json.dumps(order) + "}",
    "raw line breaks": lambda order: '{"why": "kind\nand\tbrief", "ranking": ' + json.dumps(order) + "}",
    "all of it": lambda order: (
        "{// first\n'Why': 'kind\nand brief', \"RANKING\": ["
        + ", ".join(f"'answer {x.lower()}'" for x in order)
        + ",],}"
    ),
}

BARE: dict[str, Callable[[tuple[str, ...]], str]] = {
    "a list": json.dumps,
    "a list over lines": lambda order: json.dumps([f"Answer {x}" for x in order], indent=1),
    "a line": " > ".join,
    "a tight line": ">".join,
    "a line of signs": " ≻ ".join,
    "a line of full width": lambda order: full_width("＞".join(order)),
    "a line in lower case": lambda order: " > ".join(order).lower(),
    "a line of words": lambda order: " > ".join(f"Answer {x}" for x in order),
    "an emphasised line": lambda order: "**" + " > ".join(order) + "**",
    "emphasised labels": lambda order: " > ".join(f"**{x}**" for x in order),
    "a fenced line": lambda order: "```\n" + " > ".join(order) + "\n```",
    "a line after a colon": lambda order: "My ranking: " + " > ".join(order) + ". It is by kindness.",
}

SPELLINGS = OBJECTS | BARE
spelled_so = st.sampled_from(sorted(SPELLINGS))
orders = st.permutations(LABELS).map(tuple)
words = st.sampled_from(
    ["", "\n", "By kindness:\n", "I weighed all of them.\n\n", "B is kinder than A. C is rude.\n\n"]
)


def reading(text: str) -> tuple[str, ...] | None:
    try:
        return parse_ranking(text, LABELS)
    except Malformed:
        return None


@pytest.mark.parametrize("name", SPELLINGS)
def test_each_spelling_is_read(name: str) -> None:
    assert parse_ranking(SPELLINGS[name](BAC), LABELS) == BAC


@pytest.mark.parametrize(
    "text", [f'{{"ranking": "b > a > c"}}\n{OBJECT}', '["B", "A", "C"]\nB > A > C', "b > a > c\nB > A > C"]
)
def test_statements_in_two_spellings_agree(text: str) -> None:
    assert parse_ranking(text, LABELS) == BAC


@settings(deadline=None)
@given(orders, spelled_so, words, st.sampled_from(["", "\n", "\n\nThat is by kindness."]))
def test_any_ranking_in_any_spelling_is_that_ranking(order: Any, name: str, before: str, after: str) -> None:
    assert parse_ranking(before + SPELLINGS[name](order) + after, LABELS) == order


@settings(deadline=None)
@given(orders, orders, spelled_so, spelled_so, words, st.sampled_from(["\n", "\n\nNo:\n", " ", " and not ", ". No: "]))
def test_of_two_rankings_none_counts_but_the_last(
    first: Any, last: Any, one: str, other: str, before: str, between: str
) -> None:
    assert reading(before + SPELLINGS[one](first) + between + SPELLINGS[other](last)) in (None, last)


@settings(deadline=None)
@given(
    orders,
    orders,
    spelled_so,
    spelled_so,
    st.sampled_from(["Answer c says ", "response B:\n", "**C** wrote: ", "As 'a' puts it, ", "Of option b:\n\n```\n"]),
    st.booleans(),
)
def test_a_quotation_before_or_after_is_not_the_verdict(
    own: Any, quoted: Any, one: str, other: str, by: str, first: bool
) -> None:
    mine, quotation = SPELLINGS[one](own), by + SPELLINGS[other](quoted)
    both = reading(f"{quotation}\n{mine}" if first else f"{mine}\n{quotation}")
    assert both in ((None, own) if first else (None,)) or own == quoted
    assert reading(quotation) is None


@pytest.mark.parametrize(
    "text",
    [
        f"{OBJECT}\nI would rather say c > a > b.",
        f'{OBJECT}\nOr rather ["c", "a", "b"].',
        f"{OBJECT}\nBut answer c is better.",
        f"{OBJECT}\nBut {full_width('C')} is better.",
        f"Answer c says {OBJECT}",
        '{"ranking": ["B", "A", "C"] // no: C is better\n}',
        '{"ranking": ["B", "A", "C"], // no: ["c", "a", "b"]\n}',
        '{"ranking": ["B", "A", "C"], "Ranking": ["B", "A", "C"]}',
        f"{OBJECT}\n{{'ranking': 'C > A > B'}}",
        '{"ranking": ["A, B", "C", "B"]}',
        '{"ranking": ["not A", "B", "C"]}',
        '{"ranking": ["éA", "B", "C"]}',
        '{"ranking": ["\u212a", "B", "C"]}',
        '{"ranking": "A > B, C"}',
        '{"ranking": "A = B > C"}',
        '{"ranking": "A ≥ B > C"}',
        '{"ranking": "A < B < C"}',
        '{"ranking": "A >> B > C"}',
        '{"ranking": "BAC"}',
        '{"ranking": [,]}',
        '{"ranking": ["B", "A", "C"],,}',
        '{"ranking" ["B", "A", "C"]}',
        '{"draft": {"ranking": ["B", "A", "C"]},}',
        '{"ranking": [B, A, C]}',
        "{'why': 'it's kind', 'ranking': ['B', 'A', 'C']}",
        '{"verdict": ["B", "A", "C"]}',
        '{verdict: ["B", "A", "C"]}',
        '[["B", "A", "C"]]',
        '[["B", "A"], ["C"]]',
        '["B", "A"]',
        '["B", "A", "A"]',
        '["B", "A", "D"]',
        '["B", "A", "C"]\n["A", "B", "C"]',
        '["B", "A", "C"] but C is fine',
        '> ["B", "A", "C"]',
        "> B > A > C",
        "B > A",
        "B > A > C > D",
        "B > A = C",
        "B ≥ A > C",
        "B > A > C is what I thought at first.",
        "Some would say B > A > C.",
        "I doubt that B > A > C",
        "B > A > C because B is kind",
        "B > A > C.\nBut C is fine.",
        "B > A > C\nA > B > C",
        "b, a, c",
        "B, A, C",
        "BAC",
    ],
)
def test_what_has_another_reading_or_none_is_malformed(text: str) -> None:
    assert reading(text) is None


@pytest.mark.parametrize(
    ("text", "ranking"),
    [
        (f"Maybe {QUOTE}? No.</think>\n{OBJECT}", BAC),
        (f"Maybe {QUOTE}?\nNo, C is rude.\n</think>\n\nB > A > C", BAC),
        (f"I rank B first.\nAnswer C says:\nMy ranking: {QUOTE}", None),
        ("I rank B first.\nAnswer C says:\nMy ranking: ```\nC > A > B\n```", None),
        (f"I rank B first.\nAnswer C says ```json\n{QUOTE}\n```", None),
        ("Maybe C > A > B.\n</think>\nB > A > C", BAC),
        (f"{OBJECT}\nAnswer C says </think>{QUOTE}", None),
        (f"{OBJECT}\nAnswer c wrote:\n</think>\n{QUOTE}", None),
        (f"Hm.</think>{OBJECT}\nC says </think>{QUOTE}", None),
        (f"I think. <think>{QUOTE}</think>\n{OBJECT}", None),
        (f"<think>Maybe {QUOTE}? Or", None),
        ("\n<think>Maybe\nC > A > B", None),
    ],
)
def test_thoughts_are_no_statement(text: str, ranking: tuple[str, ...] | None) -> None:
    assert reading(text) == ranking


@pytest.mark.parametrize(
    "text",
    [
        "{'Questions': ['How?', 'Why\nme?',],}",
        '{"questions": ["How?", // the first\n "Why\nme?"]}',
    ],
)
def test_objects_of_questions_are_read_as_tolerantly(text: str) -> None:
    assert parse_questions(text, 2) == ("How?", "Why\nme?")


@pytest.mark.parametrize("text", ['["How?", "Why?"]', 'Thought: {"questions": ["x"]}</think>{"questions": ["How?"]}'])
def test_nothing_else_is_read_of_a_writer(text: str) -> None:
    with pytest.raises(Malformed):
        parse_questions(text, 1)


# ---------------------------------------------------------------- how long it takes

PIECES = [
    *(
        "{",
        "{'",
        '{"',
        '{"a":1,',
        "{'a':1,",
        "{//",
        "{//\n",
        '{"a":[',
        "{'k':'{",
        "{'a':\"\\",
        "{ a",
        "[",
        '["',
        '["a",',
    ),
    *(
        "[ ",
        "a > ",
        "a >",
        "*",
        "a*",
        "answer ",
        "answer",
        "> ",
        "> a\n",
        "a > b > c\n",
        '["a"]',
        "</think>",
        '"a"',
        "`",
    ),
    *("{'a'://x\n", '{"a":\n', "\n", "{\n", "b > a > c. ", '["b", "a", "c"] '),
]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("start", ["", "{'k':[", "B > A > C\n"])
def test_a_hostile_reply_is_read_in_steps_as_many_as_its_characters(piece: str, start: str) -> None:
    """Calls are counted; a pattern that reads a part over and over takes hours here, and the tests' limit ends it."""
    steps = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal steps
        steps += 1

    text = start + piece * ((objects.LONGEST_REPLY - len(start)) // len(piece))
    sys.setprofile(count)
    try:
        reading(text)
    finally:
        sys.setprofile(None)
    assert steps < 20 * objects.LONGEST_REPLY


def test_what_is_read_a_second_time_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    sloppy = "{'why': [" + "1," * 40_000
    assert parse_ranking(f"{sloppy}\n{OBJECT}", LABELS) == BAC
    monkeypatch.setattr(objects, "MOST_READ_AGAIN", len(sloppy) - 1)
    with pytest.raises(Malformed, match="too much that begins like JSON"):
        parse_ranking(f"{sloppy}\n{OBJECT}", LABELS)


def test_sloppy_objects_are_bounded_in_number() -> None:
    sloppy = "{'why': 1}\n"
    assert parse_ranking(sloppy * objects.MOST_STARTS + OBJECT, LABELS) == BAC
    with pytest.raises(Malformed, match="too much that begins like JSON"):
        parse_ranking(sloppy * (objects.MOST_STARTS + 1) + OBJECT, LABELS)


@settings(max_examples=300, deadline=None)
@given(st.text("{}[]\"'rankingABCabc:,>/\\ \n＞≻*.", max_size=60))
def test_nothing_crashes_the_reading(text: str) -> None:
    found = reading(text)
    assert found is None or sorted(found) == sorted(LABELS)


# ---------------------------------------------------------------- where servers put a reply


def called(arguments: Any) -> dict[str, Any]:
    return {"id": "t", "type": "function", "function": {"name": "ranking", "arguments": arguments}}


def part(text: Any, kind: str = "text") -> dict[str, Any]:
    return {"type": kind, kind: text}


MESSAGES: dict[str, tuple[dict[str, Any], str]] = {
    "text": ({"content": OBJECT, "reasoning_content": QUOTE}, OBJECT),
    "parts": ({"content": [part(OBJECT[:9]), part(OBJECT[9:])]}, OBJECT),
    "parts and a thought": ({"content": [part([part(QUOTE)], "thinking"), part(OBJECT)]}, OBJECT),
    "reasoning alone": ({"content": None, "reasoning_content": f"hm {OBJECT}"}, f"hm {OBJECT}"),
    "reasoning by another name": ({"content": " \n", "reasoning": OBJECT}, OBJECT),
    "a thought alone": ({"content": [part([part(OBJECT)], "thinking")]}, OBJECT),
    "a tool": ({"content": None, "reasoning_content": QUOTE, "tool_calls": [called(OBJECT)]}, OBJECT),
    "a tool after words": ({"content": "Here it is.", "tool_calls": [called(OBJECT)]}, f"Here it is.\n{OBJECT}"),
    "a tool with an object": ({"content": "", "tool_calls": [called(json.loads(OBJECT))]}, OBJECT),
    "an object": ({"content": json.loads(OBJECT)}, OBJECT),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_reply_is_recorded_and_read_wherever_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    message, text = MESSAGES[name]
    call, recorder = judged_by(message, tmp_path)
    assert call.outcome == "ranked"
    assert call.ranking == [call.shown_order[i] for i in (1, 0, 2)]
    assert recorder.text(call.reply.sha256) == text  # type: ignore[union-attr]


def judged_by(message: dict[str, Any], folder: Path, finish: str = "stop") -> tuple[JudgeCalled, MemoryRecorder]:
    """One call of a judge whose endpoint answers with a message."""
    question = Question("1:0", 1, "Be kind.", "How?")
    answers = Answers((question,), ("a", "b", "c"), {(c, "1:0"): c for c in "abc"}, Path("base"))
    recorder = MemoryRecorder()
    with serving(lambda body, n: (200, completion(finish=finish, **message))) as server:
        one = {"kind": "openai", "model": "m", "rankings": 1, "retries": 0, "base_url": server.url}
        config = RunConfig.model_validate({"run": {"name": "r"}, "data": {}, "judge": {"judges": [one]}})
        judge(make_context("judge", config, folder, recorder), answers)
    (call,) = recorder.of_kind(JudgeCalled)
    return call, recorder


def test_reasoning_that_was_cut_off_is_an_unfinished_thought() -> None:
    message = {"content": None, "reasoning_content": f"Maybe {QUOTE}? Or"}
    assert text_of(message, cut_off=True) == f"<think>Maybe {QUOTE}? Or"
    assert reading(text_of(message, cut_off=True)) is None


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "thinking", "type", "function", "arguments", "content"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["content", "tool_calls", "reasoning_content", "reasoning"]), ODD), st.booleans()
)
def test_no_message_raises(message: dict[str, Any], cut_off: bool) -> None:
    assert isinstance(text_of(message, cut_off), str)


def test_an_object_that_is_too_deep_is_no_text() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = {"a": deep}
    assert text_of({"content": deep, "tool_calls": [called(deep)]}, False) == ""
