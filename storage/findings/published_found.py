"""Published numbers beside a run's own, for whoever shows them: how many agree, which do not, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.facts.plural import number_of
from storage.findings.published_people_found import LEGEND_OF_PEOPLE, REASONS_OF_PEOPLE, WHAT_OF_PEOPLE, people_told
from storage.record.reader import Reader
from storage.record.rows import ArtefactRow, PublishedRow, view_rows

REASONS = {
    "other_rankings": "the file counts other rankings than the run has",
    "published_iteration": "the published Plackett–Luce iteration is not the maximum-likelihood estimate",
    "vanished": "a weight of the published iteration vanishes; the file has what it had reached when it stopped",
    "other_held_out": "another fifth of the rankings is held out, since the run has them judge by judge",
    "minimised": "the published order runs the other way: its integer programme minimises agreement",
    "bootstrap_mean": "what is printed is the mean over resamples, not the score of the data",
    "resampling_unit": "the published bootstrap resamples something else than the run",
    "random_numbers": "the resamples are drawn with other random numbers",
    "ties": "a question without a majority counts half here, and nothing or nobody's there",
    "other_answers": "lengths are those of the answers that the run read",
    "not_computed": "the run has no such figure",
    **REASONS_OF_PEOPLE,
    "unexplained": "no reason is known",
}
"""Keys of reasons in words."""

VERDICTS = {
    "equal": "equal",
    "inside": "inside its interval",
    "differs": "differs",
    "not_computed": "not computed",
}

LEGEND = (
    "equal: to the digit that the paper prints; inside: what the run computes lies inside the published interval; "
    "score: of the data; score_mean: mean over resamples; score_printed: the published mean against the score of the "
    "data"
)

MOST_SHOWN = 12

_OF_CHANCE = ("resampling_unit", "random_numbers", "bootstrap_mean")


@dataclass(frozen=True)
class PublishedFound:
    """Rows of the views `published_artefacts` and `published`."""

    artefacts: Sequence[ArtefactRow]
    rows: Sequence[PublishedRow]

    @classmethod
    def of_run(cls, reader: Reader) -> PublishedFound:
        """Of a run, as of the event that it is read."""
        return cls(view_rows(reader, ArtefactRow), view_rows(reader, PublishedRow))

    def data(self) -> dict[str, list[dict[str, Any]]]:
        """The rows under the names of their views, the reasons with their words."""
        rows = [dict(vars(row)) | {"told": REASONS.get(str(row.reason), "")} for row in self.rows]
        return {"published_artefacts": [dict(vars(row)) for row in self.artefacts], "published": rows}

    def imported(self) -> list[str]:
        """What was imported, in sentences."""
        kinds: dict[str, int] = {}
        for row in self.artefacts:
            known = row.what in ("rankings", "answers", "questions", "constitution", *WHAT_OF_PEOPLE)
            what = WHAT_OF_PEOPLE.get(row.what, row.what) if known else "scores"
            kinds[what] = kinds.get(what, 0) + 1
        told = ", ".join(f"{what} ({number_of(count, 'file')})" for what, count in kinds.items())
        found = [f"imported from published artefacts, none of them made here: {told}"] if told else []
        for row in self.artefacts:
            if row.answers_differ:
                found.append(
                    f"{number_of(row.answers_differ, 'answer')} beside the rankings in {row.name} read otherwise than "
                    "in the files of answers, which the run took: lengths are those of the files"
                )
        return found

    def legend(self) -> str:
        """What verdicts and measures mean, of those that there are."""
        of_people = [row.method in WHAT_OF_PEOPLE for row in self.rows]
        told = [LEGEND] if not all(of_people) else []
        return "; ".join([*told, *([LEGEND_OF_PEOPLE] if any(of_people) else [])])

    def people(self) -> list[str]:
        """What was found of a published panel, π and weights, in sentences."""
        return people_told(self.rows)

    def groups(self) -> list[dict[str, Any]]:
        """A row for each measure of a method: how many numbers there are, with which verdicts, and why."""
        found: dict[tuple[Any, Any], list[PublishedRow]] = {}
        for row in self.rows:
            found.setdefault((row.method, row.measure), []).append(row)
        return [_group(key, rows) for key, rows in found.items()]

    def other(self) -> list[dict[str, Any]]:
        """The numbers that neither agree nor lie inside their interval: those without a reason first, those that
        resamples explain last, the largest differences before others."""
        listed = [row for row in self.rows if row.verdict == "differs"]
        listed.sort(key=lambda row: (row.reason in _OF_CHANCE, row.reason != "unexplained", -_size(row)))
        return [
            {
                "method": row.method,
                "measure": row.measure,
                "of": " ".join(str(part) for part in (row.condition, row.other) if part not in ("", None)),
                "published": row.published,
                "recomputed": row.recomputed,
                "difference": row.difference,
            }
            for row in listed
        ]

    def why(self) -> list[str]:
        """The reasons that occur, in sentences."""
        counts: dict[str, int] = {}
        for row in self.rows:
            if row.reason:
                counts[str(row.reason)] = counts.get(str(row.reason), 0) + 1
        return [f"{REASONS.get(key, key)}: {number_of(n, 'number')}" for key, n in counts.items()]


def _group(key: tuple[Any, Any], rows: Iterable[PublishedRow]) -> dict[str, Any]:
    listed = list(rows)
    verdicts: Mapping[str, int] = {name: sum(row.verdict == name for row in listed) for name in VERDICTS}
    sizes = [_size(row) for row in listed if row.difference is not None]
    reasons = dict.fromkeys(str(row.reason) for row in listed if row.reason)
    return {
        "method": key[0],
        "measure": key[1],
        "numbers": len(listed),
        **verdicts,
        "largest": max(sizes, default=None),
        "why": ", ".join(reasons),
    }


def _size(row: PublishedRow) -> float:
    return abs(row.difference) if isinstance(row.difference, (int, float)) else 0.0
