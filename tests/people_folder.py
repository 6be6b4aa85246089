"""A small data set in PRISM's format with its published panel configuration, and files about its people."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from prism_folder import Prism

PANEL_CONFIG = """
tolerance: 0.0  # around each proportion
panel_size: 4
locale_filter: us
attributes:
  - name: gender
    column: gender
    nested_key: null
    slack_categories: ["Prefer not to say"]
    population_proportions: {Female: 0.5, Male: 0.5, "Prefer not to say": 0.0}
  - name: ethnicity
    column: ethnicity
    nested_key: simplified
    population_proportions: {White: 0.5, Black: 0.5}
"""
"""Quotas of a panel of 4: two women, two men, two white, two black."""

TYPES = {("Female", "White"): 8, ("Male", "White"): 4, ("Male", "Black"): 2, ("Female", "Black"): 1}
PEOPLE = {f"user{i:02}": of for i, of in enumerate(of for of, size in TYPES.items() for _ in range(size))}
ELSEWHERE = "user90"
"""Somebody of the survey with another locale."""


def pi_where(y: float) -> dict[str, float]:
    """π of each person where the black woman has y: the quotas leave a lottery nothing else to choose.

    With y seats for her, 2 − y are left for black men, 2 − y for white women and y for white men. LEXIMIN makes
    (2 − y)/8 and y/4 equal: y = 2/3, so that all white people have 1/6 and all black people 2/3.
    """
    seats = {("Female", "White"): 2 - y, ("Male", "White"): y, ("Male", "Black"): 2 - y, ("Female", "Black"): y}
    return {user: seats[of] / TYPES[of] for user, of in PEOPLE.items()}


OPTIMUM = pi_where(2 / 3)


@cache
def pairs_of(user: str) -> int:
    """N_r: one pair for the first person, two for the second, three for the third, and so on."""
    return 1 + int(user[-2:]) % 3


def write_data(folder: Path) -> Path:
    """The data set, and `panel.yaml` beside it."""
    prism = Prism()
    for user, (gender, ethnicity) in PEOPLE.items():
        prism.person(user, gender=gender, ethnicity={"self_described": "…", "simplified": ethnicity})
        turns = [(f"p{t}", [("A", 80, True), ("B", 60)]) for t in range(pairs_of(user))]
        prism.talk(f"c-{user}", user, *turns)
    prism.person(ELSEWHERE, "uk").talk("c-uk", ELSEWHERE, ("p0", [("A", 80, True), ("B", 60)]))
    prism.write(folder)
    (folder / "panel.yaml").write_text(PANEL_CONFIG, encoding="utf-8")
    return folder


def write_pi(folder: Path, pi: Mapping[str, float]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "soft_weights.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("user_id", "pi"))
        writer.writerows(pi.items())
    return folder


def write_panel(folder: Path, members: Sequence[str], name: str = "panel_ids.txt") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(f"{user}\n" for user in members), encoding="utf-8")
    return folder


def write_pairs(folder: Path, totals: Mapping[str, float], name: str = "soft.jsonl") -> Path:
    """Pairs of which each person has the same weight in all as `totals` says, up to a factor that makes the mean 1."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = [(user, total / pairs_of(user)) for user, total in totals.items() for _ in range(pairs_of(user))]
    mean = sum(weight for _, weight in weights) / len(weights)
    rows = [
        {
            "prompt": [{"role": "user", "content": "p"}],
            "chosen": [{"role": "assistant", "content": "A"}],
            "rejected": [{"role": "assistant", "content": "B"}],
            "user_id": user,
            "interaction_id": f"c:{i}",
            "weight": weight / mean,
        }
        for i, (user, weight) in enumerate(weights)
    ]
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder
