"""The checker of certificates: what it takes for proof, and that it takes nothing false."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.facts.sortition import proof
from core.facts.sortition.proof import SolverFact, check, check_record

Edit = Callable[[dict[str, Any]], Any]


def level(number: int, probability: float, exact: str, types: list[int], **proof: Any) -> dict[str, Any]:
    return {"level": number, "probability": probability, "exact": exact, "types": types, "gap": "0", **proof}


# Types: old woman (1 rater), young woman (1), old man (2), young man (2). Two seats, one woman, an old one at least.
# The men: pay 1 for a seat and get 1 back for the woman: Σ men ≤ 2 − 1, over 4 men: 1/4.
# The women: pay 1 for the woman's seat: Σ women ≤ 1, over 2 women: 1/2.
# Half the time the old woman with a young man, half the time the young woman with an old man.
BY_QUOTAS: dict[str, Any] = {
    "size": 2,
    "type_sizes": [1, 1, 2, 2],
    "quotas": [
        {"name": "gender: woman", "lower": 1, "upper": 1, "types": [0, 1]},
        {"name": "age: old", "lower": 1, "upper": 2, "types": [0, 2]},
    ],
    "denominator": "2",
    "panels": [{"numerator": "1", "counts": [[0, 1], [3, 1]]}, {"numerator": "1", "counts": [[1, 1], [2, 1]]}],
    "levels": [
        level(0, 0.25, "1/4", [2, 3], proof="quotas", seat="1", prices={"gender: woman": "-1"}),
        level(1, 0.5, "1/2", [0, 1], proof="quotas", seat="0", prices={"gender: woman": "1"}),
    ],
}

# Types a = {1,2}, b = {1,3}, c = {2,3}, e = {1,2,3}, o = {}: every feature once and two seats, so the panel is e and o.
BY_PANELS: dict[str, Any] = {
    "size": 2,
    "type_sizes": [1, 1, 1, 1, 1],
    "quotas": [
        {"name": f"has: {feature}", "lower": 1, "upper": 1, "types": types}
        for feature, types in (("1", [0, 1, 3]), ("2", [0, 2, 3]), ("3", [1, 2, 3]))
    ],
    "denominator": "7",
    "panels": [{"numerator": "7", "counts": [[3, 1], [4, 1]]}],
    "levels": [
        level(0, 0.0, "0", [0, 1, 2], proof="panels", values=[[0, "1"], [1, "1"], [2, "1"]], bound="0"),
        level(1, 1.0, "1", [3, 4], proof="certain"),
    ],
}

# The first level is given as a decimal that is 1e-10 short of 1/4, and says so.
WITH_GAP = copy.deepcopy(BY_QUOTAS)
WITH_GAP["levels"][0] |= {"exact": "2499999999/10000000000", "probability": 0.2499999999, "gap": "1/10000000000"}


def test_hand_worked_certificate_needs_no_solver() -> None:
    found = check(BY_QUOTAS)
    assert found.accepted
    assert found.failure is None
    assert (found.facts, found.gap, found.difference, found.uncertainty) == ((), 0, 0, 0)


def test_another_true_proof_of_the_same_level_is_accepted() -> None:
    """All pay 1 for a seat and women 1 more: 4 times women + 4 times men ≤ 3, and the men have 1/4 already."""
    certificate = copy.deepcopy(BY_QUOTAS)
    certificate["levels"][1]["seat"] = "1"
    assert check(certificate).accepted


def test_what_only_a_solver_confirms_is_named() -> None:
    found = check(BY_PANELS)
    assert found.accepted
    assert found.facts == (SolverFact(0, ((0, 1), (1, 1), (2, 1)), 0),)


def test_a_stated_gap_is_accepted_and_reported() -> None:
    found = check(WITH_GAP)
    assert found.accepted
    assert found.gap == found.difference == Fraction(1, 10**10)
    # Each type of men has half of the weight, so one may have what the other lacks.
    assert found.uncertainty == Fraction(2, 10**10)


def _set(*path: Any, to: Any) -> Edit:
    def edit(certificate: dict[str, Any]) -> None:
        node = certificate
        for step in path[:-1]:
            node = node[step]
        node[path[-1]] = to

    return edit


def _drop_level(place: int) -> Edit:
    def edit(certificate: dict[str, Any]) -> None:
        del certificate["levels"][place]
        for number, row in enumerate(certificate["levels"]):
            row["level"] = number

    return edit


def _swap_levels(certificate: dict[str, Any]) -> None:
    certificate["levels"].reverse()
    for number, row in enumerate(certificate["levels"]):
        row["level"] = number


def _shift_level(certificate: dict[str, Any]) -> None:
    certificate["levels"][0] |= {"exact": "250000000001/1000000000000", "probability": 0.250000000001}


def _fix_at_second_level(certificate: dict[str, Any]) -> None:
    certificate["levels"][0]["types"] = [2]
    certificate["levels"][1]["types"] = [0, 1, 3]


FALSE_BY_QUOTAS: dict[str, tuple[Edit, str]] = {
    "price of a quota": (_set("levels", 0, "prices", "gender: woman", to="-2"), "proof of level 0 gives"),
    "sign of a price": (_set("levels", 0, "prices", "gender: woman", to="1"), "proof of level 0 gives"),
    "price left out": (_set("levels", 1, "prices", to={}), "gives no weight to any type"),
    "price of another quota": (_set("levels", 0, "prices", "age: old", to="1"), "proof of level 0 gives"),
    "price of no quota": (_set("levels", 0, "prices", "age: young", to="1"), "a quota that there is not: 'age: young'"),
    "price of a seat": (_set("levels", 0, "seat", to="2"), "proof of level 0 gives 0.3 instead of 0.25"),
    "level": (_set("levels", 0, "exact", to="1/3"), "probability of level 0 is not its exact value"),
    "level by a trillionth": (_shift_level, "proof of level 0 gives"),
    "rounded level": (_set("levels", 0, "probability", to=0.24), "probability of level 0 is not its exact value"),
    "type left out of a level": (_set("levels", 0, "types", to=[2]), "fixes type 3 too"),
    "type at a later level": (_fix_at_second_level, "fixes type 3 too"),
    "type in two levels": (_set("levels", 1, "types", to=[0, 1, 2]), "which an earlier level has fixed"),
    "type twice in a level": (_set("levels", 1, "types", to=[0, 1, 1]), "names a type twice"),
    "type without weight": (_set("levels", 1, "types", to=[0]), "fixes type 1 too"),
    "no types": (_set("levels", 1, "types", to=[]), "level 1 fixes no type"),
    "type that there is not": (_set("levels", 1, "types", to=[0, 4]), "names type 4, but there are only 4"),
    "dropped first level": (_drop_level(0), "proof of level 0 gives no|proof of level 0 fixes|no level fixes type 2"),
    "dropped last level": (_drop_level(1), "no level fixes type 0"),
    "swapped levels": (_swap_levels, "level 1 is below the level before it|type 2 has probability"),
    "swapped numbers": (_set("levels", 0, "level", to=1), "level in place 0 is numbered 1"),
    "numerator": (_set("panels", 0, "numerator", to="2"), "do not sum to 1"),
    "denominator": (_set("denominator", to="3"), "do not sum to 1"),
    "no chance for a panel": (_set("panels", 0, "numerator", to="0"), "panel 0 has a probability outside"),
    "composition outside a quota": (
        _set("panels", 0, "counts", to=[[0, 1], [1, 1]]),
        "panel 0 has 2 members of 'gender: woman' instead of 1 to 1",
    ),
    "composition inside the quotas": (
        _set("panels", 0, "counts", to=[[0, 1], [2, 1]]),
        "type 2 has probability 0.5 in the lottery, but level 0 is 0.25",
    ),
    "composition too small": (_set("panels", 0, "counts", to=[[0, 1]]), "instead of|members"),
    "composition of more than there are": (_set("panels", 0, "counts", to=[[0, 2]]), "takes 2 of the 1 raters"),
    "quota after the fact": (_set("quotas", 1, "lower", to=2), "panel 0 has 1 members of 'age: old'"),
    "pool after the fact": (_set("type_sizes", 2, to=3), "type 2 has probability"),
    "panel size": (_set("size", to=3), "panel 0 has 2 members instead of 3"),
    "certain by assertion": (_set("levels", 1, "proof", to="certain"), "level 1 is called certain"),
    "unknown proof": (_set("levels", 1, "proof", to="trust me"), "no proof of a known kind"),
    "no exact value": (_set("levels", 0, "exact", to=None), "level 0 has no exact value"),
}


@pytest.mark.parametrize("name", FALSE_BY_QUOTAS)
def test_falsified_certificate_is_refused(name: str) -> None:
    edit, sentence = FALSE_BY_QUOTAS[name]
    certificate = copy.deepcopy(BY_QUOTAS)
    edit(certificate)
    found = check(certificate)
    assert not found.accepted
    assert any(part in str(found.failure) for part in sentence.split("|")), found.failure


FALSE_BY_PANELS: dict[str, tuple[Edit, str]] = {
    "value": (_set("levels", 0, "values", 0, to=[3, "1"]), "above its bound 0"),
    "value left out": (_set("levels", 0, "values", to=[[0, "1"], [1, "1"]]), "gives no weight"),
    "negative value": (_set("levels", 0, "values", 0, to=[0, "-1"]), "not between 0 and 2^53"),
    "value beyond a solver": (_set("levels", 0, "values", 0, to=[0, str(2**60)]), "not between 0 and 2^53"),
    "bound": (_set("levels", 0, "bound", to="1"), "proof of level 0 gives 0.333"),
    "bound below a panel": (_set("levels", 0, "bound", to="-1"), "panel 0 is worth 0"),
    "certain with a type left out": (_set("levels", 1, "types", to=[3]), "level 1 is called certain"),
}


@pytest.mark.parametrize("name", FALSE_BY_PANELS)
def test_falsified_certificate_of_panels_is_refused(name: str) -> None:
    edit, sentence = FALSE_BY_PANELS[name]
    certificate = copy.deepcopy(BY_PANELS)
    edit(certificate)
    assert sentence in str(check(certificate).failure)


@pytest.mark.parametrize("gap", ["0", "1/20000000000", "-1/10000000000"])
def test_understated_gap_is_refused(gap: str) -> None:
    certificate = copy.deepcopy(WITH_GAP)
    certificate["levels"][0]["gap"] = gap
    assert "gap" in str(check(certificate).failure) or "gives 0.25 instead" in str(check(certificate).failure)


def test_gap_that_leaves_a_type_open_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "ALLOWED_UNCERTAINTY", Fraction(1, 10**10))
    sentence = "the gap of level 0 leaves the probability of type 2 open by 2e-10"
    assert str(check(WITH_GAP).failure) == sentence


def test_a_level_with_a_wide_gap_is_taken_for_undecided() -> None:
    """The record claims less than a proof, and is believed that much."""
    certificate = copy.deepcopy(WITH_GAP)
    certificate["levels"][0]["gap"] = "1/1000"
    found = check(certificate)
    assert (found.failure, found.undecided, found.gap) == (None, (0,), Fraction(1, 1000))
    assert found.uncertainty == Fraction(2, 1000)
    assert check(WITH_GAP).undecided == ()


def test_wider_allowance_for_lotteries_that_only_come_near() -> None:
    certificate = copy.deepcopy(BY_QUOTAS)
    certificate |= {"denominator": "1000"}
    certificate["panels"][0]["numerator"], certificate["panels"][1]["numerator"] = "501", "499"
    assert "type 2 has probability 0.2495" in str(check(certificate).failure)
    found = check(certificate, allowed=Fraction(1, 500))
    assert found.accepted
    assert found.difference == Fraction(1, 1000)


# ---------------------------------------------------------------- hostile input


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("size",), -2),
        (("size",), True),
        (("size",), 2.0),
        (("size",), None),
        (("type_sizes", 0), -1),
        (("type_sizes", 0), 10**12),
        (("type_sizes",), []),
        (("type_sizes",), "1122"),
        (("quotas", 0, "types"), [0, 0]),
        (("quotas", 0, "types"), [9]),
        (("quotas", 0, "name"), ["x"]),
        (("quotas", 1, "name"), "gender: woman"),
        (("quotas", 0), None),
        (("denominator",), "0"),
        (("denominator",), "1e3"),
        (("denominator",), "9" * 5000),
        (("panels",), {}),
        (("panels", 0, "counts"), [[0, 1, 2]]),
        (("panels", 0, "counts"), [[0, "1"], [[], 1]]),
        (("panels", 0, "numerator"), "１"),
        (("levels",), None),
        (("levels", 0), 3),
        (("levels", 0, "exact"), "1/0"),
        (("levels", 0, "exact"), "1/-4"),
        (("levels", 0, "exact"), "1/4/1"),
        (("levels", 0, "exact"), " 1/4"),
        (("levels", 0, "exact"), "1/" + "4" * 5000),
        (("levels", 0, "exact"), 0.25),
        (("levels", 0, "exact"), "5/4"),
        (("levels", 0, "probability"), float("nan")),
        (("levels", 0, "gap"), None),
        (("levels", 0, "seat"), "0x1"),
        (("levels", 0, "prices"), [["gender: woman", "-1"]]),
        (("levels", 0, "prices", "gender: woman"), None),
    ],
)
def test_hostile_input_is_refused_with_a_sentence(path: tuple[Any, ...], value: Any) -> None:
    certificate = copy.deepcopy(BY_QUOTAS)
    _set(*path, to=value)(certificate)
    found = check(certificate)
    assert not found.accepted
    assert found.failure
    assert len(found.failure) < 400


def test_number_too_long_to_print_is_refused() -> None:
    assert "denominator is missing or not an integer" in str(check(BY_QUOTAS | {"denominator": 10**20000}).failure)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["1/4", "-1", "0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of nested data."""
    keys = node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    found = [(node, key) for key in keys]
    return found + [place for key in keys for place in _places(node[key])]


