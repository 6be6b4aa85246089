"""Published artefacts become a run that is ranked, verified and shown, with their numbers beside its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from commands import dempo
from published_folder import MODELS, NAMES, invented_rows, majorities, scores_of, write_folder, write_lines
from published_sample import MODELS as SAMPLED
from published_sample import PUBLISHED as SAMPLE
from published_sample import sample_rows, write_sample
from rewritten import Row, forged

from core.errors import InputError
from core.facts.randomness import RandomStream
from core.facts.ranking.published.figures import Figures, figures_of_board, figures_of_events
from core.facts.ranking.published.score_files import NotPublished, published_scores
from core.facts.ranking.published.verdicts import ComparedNumber, compared_numbers, counted_of
from core.publication.configuration import condition_names
from core.publication.folder import publication_in
from core.ranking.judges.findings import findings
from core.ranking.leaderboards import Aggregation
from core.ranking.pairwise import pairwise
from core.sections.who_judges import RankSection
from core.types import Judged, Ranking
from storage.export.export import export_run
from storage.findings.published_found import REASONS
from storage.paper_tables.all_tables import tables_of
from storage.paper_tables.written import markdown
from storage.record.reader import Reader
from storage.replay.replaying import replay_run
from storage.verifier.checks import CHECKS, checks_of
from storage.verifier.ground.reading import read_record
from storage.verifier.writer_facts import tree_facts
from storage.verify import verify
from tui.commands.ranking.import_published import create_imported
from tui.commands.runs.process import work
from tui.terminal.console import Console

ORDERS = [row["rankings"][0] for row in sample_rows()]
"""Of the published sample."""

BY_FILES = dict(zip(MODELS, NAMES, strict=True))
FEW = ["rank.resamples=30"]
BORDA = 'rank.methods=["borda"]'


def imported_from(folder: Path, runs: Path, *overrides: str) -> Path:
    root, _ = create_imported(folder, None, 0, None, None, [*FEW, *overrides], runs)
    assert work(root, None, Console(quiet=True)) == 0
    return root


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("published") / "evaluation")


@pytest.fixture(scope="module")
def imported(folder: Path) -> Path:
    return imported_from(folder, folder.parent / "runs")


def rows_of(root: Path, method: str, measure: str | None = None) -> list[dict[str, Any]]:
    listed = [row for row in Reader(root).view("published") if row["method"] == method]
    return [row for row in listed if measure in (None, row["measure"])]


def verdicts(rows: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(row["verdict"], row["reason"]) for row in rows}


# ------------------------------------------------------------ the run


def test_every_artefact_is_recorded_as_imported_with_its_hash(imported: Path, folder: Path) -> None:
    rows = Reader(imported).view("published_artefacts")
    files = {path.name: path for path in folder.rglob("*") if path.is_file()}
    assert {row["name"] for row in rows} == files.keys()
    assert {row["origin"] for row in rows} == {"imported"}
    for row in rows:
        body = files[row["name"]].read_bytes()
        assert (row["sha256"], row["bytes"]) == (hashlib.sha256(body).hexdigest(), len(body))
    assert [row["rows"] for row in rows if row["what"] == "rankings"] == [24]
    assert sum(row["what"] == "answers" for row in rows) == 4


def test_conditions_have_short_names_and_all_is_read(imported: Path) -> None:
    reader = Reader(imported)
    assert [row["condition"] for row in reader.view("conditions")] == list(NAMES)
    assert {row["judge"] for row in reader.view("judge_calls")} == {f"judge#{k}" for k in range(5)}
    assert len(reader.view("answers")) == 24 * 4
    assert {row["rankings"] for row in reader.view("leaderboards")} == {120}


def test_orders_in_which_answers_were_shown_are_those_of_the_file(imported: Path) -> None:
    wanted = {
        (row["question_id"], f"judge#{k}"): [BY_FILES[model] for model in order]
        for row in invented_rows(12, 5)
        for k, order in enumerate(row["judge_orders"])
    }
    found = {
        (row["question_id"], row["judge"]): json.loads(row["shown_order"])
        for row in Reader(imported).view("judge_calls")
    }
    assert found == wanted
    assert "shown_rank_correlation" in {row["name"] for row in Reader(imported).view("judge_diagnostics")}


@pytest.mark.parametrize(
    ("method", "measures"),
    [
        ("borda", ["votes_won", "score"]),
        ("copeland", ["score", "win_rate"]),
        ("bradley_terry_majority", ["score", "wins"]),
        ("kemeny", ["consensus", "agreement"]),
        ("plackett_luce_published", ["score"]),
        ("mallows", ["consensus", "train_rankings", "held_out_rankings"]),
        ("reliability", ["kendall_tau", "kendall_tau_median", "top1_agreement", "top1_margin", "fleiss_kappa_first"]),
        ("position", ["shown_rank_correlation", "mean_rank_given_shown", "first_given_shown"]),
        ("verbosity", ["characters_rank_correlation", "longer_wins", "unequal_pairs"]),
        ("pairwise", ["win_rate", "majority_win_rate", "mean_margin", "votes", "majority_wins"]),
    ],
)
def test_what_the_authors_procedures_give_comes_out_again(imported: Path, method: str, measures: list[str]) -> None:
    """The files were written by procedures of the tests' own."""
    for measure in measures:
        rows = rows_of(imported, method, measure)
        assert rows
        assert verdicts(rows) == {("equal", "")}


