"""From PRISM's three files to preference pairs: known answers, repairs, and refused input."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_recorder import MemoryRecorder, make_context
from prism_folder import ATTRIBUTES, Prism, config, small

from core.config import RunConfig
from core.data import prism, stage
from core.data.contexts import Response, exchange, preceding
from core.data.pairing import pairs_of_turn
from core.data.utterances import Utterance
from core.errors import InputError, Stopped
from core.events import PairsBuilt
from core.sections.who_is_drawn import DataSection
from core.types import PreferencePairs

Told = tuple[str, tuple[str, ...], str, str]


def build(settings: RunConfig, run: Path) -> tuple[PreferencePairs, PairsBuilt]:
    recorder = MemoryRecorder()
    pairs = stage.pairs(make_context("pairs", settings, run, recorder))
    return pairs, recorder.of_kind(PairsBuilt)[0]


def told(pairs: PreferencePairs, run: Path) -> list[Told]:
    """(source id, messages, chosen, rejected) of every pair, with the roles checked."""
    lines = (run / "private" / "raters.csv").read_text(encoding="utf-8").splitlines()[1:]
    source = dict(line.split(",") for line in lines)
    found = []
    for r, c, chosen, rejected in zip(pairs.rater, pairs.context, pairs.chosen, pairs.rejected, strict=True):
        context = pairs.contexts[c]
        assert [m.role for m in context] == [("user", "assistant")[i % 2] for i in range(len(context))]
        assert context[-1].role == "user"
        messages = tuple(m.content for m in context)
        found.append((source[pairs.raters[r].rater_id], messages, pairs.responses[chosen], pairs.responses[rejected]))
    return found


def result(prism: Prism, tmp_path: Path, population: str = "", **data: Any) -> tuple[list[Told], dict[str, int]]:
    folder = prism.write(tmp_path / "data")
    pairs, built = build(config(folder, population, **data), tmp_path / "run")
    return told(pairs, tmp_path / "run"), {reason: n for reason, n in built.excluded.items() if n}


def refusal(folder: Path, tmp_path: Path, population: str = ATTRIBUTES, **data: Any) -> str:
    """The message with which the data is refused; nothing may have been recorded or stored."""
    recorder = MemoryRecorder()
    ctx = make_context("pairs", config(folder, population, **data), tmp_path / "run", recorder)
    with pytest.raises(InputError) as caught:
        stage.pairs(ctx)
    assert not recorder.of_kind(PairsBuilt)
    assert not list((tmp_path / "run" / "artifacts").iterdir())
    assert not list((tmp_path / "run" / "private").iterdir())
    return str(caught.value)


# ---------------------------------------------------------------- known answers


def test_hand_worked_pairs_and_contexts(tmp_path: Path) -> None:
    found, excluded = result(small(), tmp_path)
    assert found == [
        ("ann", ("p0",), "A", "B"),
        ("zoe", ("p0",), "A", "B"),
        ("zoe", ("p0",), "A", "C"),
        ("zoe", ("p0", "A", "p1"), "E", "D"),
    ]
    assert excluded == {"pairs_tied": 2, "raters_without_pairs": 1}


def test_contexts_and_responses_are_distinct_and_indices_are_int32(tmp_path: Path) -> None:
    pairs, built = build(config(small().write(tmp_path / "data")), tmp_path / "run")
    assert len(set(pairs.contexts)) == len(pairs.contexts) == built.contexts == 2
    assert len(set(pairs.responses)) == len(pairs.responses) == built.responses == 5
    assert {str(a.dtype) for a in (pairs.rater, pairs.context, pairs.chosen, pairs.rejected)} == {"int32"}
    assert built.raters == len(pairs.raters) == 3
    assert pairs.pairs_per_rater().tolist() == [1, 0, 3]


def test_files_are_recorded_with_hash_and_rows(tmp_path: Path) -> None:
    folder = small().write(tmp_path / "data")
    _, built = build(config(folder), tmp_path / "run")
    printed = subprocess.run(
        ["sha256sum", *(f"{name}.jsonl" for name in ("survey", "conversations", "utterances"))],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert [f.sha256 for f in built.files] == printed[::2]
    assert [f.name for f in built.files] == printed[1::2]
    assert [f.rows for f in built.files] == [3, 3, 9]
    assert [f.bytes for f in built.files] == [(folder / f.name).stat().st_size for f in built.files]


def test_delta_is_exclusive(tmp_path: Path) -> None:
    found, excluded = result(small(), tmp_path, delta=20)
    assert found == [("zoe", ("p0", "A", "p1"), "E", "D")]
    assert excluded == {"pairs_tied": 2, "pairs_within_delta": 3, "raters_without_pairs": 2}


def test_the_chosen_reply_goes_on_even_where_another_scored_higher(tmp_path: Path) -> None:
    prism = Prism().person("u").talk("c", "u", ("p", [("A", 90), ("B", 10, True)]), ("q", [("C", 1), ("D", 2)]))
    found, _ = result(prism, tmp_path)
    assert found[-1] == ("u", ("p", "B", "q"), "D", "C")


def test_without_a_mark_the_first_of_the_best_scored_replies_goes_on(tmp_path: Path) -> None:
    prism = Prism().person("u").talk("c", "u", ("p", [("A", 3), ("B", 9), ("C", 9)]), ("q", [("D", 1), ("E", 2)]))
    found, excluded = result(prism, tmp_path)
    assert found[-1] == ("u", ("p", "B", "q"), "E", "D")
    assert excluded["context_replies_by_score"] == 1


@pytest.mark.parametrize("nothing", ["EMPTY STRING", "", " \n\t", None, "empty string "])
def test_placeholders_are_no_response_and_no_context(tmp_path: Path, nothing: str | None) -> None:
    prism = (
        Prism()
        .person("u")
        .talk(
            "c",
            "u",
            ("p", [(nothing, 99, True), ("A", 50), ("B", 40)]),
            ("q", [("C", 1), ("D", 2, True)]),
        )
    )
    found, excluded = result(prism, tmp_path)
    assert found == [("u", ("p",), "A", "B"), ("u", ("p", "A", "q"), "D", "C")]
    assert excluded == {"utterances_placeholder_response": 1, "context_replies_by_score": 1}


@pytest.mark.parametrize("nothing", ["EMPTY STRING", "  ", None])
def test_a_placeholder_prompt_gives_no_pair_and_no_context(tmp_path: Path, nothing: str | None) -> None:
    prism = Prism().person("u").talk("c", "u", (nothing, [("A", 9, True), ("B", 8)]), ("q", [("C", 1), ("D", 2)]))
    found, excluded = result(prism, tmp_path)
    assert found == [("u", ("q",), "D", "C")]
    assert excluded == {"utterances_placeholder_prompt": 2, "context_turns_placeholder": 1}


def test_an_earlier_turn_without_any_usable_reply_is_left_out(tmp_path: Path) -> None:
    prism = Prism().person("u").talk("c", "u", ("p", [("EMPTY STRING", 9, True)]), ("q", [("C", 1), ("D", 2)]))
    found, excluded = result(prism, tmp_path)
    assert found == [("u", ("q",), "D", "C")]
    assert excluded == {"utterances_placeholder_response": 1, "context_turns_placeholder": 1}


def three_turns() -> Prism:
    turns = [(f"p{t}", [(f"A{t}", 9, True), (f"B{t}", 8)]) for t in range(3)]
    return Prism().person("u").talk("c", "u", *turns)


def test_a_turn_that_the_history_lost_is_taken_from_the_utterances(tmp_path: Path) -> None:
    prism = three_turns()
    history = prism.conversations[0]["conversation_history"]
    prism.conversations[0]["conversation_history"] = [m for m in history if m["turn"] != 1]
    found, excluded = result(prism, tmp_path)
    assert found[-1] == ("u", ("p0", "A0", "p1", "A1", "p2"), "A2", "B2")
    assert excluded == {"context_turns_from_utterances": 1}


def test_a_conversation_that_is_missing_is_taken_from_the_utterances(tmp_path: Path) -> None:
    prism = three_turns().person("v").talk("other", "v", ("x", [("A", 1, True)]))
    prism.conversations = [c for c in prism.conversations if c["conversation_id"] == "other"]
    found, excluded = result(prism, tmp_path)
    assert found[-1] == ("u", ("p0", "A0", "p1", "A1", "p2"), "A2", "B2")
    assert excluded == {
        "conversations_from_utterances": 1,
        "context_turns_from_utterances": 2,
        "turns_single_response": 1,
        "raters_without_pairs": 1,
    }


def test_a_turn_without_scored_responses_is_still_context(tmp_path: Path) -> None:
    prism = three_turns()
    prism.utterances = [u for u in prism.utterances if u["turn"] != 1]
    found, excluded = result(prism, tmp_path)
    assert found[-1] == ("u", ("p0", "A0", "p1", "A1", "p2"), "A2", "B2")
    assert excluded == {}


def test_a_turn_that_nobody_has_is_counted_as_lost(tmp_path: Path) -> None:
    prism = three_turns()
    history = prism.conversations[0]["conversation_history"]
    prism.conversations[0]["conversation_history"] = [m for m in history if m["turn"] != 1]
    prism.utterances = [u for u in prism.utterances if u["turn"] != 1]
    found, excluded = result(prism, tmp_path)
    assert found[-1] == ("u", ("p0", "A0", "p2"), "A2", "B2")
    assert excluded == {"context_turns_lost": 1}


def test_an_absurd_turn_number_costs_no_time(tmp_path: Path) -> None:
    prism = three_turns()
    for utterance in prism.utterances[-2:]:
        utterance["turn"] = 10**15
    found, excluded = result(prism, tmp_path)
    assert found[-1][1] == ("p0", "A0", "p1", "A1", "p2", "A2", "p2")
    assert excluded == {"context_turns_lost": 10**15 - 3}


def test_a_turn_that_the_two_files_tell_differently_is_counted(tmp_path: Path) -> None:
    prism = three_turns()
    next(m for m in prism.conversations[0]["conversation_history"] if m["content"] == "A1")["content"] = "edited"
    found, excluded = result(prism, tmp_path)
    assert found[-1] == ("u", ("p0", "A0", "p1", "edited", "p2"), "A2", "B2")
    assert excluded == {"context_turns_disagree": 1}


def test_people_who_took_part_without_a_pair_are_told_from_those_who_did_not(tmp_path: Path) -> None:
    _, excluded = result(small().person("eve").person("bob"), tmp_path)
    assert (excluded["raters_without_responses"], excluded["raters_without_pairs"]) == (2, 1)


@pytest.mark.parametrize(
    ("identical", "pairs", "count"),
    [
        ("keep", ["AA", "AB", "BA"], "pairs_identical_responses_kept"),
        ("drop", ["AB", "BA"], "pairs_identical_responses"),
    ],
)
def test_equal_responses_with_different_scores(tmp_path: Path, identical: str, pairs: list[str], count: str) -> None:
    """The authors keep them: no gradient, but they count in N_r and so in the weight of the rater's other pairs."""
    prism = Prism().person("u").talk("c", "u", ("p", [("A", 9, True), ("A", 3), ("B", 5)]))
    found, excluded = result(prism, tmp_path, identical=identical)
    assert found == [("u", ("p",), chosen, rejected) for chosen, rejected in pairs]
    assert excluded == {count: 1}