@settings(max_examples=300, deadline=None)
@given(data=st.data(), original=st.sampled_from([BY_QUOTAS, BY_PANELS, WITH_GAP]), value=JSON)
def test_no_value_in_any_place_raises(data: st.DataObject, original: dict[str, Any], value: Any) -> None:
    certificate = copy.deepcopy(original)
    places = _places(certificate)
    node, key = places[data.draw(st.integers(0, len(places) - 1))]
    node[key] = value
    found = check(certificate)
    assert found.accepted == (found.failure is None)


@given(value=JSON)
def test_anything_at_all_is_refused(value: Any) -> None:
    assert not check(value).accepted
    assert not check_record(value, value, value, value, value).accepted


def test_too_much_work_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "STEPS", 10)
    assert "too large for this program" in str(check(BY_QUOTAS).failure)
    monkeypatch.undo()
    monkeypatch.setattr(proof, "TOTAL_DIGITS", 3)
    assert "more than 3 digits" in str(check(BY_QUOTAS).failure)


# ---------------------------------------------------------------- as the record holds it


def _record() -> tuple[dict[str, Any], dict[str, Any]]:
    quotas = {
        "size": 2,
        "quotas": [
            {"attribute": "gender", "category": "woman", "lower": 1, "upper": 1, "slack": False, "in_pool": 2},
            {"attribute": "gender", "category": "man", "lower": 0, "upper": 2, "slack": True, "in_pool": 4},
            {"attribute": "age", "category": "old", "lower": 1, "upper": 2, "slack": False, "in_pool": 3},
            {"attribute": "age", "category": "ageless", "lower": 0, "upper": 2, "slack": False, "in_pool": 0},
        ],
    }
    kinds = [["woman", "old"], ["woman", "young"], ["man", "old"], ["man", "young"]]
    rows = [{"type": t, "categories": kinds[t], "size": n} for t, n in enumerate(BY_QUOTAS["type_sizes"])]
    return quotas, {"attributes": ["gender", "age"], "types": rows}


