"""The results as one list of task, data set, metric, value and rank, as benchmark sites keep them."""

from __future__ import annotations

from storage.paper_tables.boards import Boards
from storage.paper_tables.table import Column, Estimate, PaperTable

METRICS = (("bradley_terry_majority", "Bradley–Terry (majority)"), ("borda", "Borda average"))
TASK = "Preference alignment"


def wizwand(boards: Boards) -> PaperTable:
    """A row for each metric and condition, best first; the value is the mean over resamples, as the paper prints it."""
    questions = boards.reader.view("questions")
    clauses = len({row["clause_id"] for row in questions})
    data = f"{clauses}-clause constitution, {len(questions):,} questions"
    columns = (Column("Task"), Column("Dataset"), Column("Metric"), Column("Model"), Column("Value"), Column("Rank", 0))
    rows = [
        (TASK, data, metric, str(row["condition"]), _printed(score), row["position"])
        for method, metric in METRICS
        for row, score in zip(boards.rows.get(method, ()), boards.scores(method).values(), strict=True)
    ]
    lacking = "" if rows else boards.lacking(*(method for method, _ in METRICS))
    remark = "Values are means over resamples; where a record has none, those of the data."
    return PaperTable("wizwand", "wizwand's list", "Results by metric", columns, rows, (remark,), lacking)


def _printed(score: Estimate | None) -> float | None:
    if score is None:
        return None
    return score.point if score.mean is None else score.mean
