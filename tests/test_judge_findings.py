"""Agreement by question, scores by clause and biases of judges: against other ways to them, and in records."""

from __future__ import annotations

import json
import math
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from both_verifiers import shipped
from paper_judging import write_judging
from published_sample import sample_rows, write_sample
from scipy.stats import chisquare, entropy, kendalltau, pearsonr, spearmanr
from tampering import Change, edited, removed, tampered

from core.events import DiagnosticsComputed, QuestionAgreementComputed
from core.facts.randomness import RandomStream
from core.ranking.counts import encode
from core.ranking.judges.agreement import agreement
from core.ranking.judges.bias import position_bias, verbosity
from core.ranking.judges.clauses import clause_rows
from core.ranking.judges.findings import findings, question_rows
from core.ranking.leaderboards import leaderboards
from core.sections.who_judges import RankSection
from core.types import Judged, Ranking
from storage.checks_ranking import findings_again
from storage.findings.heat_map import MOST_CLAUSES, heat_map
from storage.findings.judges_found import PROBLEMS, JudgesFound
from storage.record.reader import Reader
from storage.record.rows import ClauseLeaderRow, ClauseScoreRow, LengthRow
from storage.verifier.ground.finding import concluded
from storage.verifier.ground.reading import read_record
from storage.verifier.judges.judge_findings import check_judge_findings
from storage.verifier.writer_facts import tree_facts


def rankings(questions: int = 12, judges: int = 3, conditions: str = "abcd", clauses: int = 3) -> list[Ranking]:
    """Of every question by every judge; later conditions are a little better."""
    generator = np.random.default_rng(4)
    return [
        Ranking(
            f"q{q}",
            q % clauses,
            f"{'xyz'[k]}#0",
            tuple(sorted(conditions, key=lambda c: -0.8 * conditions.index(c) - generator.gumbel())),
            weight=1 + k,
        )
        for q in range(questions)
        for k in range(judges)
    ]


# ------------------------------------------------------------ questions


def test_agreement_on_each_question_by_hand() -> None:
    listed = [Ranking("q", 7, f"j#{k}", tuple(o)) for k, o in enumerate(["abc", "acb", "bac", "abc", "cab"])]
    listed.append(Ranking("alone", 7, "j#0", tuple("abc")))
    (row,) = question_rows(listed, encode(listed))
    taus = [kendalltau([a.order.index(c) for c in "abc"], [b.order.index(c) for c in "abc"]).statistic
            for a, b in combinations(listed[:5], 2)]  # fmt: skip
    assert (row.question_id, row.clause_id, row.rankings) == ("q", 7, 5)
    assert row.kendall_tau == pytest.approx(np.mean(taus))
    assert (row.top1_agreement, row.top1_margin) == pytest.approx((3 / 5, 2 / 5)), "three for a, one for b, one for c"


def test_what_is_said_of_all_questions_is_made_of_each() -> None:
    listed = rankings()
    rows, overall = question_rows(listed, encode(listed)), agreement(encode(listed))
    assert overall["kendall_tau"] == pytest.approx(np.mean([row.kendall_tau for row in rows]))
    assert overall["kendall_tau_median"] == pytest.approx(np.median([row.kendall_tau for row in rows]))
    assert overall["top1_agreement"] == pytest.approx(np.mean([row.top1_agreement for row in rows]))
    assert overall["top1_margin"] == pytest.approx(np.mean([row.top1_margin for row in rows]))


def test_judges_who_always_agree_have_a_margin_of_one() -> None:
    listed = [Ranking(f"q{q}", 1, f"j#{k}", ("a", "b")) for q in range(2) for k in range(3)]
    found = agreement(encode(listed))
    assert (found["top1_agreement"], found["top1_margin"], found["kendall_tau_median"]) == (1, 1, 1)
    alone = agreement(encode(listed[:1]))
    assert all(math.isnan(alone[name]) for name in ("top1_agreement", "top1_margin", "kendall_tau_median"))


# ------------------------------------------------------------ clauses