@pytest.mark.parametrize("strip", [False, True])
def test_white_space_at_the_ends_of_texts_goes_where_a_key_says_so(tmp_path: Path, strip: bool) -> None:
    prism = Prism().person("u").talk("c", "u", (" p\n", [("A ", 9, True), ("A", 3)]), ("q", [(" C", 1), ("D", 2)]))
    found, excluded = result(prism, tmp_path, strip=strip)
    if strip:
        assert found == [("u", ("p",), "A", "A"), ("u", ("p", "A", "q"), "D", "C")]
        assert excluded == {"texts_stripped": 3, "pairs_identical_responses_kept": 1}
    else:
        assert found == [("u", (" p\n",), "A ", "A"), ("u", (" p\n", "A ", "q"), "D", " C")]
        assert excluded == {}


def released_rows() -> Prism:
    """Rows as PRISM's files have them: two marks in a turn, a repeated text, a chosen placeholder."""
    first = [("Good", 80, True), ("Bad", 40, True), ("Same", 60), ("Same", 20)]
    second = [("  yes  ", 50), ("EMPTY STRING", 70, True)]
    return Prism().person("u").talk("c", "u", ("p", first), ("q", second), ("r", [("X", 9, True), ("Y", 1)]))


RELEASED = [("Good", "Bad"), ("Good", "Same"), ("Good", "Same"), ("Same", "Bad"), ("Bad", "Same"), ("Same", "Same")]