def test_what_differs_has_its_reason(imported: Path) -> None:
    assert ("differs", "published_iteration") in verdicts(rows_of(imported, "plackett_luce", "score"))
    ends = [*rows_of(imported, "borda", "score_low"), *rows_of(imported, "borda", "score_high")]
    assert verdicts(ends) == {("differs", "resampling_unit")}
    assert verdicts(rows_of(imported, "borda", "score_mean")) <= {("equal", ""), ("inside", "random_numbers")}
    assert verdicts(rows_of(imported, "borda", "score_printed")) <= {("equal", ""), ("inside", "bootstrap_mean")}
    assert ("inside", "bootstrap_mean") in verdicts(rows_of(imported, "borda", "score_printed"))
    assert {row["reason"] for row in rows_of(imported, "mallows")} <= {"", "other_held_out"}
    assert {row["reason"] for row in Reader(imported).view("published")} - {""} <= REASONS.keys() - {"unexplained"}


def test_differences_are_recomputed_less_published(imported: Path) -> None:
    for row in Reader(imported).view("published"):
        if row["recomputed"] is not None:
            assert row["difference"] == pytest.approx(row["recomputed"] - row["published"], abs=1e-12)
        if row["verdict"] == "inside":
            assert row["low"] <= row["recomputed"] <= row["high"]


def test_the_paper_s_unit_gives_the_paper_s_intervals(folder: Path, tmp_path: Path) -> None:
    """Resampling rankings, as the published scripts do, the reason for other ends is chance alone."""
    root = imported_from(folder, tmp_path / "runs", "rank.resample=rankings", BORDA, "rank.resamples=400")
    ends = [*rows_of(root, "borda", "score_low"), *rows_of(root, "borda", "score_high")]
    assert {reason for _, reason in verdicts(ends)} <= {"", "random_numbers"}
    widths = dict.fromkeys(NAMES, 0.0)
    for row in ends:
        widths[row["condition"]] += row["difference"] * (1 if row["measure"] == "score_high" else -1)
    assert all(abs(width) < 0.12 for width in widths.values()), widths
    assert verdicts(rows_of(root, "kemeny")) == {("not_computed", "not_computed")}, "the method is not among its own"


def test_every_check_is_ok_and_a_repetition_comes_to_the_same(imported: Path) -> None:
    checks = verify(imported)
    assert [(check.name, check.detail) for check in checks if check.verdict != "ok"] == []
    (rank,) = replay_run(imported, "rank", None, False).stages
    compared = [event.verdict for event in rank.events if event.kind == "published.compared"]
    assert compared == ["same"] * 11


def altered(kind: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[list[Row]], list[Row]]:
    def of(rows: list[Row]) -> list[Row]:
        change(next(row.payload for row in rows if row.kind == kind))
        return rows

    return of


def _scored(values: dict[str, Any]) -> dict[str, Any]:
    return values["rows"][0]


