"""Why a chance is what it is: an organiser must be able to answer a rater who asks, and answer truly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from certificates import certificate_of

from core.facts.randomness import RandomStream
from core.sortition.leximin.leximin import leximin
from core.sortition.quotas.problem import PanelProblem, QuotaConstraint
from core.sortition.why import explain, sentences


class Assembly:
    """A small pool with its solved lottery, asked about its types."""

    def __init__(self, size: int, kinds: dict[tuple[str, ...], int], bounds: dict[tuple[str, str], tuple[int, int]]):
        self.kinds = list(kinds)
        self.sizes = tuple(kinds.values())
        attributes = list(dict.fromkeys(attribute for attribute, _ in bounds))
        self.categories = [dict(zip(attributes, kind, strict=True)) for kind in self.kinds]
        rows, self.quotas = [], []
        for (attribute, category), (lower, upper) in bounds.items():
            types = tuple(t for t, kind in enumerate(self.categories) if kind[attribute] == category)
            rows.append(QuotaConstraint(attribute, category, lower, upper, types))
            pool = sum(self.sizes[t] for t in types)
            self.quotas.append(
                {"attribute": attribute, "category": category, "lower": lower, "upper": upper, "in_pool": pool}
            )
        self.size = size
        self.problem = PanelProblem(size, self.sizes, tuple(rows))
        self.found = leximin(self.problem, RandomStream(1))
        self.levels: list[dict[str, Any]] = certificate_of(self.problem, self.found)["levels"]

    def ask(self, *kind: str, **changes: Any) -> dict[str, Any]:
        t = self.kinds.index(kind)
        facts: dict[str, Any] = {
            "rater_type": t,
            "categories": self.categories[t],
            "pi": float(self.found.pi[t]),
            "size": self.size,
            "type_sizes": self.sizes,
            "quotas": self.quotas,
            "levels": self.levels,
        }
        return explain(**facts | changes)


def assembly() -> Assembly:
    """Ten seats: three set aside for the 4 old, at most two for the 40 students, 56 others share the rest."""
    return Assembly(
        10,
        {("old", "works"): 4, ("young", "studies"): 40, ("young", "works"): 56},
        {("age", "old"): (3, 10), ("age", "young"): (0, 10), ("job", "studies"): (0, 2), ("job", "works"): (0, 10)},
    )


def test_category_that_is_full() -> None:
    answer = assembly().ask("young", "studies")
    assert answer["pi"] == pytest.approx(2 / 40)
    assert (answer["level"], answer["levels"], answer["equal"]) == (0, 3, 0.1)
    assert (answer["raters_below"], answer["raters_here"], answer["raters_above"]) == (0, 40, 60)
    assert answer["binding"] == [
        {
            "attribute": "job",
            "category": "studies",
            "side": "upper",
            "bound": 2,
            "in_pool": 40,
            "own": True,
            "rise": pytest.approx(1 / 40),
        }
    ]
    assert sentences(answer) == [
        "The chance of being on the panel is 5.00 %; 39 other raters have exactly the same categories. With equal "
        "chances and no quotas it would be 10.00 % (10 seats for 100 raters).",
        "That is level 1 of 3, counted from the lowest: 40 raters are on it, 0 have less and 60 have more.",
        "No lottery within the quotas gives more to all of those who have least.",
        "The rater's job “studies” lowers the chance: at most 2 seats for the 40 in the pool. One more seat there "
        "would raise this level by at most 2.50 percentage points.",
    ]


def test_seats_that_are_set_aside_for_others() -> None:
    """Five seats are left for 56 young people at work: 8.93 %; a seat less for the old would give them six."""
    answer = assembly().ask("young", "works")
    assert answer["level"] == 1
    lines = sentences(answer)
    assert "None of this rater's own categories is full or in demand here; other quotas hold the level down." in lines
    assert (
        "The quota for age “old” sets aside 3 seats; 4 in the pool. Asking for one seat less there would raise this "
        "level by at most 1.79 percentage points."
    ) in lines
    assert (
        "No lottery within the quotas raises it for all who share it without taking from those who have less." in lines
    )


def test_category_in_demand() -> None:
    """One of the old has to be a woman: old men are in demand for their age, old women for both."""
    pool = Assembly(
        4,
        {("old", "man"): 6, ("old", "woman"): 2, ("young", "man"): 20, ("young", "woman"): 20},
        {("age", "old"): (2, 4), ("gender", "man"): (0, 1)},
    )
    answer = pool.ask("old", "man")
    own = {entry["category"]: entry["side"] for entry in answer["binding"] if entry["own"]}
    assert own
    for category, side in own.items():
        effect = "raises the chance: at least" if side == "lower" else "lowers the chance: at most"
        assert any(f"“{category}” {effect}" in line for line in sentences(answer))


def test_no_level_rises_above_one() -> None:
    """Three of the four old are drawn: a chance of 75 % can rise by 25 points, whatever the price says."""
    for kind in (("old", "works"), ("young", "studies"), ("young", "works")):
        answer = assembly().ask(*kind)
        assert all(0 < entry["rise"] <= 1 - answer["probability"] for entry in answer["binding"])


def test_no_chance_at_all() -> None:
    pool = Assembly(2, {("a",): 3, ("b",): 3}, {("letter", "a"): (0, 0), ("letter", "b"): (0, 2)})
    lines = sentences(pool.ask("a"))
    assert lines[0].startswith("The chance of being on the panel is 0.00 %")
    assert (
        "No panel that meets all the quotas has room for a rater like this one: the chance cannot be higher." in lines
    )
    assert any("at most 0 seats for the 3 in the pool" in line for line in lines)


def test_certain_raters() -> None:
    pool = Assembly(3, {("a",): 2, ("b",): 9}, {("letter", "a"): (2, 3), ("letter", "b"): (0, 3)})
    lines = sentences(pool.ask("a"))
    assert lines[0].startswith("The chance of being on the panel is 100.00 %; 1 other rater has exactly the same")
    assert lines[-1] == "Raters on this level are on every panel of the lottery: nobody can have more."


def test_whole_panels_decide() -> None:
    """Where no price of quotas proves the level, none is named."""
    sizes = dict.fromkeys((("1", "2", "-"), ("1", "-", "3"), ("-", "2", "3"), ("1", "2", "3"), ("-", "-", "-")), 1)
    bounds = {("first", "1"): (1, 1), ("second", "2"): (1, 1), ("third", "3"): (1, 1)}
    pool = Assembly(2, sizes, bounds)
    none = pool.ask("1", "2", "-")
    assert none["binding"] == []
    assert "No panel that meets all the quotas has room" in sentences(none)[2]
    assert none["raters_here"] == 3
    answer = none | {"probability": 0.2, "pi": 0.2}
    assert sentences(answer)[-1].startswith("No single quota can be named as the reason.")


def test_stages_of_one_value_are_one_level() -> None:
    pool = assembly()
    pool.levels = [
        {"level": 0, "probability": 0.05, "types": [1], "binding": {}, "proof": "panels"},
        {"level": 1, "probability": 0.05, "types": [2], "binding": {}, "proof": "panels"},
        {"level": 2, "probability": 1.0, "types": [0], "binding": {}, "proof": "certain"},
    ]
    answer = pool.ask("young", "works")
    assert (answer["stage"], answer["level"], answer["levels"]) == (1, 0, 2)
    assert (answer["raters_below"], answer["raters_here"], answer["raters_above"]) == (0, 96, 4)


def test_lottery_that_only_comes_near_says_so() -> None:
    lines = sentences(assembly().ask("young", "studies", pi=0.051))
    assert lines[0].startswith("The chance of being on the panel is 5.10 %")
    assert lines[1].startswith("The best possible is 5.00 %; with a whole number of equally likely panels")


def test_baseline_has_no_level() -> None:
    answer = assembly().ask("young", "studies", levels=[], pi=0.04)
    assert answer["level"] is None
    assert len(sentences(answer)) == 2
    assert "not made by LEXIMIN" in sentences(answer)[1]


def test_records_without_proofs_are_explained_from_what_they_hold() -> None:
    pool = assembly()
    plain = [{key: level[key] for key in ("level", "probability", "types", "binding")} for level in pool.levels]
    assert sentences(pool.ask("young", "studies", levels=plain)) == sentences(pool.ask("young", "studies"))


@pytest.mark.parametrize(
    ("pi", "text"),
    [
        (1e-6, "less than 0.01 %"),
        (0.999999, "more than 99.99 %"),
        (1.0, "100.00 %"),
        (0.0, "0.00 %"),
        (0.123456, "12.35 %"),
    ],
)
def test_chances_are_never_rounded_to_certainty(pi: float, text: str) -> None:
    assert sentences(assembly().ask("young", "studies", pi=pi))[0].startswith(
        f"The chance of being on the panel is {text};"
    )


def test_answer_is_plain_data() -> None:
    answer = assembly().ask("young", "studies")
    assert json.loads(json.dumps(answer)) == answer