def test_rows_as_released_give_the_pairs_of_the_authors(tmp_path: Path) -> None:
    """The best-scored of two marked replies goes on; for a chosen placeholder the other reply does."""
    found, excluded = result(released_rows(), tmp_path)
    assert [(chosen, rejected) for _, messages, chosen, rejected in found if messages == ("p",)] == RELEASED
    assert found[-1] == ("u", ("p", "Good", "q", "  yes  ", "r"), "X", "Y")
    assert excluded == {
        "utterances_placeholder_response": 1,
        "turns_single_response": 1,
        "pairs_identical_responses_kept": 1,
        "context_replies_by_score": 1,
    }


def _keys_filled(message: dict[str, Any]) -> dict[str, Any]:
    return {**dict.fromkeys(("model_name", "model_provider", "score", "if_chosen", "within_turn_id")), **message}


def test_null_keys_of_the_persons_messages_change_nothing(tmp_path: Path) -> None:
    """`datasets` gives every entry of a list the keys of all others."""
    plain, filled = released_rows(), released_rows()
    history = filled.conversations[0]["conversation_history"]
    filled.conversations[0]["conversation_history"] = [_keys_filled(message) for message in history]
    assert result(filled, tmp_path / "filled") == result(plain, tmp_path / "plain")


def test_digits_in_texts_are_numbers(tmp_path: Path) -> None:
    plain, texts = released_rows(), released_rows()
    for row in (*texts.utterances, *texts.conversations[0]["conversation_history"]):
        for key in ("turn", "within_turn_id", "score"):
            if key in row:
                row[key] = str(row[key])
    assert result(texts, tmp_path / "texts") == result(plain, tmp_path / "plain")


