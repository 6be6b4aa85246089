"""Answers that exist already: read from files and from runs, refused before a run is made where they do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from both_verifiers import checked
from commands import dempo, told
from random_llama import save_random_llama
from rewritten import Row, forged

from core.config_file import load_config, parse_config
from core.errors import InputError
from core.evaluation.sources.existing import existing_answers
from core.preflight import preflight
from core.sections.what_trains import ConditionSection
from core.types import Question
from storage.judging.earlier import earlier_run
from storage.record.glances import under_way
from storage.record.lists.call_pages import answers_at, call_index
from storage.record.reader import Reader

PUBLISHED = Path(__file__).parent / "data" / "published_answers"
SEVEN = ("base", "full-prism", "us-rep", "hard-panel", "soft-panel", "adversary-hard", "adversary-soft")
WHOLE = Path(__file__).parent.parent.parent / "shared" / "data"
"""All published answers, which are not part of the repository."""

RUN = """
[run]
name = "seven"
{conditions}
[answer]
{questions}
batch = 8
max_tokens = 4
[[judge.judges]]
kind = "local"
model = "{model}"
label = "llama"
rankings = 1
[rank]
resamples = 5
"""
OWN_QUESTIONS = f'constitution = "{PUBLISHED}/constitution.txt"\nquestions = "{PUBLISHED}/questions"'


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_random_llama(tmp_path_factory.mktemp("models") / "llama", positions=4096)


def written(folder: Path, llama: Path, sources: dict[str, str], questions: str = OWN_QUESTIONS) -> Path:
    """A configuration with these conditions, in a folder of its own."""
    listed = "".join(f'[[conditions]]\nname = "{name}"\nsource = "{source}"\n' for name, source in sources.items())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "c.toml").write_text(RUN.format(conditions=listed, questions=questions, model=llama))
    return folder / "c.toml"


def run_of(config: Path) -> Path:
    """The run that `dempo run` makes of a configuration, in a folder of runs beside it."""
    ran = dempo("run", config, "--quiet", "--runs-dir", config.parent / "runs")
    assert ran.returncode == 0, ran.stderr
    return max(path for path in (config.parent / "runs").iterdir() if (path / "audit.db").is_file())


def nothing_wrong(root: Path) -> None:
    """Both verifiers find every check well but those that need a signature."""
    verdicts = {name: check for name, check in checked(root).items() if check.verdict != "ok"}
    assert set(verdicts) <= {"signatures"}, verdicts


@pytest.fixture(scope="module")
def seven(tmp_path_factory: pytest.TempPathFactory, llama: Path) -> Path:
    sources = {name: f"answers:{PUBLISHED}/{name}.jsonl" for name in SEVEN}
    return run_of(written(tmp_path_factory.mktemp("seven"), llama, sources))


def answers_of(root: Path) -> dict[tuple[str, str], str]:
    return {(row["condition"], row["question_id"]): row["answer"] for row in Reader(root).view("answers")}


def published(name: str) -> dict[str, str]:
    lines = [json.loads(line) for line in (PUBLISHED / f"{name}.jsonl").read_text().splitlines()]
    return {line["question_id"]: line["response"] for line in lines}


def test_the_published_answers_are_judged_as_they_were_given(seven: Path) -> None:
    nothing_wrong(seven)
    assert answers_of(seven) == {(name, key): text for name in SEVEN for key, text in published(name).items()}
    reader = Reader(seven)
    assert {(row["origin"], row["tokens"], row["finish"]) for row in reader.view("answers")} == {("read", None, None)}
    assert [(row["condition"], row["steps"], row["raters"]) for row in reader.view("conditions")] == [
        (name, 0, 0) for name in SEVEN
    ]
    skipped = {row["stage"]: row["reason"] for row in reader.view("stages") if row["status"] == "skipped"}
    assert {skipped[name] for name in ("pairs", "pool")} == {"no_data"}
    assert {skipped[name] for name in ("model", "train", "recovery")} == {"no_base"}
    boards = [row for row in reader.view("leaderboards") if row["method"] == "borda"]
    assert sorted(row["condition"] for row in boards) == sorted(SEVEN)
    assert {row["rankings"] for row in boards} == {2}


def test_the_app_shows_answers_that_were_read(seven: Path) -> None:
    reader = Reader(seven)
    shown = answers_at(reader, call_index(reader, reader.head()[0]).answers["3:0"], 1000)
    assert {name: answer.answer for name, answer in shown.items()} == {name: published(name)["3:0"] for name in SEVEN}
    assert under_way(Reader(seven))["answer.read"] == 14


def test_names_of_files_are_shown_and_never_their_folders(seven: Path) -> None:
    (first,) = Reader(seven).query("SELECT payload FROM events WHERE seq = 1")
    assert "answers:base.jsonl" in first["payload"]
    assert str(PUBLISHED) not in first["payload"]


@pytest.mark.skipif(not WHOLE.exists(), reason="the published answers are not part of the repository")
def test_all_published_answers_are_judged_on_a_sample_of_their_questions(tmp_path: Path, llama: Path) -> None:
    sources = {f"m{i}": f"answers:{path}" for i, path in enumerate(sorted((WHOLE / "answers").glob("*.jsonl")))}
    questions = (
        f'constitution = "{WHOLE}/constitution.txt"\nquestions = "{WHOLE}/questions"\nclauses = 4\nper_clause = 2'
    )
    root = run_of(written(tmp_path, llama, sources, questions))
    nothing_wrong(root)
    assert len(sources) == 7
    assert len(answers_of(root)) == 7 * 8
    read = Reader(root).query("SELECT payload->>'$.rows' AS rows FROM events WHERE kind = 'answers.read'")
    assert {row["rows"] for row in read} == {3000}


# ------------------------------------------------------------ runs and folders


def test_a_run_s_answers_and_questions_are_taken_word_by_word(seven: Path, tmp_path: Path, llama: Path) -> None:
    """What a file could not say of itself comes with the run: its questions, and its constitution."""
    sources = {"base": f"answers:{seven}", "other": f"answers:{seven}#us-rep"}
    root = run_of(written(tmp_path, llama, sources, f'questions = "{seven}"'))
    nothing_wrong(root)
    wanted = {("base", key): text for key, text in published("base").items()}
    assert answers_of(root) == wanted | {("other", key): text for key, text in published("us-rep").items()}
    asked = [Reader(run).view("questions") for run in (seven, root)]
    assert asked[0] == asked[1]
    read = Reader(root).query("SELECT payload AS p FROM events WHERE kind = 'answers.read' ORDER BY seq")
    first, second = (json.loads(row["p"]) for row in read)
    assert (first["run"], first["of"], second["of"]) == (seven.name, "base", "us-rep")
    assert (first["events"], first["head"]) == Reader(seven).head()


def test_answers_that_a_run_read_are_another_s_too(seven: Path) -> None:
    found = earlier_run(seven)
    assert found.answers["us-rep"] == published("us-rep")
    assert found.constitution == (PUBLISHED / "constitution.txt").read_text()


def test_a_folder_has_a_file_for_each_condition(tmp_path: Path, llama: Path) -> None:
    root = run_of(written(tmp_path, llama, dict.fromkeys(("base", "us-rep"), f"answers:{PUBLISHED}")))
    nothing_wrong(root)
    assert answers_of(root)["us-rep", "3:0"] == published("us-rep")["3:0"]


def test_a_relative_path_is_taken_from_the_configuration_s_folder(tmp_path: Path) -> None:
    text = '[run]\nname = "r"\n[[conditions]]\nname = "a"\nsource = "answers:mine/a.jsonl#b"\n'
    (condition,) = parse_config(text, folder=tmp_path).config.conditions
    assert condition.source == f"answers:{tmp_path}/mine/a.jsonl#b"


def test_a_model_answers_as_it_is(tmp_path: Path, llama: Path) -> None:
    root = run_of(written(tmp_path, llama, {"base": f"answers:{PUBLISHED}", "raw": f"model:{llama}"}))
    nothing_wrong(root)
    raw = [row for row in Reader(root).view("answers") if row["condition"] == "raw"]
    assert {(row["origin"], row["finish"]) for row in raw} == {("given", "length")}
    assert (root / "checkpoints" / "raw" / "model.safetensors").is_symlink()
    replayed = dempo("replay", root, "--all")
    assert replayed.returncode == 0, replayed.stderr


# ------------------------------------------------------------ what is refused before a run is made

QUESTIONS = (Question("1:0", 1, "Be kind.", "How?"), Question("1:1", 1, "Be kind.", "Why?"))
GOOD = [{"question_id": "1:0", "response": "So."}, {"question_id": "1:1", "answer": "Because."}]


def read(folder: Path, lines: str | list[Any], source: str = "a.jsonl") -> dict[str, str]:
    text = lines if isinstance(lines, str) else "".join(f"{json.dumps(line)}\n" for line in lines)
    (folder / "a.jsonl").write_text(text)
    condition = ConditionSection(name="a", source=f"answers:{folder / source}")
    return dict(existing_answers(condition, QUESTIONS, earlier_run).answers)


def test_lines_in_any_order_and_of_other_questions(tmp_path: Path) -> None:
    more = {"question_id": "9:0", "response": "?", "clause_id": 9, "question": "Other?"}
    assert read(tmp_path, [more, *reversed(GOOD)]) == {"1:0": "So.", "1:1": "Because."}
    assert read(tmp_path, [GOOD[0] | {"response": ""}, GOOD[1]])["1:0"] == "", "an answer may be empty"


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (GOOD[:1], "has no answer to 1 of the 2 planned questions, the first is '1:1'"),
        ([*GOOD, GOOD[0]], "line 3: question '1:0' is answered twice, first in .*line 1; keep one"),
        ([GOOD[0], {"question_id": "1:1"}], "line 2: the line has neither 'response' nor 'answer'"),
        ([GOOD[0] | {"answer": "x"}, GOOD[1]], "line 1: the line has both 'response' and 'answer'"),
        ([GOOD[0] | {"response": None}, GOOD[1]], "line 1: response must be a text, not null"),
        ([GOOD[0] | {"question_id": 1}, GOOD[1]], "line 1: question_id must be a text, not 1"),
        ([GOOD[0] | {"question": "Where?"}, GOOD[1]], "line 1: question '1:0' reads \"Where\\?\", and the planned one"),
        ([GOOD[0] | {"clause_id": 2}, GOOD[1]], "line 1: question '1:0' is one of clause 2, and the planned one of"),
        ([GOOD[0] | {"clause_id": "1"}, GOOD[1]], 'line 1: clause_id must be a number, not "1"'),
        ('{"question_id": "1:0"\n', "line 1: this line is not JSON"),
        ("[]\n", "line 1: this line is a list, not a JSON object|line 1: this line is .*not a JSON object"),
        ("", "is empty; it should hold one JSON object per line"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_the_line(tmp_path: Path, lines: Any, wanted: str) -> None:
    with pytest.raises(InputError, match=wanted) as caught:
        read(tmp_path, lines)
    assert str(caught.value).startswith("condition 'a': ")


def test_a_condition_of_what_is_no_run_is_refused(tmp_path: Path, seven: Path) -> None:
    with pytest.raises(InputError, match="is no folder of a run .it has no audit.db., so '#b' names nothing in it"):
        read(tmp_path, GOOD, "a.jsonl#b")
    condition = ConditionSection(name="nobody", source=f"answers:{seven}")
    with pytest.raises(InputError, match="has no answers of a condition 'nobody' .it has: 'base', "):
        existing_answers(condition, QUESTIONS, earlier_run)
    other = (Question("3:0", 3, "", "Another question?"),)
    with pytest.raises(InputError, match="run .*, condition 'base': question '3:0' reads .* and the planned one"):
        existing_answers(ConditionSection(name="base", source=f"answers:{seven}"), other, earlier_run)


def test_no_run_is_made_where_answers_are_missing(tmp_path: Path, llama: Path) -> None:
    config = written(tmp_path, llama, {"base": f"answers:{PUBLISHED}", "b": f"answers:{PUBLISHED}"})
    said = told(dempo("run", config, "--runs-dir", tmp_path / "runs"), 2)
    assert f"condition 'b': cannot read {PUBLISHED}/b.jsonl: No such file or directory" in said
    assert not (tmp_path / "runs").exists()


def test_a_judge_that_is_the_base_model_needs_one(tmp_path: Path, llama: Path) -> None:
    config = written(tmp_path, llama, dict.fromkeys(("base", "us-rep"), f"answers:{PUBLISHED}"))
    with pytest.raises(InputError, match="is the run's base model, and no condition of this run has one"):
        preflight(load_config(config, ["judge.judges.0.model=base"]).config)


def test_a_model_that_is_not_there_is_refused(tmp_path: Path, llama: Path) -> None:
    config = written(tmp_path, llama, {"base": f"answers:{PUBLISHED}", "raw": "model:./nowhere"})
    with pytest.raises(InputError, match="condition 'raw': model: there is no folder './nowhere'"):
        preflight(load_config(config).config)


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ('source = "all"', "the configuration has no [data], which condition 'a' (source 'all') need; add [data]"),
        ('source = "model:tiny"', "the run's own base model answers under source 'none'"),
        ('source = "answers:"', "source"),
        ('source = "answers:a#B C"', "needs the name of a condition of that run behind #, not 'B C'"),
        (
            'source = "answers:a"\nmodel = "m"',
            "a condition with source 'answers' is asked at no endpoint; remove model",
        ),
        ('source = "endpoint:x"', "source 'endpoint:…' needs `model`, the name of the model at the endpoint"),
        ('source = "endpoint:x"\nmodel = "m"', "condition 'a': endpoint 'x' is not defined (defined: there is none)"),
        ('source = "endpoint:x"\nmodel = "m"\nextra_body = { stop = "x" }', "extra_body.stop is what answer.stop says"),
    ],
)
def test_a_wrong_source_is_refused_by_the_configuration(condition: str, wanted: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_config(f'[run]\nname = "r"\n[[conditions]]\nname = "a"\n{condition}\n')
    assert wanted in str(caught.value)


# ------------------------------------------------------------ forgeries


def changed(kind: str, **values: Any) -> Callable[[list[Row]], list[Row]]:
    """Changes the first event of a kind."""

    def attack(rows: list[Row]) -> list[Row]:
        next(row for row in rows if row.kind == kind).payload.update(values)
        return rows

    return attack


@pytest.mark.parametrize(
    ("kind", "values", "check", "words"),
    [
        ("answers.read", {"rows": 1}, "answers", "were read from 1 rows, fewer than there are questions"),
        ("answers.read", {"name": "other.jsonl"}, "answers", "the file is 'other.jsonl'"),
        ("answers.read", {"run": "r"}, "answers", "a file and a run, or from neither"),
        ("answers.read", {"condition": "us-rep"}, "stages", "the unit of its condition"),
        ("answer.read", {"clause_id": 16}, "answers", "its clause"),
        ("answer.read", {"condition": "us-rep"}, "answers", "answers '3:0' twice"),
        ("condition.planned", {"source": "answers:other.jsonl"}, "weights", "its source"),
    ],
)
def test_a_changed_record_is_found_out(
    seven: Path, tmp_path: Path, kind: str, values: dict[str, Any], check: str, words: str
) -> None:
    found = checked(forged(seven, tmp_path, changed(kind, **values)))[check]
    assert (found.verdict, words in found.detail) == ("failed", True), found


def test_a_condition_does_not_answer_otherwise_than_its_source_says(seven: Path, tmp_path: Path) -> None:
    def generated(rows: list[Row]) -> list[Row]:
        for row in rows:
            if row.kind == "answer.read" and row.payload["condition"] == "base":
                row.kind = "answer.given"
                row.payload |= {"tokens": 3, "finish": "stop"}
        return rows

    found = checked(forged(seven, tmp_path, generated))["answers"]
    assert "how its answers came about is 'answer.given'" in found.detail
    assert found.verdict == "failed"


# ------------------------------------------------------------ beside trained conditions


def test_trained_and_read_answers_are_judged_together(trained: Path, tmp_path: Path) -> None:
    """A run on a planted world beside answers of an earlier one: recovery is measured of the run's own models alone."""
    own = '{name = "base", source = "none"}, {name = "full", source = "all", steps = 1}'
    conditions = f'conditions=[{own}, {{name = "old", source = "answers:{trained}#full"}}]'
    cloned = dempo("clone", trained, "--set", conditions, "--quiet", "--runs-dir", tmp_path / "runs")
    assert cloned.returncode == 0, cloned.stderr
    (root,) = (path for path in (tmp_path / "runs").iterdir() if (path / "audit.db").is_file())
    assert {check.verdict for name, check in checked(root).items() if name != "signatures"} == {"ok"}
    before = {key[1]: text for key, text in answers_of(trained).items() if key[0] == "full"}
    assert {key[1]: text for key, text in answers_of(root).items() if key[0] == "old"} == before
    reader = Reader(root)
    assert [row["condition"] for row in reader.view("recovery")] == ["base", "full"]
    assert {row["condition"]: row["steps"] for row in reader.view("conditions")} == {"base": 0, "full": 1, "old": 0}
    assert {row["condition"] for row in reader.view("leaderboards")} == {"base", "full", "old"}
