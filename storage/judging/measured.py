"""What judges took in the runs of a folder, by model: how many tokens a text has, how long replies and calls are."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.evaluation.estimate import Measured
from storage.errors import StorageError
from storage.record.foreign import is_imported
from storage.record.reader import Reader
from storage.record.run_folders import run_folders

NEWEST = 20
"""Runs that are looked at: what a model took long ago says less, and each has to be read."""

_SUMS = """WITH m AS MATERIALIZED (
  SELECT payload AS p, rtrim(payload->>'$.judge', '0123456789') AS name FROM events WHERE kind = 'judge.called'
)
SELECT substr(name, 1, length(name) - 1) AS judge, count(*) AS calls,
  sum(length(CAST(blobs.body AS TEXT))) AS characters, sum(p->>'$.prompt_tokens') AS prompt_tokens,
  sum(p->>'$.completion_tokens') AS completion_tokens, sum(p->>'$.seconds') AS seconds
FROM m JOIN blobs ON blobs.sha256 = p->>'$.prompt.sha256'
WHERE p->>'$.judge_kind' = 'openai' AND p->>'$.prompt_tokens' > 0 AND p->>'$.completion_tokens' IS NOT NULL
GROUP BY 1"""


def measured_in(runs: Path) -> dict[str, Measured]:
    """Sums over the calls of each model in the newest runs that were made here; calls without tokens are left out.

    Runs that cannot be read say nothing.
    """
    found: dict[str, list[Measured]] = defaultdict(list)
    for root in list(run_folders(runs))[:NEWEST] if runs.is_dir() else []:
        if not is_imported(root):
            for model, one in _of_run(root):
                found[model].append(one)
    return {model: _together(listed) for model, listed in found.items()}


def _of_run(root: Path) -> Iterator[tuple[str, Measured]]:
    try:
        reader = Reader(root)
        rows, (run, *_) = reader.query(_SUMS), reader.query("SELECT config FROM run")
        judges: list[dict[str, Any]] = (json.loads(run["config"]).get("judge") or {}).get("judges", [])
        models = {judge["label"]: judge["model"] for judge in judges}
    except (StorageError, LookupError, TypeError, ValueError, AttributeError):
        return
    for row in rows:
        if row["judge"] in models and row["characters"]:
            label = row.pop("judge")
            yield models[label], Measured(**row)


def _together(listed: list[Measured]) -> Measured:
    return Measured(
        calls=sum(one.calls for one in listed),
        characters=sum(one.characters for one in listed),
        prompt_tokens=sum(one.prompt_tokens for one in listed),
        completion_tokens=sum(one.completion_tokens for one in listed),
        seconds=sum(one.seconds for one in listed),
    )