def test_a_conversation_of_22_turns_keeps_all_earlier_ones(tmp_path: Path) -> None:
    turns = [(f"p{t}", [(f"A{t}", 9, True), (f"B{t}", 8)]) for t in range(22)]
    found, _ = result(Prism().person("u").talk("c", "u", *turns), tmp_path)
    assert found[-1][1] == (*(text for t in range(21) for text in (f"p{t}", f"A{t}")), "p21")


def test_a_response_without_score_and_a_lone_response_give_no_pair(tmp_path: Path) -> None:
    prism = small().talk("c9", "ann", ("p", [("A", None, True), ("B", 3)]))
    found, excluded = result(prism, tmp_path)
    assert len(found) == 4
    assert excluded == {
        "pairs_tied": 2,
        "utterances_without_score": 1,
        "turns_single_response": 1,
        "raters_without_pairs": 1,
    }


def test_responses_to_different_prompts_are_not_compared(tmp_path: Path) -> None:
    prism = small()
    prism.utterances[1]["user_prompt"] = "another prompt"
    found, excluded = result(prism, tmp_path)
    assert ("zoe", ("p0",), "A", "B") not in found
    assert excluded == {"pairs_tied": 1, "pairs_different_prompts": 2, "raters_without_pairs": 1}


def test_half_a_character_is_replaced_and_counted(tmp_path: Path) -> None:
    prism = Prism().person("u").talk("c", "u", ("p", [("\ud83d A", 9, True), ("\ud83d\ude00 B\0", 3)]))
    found, excluded = result(prism, tmp_path)
    assert found == [("u", ("p",), "\ufffd A", "\U0001f600 B\0")]
    assert excluded == {"texts_lone_surrogates_replaced": 1}


