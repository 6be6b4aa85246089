"""What has to be known before a result is believed, the gravest first, for the first screen of whoever shows it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from storage.judging.judging_notes import JudgingNotes
from storage.record.rows import BoardRow
from storage.summary.standing import Boards, confidence_of

SIMULATED = "This run is simulated: raters or judges are made up (a planted world), and nothing in it is about people."

_FEWEST = 3
"""Of the general ones so many are said that there are three in all."""


def warnings(judging: JudgingNotes) -> list[str]:
    """What has to be said before any result, as whole sentences; nothing where the judging gave no cause."""
    return list(map(_sentence, judging.first))


def caveats(
    judging: JudgingNotes, boards: Boards, undecided: Sequence[str], simulated: bool, origins: Collection[str]
) -> list[str]:
    """What is particular to this record, and after it what holds for any, up to three in all; as whole sentences.

    Args:
        undecided: what of a lottery is not proved.
        origins: where the seeds of its draws are from (`draws`, origin).
    """
    found = [*undecided, *([judging.of_answers] if judging.of_answers else [])]
    general = [*([SIMULATED] if simulated else []), *_of_boards(boards), *_of_draws(origins)]
    return [_sentence(words) for words in [*found, *general[: max(1, _FEWEST - len(found))]]]


def _of_boards(boards: Boards) -> list[str]:
    """What the intervals are of, and what they leave out."""
    rows: Sequence[BoardRow] = next(iter(boards.values()), ())
    if not rows:
        return []
    level = confidence_of(boards) or "bootstrap"
    return [
        f"Intervals are {level} intervals from resamples of {rows[0].resample}; models and draws are held fixed, so "
        "they say nothing of another draw or another training seed",
        "Intervals that overlap do not show that two conditions are alike, and the order among them is open",
    ]


def _of_draws(origins: Collection[str]) -> list[str]:
    """What a panel's chances are of, and whether its seed was public."""
    if not origins:
        return []
    chances = "Chances are those of people in the pool; who did not volunteer has none, and quotas make them unequal"
    if "unit" not in origins:
        return [chances]
    return [
        "The seed of a draw follows from the run's own, which whoever made the run chose: only a draw by public "
        "randomness shows that nobody picked the panel",
        chances,
    ]


def _sentence(words: str) -> str:
    first = words[:1].upper() + words[1:]
    return first if first.endswith(".") else f"{first}."
