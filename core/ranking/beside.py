"""Rankings with what is known beside them: the order in which answers were shown, and how long they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.ranking.shapes.sizes_in_rows import Sizes
from core.types import Judged, Ranking

Order = tuple[str, ...]


def judged_of(
    rankings: Sequence[Ranking], shown: Mapping[tuple[str, str], Order], sizes: Sizes
) -> tuple[Judged, list[str]]:
    """Some rankings, which may order fewer conditions than were shown; and a sentence where lengths are left out.

    Args:
        shown: the shown orders by question and judge, empty where unknown.
        sizes: of answers; lengths are known only where those of all ranked answers are there.
    """
    answers = {(condition, one.question_id) for one in rankings for condition in one.order}
    missing = len(answers - sizes.keys())
    known = {} if missing else {answer: sizes[answer] for answer in answers}
    judged = Judged(
        rankings=tuple(rankings),
        shown=tuple(_among(shown.get((one.question_id, one.judge), ()), one) for one in rankings),
        lengths={answer: characters for answer, (characters, _) in known.items()},
        calls=len(rankings),
        words={answer: words for answer, (_, words) in known.items()},
    )
    told = f"lengths of answers are left out: {missing:,} of {len(answers):,} ranked answers are not in 'responses'"
    return judged, [told] if missing and sizes else []


def _among(shown: Order, ranking: Ranking) -> Order:
    """The order of those that are ranked; nothing where not all of them are there."""
    wanted = set(ranking.order)
    found = tuple(condition for condition in shown if condition in wanted)
    return found if len(found) == len(wanted) else ()
