"""The opponent of `make bench-sortition`: one lottery by sortition-algorithms, in an interpreter of its own.

That package is GPL: it is installed for benchmarks alone, into `.venv-bench`, and nothing of the product imports it.
Usage: opponent.py RESPONDENTS.csv QUOTAS.csv SIZE METHOD, with METHOD one of maximin-highs, maximin-cbc, legacy.
Prints JSON: seconds and π per person in the order of the file.
"""

from __future__ import annotations

import contextlib
import csv
import json
import sys
import time
from collections import Counter
from typing import Any

from sortition_algorithms import Settings, read_in_features, read_in_people
from sortition_algorithms.committee_generation.legacy import find_random_sample_legacy
from sortition_algorithms.committee_generation.maximin import find_distribution_maximin

BACKENDS = {"maximin-highs": "highspy", "maximin-cbc": "mip-cbc"}
LEGACY_PANELS = 1000


def table(path: str) -> tuple[list[str], list[dict[str, str]]]:
    """Header and rows of a CSV file."""
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        return list(reader.fieldnames or ()), list(reader)


def main(respondents: str, quotas: str, size: int, method: str) -> None:
    """Solves and prints."""
    features, _, _ = read_in_features(*table(quotas), size)
    head, rows = table(respondents)
    people, _ = read_in_people(head, rows, features, Settings(id_column="id", columns_to_keep=[]))
    begun = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        panels, weights = solve(features, people, size, method)
    seconds = time.perf_counter() - begun
    pi: Counter[str] = Counter()
    for panel, weight in zip(panels, weights, strict=True):
        for person in panel:
            pi[person] += weight
    print(json.dumps({"seconds": seconds, "pi": [pi[row["id"]] for row in rows]}))


def solve(features: Any, people: Any, size: int, method: str) -> tuple[list[frozenset[str]], list[float]]:
    """Panels and their probabilities."""
    if method == "legacy":
        panels = [
            panel
            for _ in range(LEGACY_PANELS)
            for panel in find_random_sample_legacy(people, features, size, [], max_attempts=1000)[0]
        ]
        return panels, [1 / len(panels)] * len(panels)
    panels, weights, _ = find_distribution_maximin(features, people, size, [], BACKENDS[method])
    return panels, weights


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