FORGERIES = {
    "a published number": altered("published.compared", lambda v: _scored(v).update(published=0.5)),
    "an interval": altered("published.compared", lambda v: _scored(v).update(low=-9.0)),
    "a recomputed number": altered("published.compared", lambda v: _scored(v).update(recomputed=0.5)),
    "a difference": altered("published.compared", lambda v: _scored(v).update(difference=0.25)),
    "a verdict": altered("published.compared", lambda v: _scored(v).update(verdict="differs")),
    "a reason": altered("published.compared", lambda v: _scored(v).update(reason="ties")),
    "a condition": altered("published.compared", lambda v: _scored(v).update(condition="soft-panel")),
    "a row left out": altered("published.compared", lambda v: v["rows"].pop()),
    "which file": altered("published.compared", lambda v: v.update(what="borda")),
    "the file of a comparison": altered("published.compared", lambda v: v.update(sha256="ab" * 32)),
    "the hash of rankings": altered("published.read", lambda v: v["file"].update(sha256="ab" * 32)),
    "what a file is": altered("published.read", lambda v: v.update(what="answers")),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_changed_number_is_found(imported: Path, tmp_path: Path, forgery: str) -> None:
    record = read_record(forged(imported, tmp_path, FORGERIES[forgery]) / "audit.db", tree_facts())
    (check,) = checks_of(record, {"published": CHECKS["published"]})
    assert check.verdict == "failed", check.detail


PLACES = {
    ("estimates", "diagnostics.computed"): lambda values: [values["values"]],
    ("estimates", "pairwise.computed"): lambda values: [values, values["rows"][3]],
    ("judges", "question_agreement.computed"): lambda values: values["rows"],
    ("estimates", "leaderboard.computed"): lambda values: [values["rows"][1], values["detail"]],
}
"""Where events that figures are taken from have numbers, of which the check derives each from the rankings."""


def test_every_number_beside_a_published_one_is_derived_from_the_rankings(imported: Path) -> None:
    """The comparison takes them from the run's events: whichever of these it takes, another check sees when it is
    false."""
    record = read_record(imported / "audit.db", tree_facts())

    def figures() -> Figures:
        return figures_of_events(lambda kind: [event.values for event in record.counted(kind)])

    before, taken = figures(), set()
    for (name, kind), places in PLACES.items():
        for place in places(record.counted(kind)[0].values):
            for key in [key for key, value in place.items() if isinstance(value, int | float)]:
                right = place[key]
                place[key] = right + (1 if isinstance(right, int) else 0.5)
                if figures() != before:
                    taken.add((kind, key))
                    (check,) = checks_of(record, {name: CHECKS[name]})
                    assert check.verdict == "failed", (kind, key, check.detail)
                place[key] = right
    assert figures() == before
    assert {kind for kind, _ in taken} == {kind for _, kind in PLACES}
    assert {"votes", "win_rate", "questions", "mean_rank_shown:4", "words_rank_pearson", "kendall_tau"} <= {
        key for _, key in taken
    }


# ------------------------------------------------------------ less than everything


def test_rankings_alone_are_a_run(tmp_path: Path) -> None:
    """Questions with gaps, clauses and answers come from the rows; shown orders from the labels of the replies."""
    folder = tmp_path / "sample"
    folder.mkdir()
    rows = [{k: v for k, v in row.items() if k != "judge_orders"} for row in invented_rows(4, 3)]
    write_lines(folder / "listwise.jsonl", rows[1::2])
    root = imported_from(folder, tmp_path / "runs", BORDA)
    assert [check.name for check in verify(root) if check.verdict == "failed"] == []
    reader = Reader(root)
    assert [row["question_id"] for row in reader.view("questions")] == ["1:1", "1:3", "2:1", "2:3"]
    names = {row["name"] for row in reader.view("judge_diagnostics")}
    assert {"shown_rank_correlation", "longer_wins", "kendall_tau"} <= names
    shown = {(row["question_id"], row["judge"]): json.loads(row["shown_order"]) for row in reader.view("judge_calls")}
    whole = {row["question_id"]: row["judge_orders"] for row in invented_rows(4, 3)}
    assert shown["1:3", "judge#2"] == [BY_FILES[model] for model in whole["1:3"][2]]
    assert [row["what"] for row in reader.view("published_artefacts")] == ["rankings"]
    assert reader.view("published") == []


def test_answers_that_read_otherwise_are_counted(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    rows = [json.loads(line) for line in (copy / "listwise.jsonl").read_text().splitlines()]
    rows[0]["responses"][MODELS[0]] += "one more"
    rows[3]["responses"][MODELS[1]] = "other"
    write_lines(copy / "listwise.jsonl", rows)
    (copy / "verbosity_bias.json").write_text(json.dumps(scores_of(rows)["verbosity_bias.json"]))
    root = imported_from(copy, tmp_path / "runs", BORDA)
    (found,) = [row for row in Reader(root).view("published_artefacts") if row["what"] == "rankings"]
    assert found["answers_differ"] == 2
    assert "other_answers" in {reason for _, reason in verdicts(rows_of(root, "verbosity"))}
    assert "2 answers beside the rankings in listwise.jsonl" in " ".join(dempo("show", root).stdout.split())


def test_the_published_sample(tmp_path: Path) -> None:
    """150 rankings of six models: their known figures."""
    (tmp_path / "sample").mkdir()
    write_sample(tmp_path / "sample" / "listwise.jsonl")
    root = imported_from(tmp_path / "sample", tmp_path / "runs")
    assert [check.name for check in verify(root) if check.verdict == "failed"] == []
    reader = Reader(root)
    conditions = [row["condition"] for row in reader.view("conditions")]
    assert conditions == ["adversary-hard", "adversary-soft", "full-prism", "hard-panel", "soft-panel", "us-rep"]
    assert {row["rankings"] for row in reader.view("leaderboards")} == {150}
    assert all(len(json.loads(row["shown_order"])) == 6 for row in reader.view("judge_calls"))
    figures = {row["name"]: row["value"] for row in reader.view("judge_diagnostics")}
    assert {"shown_rank_correlation", "length_rank_correlation", "longer_wins", "unequal_pairs"} <= figures.keys()
    assert {row["method"] for row in reader.view("places")} == {row["method"] for row in reader.view("leaderboards")}
    for view in ("pairwise", "clause_scores", "clause_leaders", "length_controlled", "robustness", "pair_robustness"):
        assert reader.view(view), view
    assert reader.view("flips"), "the fewest questions that turn two neighbours round"
    borda = {row["condition"]: row["score"] for row in reader.view("leaderboards") if row["method"] == "borda"}
    below = {model: [len(SAMPLED) - 1 - order.index(model) for order in ORDERS] for model in SAMPLED}
    for model, scores in below.items():
        assert borda[model.partition("8b-")[2]] == pytest.approx(sum(scores) / 150), model
    tables = {table.key: table for table in tables_of(reader)}
    for key, rows in {
        "abilities": 6,
        "scores": 6,
        "consensus": 2,
        "models": 6,
        "places-kemeny": 6,
        "places-mallows": 6,
    }.items():
        assert len(tables[key].rows) == rows, key
        assert "not in this run" not in markdown(tables[key]), key


@pytest.mark.skipif(not SAMPLE.is_file(), reason="the published rankings are not part of the repository")
def test_the_sample_has_the_orders_places_and_lengths_of_the_published_file() -> None:
    published = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    for own, row in zip(sample_rows(), published, strict=True):
        for key in ("question_id", "clause_id", "rankings"):
            assert own[key] == row[key]
        assert own["judge_raw"][0]["ranking"] == row["judge_raw"][0]["ranking"]
        for model, text in row["responses"].items():
            mine = own["responses"][model]
            assert (len(mine), len(mine.split())) == (len(text), len(text.split()))
            alike = [other for other in own["models"] if own["responses"][other] == mine]
            assert alike == [other for other in own["models"] if row["responses"][other] == text]


PUBLISHED = os.environ.get("DEMPO_TEST_PUBLISHED", "")
"""The folder of the published evaluation of five models, which is not part of the repository either."""


@cache
def reference_values() -> dict[tuple[str, str, str, str], str]:
    """What docs/published.md says that it gives, as it stands there."""
    page = (Path(__file__).parents[1] / "docs" / "published.md").read_text(encoding="utf-8")
    table = (
        page.partition("| method | measure | condition | other | value |\n")[2].partition("\n\n")[0].splitlines()[1:]
    )
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return {(method, measure, condition, other): value for method, measure, condition, other, value in cells}


def figures_in(root: Path) -> Figures:
    record = read_record(root / "audit.db", tree_facts())
    return figures_of_events(lambda kind: [event.values for event in record.counted(kind)])


def test_reference_values_are_of_figures_that_a_run_has_and_of_one_evaluation(imported: Path) -> None:
    """Places are taken in turn, so means over them are known; and ranks by place give the correlation."""
    values = {key: float(value) for key, value in reference_values().items()}
    known = {(method, measure) for method, measure, *_ in figures_in(imported)}
    assert {(method, measure) for method, measure, *_ in values} <= known
    ranks = [values["position", "mean_rank_given_shown", "", str(place)] for place in range(1, 6)]
    firsts = [values["position", "first_given_shown", "", str(place)] for place in range(1, 6)]
    assert sum(ranks) == pytest.approx(15, abs=3e-5)
    assert sum(firsts) == pytest.approx(1, abs=3e-5)
    covariance = sum((place - 3) * rank for place, rank in enumerate(ranks, start=1)) / 5
    assert covariance / 2 == pytest.approx(values["position", "shown_rank_correlation", "", ""], abs=5e-6)
    rates = [value for (_, measure, *_), value in values.items() if measure == "win_rate"]
    assert len(rates) == 10
    assert [value * 15_000 for value in rates] == pytest.approx([round(value * 15_000) for value in rates], abs=0.08)


@pytest.mark.night
@pytest.mark.skipif(not PUBLISHED, reason="DEMPO_TEST_PUBLISHED names no folder of the published evaluation")
def test_the_published_evaluation_gives_its_reference_values(tmp_path: Path) -> None:
    figures = figures_in(imported_from(Path(PUBLISHED), tmp_path))
    for key, told in reference_values().items():
        half = 0.5 * 10.0 ** -len(told.partition(".")[2])
        assert figures.get(key) == pytest.approx(float(told), abs=max(1.001 * half, 1e-9)), key


def test_a_file_of_lines_that_is_none_is_named(tmp_path: Path) -> None:
    """A pointer of Git LFS, an error page, a file cut in its first line."""
    for body in ("version https://git-lfs.github.com/spec/v1\n", "<html>", '{"question_id": 1, "rank', "", "[]\n"):
        (tmp_path / "listwise.jsonl").write_text(body)
        with pytest.raises(InputError, match=r"listwise\.jsonl has a first line that is no JSON object"):
            publication_in(tmp_path)


# ------------------------------------------------------------ verdicts and reasons, without a run


@cache
def scores_with(judges: int) -> dict[str, str]:
    """The files of scores of so many judges, as texts."""
    return {name: json.dumps(content) for name, content in scores_of(invented_rows(6, judges)).items()}


def rankings_in(rows: list[dict[str, Any]], weights: tuple[int, ...] = (1,) * 5) -> list[Ranking]:
    """The rankings of rows, of which those of the k-th judge weigh weights[k]."""
    return [
        Ranking(
            row["question_id"], row["clause_id"], f"judge#{k}", tuple(BY_FILES[model] for model in order), weights[k]
        )
        for row in rows
        for k, order in enumerate(row["rankings"])
    ]


def figures_of(rankings: list[Ranking]) -> Figures:
    """What the events of rankings have that the stage would record, without boards, shown orders and lengths."""
    section, judged = RankSection.model_validate({"resamples": 10}), Judged(tuple(rankings), (), {})
    data = Aggregation(rankings, section, RandomStream(0, "rank"), lambda done, total, detail: None)
    events = [pairwise(data), *findings(judged, data.ballots).values()]
    return figures_of_events(lambda kind: [event.payload() for event in events if event.kind == kind])


def against(file: str, change: Callable[[Any], None], judges: int = 5) -> list[ComparedNumber]:
    """A changed file of scores beside what the rankings give."""
    rows = invented_rows(6, judges)
    every = scores_with(judges)
    content = json.loads(every[file])
    change(content)
    scores = published_scores(json.dumps(content), BY_FILES)
    assert scores is not None
    ranked = rankings_in(rows)
    own = published_scores(every["ranking_scores_kemeny.json"], BY_FILES)
    assert own is not None
    places = {f"consensus:{n.condition}": n.value for n in own.numbers if n.measure == "consensus"}
    agreement = {n.measure: n.value for n in own.numbers if n.measure == "agreement"}
    figures = figures_of(ranked) | figures_of_board("kemeny", [], places | agreement, None)
    return compared_numbers(scores, figures, "questions", counted_of([one.question_id for one in ranked], 4, 0))


def test_an_order_from_behind_was_minimised() -> None:
    def turned(content: Any) -> None:
        content["kemeny"]["ranking"].reverse()
        content["kemeny"]["score"] = 1.0

    found = against("ranking_scores_kemeny.json", turned)
    assert {row.reason for row in found if row.verdict == "differs"} == {"minimised"}
    as_it_is = {row.verdict for row in against("ranking_scores_kemeny.json", lambda content: None)}
    assert as_it_is == {"equal", "not_computed"}, "what takes resamples is left to a run"


def test_a_file_of_other_rankings_is_said_to_be_one() -> None:
    def more(content: Any) -> None:
        content["num_rankings"] += 5
        content["kemeny"]["score"] += 7

    (row,) = [row for row in against("ranking_scores_kemeny.json", more) if row.verdict == "differs"]
    assert (row.number.measure, row.reason, row.difference) == ("agreement", "other_rankings", -7)


def test_ties_of_an_even_number_of_judges_count_half_here() -> None:
    found = against("diagnostics/pairwise_effects.json", lambda content: None, judges=4)
    of_majority = [row for row in found if row.number.measure == "majority_win_rate"]
    assert {row.reason for row in of_majority if row.verdict == "differs"} == {"ties"}
    assert {row.verdict for row in found if row.number.measure == "win_rate"} == {"equal"}


@pytest.mark.parametrize("judges", [1, 2, 4, 5])
def test_questions_won_are_whole_halves_and_sum_to_wins(judges: int) -> None:
    rows = invented_rows(12, judges)
    figures, won = figures_of(rankings_in(rows)), sum(majorities(row) for row in rows)
    for (i, name), (j, other) in permutations(enumerate(NAMES), 2):
        assert figures["pairwise", "majority_wins", name, other] == won[i, j]
    for i, name in enumerate(NAMES):
        assert figures["bradley_terry_majority", "wins", name, ""] == won[i].sum()
        assert figures["bradley_terry", "wins", name, ""] == figures["borda", "votes_won", name, ""]


def test_a_ranking_that_weighs_more_is_a_ranking_more_often_and_agrees_once() -> None:
    rows, weights = invented_rows(6, 4), (3, 1, 2, 1)
    weighed, once = figures_of(rankings_in(rows, weights)), figures_of(rankings_in(rows))
    again = [
        {**row, "rankings": [o for o, w in zip(row["rankings"], weights, strict=True) for _ in range(w)]}
        for row in rows
    ]
    repeated = figures_of(rankings_in(again, (1,) * 7))
    for key in weighed:
        wanted = once if key[0] == "reliability" else repeated
        assert weighed[key] == pytest.approx(wanted[key], abs=1e-12), key
    assert weighed["pairwise", "votes", *NAMES[:2]] != once["pairwise", "votes", *NAMES[:2]]


def test_rankings_that_cannot_agree_have_no_agreement() -> None:
    assert not {key for key in figures_of(rankings_in(invented_rows(6, 1))) if key[0] == "reliability"}


def test_a_difference_that_nothing_explains_says_so() -> None:
    def other(content: Any) -> None:
        content["kendall_tau_mean"] += 0.01

    (row,) = [row for row in against("diagnostics/judge_reliability.json", other) if row.verdict == "differs"]
    assert row.reason == "unexplained"


def test_half_a_unit_of_the_printed_digit_is_equal() -> None:
    for off, verdict in ((0.00049, "equal"), (-0.00049, "equal"), (0.00051, "differs")):
        found = against(
            "diagnostics/judge_reliability.json", lambda c, d=off: c.update(top1_margin_mean=c["top1_margin_mean"] + d)
        )
        assert [row.verdict for row in found if row.number.measure == "top1_margin"] == [verdict]


# ------------------------------------------------------------ names


def test_names_of_conditions_are_short_distinct_and_valid() -> None:
    assert condition_names(["checkpoints/x-8b-hard", "checkpoints/x-8b-soft", "org/Base.8B"]) == {
        "checkpoints/x-8b-hard": "hard",
        "checkpoints/x-8b-soft": "soft",
        "org/Base.8B": "base-8b",
    }
    for models in permutations(["a/m", "b/m", "c/M"]):
        assert len(set(condition_names(models).values())) == 3
    assert set(condition_names(["a/x", "a/x-y"]).values()) == {"x", "x-y"}
    long = condition_names(["a/" + "long-" * 30 + "1", "a/" + "long-" * 30 + "2", "é", "…"])
    assert all(0 < len(name) <= 40 for name in long.values())
    assert len(set(long.values())) == 4


# ------------------------------------------------------------ bad folders


def with_file(name: str, body: str | bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_bytes(body if isinstance(body, bytes) else body.encode())

    return change


def edited(name: str, change: Callable[[Any], None]) -> Callable[[Path], None]:
    def of(folder: Path) -> None:
        content = json.loads((folder / name).read_text())
        change(content)
        (folder / name).write_text(json.dumps(content))

    return of


def rows_edited(change: Callable[[list[Any]], None], name: str = "listwise.jsonl") -> Callable[[Path], None]:
    def of(folder: Path) -> None:
        rows = [json.loads(line) for line in (folder / name).read_text().splitlines()]
        change(rows)
        write_lines(folder / name, rows)

    return of


def only(*names: str) -> Callable[[Path], None]:
    def of(folder: Path) -> None:
        for path in folder.iterdir():
            if path.name not in names:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    return of


ANSWERS = f"responses/{MODELS[0].replace('/', '__')}.jsonl"

BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "nothing known": (only(), "holds nothing that is known: no listwise.jsonl"),
    "answers alone": (only("responses"), "holds answers of 4 models and no rankings"),
    "comparisons alone": (only("preferences.jsonl"), "comparisons of pairs give Bradley–Terry alone"),
    "a score file that is no JSON": (
        with_file("ranking_scores_borda.json", "{"),
        "ranking_scores_borda.json is not JSON",
    ),
    "a pointer": (with_file("order_bias.json", "version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"),
    "no UTF-8": (with_file("order_bias.json", b'{"a": "\xff"}'), "order_bias.json is not UTF-8 text"),
    "other models": (
        edited("ranking_scores_borda.json", lambda c: c["models"].append("org/other")),
        "scores 5 models, and 4 were ranked: it has besides 'org/other'",
    ),
    "a score of nobody's": (
        edited("ranking_scores_borda.json", lambda c: c["borda"][0].update(model="x")),
        "has a score of 'x', which was not ranked",
    ),
    "a model scored twice": (
        edited("ranking_scores_borda.json", lambda c: c["borda"].append(c["borda"][0])),
        "twice; keep one of them",
    ),
    "a model without a score": (edited("ranking_scores_borda.json", lambda c: c["borda"].pop()), "has no score of"),
    "no scores": (edited("ranking_scores_borda.json", lambda c: c.pop("borda")), "lacks 'borda'"),
    "a text for a number": (
        edited("ranking_scores_borda.json", lambda c: c["borda"][0].update(borda_avg="high")),
        'has "high" in place of a number',
    ),
    "a method twice": (with_file("again.json", '{"method": "order-bias", "num_rankings": 1}'), "keep one of them"),
    "two evaluations": (
        lambda folder: shutil.copytree(folder, folder / "again", ignore=shutil.ignore_patterns("r*", "q*", "d*")),
        "holds rankings more than once (listwise.jsonl, again/listwise.jsonl)",
    ),
    "a question twice": (rows_edited(lambda rows: rows.append(rows[0])), "ranks question"),
    "a line that is no JSON": (with_file("listwise.jsonl", '{"rankings": []}\n{'), "line 1: the key 'question_id'"),
    "a ranking of others": (
        rows_edited(lambda rows: rows[1]["rankings"][0].pop()),
        "holds other conditions than 'ranking'",
    ),
    "another shown order": (
        rows_edited(lambda rows: rows[1]["judge_orders"][0].__setitem__(0, "x")),
        "'judge_orders[0]' holds other conditions than 'ranking'",
    ),
    "labels that say otherwise": (
        rows_edited(lambda rows: rows[1]["judge_raw"][0]["ranking"].reverse()),
        "judge_raw[0] names the answers in another order than rankings[0]",
    ),
    "answers missing": (
        rows_edited(lambda rows: rows.__delitem__(slice(3, None)), ANSWERS),
        "has no answer to 21 of the 24",
    ),
    "an answer twice": (rows_edited(lambda rows: rows.append(rows[0]), ANSWERS), "question '1:0' is answered twice"),
    "another question": (
        rows_edited(lambda rows: rows[0].update(question="Other?"), ANSWERS),
        "question '1:0' reads \"Other?\"",
    ),
    "a comparison twice": (
        rows_edited(lambda rows: rows.append(rows[0]), "preferences.jsonl"),
        "twice on question '1:0'",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_folder_that_is_wrong_is_refused_with_a_sentence(folder: Path, tmp_path: Path, case: str) -> None:
    change, words = BAD[case]
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    change(copy)
    with pytest.raises(InputError) as error:
        create_imported(copy, None, 0, None, None, FEW, tmp_path / "runs")
    assert words in str(error.value)
    assert not list((tmp_path / "runs").glob("2*")), "no run was made"


def test_a_configuration_of_other_conditions_is_refused_before_a_run_is_made(folder: Path, tmp_path: Path) -> None:
    def refused(*overrides: str) -> str:
        with pytest.raises(InputError) as error:
            create_imported(folder, None, 0, None, None, [*FEW, *overrides], tmp_path / "runs")
        return str(error.value)

    other = Path(shutil.copytree(folder, tmp_path / "other"))
    only("listwise.jsonl")(other)
    write_lines(other / "listwise.jsonl", [TWO_MODELS])
    assert "ranks 'a', 'b', and the run has other conditions" in refused(f"rank.published={other}")
    assert f"{tmp_path / 'none'} is not a folder" in refused(f"rank.published={tmp_path / 'none'}")
    both = ", ".join(f'{{name = "{name}", alias = "x", source = "answers:f"}}' for name in "ab")
    assert "two entries are called 'x'" in refused(f"conditions=[{both}]")


TWO_MODELS = {"question_id": "1:0", "clause_id": 1, "rankings": [["a", "b"]]}


def test_numbers_of_unknown_files_are_none_and_of_broken_ones_a_sentence() -> None:
    assert published_scores('{"method": "eigen"}', BY_FILES) is None
    assert published_scores("[1, 2]", BY_FILES) is None
    assert published_scores("not json", BY_FILES) is None
    for text in ('{"method": "kemeny", "kemeny": 3}', '{"method": "borda", "borda": [7]}', '{"method": "mallows"}'):
        with pytest.raises(NotPublished):
            published_scores(text, BY_FILES)


# ------------------------------------------------------------ commands


def test_the_command_makes_the_run_and_shows_the_comparison(folder: Path, tmp_path: Path) -> None:
    words = [
        "import-published",
        folder,
        "--runs-dir",
        tmp_path / "runs",
        "--set",
        BORDA,
        "--set",
        FEW[0],
    ]
    done = dempo(*words, "--name", "theirs", "--json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert data["run_id"].endswith("-theirs")
    assert {row["verdict"] for row in data["published"]} == {"equal", "inside", "differs", "not_computed"}
    assert {row["origin"] for row in data["published_artefacts"]} == {"imported"}
    shown = dempo("show", data["path"])
    assert "Published and recomputed: 203 numbers" in shown.stdout
    assert "imported from published artefacts, none of them made here" in shown.stdout
    assert "the published bootstrap resamples something else than the run" in " ".join(shown.stdout.split())
    view = dempo("show", data["path"], "--view", "published", "--json")
    assert len(json.loads(view.stdout)["published"]) == 203


def test_a_folder_that_is_none_ends_with_a_sentence(tmp_path: Path) -> None:
    done = dempo("import-published", tmp_path / "none", "--runs-dir", tmp_path / "runs")
    assert done.returncode == 2
    assert "is not a folder; name the folder of one published evaluation" in done.stderr


def unpacked(root: Path, folder: Path, redact: bool = False) -> Path:
    """A run's bundle, unpacked."""
    folder.mkdir()
    export_run(root, folder / "run.zip", redact=redact, told=lambda what, done, total: None)
    with zipfile.ZipFile(folder / "run.zip") as bundle:
        bundle.extractall(folder / "copy")
    return folder / "copy"


@pytest.mark.long
def test_a_bundle_reports_the_comparison_and_a_redacted_one_says_what_is_withheld(
    imported: Path, tmp_path: Path
) -> None:
    whole = unpacked(imported, tmp_path / "whole")
    page = (whole / "report.html").read_text(encoding="utf-8")
    assert "Published and recomputed" in page
    assert "resampling_unit" in page
    assert (whole / "tables" / "published.csv").read_text().count("\n") == 204
    redacted = unpacked(imported, tmp_path / "redacted", redact=True)
    (check,) = [check for check in verify(redacted) if check.name == "published"]
    assert check.verdict == "withheld"
    (rank,) = replay_run(redacted, "rank", None, False).stages
    assert "drift" not in {event.verdict for event in rank.events}
