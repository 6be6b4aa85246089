"""Kemeny and Mallows boards stand in the order of the consensus of the data; a newer rule is unchecked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paper_judging
import pytest
from both_verifiers import checked
from hypothesis import given, settings
from hypothesis import strategies as st
from rewritten import Row, forged

from core.errors import Unchecked, VerificationFailed
from core.facts.randomness import RandomStream
from core.facts.ranking.methods import CONSENSUS_METHODS
from core.facts.ranking.positions import ORDER_RULE, positions_by
from core.ranking.counts import wins_by_unit
from core.ranking.leaderboards import Aggregation, Leaderboard
from core.ranking.methods.kemeny import kemeny
from core.sections.who_judges import RankSection
from core.types import Ranking
from storage.check import Check
from storage.record.reader import Reader
from storage.replay.compare import Compared, exactly
from storage.replay.repetition import Line, Repeated
from storage.replay.replaying import Report, StageReplay
from tui.commands.ranking.rank import ranked as ranked_anew
from tui.commands.ranking.rank_options import RankOptions
from tui.commands.ranking.rank_source import of_file
from tui.commands.record.replay import replay
from tui.commands.record.replay_text import text_of
from tui.commands.record.show import results
from tui.screens.panes.leaderboards import LeaderboardsPane, page


def board_of(orders: list[tuple[str, ...]], method: Any, seed: int = 0) -> Leaderboard:
    rankings = [Ranking(str(number), 1, "judge#0", order) for number, order in enumerate(orders)]
    section = RankSection.model_validate({"resamples": 25})
    return Aggregation(rankings, section, RandomStream(seed, "rank"), lambda done, total, detail: None).leaderboard(
        method
    )


def places(board: Leaderboard) -> dict[str, int]:
    return {row.condition: row.position for row in board.rows}


# ------------------------------------------------------------ the order


@settings(max_examples=40, deadline=None)
@given(st.lists(st.permutations("abcd").map(tuple), min_size=1, max_size=9), st.integers(0, 3))
def test_a_board_stands_in_the_order_of_the_consensus_whatever_is_resampled(
    orders: list[tuple[str, ...]], seed: int
) -> None:
    board = board_of(orders, "kemeny", seed)
    numbers = [tuple("abcd".index(name) for name in order) for order in orders]
    import numpy as np

    found = kemeny(wins_by_unit(np.array(numbers), np.zeros(len(numbers), dtype=np.int64), 1)[0])
    mean = dict(zip("abcd", found.position, strict=True))
    assert places(board) == {a: 1 + sum(mean[b] < mean[a] - 1e-9 for b in "abcd") for a in "abcd"}
    assert [row.position for row in board.rows] == sorted(row.position for row in board.rows)
    for method in CONSENSUS_METHODS:
        assert places(board_of(orders, method, seed)) == places(board_of(orders, method, seed + 1))


def test_several_best_orders_share_positions_by_their_mean_place_and_the_note_says_so() -> None:
    cycle = board_of([("a", "b", "c", "d"), ("b", "c", "a", "d"), ("c", "a", "b", "d")], "kemeny")
    assert places(cycle) == {"a": 1, "b": 1, "c": 1, "d": 4}
    assert "equal places in the consensus share the better position: a = b = c" in cycle.notes
    assert "3 Kemeny orders are equally good; rows stand in the order of the mean place over them" in "; ".join(
        cycle.notes
    )
    single = board_of([("b", "a"), ("b", "a")], "mallows")
    assert places(single) == {"b": 1, "a": 2}
    assert "rows stand in the Kemeny order, which is unique" in single.notes[-2]


def test_equal_costs_share_the_better_position() -> None:
    assert positions_by([3.0, float("inf"), 1.0, 1.0 + 1e-12]) == [3, 4, 1, 1]


# ------------------------------------------------------------ records


def judged(folder: Path, questions: int) -> Path:
    root = folder / "20260101-000000-paper"
    paper_judging.write_judging(root, questions, resamples=40)
    return root


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four questions, after which the mean position over resamples orders both boards otherwise."""
    return judged(tmp_path_factory.mktemp("new"), 4)