def test_scores_of_clauses_are_boards_of_their_rankings() -> None:
    listed = rankings()
    for row in clause_rows(listed, encode(listed)):
        own = [one for one in listed if one.clause_id == row.clause_id]
        (board,) = leaderboards(own, RankSection(methods=("borda",), resamples=2), RandomStream(0, "rank"))
        assert {c.condition: c.borda for c in row.conditions} == pytest.approx(
            {r.condition: r.score for r in board.rows}
        )
        assert row.leaders == [r.condition for r in board.rows if r.position == 1]
        assert row.rankings == sum(one.weight for one in own)
        firsts = Counter[str]()
        for one in own:
            firsts[one.order[0]] += one.weight
        assert {c.condition: c.firsts for c in row.conditions if c.firsts} == firsts
        assert row.difficulty == pytest.approx(entropy(list(firsts.values())) / math.log(4))
        assert row.kendall_tau == pytest.approx(agreement(encode(own))["kendall_tau"])


def test_the_mean_of_the_clauses_is_the_score_of_the_board() -> None:
    listed = rankings(questions=11)
    rows = clause_rows(listed, encode(listed))
    (board,) = leaderboards(listed, RankSection(methods=("borda",), resamples=2), RandomStream(0, "rank"))
    for k, name in enumerate("abcd"):
        mean = sum(float(row.conditions[k].borda) * row.rankings for row in rows) / sum(row.rankings for row in rows)
        assert mean == pytest.approx(next(r.score for r in board.rows if r.condition == name))


def test_who_shares_the_lead_is_named_and_one_condition_is_not_difficult() -> None:
    shared = [Ranking("q", 1, f"j#{k}", tuple(o)) for k, o in enumerate(["abc", "bac"])]
    (row,) = clause_rows(shared, encode(shared))
    assert (row.leaders, row.difficulty) == (["a", "b"], pytest.approx(math.log(2) / math.log(3)))
    single = [Ranking("q", 1, "j#0", ("a",))]
    (row,) = clause_rows(single, encode(single))
    assert (row.leaders, row.difficulty, row.kendall_tau) == (["a"], 0, "nan")


# ------------------------------------------------------------ biases


def test_shown_places_are_those_of_scipy() -> None:
    generator = np.random.default_rng(1)
    listed = [Ranking(f"q{q}", 1, "j#0", tuple(generator.permutation(list("abcd")))) for q in range(60)]
    shown = tuple(tuple(map(str, generator.permutation(list("abcd")))) for _ in listed)
    shown = ((), *shown[1:])
    values = position_bias(Judged(tuple(listed), shown, {}))
    known = [(r, s) for r, s in zip(listed, shown, strict=True) if s]
    ranks = [[r.order.index(s[k]) + 1 for r, s in known] for k in range(4)]
    firsts = [sum(rank == 1 for rank in own) for own in ranks]
    expected = chisquare(firsts)
    assert (values["shown_chi2"], values["shown_p"]) == pytest.approx((expected.statistic, expected.pvalue))
    assert [values[f"mean_rank_shown:{k}"] for k in range(1, 5)] == pytest.approx([np.mean(own) for own in ranks])
    assert values["first_given_shown_spread"] == pytest.approx((max(firsts) - min(firsts)) / 59)
    assert values["shown_rankings"] == 59


