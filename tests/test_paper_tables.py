"""Tables as the paper prints them: values by hand from rows of views, and every form of a hostile name."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import pytest
from commands import answered, dempo

from storage.paper_tables.all_tables import KEYS, tables_of
from storage.paper_tables.table import Column, Estimate, PaperTable
from storage.paper_tables.written import comma_separated, latex, markdown, shown, written
from storage.record.reader import Reader

Rows = Sequence[Mapping[str, Any]]


class Views:
    """Views with invented rows, and none in any other."""

    def __init__(self, **rows: Rows) -> None:
        self.rows = rows

    def view(self, name: str) -> Rows:
        return self.rows.get(name, [])


def board(method: str, *rows: tuple[str, float, float, float, float], rankings: int = 100) -> list[dict[str, Any]]:
    return [
        {
            "method": method, "condition": name, "score": score, "mean": mean, "low": low, "high": high,
            "position": place, "rankings": rankings, "resample": "questions", "resamples": 1000,
            "confidence": 0.95,
        }
        for place, (name, score, mean, low, high) in enumerate(rows, start=1)
    ]  # fmt: skip


def table(key: str, **rows: Rows) -> PaperTable:
    (found,) = tables_of(cast(Reader, Views(**rows)), wanted=[key])
    return found


def test_borda_and_copeland_as_in_table_8() -> None:
    """By hand: of 100 rankings of three conditions each takes part in 200 votes; 20 more won than lost is 0.55."""
    found = table(
        "scores",
        leaderboards=board(
            "borda", ("hard", 1.1, 1.101, 1.0, 1.2), ("soft", 1.0, 1.0, 0.9, 1.1), ("us", 0.9, 0.9, 0.8, 1.0)
        )
        + board("copeland", ("hard", 20, 20.4, 0, 40), ("soft", 0, 0, -20, 20), ("us", -20, -20, -40, 0)),
    )
    name, borda, rate, copeland = found.rows[0]
    assert (name, borda, copeland) == ("hard", Estimate(1.1, 1.101, 1.0, 1.2), Estimate(20, 20.4, 0, 40))
    assert isinstance(rate, Estimate)
    assert (rate.point, rate.mean, rate.low, rate.high) == pytest.approx((0.55, 0.551, 0.5, 0.6))
    assert "| hard | 1.100 (mean 1.101) \\[1.000, 1.200\\] | 0.550 (mean 0.551) \\[0.500, 0.600\\] |" in markdown(found)


def test_wins_stand_beside_abilities_on_majorities() -> None:
    found = table(
        "abilities",
        leaderboards=board(
            "bradley_terry_majority", ("hard", 0.274, 0.273, 0.25, 0.3), ("base", -0.219, -0.22, -0.24, -0.2)
        ),
        leaderboard_details=[{"method": "bradley_terry_majority", "name": "wins:hard", "value": 7016.5}],
    )
    assert [row[2] for row in found.rows] == [7016.5, None]
    assert markdown(found).count("not in this run") == 1
    assert "7016.5" in latex(found)


def test_the_consensus_joins_equal_places_and_prints_the_whole_likelihood() -> None:
    rows = board("kemeny", ("hard", 1, 1, 1, 1), ("soft", 2.4, 2.4, 2, 3), ("full", 2.6, 2.6, 2, 3))
    rows[2]["position"] = 2
    mallows = [{**row, "method": "mallows"} for row in rows]
    details = {
        "exact_match": 0.94,
        "phi": 0.0445,
        "phi_low": 0.04,
        "phi_high": 0.05,
        "held_out_log_likelihood_total": -14107.4,
    }
    found = table(
        "consensus",
        leaderboards=rows + mallows,
        leaderboard_details=[{"method": "mallows", "name": name, "value": value} for name, value in details.items()],
    )
    assert found.rows[0] == ("Kemeny", "hard > soft = full", None, "", "")
    assert found.rows[1] == ("Mallows", "hard > soft = full", 0.94, Estimate(0.0445, None, 0.04, 0.05), -14107.4)


def test_places_are_a_grid_that_is_well_formed_whatever_the_names() -> None:
    hostile = '<script>"\x1b&'
    found = table(
        "places",
        leaderboards=board("kemeny", ("hard", 1, 1, 1, 1), (hostile, 2, 2, 2, 2)),
        places=[
            {"method": "kemeny", "condition": name, "place": place, "share": share}
            for name, shares in (("hard", (0.75, 0.25)), (hostile, (0.25, 0.75)))
            for place, share in enumerate(shares, start=1)
        ],
    )
    assert [row[1:] for row in found.rows] == [(0.75, 0.25), (0.25, 0.75)]
    drawn = ElementTree.fromstring(written(found, "svg"))
    texts = [element.text for element in drawn.iter() if element.tag.endswith("text")]
    assert texts.count("0.750") == texts.count("0.250") == 2
    assert "\x1b" not in written(found, "svg") + written(found, "md") + written(found, "tex") + written(found, "csv")
    with pytest.raises(ValueError, match="only the table `places` is drawn"):
        written(table("sizes"), "svg")


def test_updates_are_scaled_as_in_table_7() -> None:
    found = table(
        "updates",
        updates=[
            {"condition": "full", "layer": "all", "l2": 2.996, "rms": 3.344e-5, "mean_abs": 9.5e-6, "relative": 0.0024}
        ],
        conditions=[
            {
                "condition": "full",
                "steps": 3538,
                "pairs": 57750,
                "raters": 1000,
                "source": "all",
                "transform": "identity",
            }
        ],
    )
    cells = [shown(*pair) for pair in zip(found.rows[0], found.columns, strict=True)]
    assert cells == ["full", "3538", "2.996", "3.344", "9.500", "0.002400"]


def test_a_panel_s_farthest_share_leaves_slack_out() -> None:
    rows = [
        {
            "draw": "main",
            "attribute": "a",
            "category": c,
            "members": m,
            "lower": lo,
            "upper": hi,
            "slack": s,
            "deviation": d,
        }
        for c, m, lo, hi, s, d in [("x", 5, 4, 6, 0, -0.02), ("y", 7, 4, 6, 0, 0.05), ("z", 1, 0, 13, 1, 0.3)]
    ]
    assert table("panels", panel_composition=rows).rows == [("main", 13.0, 1, 0.05, None)]


def test_what_a_run_lacks_is_said_and_nothing_is_invented() -> None:
    for found in tables_of(cast(Reader, Views())):
        assert (found.rows, bool(found.lacking)) == ((), True)
        assert "Not printed: " in markdown(found)
        assert latex(found).startswith("% ")


@pytest.mark.parametrize("name", ["a|b", "a\nb", "*a*", "[a](b)", "<b>", "a\\b", "`a`"])
def test_nothing_in_a_name_is_markdown(name: str) -> None:
    text = markdown(PaperTable("sizes", "Table 2", "Sizes", (Column("Condition"),), ((name,),)))
    line = text.splitlines()[4]
    for sign in "|*`<[":
        assert f"\\{sign}" in line or sign not in name
    assert line.replace("\\|", "").count("|") == 2


def test_latex_escapes_what_it_would_obey() -> None:
    text = latex(PaperTable("sizes", "Table 2", "50 % & more", (Column("Condition"),), ((r"a_b\input{x}$",),)))
    assert r"a\_b\textbackslash{}input\{x\}\$ \\" in text
    assert r"50 \% \& more" in text
    columns, row = (Column("Condition"), Column("x")), ("[opt]-a", Estimate(-0.5, None, -1.0, -0.25))
    text = latex(PaperTable("sizes", "Table 2", "Sizes", columns, (row,)))
    assert r"{[}opt]-a & $-$0.500 {[}$-$1.000, $-$0.250] \\" in text
    assert text.startswith(r"% \usepackage{booktabs}")


def test_only_weights_of_a_lottery_are_of_its_chances() -> None:
    kinds = {"a": ("all", "identity"), "b": ("lottery:main", "sqrt"), "c": ("lottery:main", "power:0.75")}
    rows = [
        {"condition": name, "steps": 1, "pairs": 2, "raters": 3, "source": source, "transform": transform}
        for name, (source, transform) in kinds.items()
    ]
    told = [row[-1] for row in table("sizes", conditions=rows).rows]
    assert told == ["equal", "square root of π", "power:0.75"]


def test_a_csv_has_every_number_unrounded_and_no_formula() -> None:
    columns = (Column("Model"), Column("RMS", 3, 1e5))
    rows = (("=1+1", Estimate(1 / 3, None, -1.0, 2.0)), ("b", None))
    read = list(csv.reader(io.StringIO(comma_separated(PaperTable("x", "", "", columns, rows)))))
    assert read[0] == ["Model", "RMS", "RMS mean", "RMS low", "RMS high"]
    assert read[1] == ["'=1+1", str(1 / 3), "", "-1.0", "2.0"]
    assert read[2] == ["b", "", "", "", ""]


@pytest.mark.parametrize(
    ("value", "text"),
    [(float("-inf"), "−∞"), (float("nan"), "undefined"), (-0.0001, "0.000"), (None, "not in this run")],
)
def test_numbers_that_have_no_digits_are_said(value: float | None, text: str) -> None:
    assert shown(value, Column("x")) == text


def test_the_command_prints_writes_and_refuses(trained: Path, tmp_path: Path) -> None:
    printed = dempo("tables", trained)
    assert printed.returncode == 0, printed.stderr
    assert "### Borda and Copeland (as Tables 8, 11, 14 and 17 of the paper)" in printed.stdout
    assert "Gradient diagnostics" in printed.stdout
    every = answered(dempo("tables", trained, "--json"))["tables"]
    assert {one["key"].partition("-")[0] for one in every} == set(KEYS)
    grid = dempo("tables", trained, "--format", "svg", "--table", "places-mallows")
    assert (grid.returncode, grid.stdout.count("<rect")) == (0, 1 + 6 * 6)
    one = dempo("tables", trained, trained, "--format", "csv", "--table", "sizes").stdout
    assert (one[-1:], one[-2:] == "\n\n") == ("\n", False)
    done = dempo("tables", trained, "--format", "csv", "--to", tmp_path / "out")
    assert done.returncode == 0
    assert "gradients is not written" in done.stderr
    again = dempo("tables", trained, "--format", "csv", "--to", tmp_path / "out")
    assert again.returncode == 2
    assert "exists; name another folder" in again.stderr
    for wrong, told in [
        (["--format", "csv"], "are no single csv file"),
        (["--format", "svg"], "one by --table: places-kemeny, places-mallows"),
        (["--to", trained / "audit.db"], "no folder can be made there"),
        (["--format", "pdf"], "'pdf' is no format; they are md, tex, csv, svg"),
        (["--table", "t9"], "'t9' is no table; they are sizes"),
        (["--layout", "x"], "'x' is no layout"),
        (["--table", "sizes", "--format", "svg"], "only the table `places` is drawn"),
    ]:
        refused = dempo("tables", trained, *wrong)
        said = " ".join(refused.stderr.replace("│", " ").split())
        assert (refused.returncode, told in said) == (2, True), said
