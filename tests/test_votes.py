"""Votes between two: read from every form, and counted as whole rankings would be."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from commands import dempo

from core.errors import InputError
from core.facts.randomness import RandomStream
from core.facts.ranking.intervals import tail_of
from core.facts.ranking.methods import METHODS
from core.ranking.files import read_file
from core.ranking.leaderboards import Aggregation, Leaderboard
from core.ranking.pairs_of_votes import pairs_of_votes
from core.ranking.pairwise import pairwise
from core.ranking.votes import OF_WHOLE_RANKINGS, Vote, encode_votes, require_room
from core.sections.who_judges import RankSection
from core.types import Ranking
from tui.commands.ranking.rank import Ranked, ranked
from tui.commands.ranking.rank_options import RankOptions
from tui.commands.ranking.rank_output import rows_by_view
from tui.commands.ranking.rank_source import of_file


def written(tmp_path: Path, *rows: object, name: str = "votes.jsonl") -> Path:
    path = tmp_path / name
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def vote(a: str, b: str, winner: object, question: object = 1, **more: object) -> dict[str, object]:
    return {"question": question, "a": a, "b": b, "winner": winner, **more}


def counted(*wins: object, **more: object) -> dict[str, object]:
    named = dict(zip(("model_i", "model_j", "wins_i", "wins_j"), wins, strict=True))
    return {"question_id": "1:1", "clause_id": 1, **named, **more}


def rankings(seed: int, questions: int = 12, judges: int = 3, conditions: str = "abcd") -> list[Ranking]:
    draw = random.Random(seed)
    return [
        Ranking(f"q{q}", 1 + q % 4, f"j#{k}", tuple(draw.sample(conditions, len(conditions))))
        for q in range(questions)
        for k in range(judges)
    ]


def as_votes(listed: Sequence[Ranking]) -> list[Vote]:
    """Every pair of every ranking, by the names of the two."""
    return [
        Vote(one.question_id, one.clause_id, one.judge, (i, j), *((1.0, 0.0) if at[i] < at[j] else (0.0, 1.0)))
        for one in listed
        for at in [{name: place for place, name in enumerate(one.order)}]
        for i, j in combinations(sorted(one.order), 2)
    ]


def boards(data: Aggregation) -> list[Leaderboard]:
    return [data.leaderboard(method) for method in METHODS if method not in OF_WHOLE_RANKINGS]


@pytest.mark.parametrize("resample", ["questions", "clauses"])
def test_the_votes_of_whole_rankings_give_their_leaderboards(resample: str) -> None:
    section = RankSection.model_validate({"resamples": 60, "resample": resample})
    listed = rankings(seed=4)
    whole, pairs = (
        Aggregation(given, section, RandomStream(3, "rank"), lambda done, total, detail: None)
        for given in (listed, encode_votes(as_votes(listed)))
    )
    for of_rankings, of_votes in zip(boards(whole), boards(pairs), strict=True):
        assert of_votes.rows == of_rankings.rows, of_votes.method
        assert of_votes.detail == of_rankings.detail
        assert of_votes.units == of_rankings.units


def test_votes_have_no_orders_that_a_method_could_be_given() -> None:
    data = Aggregation(encode_votes(as_votes(rankings(1))), RankSection(resamples=5), RandomStream(0), lambda *_: None)
    for method in METHODS:
        if method not in OF_WHOLE_RANKINGS:
            assert data.leaderboard(method).rows
        elif method != "borda":  # whose sums the votes have, for another number of rankings
            with pytest.raises(TypeError, match="votes between two conditions are no rankings"):
                data.leaderboard(method)


def by_method(found: Ranked) -> dict[str, dict[str, float]]:
    scores: dict[str, dict[str, float]] = {}
    for row in found.rows:
        scores.setdefault(row["method"], {})[row["condition"]] = row["score"]
    return scores


def test_a_tie_counts_half_by_hand(tmp_path: Path) -> None:
    """Of four votes x wins two and ties one: Bradley–Terry of two is ln(2.5/1.5), and Copeland 2.5 − 1.5."""
    rows = [vote("x", "y", "x"), vote("y", "x", "x", 2), vote("x", "y", "tie", 3), vote("x", "y", "y", 4)]
    scores = by_method(ranked(of_file(written(tmp_path, *rows), RankOptions(resamples=10))))
    assert scores["copeland"] == {"x": 1.0, "y": -1.0}
    assert scores["bradley_terry"]["x"] == pytest.approx(math.log(2.5 / 1.5) / 2, abs=1e-9)
    assert set(scores) == set(METHODS) - OF_WHOLE_RANKINGS


def test_bradley_terry_gives_back_abilities_of_an_unequal_design(tmp_path: Path) -> None:
    """Counts that are in the ratio of the abilities, some pairs never compared."""
    ability = {"a": 4.0, "b": 2.0, "c": 1.0, "d": 1.0}
    pairs = [("a", "b", 3), ("b", "c", 6), ("d", "c", 2), ("a", "d", 5)]
    rows = [counted(i, j, scale * ability[i], scale * ability[j], question_id=f"{i}{j}") for i, j, scale in pairs]
    found = ranked(of_file(written(tmp_path, *rows), RankOptions(methods=["bradley_terry"], resamples=5)))
    logs = {name: math.log(value) for name, value in ability.items()}
    mean = sum(logs.values()) / 4
    assert by_method(found)["bradley_terry"] == pytest.approx({n: x - mean for n, x in logs.items()}, abs=1e-8)
    assert "pairs were compared 0 to 25 times: copeland counts for more" in " ".join(found.notes)


def test_a_majority_is_one_of_votes_that_were_cast(tmp_path: Path) -> None:
    """A pair that a question does not compare is no tie on it."""
    rows = [vote("x", "y", "x", 1), vote("y", "z", "y", 2), vote("z", "x", "tie", 3)]
    given = read_file(written(tmp_path, *rows)).votes
    data = Aggregation(encode_votes(given), RankSection(resamples=5), RandomStream(0), lambda *_: None)
    assert data.wins_by_majority.tolist() == [[0, 1, 0.5], [0, 0, 1], [0.5, 0, 0]]
    detail = data.leaderboard("copeland").detail
    assert [detail[f"majority_win_rate:{name}"] for name in "xyz"] == [0.75, 0.5, 0.25]


ROWS = {
    "a and b": [vote("x", "y", "x"), vote("y", "x", "tie"), vote("x", "y", None), vote("x", "y", "y")],
    "models by their keys": [
        {"question_id": 1, "model_a": "x", "model_b": "y", "winner": winner}
        for winner in ("model_a", "tie", "tie (bothbad)", "model_b")
    ],
    "sides": [vote("x", "y", winner) for winner in ("a", "Tie", "draw", "b")],
    "counts": [{"question_id": 1, "model_i": "x", "model_j": "y", "wins_i": 1, "wins_j": 1, "num_judges": 4}],
    "a table": ["question,A,B,Winner", "1,x,y,x", "1,y,x,tie", "1,x,y,tie", "1,x,y,y"],
    "a table of counts": ["question_id;model_i;model_j;wins_i;wins_j;num_judges", "1;x;y;1;1;4"],
    "halves": [{"question_id": 1, "model_i": "x", "model_j": "y", "wins_i": 2.0, "wins_j": "2", "num_judges": None}],
    "an array": [json.dumps([vote("x", "y", "tie", judge=f"j#{k}") for k in range(4)])],
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_every_form_says_the_same(tmp_path: Path, rows: list[object]) -> None:
    found = read_file(written(tmp_path, *rows))
    assert not found.rankings
    assert found.no_clause
    votes = encode_votes(found.votes)
    assert votes.conditions == ("x", "y")
    assert votes.wins_by(votes.question, 1).tolist() == [[[0, 2], [2, 0]]]


def test_rankings_of_two_that_are_not_always_the_same_are_votes(tmp_path: Path) -> None:
    rows = [{"question_id": k, "judge": "j", "ranking": order} for k, order in enumerate((["b", "a"], ["b", "c"]))]
    found = read_file(written(tmp_path, *rows))
    assert [(one.pair, one.won, one.lost) for one in found.votes] == [(("b", "a"), 1, 0), (("b", "c"), 1, 0)]
    assert read_file(written(tmp_path, rows[0])).rankings


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (vote("x", "x", "x"), 'line 2: "x" is compared with itself'),
        (vote("x", "y", "z"), 'line 2: \'winner\' is "z"; it must be "x", "y" or \'tie\''),
        (vote("x", "y", ""), "line 2: 'winner' must be a text or a whole number"),
        (vote("x", "y", True), "line 2: 'winner' must be a text or a whole number"),
        (vote("tie", "y", "tie"), 'line 2: a condition is called "tie", which also means a tie'),
        (vote("x", None, "x"), "line 2: 'b' must be a text or a whole number"),
        ({"a": "x", "b": "y", "winner": "x"}, "line 2: the key 'question_id' is missing"),
        ({"question": 1, "judge": "j", "ranking": ["x", "y"]}, "line 2: .*and this is none"),
        (
            vote("y", "x", "x", judge="ann"),
            r'line 2: "ann" compares "x" and "y" on question "1" a second time .*line 1',
        ),
        (counted("x", "y", -1, 2), "line 2: 'wins_i' must be how often it won, a whole number or a half; it is -1"),
        (counted("x", "y", 0.3, 2), "line 2: 'wins_i' must be how often it won"),
        (counted("x", "y", "NaN", 2), "line 2: 'wins_i' must be how often it won"),
        (counted("x", "y", 1, True), "line 2: 'wins_j' must be how often it won"),
        (counted("x", "y", 10**400, 1), "line 2: 'wins_i' must be how often it won"),
        (counted("x", "y", 0, 0), "line 2: nobody compared the two"),
        (counted("x", "y", 3, 2, num_judges=4), "line 2: 3 and 2 wins are more than 'num_judges' has"),
        (counted("x", "y", 3, 2, majority_winner="y"), "line 2: 'majority_winner' is \"y\", but the wins are 3 and 2"),
        ({"question_id": 1, "model_i": "x", "model_j": "y", "wins_i": 1}, "line 2: the key 'wins_j' is missing"),
    ],
)
def test_wrong_votes_are_refused(tmp_path: Path, row: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_file(written(tmp_path, vote("x", "y", "x", judge="ann"), row))


def test_counts_of_a_pair_stand_once_for_each_question(tmp_path: Path) -> None:
    row = counted("x", "y", 3, 2, majority_winner="x", num_judges=5)
    again = counted("y", "x", 2, 2, majority_winner=None, num_judges=5)
    with pytest.raises(InputError, match=r'"x" and "y" on question "1:1" a second time \(first: .*line 1\)'):
        read_file(written(tmp_path, row, again))
    first, second = read_file(written(tmp_path, row, again | {"question_id": "1:2"})).votes
    assert (first.won, first.lost, second.won, second.lost) == (3, 2, 2.5, 2.5)


def test_what_takes_whole_rankings_is_left_out_and_said(tmp_path: Path) -> None:
    path = written(tmp_path, vote("x", "y", "x", judge="ann"), vote("x", "y", "y", 2, judge="bob"))
    found = ranked(of_file(path, RankOptions(resamples=5)))
    told = " ".join(found.notes)
    assert told.startswith("2 votes between two conditions; a tie counts half for each left out: borda, plackett_luce")
    assert not found.jury.boards
    assert not found.jury.agreement
    with pytest.raises(InputError, match="--method borda: this takes whole rankings, .* choose among copeland, "):
        of_file(path, RankOptions(methods=["borda,copeland"]))


def test_votes_are_selected_weighted_and_resampled_one_by_one(tmp_path: Path) -> None:
    rows = [
        *(vote("x", "y", "x", q, judge="ann#0") for q in range(3)),
        *(vote("x", "y", "y", q, judge="bob#0", clause="safety") for q in range(4)),
        vote("y", "z", "y", judge="ann#0", clause="honesty"),
    ]
    path = written(tmp_path, *rows)

    def copeland(**options: object) -> dict[str, float]:
        asked = RankOptions(methods=["copeland"], resamples=5, **options)  # type: ignore[arg-type]
        return by_method(ranked(of_file(path, asked)))["copeland"]

    assert copeland() == {"x": -1, "y": 2, "z": -1}
    assert copeland(judges=["ann"]) == {"x": 3, "y": -2, "z": -1}
    assert copeland(drop=["z"]) == {"x": -1, "y": 1}
    assert copeland(weights=["bob=2"]) == {"x": -5, "y": 6, "z": -1}
    with pytest.raises(InputError, match="no vote compares two of 'x', 'z'"):
        copeland(only=["x,z"])
    source = of_file(path, RankOptions(resample="votes", resamples=5))
    board = ranked(source).rows[0]
    assert "intervals resample votes (8 of them)" in board["note"]
    assert source.clauses == {1: "(none)", 2: "safety", 3: "honesty"}
    with pytest.raises(InputError, match="--resample 'rankings': choose questions, votes or clauses"):
        of_file(path, RankOptions(resample="rankings"))


def test_more_votes_than_memory_holds_are_refused() -> None:
    require_room(3_000, 1_000, 26)
    with pytest.raises(InputError, match="1000 resamples of 975000 votes take too much memory; resample questions"):
        require_room(975_000, 1_000, 26)


def test_sums_by_unit_are_those_of_a_plain_loop() -> None:
    draw = np.random.default_rng(7)
    votes = [
        Vote(f"q{q}", 1, "j", ("abcde"[i], "abcde"[j]), float(won) / 2, float(lost), weight=int(weight))
        for q, i, j, won, lost, weight in draw.integers(0, 5, (200, 6))
        if i != j
    ]
    data = encode_votes(votes)
    wanted = np.zeros((5, 5, 5))
    for k, one in enumerate(votes):
        i, j = ("abcde".index(name) for name in one.pair)
        wanted[data.question[k], i, j] += one.won * one.weight
        wanted[data.question[k], j, i] += one.lost * one.weight
    assert (data.wins_by(data.question, 5) == wanted).all()


# ------------------------------------------------------------ win rates


def aggregation(given: Sequence[Ranking] | Sequence[Vote], **settings: object) -> Aggregation:
    section = RankSection.model_validate({"resamples": 60, **settings})
    both = encode_votes(given) if isinstance(given[0], Vote) else given  # type: ignore[arg-type]
    return Aggregation(both, section, RandomStream(3, "rank"), lambda *_: None)  # type: ignore[arg-type]


@pytest.mark.parametrize("resample", ["questions", "clauses"])
@pytest.mark.parametrize("questions", [12, 60])
def test_the_votes_of_whole_rankings_give_their_win_rates(resample: str, questions: int) -> None:
    """Intervals, expanded for few units or not, included."""
    listed = rankings(seed=4, questions=questions, judges=2)
    found = pairs_of_votes(aggregation(as_votes(listed), resample=resample))
    wanted = pairwise(aggregation(listed, resample=resample)).rows
    assert (found.never_compared, found.by_one, found.most_left_out) == (0, 0, 0)
    assert [vars(row) for row in found.rows] == [pytest.approx(row.model_dump(), abs=1e-12) for row in wanted]


UNEQUAL = [
    vote("x", "y", "x"),
    vote("x", "y", "tie"),
    vote("x", "y", "y", 2),
    vote("y", "z", "y", 2),
    vote("y", "z", "tie", 3),
    vote("w", "z", "z", 4),
]


def test_win_rates_by_hand(tmp_path: Path) -> None:
    """x against y: 1.5 of 3 votes; of two questions it wins the first (1.5 to .5), and y the second."""
    found = ranked(of_file(written(tmp_path, *UNEQUAL), RankOptions(resamples=400)))
    rows = {(row["condition"], row["other"]): row for row in rows_by_view(found)["pairwise"]}
    assert set(rows) == {(one, other) for pair in ("xy", "yz", "wz") for one, other in (pair, pair[::-1])}
    names = ("votes", "votes_against", "win_rate", "majority_win_rate", "mean_margin")
    assert [rows["x", "y"][name] for name in names] == [1.5, 1.5, 0.5, 0.5, (0.5 - 1) / 2]
    assert [rows["y", "z"][name] for name in names] == [1.5, 0.5, 0.75, 0.75, (1 + 0) / 2]
    assert [rows["z", "w"][name] for name in names] == [1, 0, 1, 1, 1]
    assert isinstance(rows["z", "w"]["votes"], int)
    assert (rows["x", "y"]["low"], rows["x", "y"]["high"]) == (0, 0.75), "question 2 alone, or question 1 alone"
    assert (rows["z", "w"]["low"], rows["z", "w"]["majority_high"]) == ("nan", "nan")
    assert "3 pairs never compared: there is no win rate" in found.notes
    assert "1 pair compared by one question alone: the win rate has no interval" in found.notes


def test_an_interval_is_of_the_resamples_that_have_a_vote(tmp_path: Path) -> None:
    """One of six questions compares y and z twice, another once: the share of resamples with neither is (4/6)^6."""
    rows = [vote("x", "y", "x", q) for q in range(4)]
    rows += [vote("y", "z", "y", 4), vote("y", "z", "y", 4), vote("y", "z", "z", 5)]
    data = aggregation(read_file(written(tmp_path, *rows)).votes, resamples=2000)
    found = pairs_of_votes(data)
    drawn = data.weights[1:, 4:]
    assert found.most_left_out == (drawn.sum(axis=1) == 0).sum() == pytest.approx(2000 * (4 / 6) ** 6, rel=0.2)
    (row,) = (row for row in found.rows if (row.condition, row.other) == ("y", "z"))
    with_votes = drawn[drawn.sum(axis=1) > 0] @ np.array([[2.0, 2.0], [0.0, 1.0]])
    rates = np.sort(with_votes[:, 0] / with_votes[:, 1])
    tail = tail_of(0.95, 2)
    assert (row.low, row.high) == pytest.approx(tuple(np.quantile(rates, [tail, 1 - tail])))
    assert row.win_rate == pytest.approx(2 / 3)


def test_win_rates_of_votes_are_printed(tmp_path: Path) -> None:
    path = written(tmp_path, *UNEQUAL)
    plain = dempo("rank", path, "--resamples", 20).stdout
    lines = plain[plain.index("\nWin rates\n") :].split("\n\n")[0].strip("\n").split("\n")
    (of_x,) = (line for line in lines if line.split()[1:2] == ["x"])
    assert of_x.split()[2:] == ["0.500", "–"], "beside y and itself there is nothing to compare x with"
    assert "empty: never compared" in " ".join(plain.split())
    assert max(map(len, lines)) <= 80
    assert "P(1st)" in plain
    data = json.loads(dempo("rank", path, "--resamples", 20, "--json").stdout)["pairwise"]
    assert len(data) == 6
    shown = dempo("rank", path, "--resamples", 20, "--view", "pairwise", "--csv")
    assert shown.stdout.splitlines()[0].startswith("condition,other,votes,votes_against,win_rate,low,high,")
    assert len(shown.stdout.splitlines()) == 7
    assert "never compared" in shown.stderr


def test_neighbours_that_one_question_compares_have_no_interval(tmp_path: Path) -> None:
    path = written(tmp_path, vote("x" * 30, "y" * 30, "y" * 30))
    found = ranked(of_file(path, RankOptions(resamples=5)))
    told = " ".join(" ".join(found.pairs.win_rates(20)).split())
    assert ": 1.000 no interval" in told
    assert "nan" not in told