def test_the_published_sample_has_the_verbosity_that_scipy_gives(tmp_path: Path) -> None:
    """Read, measured and printed by the command; computed here from the file itself."""
    from tui.commands.ranking.rank import ranked
    from tui.commands.ranking.rank_options import RankOptions
    from tui.commands.ranking.rank_source import of_file

    of_sample = ranked(of_file(write_sample(tmp_path / "sample.jsonl"), RankOptions(resamples=2, seed=0)))
    found = {str(row.name): float(row.value) for row in of_sample.judges.diagnostics}
    rows = sample_rows()
    ranks, characters, words, spearman = [], [], [], {"length": [], "words": []}  # type: ignore[var-annotated]
    longer = pairs = 0
    for row in rows:
        for order in row["rankings"]:
            texts = [row["responses"][name] for name in order]
            ranks += range(1, len(order) + 1)
            characters += [len(text) for text in texts]
            words += [len(text.split()) for text in texts]
            for name, sizes in (("length", [len(t) for t in texts]), ("words", [len(t.split()) for t in texts])):
                spearman[name].append(spearmanr(sizes, range(len(order))).statistic)
            for better, worse in combinations(texts, 2):
                pairs += len(better) != len(worse)
                longer += len(better) > len(worse)
    assert found["length_rank_pearson"] == pytest.approx(pearsonr(characters, ranks).statistic)
    assert found["words_rank_pearson"] == pytest.approx(pearsonr(words, ranks).statistic)
    assert found["length_rank_correlation"] == pytest.approx(np.nanmean(spearman["length"]))
    assert found["words_rank_correlation"] == pytest.approx(np.nanmean(spearman["words"]))
    assert (found["unequal_pairs"], found["longer_wins"]) == (pairs, pytest.approx(longer / pairs))
    labels = [row["judge_raw"][0]["ranking"] for row in rows]
    places = [["ABCDEF".index(label) + 1 for label in reply] for reply in labels]
    correlation = pearsonr([p for own in places for p in own], [k for _ in places for k in range(6)]).statistic
    assert found["shown_rank_correlation"] == pytest.approx(correlation)
    assert found["shown_chi2"] == pytest.approx(
        chisquare([sum(p[0] == k for p in places) for k in range(1, 7)]).statistic
    )


def test_answers_of_one_length_have_no_correlation() -> None:
    values = verbosity(
        encode([Ranking("q", 1, "j", ("a", "b"))]), {("a", "q"): 3, ("b", "q"): 3}, {("a", "q"): 1, ("b", "q"): 2}
    )
    assert math.isnan(values["length_rank_pearson"])
    assert values["words_rank_pearson"] == pytest.approx(1), "fewer words rank better"
    assert values["unequal_pairs"] == 0


# ------------------------------------------------------------ records


