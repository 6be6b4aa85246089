"""Why a rater's inclusion probability is what it is, in words, from what the record holds.

LEXIMIN fills levels from the lowest up. A rater belongs to the level that fixed their type, and the quotas
that bind there are why it is no higher: an upper bound that is full keeps people out, a lower bound sets
seats aside for its people and so leaves fewer for the others. Which of the rater's own categories are
in demand and which are crowded follows from the prices of the level's proof (`proof`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.facts.plural import number_of
from core.facts.sortition.undecided import room, undecided

SHOWN = 6
"""Binding quotas named in the text; the structured answer has all of them."""

NEAR = 1e-6
"""Distance up to which a rater's π counts as the level's."""


# ---------------------------------------------------------------- as data


def explain(
    *,
    rater_type: int,
    categories: Mapping[str, str],
    pi: float,
    size: int,
    type_sizes: Sequence[int],
    quotas: Sequence[Mapping[str, Any]],
    levels: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """What decides a rater's π.

    Args:
        rater_type: number of the rater's type.
        categories: the rater's category by attribute.
        pi: the rater's inclusion probability.
        size: panel size k.
        type_sizes: n_t.
        quotas: rows of `lottery.quotas`: attribute, category, lower, upper, slack, in_pool.
        levels: payloads of `lottery.level`; none for a baseline.

    Returns:
        type, categories, same_type (raters of the type), pi, size, raters, equal (k/n) and level: the place
        of the rater's level, from 0, or None for a baseline. With a level also stage (its number in the
        record), levels (how many there are), probability, proof, raters_below, raters_here, raters_above,
        room (by how much the level may be higher where it could not be decided, else None), resting (a level below
        it could not be decided), and binding: attribute, category, side, bound, in_pool, own (the rater has the
        category), rise.
    """
    raters = sum(type_sizes)
    answer: dict[str, Any] = {
        "type": rater_type,
        "categories": dict(categories),
        "same_type": type_sizes[rater_type],
        "pi": pi,
        "size": size,
        "raters": raters,
        "equal": min(1.0, size / raters),
    }
    level = next((level for level in levels if rater_type in level["types"]), None)
    if level is None:
        return answer | {"level": None}
    # LEXIMIN may reach one value in several stages; to people that is one level.
    values = sorted({other["probability"] for other in levels})
    here = level["probability"]
    return answer | {
        "stage": level["level"],
        "level": values.index(here),
        "levels": len(values),
        "probability": here,
        "proof": level.get("proof"),
        "room": room(level),
        "resting": any(other["level"] < level["level"] for other in undecided(levels)),
        "raters_below": _people((other for other in levels if other["probability"] < here), type_sizes),
        "raters_here": _people((other for other in levels if other["probability"] == here), type_sizes),
        "raters_above": _people((other for other in levels if other["probability"] > here), type_sizes),
        "binding": _binding(level, categories, quotas),
    }


def _people(levels: Iterable[Mapping[str, Any]], type_sizes: Sequence[int]) -> int:
    return sum(type_sizes[t] for level in levels for t in level["types"])


def _binding(
    level: Mapping[str, Any], categories: Mapping[str, str], quotas: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The quotas that hold the level down, the strongest first; `own` are those of the rater's categories.

    `rise` is by how much the level rises at most per member that the quota gives way; no level rises above 1.
    """
    binding = level.get("binding") or {}
    sides = [(quota, side) for quota in quotas for side in ("lower", "upper")]
    rises = [(binding.get(f"{q['attribute']}: {q['category']} ({side})", 0), q, side) for q, side in sides]
    return [
        {
            "attribute": quota["attribute"],
            "category": quota["category"],
            "side": side,
            "bound": quota[side],
            "in_pool": quota["in_pool"],
            "own": categories.get(quota["attribute"]) == quota["category"],
            "rise": min(rise, 1 - level["probability"]),
        }
        for rise, quota, side in sorted(rises, key=lambda entry: -entry[0])
        if rise > 0
    ]


# ---------------------------------------------------------------- in words


def sentences(answer: Mapping[str, Any]) -> list[str]:
    """The answer of `explain` as lines for an organiser. Categories are as given: make them visible before printing."""
    lines = [_chance(answer)]
    if answer["level"] is None:
        lines.append(
            "This lottery was not made by LEXIMIN, so there is no level and no proof; the chance comes from sampled "
            "panels."
        )
        return lines
    return [*lines, *_place(answer), *_limit(answer)]


