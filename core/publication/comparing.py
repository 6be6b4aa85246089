"""Within the stage `rank`: what a publication's files are, and its numbers beside the run's own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from core.events import ComparedRow, Event, PublishedCompared, PublishedRead
from core.events.data import FileRead
from core.facts.ranking.published.figures import Figures, figures_of_events, figures_of_means, with_win_rates
from core.facts.ranking.published.score_files import PublishedScores, published_scores
from core.facts.ranking.published.verdicts import ComparedNumber, compared_numbers, counted_of, means_wanted
from core.publication.folder import Publication, answers_that_differ, publication_in, read_whole, scores_in, sha256_of
from core.sections.who_judges import RankSection
from core.stage import Context, Unit
from core.types import Ranking

if TYPE_CHECKING:
    from core.ranking.leaderboards import Aggregation

_READ, _COMPARED = "published", "published/compared"


def published_units(config: RankSection) -> tuple[str, ...]:
    """The units that reading and comparing take."""
    return (_READ, _COMPARED) if config.published is not None else ()


def check_published(folder: Path, names: Mapping[str, str]) -> None:
    """Refuses a folder of which the stage could make nothing.

    Args:
        names: the run's conditions by what files call them.

    Raises:
        InputError: as `publication_in` and `scores_in`, or it is of other models.
    """
    publication = publication_in(folder)
    _require_models(publication, names.keys())
    scores_in(publication, names)


def record_published(
    ctx: Context, rankings: Sequence[Ranking], events: Sequence[Event], aggregation: Aggregation
) -> None:
    """Records every artefact of the folder that the configuration names, and each published number beside the run's.

    Args:
        events: what the stage recorded of the rankings, which has the run's numbers.

    Raises:
        InputError: as `publication_in` and `scores_in`, where the folder is not recorded yet.
    """
    folder = ctx.config.rank.published
    if folder is None:
        return
    names = ctx.config.names_in_files

    def read(unit: Unit) -> None:
        publication = publication_in(folder)
        _require_models(publication, names.keys())
        differ = answers_that_differ(publication)
        for artefact in publication.artefacts():
            body = read_whole(artefact.path)
            told = differ if artefact.what == "rankings" else None
            unit.add(PublishedRead(what=artefact.what, file=_file_read(artefact.path.name, body), answers_differ=told))
        for path, body, scores in scores_in(publication, names):
            text = unit.text(body.decode("utf-8"))
            unit.add(PublishedRead(what=scores.what, file=_file_read(path.name, body), text=text))

    recorded = [event for event in ctx.unit(_READ, read) if isinstance(event, PublishedRead)]

    def compare(unit: Unit) -> None:
        differ = sum(event.answers_differ or 0 for event in recorded)
        counted = counted_of([ranking.question_id for ranking in rankings], len(names), differ)
        scores = [
            (event, _scores_of(ctx.recorder.text(event.text.sha256), names))
            for event in recorded
            if event.text is not None
        ]
        figures = _figures(events, aggregation, [found for _, found in scores])
        for event, found in scores:
            rows = compared_numbers(found, figures, ctx.config.rank.resample, counted)
            unit.add(PublishedCompared(what=found.what, sha256=event.file.sha256, rows=list(map(row_of, rows))))

    ctx.unit(_COMPARED, compare)


def _require_models(publication: Publication, known: Collection[str]) -> None:
    if sorted(publication.models) != sorted(known):
        raise InputError(
            f"rank.published: {publication.folder} ranks {', '.join(map(repr, publication.models))}, and the run has "
            "other conditions; say what files call each of them (`alias`)"
        )


def _scores_of(text: str, names: Mapping[str, str]) -> PublishedScores:
    found = published_scores(text, names)
    assert found is not None, "only files of scores are recorded with their text"
    return found


def _figures(events: Sequence[Event], aggregation: Aggregation, scores: Sequence[PublishedScores]) -> Figures:
    figures = figures_of_events(lambda kind: [event.payload() for event in events if event.kind == kind])
    for method in means_wanted(scores, aggregation.config.methods):
        figures.update(figures_of_means(method, aggregation.means(method)))
    return with_win_rates(figures, len(aggregation.conditions))


def _file_read(name: str, body: bytes) -> FileRead:
    rows = sum(bool(line.strip()) for line in body.split(b"\n")) if name.endswith(".jsonl") else 1
    return FileRead(name=name, bytes=len(body), sha256=sha256_of(body), rows=rows)


def row_of(compared: ComparedNumber) -> ComparedRow:
    """A compared number as it is recorded."""
    number = compared.number
    return ComparedRow(
        method=number.method,
        measure=number.measure,
        condition=number.condition,
        other=number.other,
        published=number.value,
        low=number.low,
        high=number.high,
        recomputed=compared.recomputed,
        difference=compared.difference,
        verdict=compared.verdict,
        reason=compared.reason,
    )
