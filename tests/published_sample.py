"""150 published rankings of six models as numbers: orders, shown places, lengths; the texts are made up to fit them.

`data/published_orders.csv` has a row for each of them. Models go by the letters A to F in the order of their names;
`same` has one letter for all answers of the same text. No published text is here, and nothing that is measured on
rankings, shown places and lengths is another for it; a test compares both where the published file is at hand.
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

MODELS = tuple(
    f"checkpoints/llama3.1-8b-{name}"
    for name in ("adversary-hard", "adversary-soft", "full-prism", "hard-panel", "soft-panel", "us-rep")
)
"""By letter."""

PUBLISHED = (
    Path(os.environ.get("DEMPO_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    / "judge_rankings_sample.jsonl"
)
"""Where the published file may lie."""

_ORDERS = Path(__file__).parent / "data" / "published_orders.csv"
_LETTERS = "ABCDEF"


def sample_rows() -> list[dict[str, Any]]:
    """The rows of the file, as the published one has them."""
    with _ORDERS.open(newline="") as file:
        return [_row(k, row) for k, row in enumerate(csv.DictReader(file))]


def write_sample(path: Path) -> Path:
    """Writes the rows as JSON Lines."""
    path.write_text("".join(f"{json.dumps(row)}\n" for row in sample_rows()), encoding="utf-8")
    return path


def _row(number: int, row: dict[str, str]) -> dict[str, Any]:
    sizes = zip(row["same"], *(map(int, row[of].split()) for of in ("characters", "words")), strict=True)
    label = dict(zip(row["shown"], _LETTERS, strict=True))
    return {
        "idx": number,
        "question_id": row["question_id"],
        "clause_id": int(row["clause_id"]),
        "clause": f"clause {row['clause_id']}",
        "question": f"question {row['question_id']}",
        "models": list(MODELS),
        "responses": {model: _text(*size) for model, size in zip(MODELS, sizes, strict=True)},
        "rankings": [[MODELS[_LETTERS.index(letter)] for letter in row["order"]]],
        "judge_raw": [{"ranking": [label[letter] for letter in row["order"]]}],
    }


def _text(letter: str, characters: int, words: int) -> str:
    """So many words of so many characters in all, the last of them the longest."""
    if words == 0:
        return " " * characters
    return " ".join([letter] * (words - 1) + [letter * (characters - 2 * (words - 1))])