def test_locale_keeps_only_its_raters(tmp_path: Path) -> None:
    prism = small()
    prism.utterances[-1]["score"] = 60
    found, excluded = result(prism, tmp_path, locale="uk")
    assert found == [("tim", ("p0",), "B", "A")]
    assert excluded == {"raters_other_locale": 2, "utterances_other_locale": 7}


def test_us_rep_and_locale_reach_the_raters(tmp_path: Path) -> None:
    prism = small().person("eve", "uk", included_in_US_REP=True)
    pairs, _ = build(config(prism.write(tmp_path / "data")), tmp_path / "run")
    assert [(r.locale, r.us_rep) for r in pairs.raters] == [
        ("us", False),
        ("uk", True),
        ("uk", False),
        ("us", False),
    ]


def test_a_byte_order_mark_blank_lines_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    folder = small().write(tmp_path / "data")
    survey = folder / "survey.jsonl"
    survey.write_bytes(b"\xef\xbb\xbf" + survey.read_bytes().replace(b"\n", b"\r\n\r\n"))
    pairs, built = build(config(folder), tmp_path / "run")
    assert len(pairs) == 4
    assert built.files[0].rows == 3


def test_reading_reports_progress_and_stops_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prism, "_PROGRESS_SECONDS", 0.0)
    recorder = MemoryRecorder()
    ctx = make_context("pairs", config(small().write(tmp_path / "data")), tmp_path / "run", recorder)
    stage.pairs(ctx)
    done = [d for _, d, total, _ in recorder.progresses if total > 1]
    assert done == sorted(done)
    assert done[-1] == recorder.progresses[0][2]

    ctx = make_context("pairs", ctx.config, tmp_path / "second")
    monkeypatch.setattr(ctx, "progress", lambda *_: ctx.folder.stop_request.touch())
    with pytest.raises(Stopped):
        stage.pairs(ctx)


# ---------------------------------------------------------------- properties

SCORES = st.one_of(st.none(), st.integers(0, 6), st.floats(0, 6))
UTTERANCES = st.lists(
    st.tuples(st.sampled_from(["A", "B", "C", None]), SCORES, st.sampled_from(["p", "p", "q", None])), max_size=7
)


@given(UTTERANCES, st.integers(0, 3), st.sampled_from(["keep", "drop"]))
def test_every_two_usable_responses_are_a_pair_or_counted_once(
    responses: list[tuple[str | None, float | None, str | None]], delta: int, identical: str
) -> None:
    data = DataSection.model_validate({"delta": delta, "identical": identical})
    utterances = [Utterance(i, str(i), p, r, s, False) for i, (r, s, p) in enumerate(responses)]
    tally: Counter[str] = Counter()
    found = list(pairs_of_turn(utterances, data, tally))
    kept = tally.pop("pairs_identical_responses_kept", 0)
    assert kept == sum(chosen.response == rejected.response for chosen, rejected in found)
    usable = [u for u in utterances if None not in (u.prompt, u.response, u.score)]
    counted = sum(n for reason, n in tally.items() if reason.startswith("pairs_"))
    assert len(found) + counted == len(list(combinations(usable, 2)))
    assert all(chosen.score - rejected.score > delta for chosen, rejected in found)
    assert all(chosen.prompt == rejected.prompt for chosen, rejected in found)


@given(st.lists(st.integers(0, 100), max_size=8), st.integers(0, 40))
def test_pairs_of_distinct_responses_are_the_score_differences_above_delta(scores: list[int], delta: int) -> None:
    utterances = [Utterance(i, str(i), "p", f"r{i}", score, False) for i, score in enumerate(scores)]
    pairs = pairs_of_turn(utterances, DataSection(delta=delta), Counter())
    found = {(chosen.response, rejected.response) for chosen, rejected in pairs}
    assert found == {(f"r{i}", f"r{j}") for i, a in enumerate(scores) for j, b in enumerate(scores) if a - b > delta}


