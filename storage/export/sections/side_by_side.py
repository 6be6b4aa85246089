"""Answers to some questions, side by side, so that a reader sees what was judged and can compare."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from core.facts.plural import number_of
from core.facts.tables import WITHHELD
from storage.export.pages import markup
from storage.export.sections.content import Content
from storage.summary.decimals import as_number

_MOST = 24
"""Answers that are shown, about: as many questions as that makes for all conditions."""

_MOST_ABREAST = 40
"""Answers to one question: a stranger's record may name as many conditions as it likes."""

Pages = Mapping[str, list[tuple[str, str]]]


def answers(content: Content) -> str:
    """Some questions, evenly spread over all, each with the answers of all conditions."""
    counts = dict(content.db.execute("SELECT question_id, count(*) FROM answers GROUP BY 1"))
    total = sum(counts.values())
    if not total:
        return ""
    if content.redacted:
        return markup.note(f"{total:,} answers are {WITHHELD}.")
    every = max(1, -(-total // _MOST))
    chosen = [str(name) for name in counts][::every]
    whole = f"{content.whole('answers')} holds all {total:,} answers."
    told = f"{len(chosen)} of {number_of(len(counts), 'question')}. {whole}"
    questions = {str(row["question_id"]): row for row in content.rows("questions")}
    found, places = _answers(content, chosen), _mean_places(content, chosen)
    return markup.stacked(markup.note(told), *(_question(name, questions, found, places) for name in chosen))


def _answers(content: Content, chosen: Collection[str]) -> Pages:
    """Condition and page of each answer to the chosen questions; a text may be long, so it is cut at once."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in content.rows("answers"):
        name = str(row["question_id"])
        if name in chosen and len(found[name]) < _MOST_ABREAST:
            found[name].append((str(row["condition"]), markup.passage(markup.plain(row["answer"]))))
    return found


def _mean_places(content: Content, chosen: Collection[str]) -> dict[tuple[str, str], float]:
    """Mean place that the judges gave each answer."""
    given: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in content.rows("rankings"):
        place = as_number(row["position"])
        if str(row["question_id"]) in chosen and place is not None:
            given[str(row["question_id"]), str(row["condition"])].append(place)
    return {key: sum(places) / len(places) for key, places in given.items()}


def _question(
    name: str, questions: Mapping[str, Mapping[str, Any]], pages: Pages, places: Mapping[tuple[str, str], float]
) -> str:
    asked = questions.get(name, {})
    abreast = "".join(_answer(condition, page, places.get((name, condition))) for condition, page in pages[name])
    return markup.under(
        f"Question {name}",
        markup.note(f"Clause {asked['clause_id']}: {markup.plain(asked['clause'])}") if asked.get("clause") else "",
        markup.paragraph(markup.plain(asked.get("question"))),
        f'<div class="abreast">{abreast}</div>',
    )


def _answer(condition: str, page: str, place: float | None) -> str:
    mean = f" · mean place {place:.2f}" if place is not None else ""
    return f"<div><h4>{markup.text(condition)}{mean}</h4>{page}</div>"