def test_a_record_is_checked_as_it_is() -> None:
    quotas, types = _record()
    found = check_record(quotas, types, BY_QUOTAS["levels"], BY_QUOTAS["panels"], {"denominator": "2"})
    assert found.failure is None
    quotas["quotas"][0] |= {"lower": 0, "upper": 0}
    found = check_record(quotas, types, BY_QUOTAS["levels"], BY_QUOTAS["panels"], {"denominator": "2"})
    assert found.failure == "panel 0 has 1 members of 'gender: woman' instead of 0 to 0"


def test_a_record_with_other_type_numbers_is_refused() -> None:
    quotas, types = _record()
    types["types"].reverse()
    found = check_record(quotas, types, BY_QUOTAS["levels"], BY_QUOTAS["panels"], {"denominator": "2"})
    assert found.failure == "the type in place 0 has another number"


def test_file_stands_alone(tmp_path: Path) -> None:
    """A reviewer carries the one file, and Python without a single package."""
    (tmp_path / "proof.py").write_text(Path(str(proof.__file__)).read_text())
    (tmp_path / "certificate.json").write_text(json.dumps(BY_QUOTAS))
    program = "import json, proof; print(proof.check(json.load(open('certificate.json'))).accepted)"
    command = [sys.executable, "-S", "-E", "-c", f"import sys; sys.path.insert(0, '.'); {program}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("True\n", "")