@given(st.dictionaries(st.integers(0, 5), st.booleans()), st.dictionaries(st.integers(0, 5), st.booleans(), min_size=1))
def test_contexts_hold_exactly_the_earlier_turns_that_can_be_told(
    history: dict[int, bool], rated: dict[int, bool]
) -> None:
    def exchanges(turns: dict[int, bool], source: str) -> dict[int, Any]:
        return {t: exchange(f"p{t}", [Response(f"{source}{t}" if ok else None, 1, True)]) for t, ok in turns.items()}

    before = preceding(rated, exchanges(history, "h"), exchanges(rated, "u"), Counter())
    assert set(before) == set(rated)
    for turn, messages in before.items():
        expected = []
        for t in range(turn):
            if history.get(t) or rated.get(t):
                expected += [f"p{t}", f"{'h' if history.get(t) else 'u'}{t}"]
        assert list(messages) == expected


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_lines_changes_nothing_but_the_hashes_of_files(
    tmp_path_factory: pytest.TempPathFactory, random: Any
) -> None:
    tmp_path = tmp_path_factory.mktemp("shuffled")
    prism = small().person("eve").talk("c10", "ann", ("p0", [("B", 5), ("A", 7)]), ("p9", [("X", 5), ("Y", 7)]))
    _, plain = build(config(prism.write(tmp_path / "plain"), ATTRIBUTES), tmp_path / "run1")
    for rows in (prism.survey, prism.conversations, prism.utterances):
        random.shuffle(rows)
    _, shuffled = build(config(prism.write(tmp_path / "shuffled"), ATTRIBUTES), tmp_path / "run2")
    varying = {"source", "files", "rater_ids"}
    assert plain.model_dump(exclude=varying) == shuffled.model_dump(exclude=varying)
    sources = [(tmp_path / run / "private" / "raters.csv").read_text().splitlines() for run in ("run1", "run2")]
    assert [line.split(",")[1] for line in sources[0]] == [line.split(",")[1] for line in sources[1]]


# ---------------------------------------------------------------- refused input


def test_a_missing_folder_says_which_files_are_expected(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere", tmp_path) == (
        f"data.path: {tmp_path}/nowhere does not exist; it should be a folder that holds "
        "survey.jsonl, conversations.jsonl, utterances.jsonl"
    )


def test_a_file_instead_of_a_folder(tmp_path: Path) -> None:
    folder = small().write(tmp_path / "data")
    assert "survey.jsonl is not a folder; it should be" in refusal(folder / "survey.jsonl", tmp_path)


def test_a_missing_file(tmp_path: Path) -> None:
    folder = small().write(tmp_path / "data")
    (folder / "conversations.jsonl").unlink()
    (folder / "utterances.jsonl").unlink()
    message = refusal(folder, tmp_path)
    assert f"{folder} lacks conversations.jsonl, utterances.jsonl; PRISM's format needs survey.jsonl," in message
    assert "data.hub = 'HannahRoseKirk/prism-alignment'" in message


def test_neither_path_nor_hub(tmp_path: Path) -> None:
    settings = config(tmp_path).model_copy(update={"data": config(tmp_path).data.model_copy(update={"path": None})})
    with pytest.raises(InputError, match=r"no data: set data\.path to a folder in PRISM's format, or data\.hub"):
        stage.pairs(make_context("pairs", settings, tmp_path / "run"))


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 68507018\n"

BYTES = [
    ("utterances", LFS, "utterances.jsonl, line 1: this is a Git LFS pointer, not the data; run `git lfs pull`"),
    ("survey", b"", "survey.jsonl is empty; it should hold one JSON object per line"),
    ("survey", b"\n  \n", "survey.jsonl is empty"),
    ("survey", b'{"user_id": "x"\n', "survey.jsonl, line 1: this line is not JSON (Expecting ',' delimiter, column"),
    ("conversations", b"[1, 2]\n", "conversations.jsonl, line 1: this line is [1, 2], not a JSON object; each line"),
    ("utterances", b'{"a": "\xff"}\n', "utterances.jsonl, line 1: byte 8 of the line is not UTF-8; save the file as"),
    ("utterances", b'{"score": NaN}\n', "utterances.jsonl, line 1: this line is not JSON that can be read (NaN is"),
    ("utterances", b'{"a":' + b"[" * 200_000, "utterances.jsonl, line 1: this line is not JSON"),
]


