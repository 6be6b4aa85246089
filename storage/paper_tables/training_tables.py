"""The tables of training: what each condition trained on, and how far it moved the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from storage.paper_tables.table import Column, PaperTable, number
from storage.record.reader import Reader
from storage.summary.labels import value_words


def sizes(reader: Reader) -> PaperTable:
    """Pairs and raters of each condition."""
    rows = [row for row in reader.view("conditions") if row["pairs"]]
    caption = "Sizes of the training data"
    if not rows:
        return PaperTable("sizes", "Table 2", caption, lacking="the run has no conditions that train")
    columns = (Column("Condition"), Column("Pairs", 0), Column("Raters", 0), Column("Steps", 0), Column("Weights"))
    told = [
        (
            str(row["condition"]),
            number(row["pairs"]),
            number(row["raters"]),
            number(row["steps"]),
            _weights(row),
        )
        for row in rows
    ]
    return PaperTable("sizes", "Table 2", caption, columns, told)


def _weights(row: Mapping[str, Any]) -> str:
    """What the weights of a condition are made of; only those of a lottery have a transform of π."""
    if not str(row["source"]).startswith("lottery:"):
        return "equal"
    return str(value_words("transform", row["transform"] or ""))


def gradients() -> PaperTable:
    """Statistics of gradients, which no run records."""
    lacking = "no run records gradients"
    return PaperTable("gradients", "Table 5", "Gradient diagnostics", lacking=lacking)


def updates(reader: Reader) -> PaperTable:
    """How far each condition moved the whole model."""
    rows = [row for row in reader.view("updates") if row["layer"] == "all"]
    caption = "Magnitudes of the updates"
    if not rows:
        return PaperTable("updates", "Table 7", caption, lacking="the run measured no update: it trains no condition")
    steps = {str(row["condition"]): number(row["steps"]) for row in reader.view("conditions")}
    columns = (
        Column("Model"),
        Column("Steps", 0),
        Column("‖Δθ‖", 3),
        Column("RMS ×1e-5", 3, 1e5),
        Column("Mean |Δθ| ×1e-6", 3, 1e6),
        Column("Relative ‖Δθ‖", 6),
    )
    told = [
        (
            str(row["condition"]),
            steps.get(str(row["condition"])),
            *(number(row[name]) for name in ("l2", "rms", "mean_abs", "relative")),
        )
        for row in rows
    ]
    remark = "Of the whole model, in norms over all of its numbers; relative to the norm of the base model."
    return PaperTable("updates", "Table 7", caption, columns, told, (remark,))