def ranked(root: Path) -> dict[str, Check]:
    return {name: check for name, check in checked(root).items() if name in ("leaderboards", "estimates", "events")}


def verdicts(root: Path) -> dict[str, str]:
    return {name: check.verdict for name, check in ranked(root).items()}


def board_events(root: Path) -> dict[str, dict[str, Any]]:
    found = Reader(root).query("SELECT payload FROM events WHERE kind = 'leaderboard.computed'")
    return {values["method"]: values for values in (json.loads(row["payload"]) for row in found)}


GOOD = {"events": "ok", "leaderboards": "ok", "estimates": "ok"}


def test_a_record_names_the_rule_and_is_ok(new: Path) -> None:
    assert {check.verdict for check in checked(new).values()} <= {"ok", "unknown"}
    assert verdicts(new) == GOOD
    assert {method: values["rule"] for method, values in board_events(new).items()} == dict.fromkeys(
        RankSection().methods, ORDER_RULE
    )


def edited(method: str, edit: Callable[[dict[str, Any]], Any]) -> Callable[[list[Row]], list[Row]]:
    def change(rows: list[Row]) -> list[Row]:
        for row in rows:
            if row.kind == "leaderboard.computed" and row.payload["method"] == method:
                edit(row.payload)
        return rows

    return change


def exchanged(values: dict[str, Any]) -> None:
    """The first two conditions change places."""
    one, other, *rest = values["rows"]
    values["rows"] = [other | {"position": one["position"]}, one | {"position": other["position"]}, *rest]


def in_order_of_the_score(values: dict[str, Any]) -> None:
    rows = sorted(values["rows"], key=lambda row: (row["score"], row["condition"]))
    values["rows"] = [row | {"position": number} for number, row in enumerate(rows, 1)]


@pytest.mark.parametrize("method", sorted(CONSENSUS_METHODS))
def test_another_order_than_the_rule_gives_is_failed(method: str, new: Path, tmp_path: Path) -> None:
    found = verdicts(forged(new, tmp_path / "a", edited(method, exchanged)))
    assert (found["leaderboards"], found["estimates"]) == ("failed", "failed")
    by_score = verdicts(forged(new, tmp_path / "b", edited(method, in_order_of_the_score)))
    assert (by_score["leaderboards"], by_score["estimates"]) == ("failed", "failed")
    stripped = forged(new, tmp_path / "c", edited(method, lambda values: values.pop("rule")))
    assert verdicts(stripped)["events"] == "failed"


def test_what_is_wrong_is_told_before_what_could_not_be_checked(new: Path, tmp_path: Path) -> None:
    newer = forged(new, tmp_path / "a", edited("kemeny", lambda values: values.update(rule=ORDER_RULE + 1)))
    assert verdicts(newer)["leaderboards"] == "unchecked"
    root = forged(newer, tmp_path / "b", edited("mallows", exchanged))
    assert verdicts(root)["leaderboards"] == "failed"


@pytest.mark.parametrize(
    ("method", "values", "said"),
    [
        ("kemeny", {"rule": 2}, "leaderboard 'kemeny', computed by rule 2, is newer than this verifier"),
        ("borda", {"rule": 3}, "leaderboard 'borda', computed by rule 3, is newer than this verifier"),
    ],
)
def test_a_newer_rule_is_unchecked(method: str, values: dict[str, Any], said: str, new: Path, tmp_path: Path) -> None:
    root = forged(new, tmp_path, edited(method, lambda payload: payload.update(values)))
    checks = ranked(root)
    assert verdicts(root) == GOOD | {"leaderboards": "unchecked", "estimates": "unchecked"}
    assert said in checks["leaderboards"].detail
    assert said in checks["estimates"].detail