@pytest.mark.parametrize(("file", "body", "expected"), BYTES, ids=[e.split(": ")[-1][:30] for _, _, e in BYTES])
def test_a_file_that_is_no_json_lines(tmp_path: Path, file: str, body: bytes, expected: str) -> None:
    folder = small().write(tmp_path / "data")
    (folder / f"{file}.jsonl").write_bytes(body)
    assert expected in refusal(folder, tmp_path)


def test_a_file_cut_off_in_its_last_line(tmp_path: Path) -> None:
    folder = small().write(tmp_path / "data")
    path = folder / "utterances.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    message = refusal(folder, tmp_path)
    assert "utterances.jsonl, line 9: this line is not JSON" in message
    assert "the file may have been cut off: fetch it again" in message


def wrong_cell(file: str, row: int, column: str, value: Any) -> Prism:
    prism = small()
    place: Any = getattr(prism, file)[row]
    if value is ...:
        del place[column]
    else:
        place[column] = value
    return prism


CELLS: list[tuple[str, int, str, Any, str]] = [
    ("utterances", 1, "score", ..., "utterances.jsonl, line 2: the column 'score' is missing; a row here needs"),
    ("survey", 0, "study_locale", ..., "survey.jsonl, line 1: the column 'study_locale' is missing"),
    (
        "survey",
        1,
        "gender",
        ...,
        "survey.jsonl, line 2: the column 'gender', which attribute 'gender' reads, is missing",
    ),
    (
        "survey",
        1,
        "ethnicity",
        {"categorised": "White"},
        "survey.jsonl, line 2: the column 'simplified' of 'ethnicity', which attribute 'ethnicity' reads, is missing "
        "(it has: categorised)",
    ),
    ("conversations", 2, "conversation_history", ..., "conversations.jsonl, line 3: the column 'conversation_history'"),
    ("utterances", 3, "score", "8O", 'utterances.jsonl, line 4: score is "8O"; it must be a number'),
    ("utterances", 3, "turn", "-1", 'utterances.jsonl, line 4: turn is "-1"; it must be a whole number from 0'),
    ("utterances", 3, "score", True, "utterances.jsonl, line 4: score is true; it must be a number"),
    ("utterances", 3, "turn", -1, "utterances.jsonl, line 4: turn is -1; it must be a whole number from 0"),
    ("utterances", 3, "if_chosen", "yes", 'utterances.jsonl, line 4: if_chosen is "yes"; it must be true or false'),
    ("utterances", 3, "model_response", 7, "utterances.jsonl, line 4: model_response is 7; it must be a text"),
    ("utterances", 3, "utterance_id", " ", 'utterances.jsonl, line 4: utterance_id is " "; it must be a text that is'),
    ("conversations", 0, "conversation_history", "x", 'line 1: conversation_history is "x"; it must be a list of obj'),
    (
        "survey",
        2,
        "gender",
        "Femle",
        "survey.jsonl, line 3: gender is \"Femle\" (1 person), no category of attribute 'gender' (known: Male, Female, "
        "Prefer not to say); correct the data, give the answer a target (if only 0), or let the attribute say what",
    ),
    (
        "survey",
        2,
        "ethnicity",
        None,
        "survey.jsonl, line 3: ethnicity.simplified has no value (1 person), no category of attribute 'ethnicity' "
        "(known: White, Black); correct the data",
    ),
    ("survey", 2, "gender", {"a": 1}, "gender holds an object; attribute 'gender' needs one of its values: write colu"),
    (
        "survey",
        2,
        "user_id",
        "zoe",
        'line 3: user_id "zoe" occurs twice, first at ',
    ),
    ("conversations", 2, "conversation_id", "c1", 'line 3: conversation_id "c1" occurs twice, first at '),
    ("utterances", 8, "utterance_id", "c1.0.0", 'line 9: utterance_id "c1.0.0" occurs twice, first at '),
    ("utterances", 8, "user_id", "bob", 'utterances.jsonl, line 9: user_id "bob" is not in the survey (which has ann,'),
    ("conversations", 1, "user_id", "bob", 'conversations.jsonl, line 2: user_id "bob" is not in the survey'),
    ("utterances", 8, "user_id", "ann", 'line 9: conversation "c3" belongs to user "tim", not to "ann"; one person'),
]