def _limit(answer: Mapping[str, Any]) -> list[str]:
    """Why the level is no higher, as far as that is proved."""
    if answer["room"] is not None:
        return [
            "Whether that is the best possible could not be decided in floating-point arithmetic: a lottery may exist "
            f"that gives up to {answer['room']:.1e} more without taking from those who have less."
        ]
    lines = []
    if answer["resting"]:
        lines.append("A level below could not be decided; what follows holds for lotteries that keep it as it is.")
    if answer["probability"] <= 0:
        lines.append(
            "No panel that meets all the quotas has room for a rater like this one: the chance cannot be higher."
        )
    elif answer["proof"] == "certain" or answer["probability"] >= 1:
        lines.append("Raters on this level are on every panel of the lottery: nobody can have more.")
    elif answer["proof"] == "panels":
        lines.append(
            "No single quota can be named as the reason. People come in whole numbers, and the quotas together leave "
            "only certain panels; comparing all of these showed that the level cannot be higher unless a rater who "
            "has less loses."
        )
        return lines
    elif answer["raters_below"]:
        lines.append(
            "No lottery within the quotas raises it for all who share it without taking from those who have less."
        )
    else:
        lines.append("No lottery within the quotas gives more to all of those who have least.")
    return lines + _reasons(answer)


def _chance(answer: Mapping[str, Any]) -> str:
    others = number_of(answer["same_type"] - 1, "other rater has", "other raters have")
    alike = f"; {others} exactly the same categories" if answer["same_type"] > 1 else ""
    return (
        f"The chance of being on the panel is {_percent(answer['pi'])}{alike}. With equal chances and no quotas it "
        f"would be {_percent(answer['equal'])} ({answer['size']:,} seats for {answer['raters']:,} raters)."
    )


def _place(answer: Mapping[str, Any]) -> list[str]:
    lines = []
    if abs(answer["pi"] - answer["probability"]) > NEAR:
        lines.append(
            f"The best possible is {_percent(answer['probability'])}; with a whole number of equally likely panels the "
            "lottery can only come near it."
        )
    lines.append(
        f"That is level {answer['level'] + 1} of {answer['levels']}, counted from the lowest: "
        f"{number_of(answer['raters_here'], 'rater is', 'raters are')} on it, "
        f"{answer['raters_below']:,} have less and {answer['raters_above']:,} have more."
    )
    return lines


def _reasons(answer: Mapping[str, Any]) -> list[str]:
    """The quotas that bind: first those of the rater's own categories, then the others."""
    own = [entry for entry in answer["binding"] if entry["own"]]
    others = [entry for entry in answer["binding"] if not entry["own"]]
    lines = [_own(entry) for entry in own]
    if others and not own:
        lines.append("None of this rater's own categories is full or in demand here; other quotas hold the level down.")
    elif others:
        lines.append("Other quotas hold this level down for everybody on it:")
    lines += [_other(entry) for entry in others[:SHOWN]]
    if len(others) > SHOWN:
        lines.append(f"{number_of(len(others) - SHOWN, 'more quota plays', 'more quotas play')} a smaller part.")
    return lines


def _own(entry: Mapping[str, Any]) -> str:
    effect, least = ("lowers", "at most") if entry["side"] == "upper" else ("raises", "at least")
    return (
        f"The rater's {_name(entry)} {effect} the chance: {least} {number_of(entry['bound'], 'seat')} for the "
        f"{entry['in_pool']:,} in the pool. {_change(entry)}"
    )


def _other(entry: Mapping[str, Any]) -> str:
    full = "is full at" if entry["side"] == "upper" else "sets aside"
    seats = f"{number_of(entry['bound'], 'seat')}; {entry['in_pool']:,} in the pool"
    return f"The quota for {_name(entry)} {full} {seats}. {_change(entry)}"


def _change(entry: Mapping[str, Any]) -> str:
    what = "One more seat there" if entry["side"] == "upper" else "Asking for one seat less there"
    return f"{what} would raise this level by at most {_points(entry['rise'])}."


def _name(entry: Mapping[str, Any]) -> str:
    return f"{entry['attribute']} “{entry['category']}”"


def _percent(probability: float) -> str:
    """To two digits after the point, never rounded to a certainty that it is not."""
    if 0 < probability < 0.00005:
        return "less than 0.01 %"
    if 0.99995 < probability < 1 - 1e-9:
        return "more than 99.99 %"
    return f"{100 * probability:.2f} %"


def _points(rise: float) -> str:
    if rise < 0.00005:
        return "less than 0.01 percentage points"
    return f"{100 * rise:.2f} percentage points"