def test_a_newer_method_is_unchecked(new: Path, tmp_path: Path) -> None:
    def change(rows: list[Row]) -> list[Row]:
        rows[0].payload["config"]["rank"]["methods"][0] = "range_voting"
        for row in rows:
            if row.payload.get("unit") == "borda":
                row.payload["unit"] = "range_voting"
        return edited("borda", lambda payload: payload.update(method="range_voting"))(rows)

    found = ranked(forged(new, tmp_path, change))
    assert found["leaderboards"].verdict == found["estimates"].verdict == "unchecked"
    assert "the method 'range_voting' of ranking is newer than this verifier" in found["estimates"].detail
    rule_0 = forged(new, tmp_path / "zero", edited("kemeny", lambda payload: payload.update(rule=0)))
    assert verdicts(rule_0)["leaderboards"] == "failed"


# ------------------------------------------------------------ replay


def line(values: dict[str, Any]) -> Line:
    return Line(9, "rank", "leaderboard.computed", "", values, ("kemeny", 1))


def test_replay_says_of_a_board_by_another_rule_what_verification_says(new: Path) -> None:
    values = board_events(new)["kemeny"]
    del values["unit"], values["attempt"]

    def finding(**changed: Any) -> tuple[str, str]:
        found = exactly(line(values | changed), Repeated("leaderboard.computed", values, "kemeny"))
        return found.verdict, found.detail

    other = {"rows": values["rows"][::-1]}
    assert finding() == ("same", "")
    assert finding(rule=2) == ("agrees", "computed by rule 2, and rule 1 gives the same")
    assert finding(rule=2, **other) == ("unchecked", "rule 2 is newer than this program; use a newer dempo")
    assert finding(rule=0)[0] == finding(**other)[0] == "drift"


def test_replay_ends_with_7_unless_something_drifted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def report(*verdicts: Any) -> Report:
        events = tuple(
            Compared(9 + n, "rank", "kemeny", "leaderboard.computed", "re-derive", verdict, "made by rule 1")
            for n, verdict in enumerate(verdicts)
        )
        return Report("old", 20, (), (StageReplay("rank", "re-derive", "replayed", "", None, events),))

    for verdicts, error in ((("same", "unchecked"), Unchecked), (("unchecked", "drift"), VerificationFailed)):
        monkeypatch.setattr("tui.commands.record.replay.replay_run", lambda *given, found=report(*verdicts): found)
        with pytest.raises(error, match=r"the first is event 10 \(leaderboard.computed\): made by rule 1") as ended:
            replay(Path("old"), None, None, False, quiet=True, as_json=True)
        assert ended.value.exit_code == (7 if error is Unchecked else 4)
        assert json.loads(capsys.readouterr().out)["ok"] is False
    assert "unchecked" in text_of(report("same", "unchecked"), all_events=False)


# ------------------------------------------------------------ shown


def test_rank_show_and_app_say_the_order_of_the_consensus(
    new: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = [
        {**row, "clause_id": 1, "ranking": json.loads(row["ranking"])}
        for row in Reader(new).query(
            "SELECT payload->>'$.question_id' AS question_id, payload->>'$.judge' AS judge, "
            "payload->>'$.ranking' AS ranking FROM events WHERE kind = 'judge.called' ORDER BY judge, seq"
        )
    ]
    path = tmp_path / "rankings.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in listed), encoding="utf-8")
    found = ranked_anew(of_file(path, RankOptions(resamples=40, seed=5)))
    rows = [row for row in found.rows if row["method"] == "kemeny"]
    recorded = board_events(new)["kemeny"]
    assert [row["condition"] for row in rows] == [row["condition"] for row in recorded["rows"]]
    assert [row["score"] for row in rows] != sorted(row["score"] for row in rows), "the score alone would mislead"
    assert "note" not in recorded
    assert "; rows stand in the Kemeny order, which is unique" in rows[0]["note"]
    results(Reader(new), as_json=False, method="kemeny")
    assert "rows stand in the Kemeny order, which is unique" in " ".join(capsys.readouterr().out.split())
    shown = " ".join(page(LeaderboardsPane.read(Reader(new), None), 100).plain.split())
    assert "rows stand in the Kemeny order, which is unique" in shown