@pytest.mark.parametrize(
    ("file", "row", "column", "value", "expected"), CELLS, ids=[f"{c[0]}-{c[2]}-{i}" for i, c in enumerate(CELLS)]
)
def test_a_wrong_cell_is_refused_with_its_place(
    tmp_path: Path, file: str, row: int, column: str, value: Any, expected: str
) -> None:
    folder = wrong_cell(file, row, column, value).write(tmp_path / "data")
    message = refusal(folder, tmp_path)
    assert expected in message
    assert str(folder) in message


def test_a_wrong_message_of_a_history_is_refused_with_its_place(tmp_path: Path) -> None:
    prism = small()
    prism.conversations[0]["conversation_history"][2]["role"] = "narrator"
    folder = prism.write(tmp_path / "data")
    expected = "conversations.jsonl, line 1, conversation_history entry 3: role is \"narrator\"; it must be 'user' or"
    assert expected in refusal(folder, tmp_path)


def test_an_unknown_locale_lists_those_that_occur(tmp_path: Path) -> None:
    folder = small().write(tmp_path / "data")
    assert refusal(folder, tmp_path, locale="usa") == (
        "data.locale: nobody's study_locale is 'usa'; the survey has 'uk' (1), 'us' (2)"
    )


def test_data_without_any_pair_says_why(tmp_path: Path) -> None:
    folder = small().write(tmp_path / "data")
    message = refusal(folder, tmp_path, delta=99)
    counted = "raters_without_pairs: 3, pairs_tied: 2, pairs_within_delta: 4"
    assert message.startswith(f"the data gives no preference pair at all ({counted})")
    assert "check data.delta" in message


def test_hostile_text_in_a_message_is_escaped(tmp_path: Path) -> None:
    prism = small()
    prism.survey[0]["gender"] = "\x1b[31m\u202eevil"
    message = refusal(prism.write(tmp_path / "data"), tmp_path)
    assert r"\u001b[31m\u202eevil" in message
    assert message.isprintable()


# ---------------------------------------------------------------- size

MEASURE = """
import sys, time
from pathlib import Path
from memory_recorder import make_context
from prism_folder import config
from core.data import prism, stage
from core.training.prediction.peak import most_resident
begun = time.process_time()
pairs = stage.pairs(make_context("pairs", config(Path(sys.argv[1])), Path(sys.argv[2])))
print(len(pairs), time.process_time() - begun, most_resident())
"""


@pytest.mark.long
def test_a_prism_sized_folder_takes_less_than_a_minute_and_2_gib(tmp_path: Path) -> None:
    """1,500 people, 8,000 conversations, 64,000 responses, 120 MB, every response distinct as in PRISM."""
    prism = Prism()
    filler = "ün plus lange réponse, mot à mot; " * 18
    for user in range(1500):
        prism.person(f"user{user}")
    for c in range(8000):
        turns = [(f"prompt {c}.{t}", [(f"{c}.{t}.{i} {filler}", 10 * i, i == 3) for i in range(4)]) for t in range(2)]
        prism.talk(f"c{c}", f"user{c % 1400}", *turns)
    folder = prism.write(tmp_path / "data")
    assert sum(file.stat().st_size for file in folder.iterdir()) > 100e6
    del prism
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": f"{here}:{here.parent}"}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(folder), str(tmp_path / "run")],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    count, seconds, most = done.stdout.split()
    assert int(count) == 8000 * 2 * 6
    assert float(seconds) < 60
    assert int(most) < 2 * 2**30