def check(root: Path) -> tuple[str, str]:
    """What all three verifiers say: the program, its plain part, and the shipped file."""
    record = read_record(root / "audit.db", tree_facts())
    found = concluded("judges", findings_again, record)
    assert concluded("judges", check_judge_findings, read_record(root / "audit.db", tree_facts())) == found
    (alone,) = [one for one in shipped().verify_alone(root, shipped().WRITTEN) if one.name == "judges"]
    assert (alone.verdict, alone.detail) == (found.verdict, found.detail)
    return found.verdict, found.detail


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record of judging alone, six questions by five calls, with answers of many lengths."""
    root = tmp_path_factory.mktemp("paper") / "20260101-000000-paper"
    write_judging(root, questions=6, resamples=10)
    return root


def test_a_real_run_holds(judged: Path) -> None:
    verdict, detail = check(judged)
    assert verdict == "ok", detail
    assert detail.endswith("and abilities with lengths held fixed")
    assert all(JudgesFound.of_run(Reader(judged)).data().values()), "every view has rows"


def test_a_record_with_an_estimate_holds(paper: Path) -> None:
    assert check(paper)[0] == "ok"
    data = JudgesFound.of_run(Reader(paper)).data()
    assert data["length_controlled"][0]["problem"] is None
    assert {row["condition"] for row in data["length_controlled"]} == {
        row["condition"] for row in data["clause_scores"]
    }


def row(*path: Any, by: Any = 1e-6) -> Any:
    """A change of one number below `rows`."""

    def edit(values: dict[str, Any]) -> None:
        inner: Any = values
        for key in path[:-1]:
            inner = inner[key]
        now = inner[path[-1]]
        inner[path[-1]] = 0.5 if now == "nan" else now + by

    return edit


LIES: dict[str, tuple[Change, str]] = {
    "tau of a question": (edited("question_agreement.computed", row("rows", 0, "kendall_tau")), "kendall_tau is"),
    "top-1 agreement": (edited("question_agreement.computed", row("rows", 0, "top1_agreement")), "top1_agreement is"),
    "top-1 margin": (edited("question_agreement.computed", row("rows", 0, "top1_margin")), "top1_margin is"),
    "rankings of a question": (edited("question_agreement.computed", row("rows", 0, "rankings", by=1)), "rankings is"),
    "another question": (
        edited("question_agreement.computed", lambda v: v["rows"][0].update(question_id="9:9")),
        "the question of a row",
    ),
    "a question less": (edited("question_agreement.computed", lambda v: v["rows"].pop()), "how many questions"),
    "a clause's score": (edited("clauses.scored", row("rows", 0, "conditions", 1, "borda")), "borda is"),
    "a clause's firsts": (edited("clauses.scored", row("rows", 0, "conditions", 1, "firsts", by=1)), "firsts is"),
    "a clause's rankings": (edited("clauses.scored", row("rows", 0, "rankings", by=1)), "rankings is"),
    "a difficulty": (edited("clauses.scored", row("rows", 0, "difficulty")), "difficulty is"),
    "tau of a clause": (edited("clauses.scored", row("rows", 0, "kendall_tau")), "kendall_tau is"),
    "who leads": (edited("clauses.scored", lambda v: v["rows"][0].update(leaders=["nobody"])), "who leads"),
    "a clause less": (edited("clauses.scored", lambda v: v["rows"].pop()), "the clauses in their order"),
    "an ability": (edited("length_controlled.computed", row("rows", 0, "ability")), "ability is"),
    "an error": (edited("length_controlled.computed", row("rows", 0, "error")), "error is"),
    "a win rate": (edited("length_controlled.computed", row("rows", 0, "win_rate")), "win_rate is"),
    "a raw win rate": (edited("length_controlled.computed", row("rows", 0, "raw_win_rate")), "raw_win_rate is"),
    "what length is worth": (edited("length_controlled.computed", row("length")), "length is"),
    "its error": (edited("length_controlled.computed", row("length_error")), "length_error is"),
    "a standard deviation": (edited("length_controlled.computed", row("scale")), "scale is"),
    "votes": (edited("length_controlled.computed", row("votes", by=1)), "votes is"),
    "its error left out": (edited("length_controlled.computed", lambda v: v.pop("length_error")), "is missing"),
    "a problem": (edited("length_controlled.computed", lambda v: v.update(problem="no_maximum")), "why there is no"),
    "a condition less": (edited("length_controlled.computed", lambda v: v["rows"].pop()), "the conditions"),
}  # fmt: skip


@pytest.mark.parametrize("what", LIES)
def test_a_changed_number_is_found(what: str, paper: Path, tmp_path: Path) -> None:
    change, sentence = LIES[what]
    record = read_record(tampered(paper, tmp_path, change) / "audit.db", tree_facts())
    found = concluded("judges", check_judge_findings, record)
    assert (found.verdict, sentence in found.detail) == ("failed", True), found


NEW = (
    "kendall_tau_median",
    "top1_agreement",
    "top1_margin",
    "shown_rankings",
    "mean_rank_shown:1",
    "shown_chi2",
    "shown_p",
    "first_given_shown_spread",
    "length_rank_pearson",
    "words_rank_correlation",
    "words_rank_pearson",
    "unequal_pairs",
)


@pytest.mark.parametrize("name", NEW)
def test_a_changed_diagnostic_is_found(name: str, paper: Path, tmp_path: Path) -> None:
    from storage.verifier.ranking.estimates import check_estimates

    root = tampered(paper, tmp_path, edited("diagnostics.computed", row("values", name)))
    found = concluded("estimates", check_estimates, read_record(root / "audit.db", tree_facts()))
    assert (found.verdict, repr(name) in found.detail) == ("failed", True), found


def test_what_is_left_out_is_missed(judged: Path, tmp_path: Path) -> None:
    from storage.verifier.checks import CHECKS

    for kind in ("question_agreement.computed", "clauses.scored", "length_controlled.computed"):
        root = tampered(judged, tmp_path / kind, removed(kind))
        checks = [concluded(n, CHECKS[n], read_record(root / "audit.db", tree_facts())) for n in ("units", "stages")]
        assert "failed" in {found.verdict for found in checks}, kind


def test_without_texts_all_but_lengths_is_derived(paper: Path, tmp_path: Path) -> None:
    root = tampered(paper, tmp_path, lambda db: db.execute("DELETE FROM blobs") and None)
    verdict, detail = check(root)
    assert verdict == "withheld"
    assert detail.startswith("agreement on each question and scores of")
    moved = tampered(root, tmp_path / "moved", edited("clauses.scored", row("rows", 0, "difficulty")))
    assert check(moved)[0] == "failed"


# ------------------------------------------------------------ shown


def test_views_and_a_file_say_the_same(paper: Path) -> None:
    """`question_agreement` has the least agreed on first in both."""
    reader = Reader(paper)
    recorded = [
        DiagnosticsComputed.model_validate(json.loads(one["p"]))
        for one in reader.query(
            "SELECT json_remove(payload, '$.unit', '$.attempt') AS p FROM events WHERE kind = 'diagnostics.computed'"
        )
    ]
    assert {(r.name, r.value) for r in JudgesFound.of_events(recorded).diagnostics} == {
        (r.name, r.value) for r in JudgesFound.of_run(reader).diagnostics
    }
    listed = rankings(questions=8)
    events = findings(Judged(tuple(listed), (), {}), encode(listed)).values()
    taus = [row.kendall_tau for row in JudgesFound.of_events(events).questions]
    assert taus == sorted(taus)
    of_view = [row.kendall_tau for row in JudgesFound.of_run(reader).questions]
    assert of_view == sorted(of_view)
    assert any(isinstance(event, QuestionAgreementComputed) for event in events)


def scores(clauses: int, conditions: list[str]) -> tuple[list[ClauseScoreRow], list[ClauseLeaderRow]]:
    listed = [
        ClauseScoreRow(clause, name, float(k) if clause % 2 else -float(k), 1, 10)
        for clause in range(1, clauses + 1)
        for k, name in enumerate(conditions)
    ]
    return listed, [ClauseLeaderRow(clause, "", 0.5, "nan") for clause in range(1, clauses + 1)]


def test_the_heat_map_marks_the_best_and_says_where_the_rest_is() -> None:
    lines = heat_map(*scores(25, ["full", "hard", "soft"]), 80, "`there`")
    assert lines[1].split() == ["clause", "soft", "hard", "full", "difficulty", "τ"], "the best over all first"
    assert lines[2].split() == ["1", "2.00*", "1.00", "0.00", "0.50", "–"]
    assert lines[3].split() == ["2", "-2.00", "-1.00", "0.00*", "0.50", "–"]
    assert f"{MOST_CLAUSES} of 25 clauses; the rest: `there`" in " ".join(lines)
    assert len(lines) < MOST_CLAUSES + 8


@pytest.mark.parametrize("conditions", [2, 6, 26, 40])
@pytest.mark.parametrize("width", [60, 80, 200])
def test_long_names_stand_below_and_no_line_is_wider_than_the_terminal(conditions: int, width: int) -> None:
    names = [f"checkpoints/model-{k}-of-{conditions}" for k in range(conditions)]
    lines = heat_map(*scores(3, names), width, "`there`")
    assert max(map(len, lines)) <= width
    told = " ".join(" ".join(lines).split())
    shown = told.count("checkpoints/")
    assert shown == conditions or f"{shown} of {conditions} conditions; the rest: `there`" in told


def test_every_problem_has_its_sentence() -> None:
    for problem, sentence in PROBLEMS.items():
        rows = [LengthRow(None, None, None, None, None, None, None, problem)]
        assert sentence in " ".join(" ".join(JudgesFound(lengths=rows).lines(80, "VIEW")).split())


def test_what_a_stranger_wrote_is_shown_without_harm() -> None:
    rows = [ClauseScoreRow("\x1b[31m", "\x1b]0;x\x07", "much", None, "many")]
    lines = heat_map(rows, [ClauseLeaderRow("\x1b[31m", None, "x", [])], 80, "`there`")
    assert "\x1b" not in "".join(lines)
    assert "?" in lines[2]
