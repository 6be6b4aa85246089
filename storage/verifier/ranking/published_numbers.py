"""Published numbers and what stands beside them: read again from the files' texts, and taken from the run's events.

That these follow from the rankings is said by the checks of boards, pairs and diagnostics ("estimates") and of single
questions ("judges"); means over the resamples are computed here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from core.facts.plural import number_of
from core.facts.ranking.published.figures import Figures, figures_of_events, figures_of_means, with_win_rates
from core.facts.ranking.published.score_files import (
    NotPublished,
    PublishedScores,
    published_scores,
)
from core.facts.ranking.published.verdicts import ComparedNumber, compared_numbers, counted_of, means_wanted
from storage.verifier.contents.judgements import check_judge_calls
from storage.verifier.contents.texts import Texts
from storage.verifier.contents.whole import withheld_by
from storage.verifier.ground.finding import Finding, brief, broken, one_of, same, sections, unreadable, whole
from storage.verifier.ground.reading import opened_safely
from storage.verifier.ground.record import Found, Record
from storage.verifier.ranking.estimates import agrees, from_rankings, rank_section
from storage.verifier.ranking.intervals import Leaderboards
from storage.verifier.ranking.juries_asked import has_published
from storage.verifier.ranking.resamples import TooMuch

OF_LENGTHS = "verbosity"
"""The method whose figures are measured on the texts of the answers."""


def check_published(record: Record) -> str:
    """Every published number is that of its file, and beside it stands what the run's events have, with the verdict."""
    return published_compared(record, Leaderboards)


def published_compared(record: Record, leaderboards: type[Leaderboards]) -> str:
    """Compares published numbers with the files' texts, and all that stands beside them with what follows.

    Raises:
        Finding: something is another one ("failed"), takes too long ("unknown"), or takes texts that are not here
            ("withheld").
    """
    whole(record)
    read, compared = record.counted("published.read"), record.counted("published.compared")
    if not read and not compared:
        return "nothing published was imported"
    if not has_published(record):
        raise broken("published artefacts are recorded, and the configuration names none", (read or compared)[0].seq)
    _check_files(record, read)
    check_judge_calls(record)
    texts = _texts_of(record, read)
    scored = [event for event in read if "text" in event.values]
    missing = [event for event in scored if texts[event.seq] is None]
    if missing:
        withheld_here = withheld_by(record.root)[0] > 0
        raise Finding(
            "withheld" if withheld_here else "unknown",
            f"{number_of(len(missing), 'file')} of published scores are not here, so nothing was compared with them",
            missing[0].seq,
        )
    found = [(event, _scores(record, event, texts[event.seq] or "")) for event in scored]
    by_file = {event.values["sha256"]: event for event in compared}
    if len(by_file) != len(compared):
        raise broken("a file of published scores is compared twice", compared[-1].seq)
    again, withheld = from_rankings(record, leaderboards)
    figures, left_out = _figures(record, again, [scores for _, scores in found])
    rows = 0
    for event, scores in found if compared or record.ledger.ended("rank") else ():
        own = one_of(by_file, event.values["file"]["sha256"], "the file that is compared", event.seq)
        same(own.values["what"], scores.what, "which file of scores is compared", own.seq)
        rows += _check_compared_rows(record, own, scores, figures, withheld > 0, left_out, again)
    if len(compared) > len(found):
        raise broken("published numbers of a file that was not read are recorded", compared[0].seq)
    told = f"{number_of(rows, 'published number')} of {number_of(len(found), 'file')} read again and compared"
    if left_out:
        raise Finding("unknown", f"{told}; not the means of {', '.join(left_out)}, which take too long here")
    if withheld and any(scores.what == "verbosity-bias" for _, scores in found):
        raise Finding("withheld", f"{told}, without the lengths of {withheld} texts that were withheld")
    return told


def _check_files(record: Record, read: Sequence[Found]) -> None:
    """Files of answers and rankings are those of that name that the other stages read; each stands once."""
    seen: set[tuple[str, str]] = set()
    ranked = [event for event in read if event.values["what"] == "rankings"]
    same(
        len(ranked),
        1,
        "how many files of published rankings are recorded",
        (read or record.counted("published.compared"))[0].seq,
    )
    for event in read:
        key = event.values["what"], event.values["file"]["name"]
        if key in seen:
            raise broken(f"the published file {brief(key[1])} is recorded twice", event.seq)
        seen.add(key)
        same(event.values["origin"], "imported", f"where {brief(key[1])} comes from", event.seq)
        text = event.values.get("text")
        if text is not None:
            same(text["sha256"], event.values["file"]["sha256"], f"the text of {brief(key[1])}", event.seq)
    known = {event.values["file"]["name"]: event.values["file"]["sha256"] for event in record.counted("rankings.read")}
    known |= {event.values["name"]: event.values.get("sha256") for event in record.counted("answers.read")}
    for event in read:
        file = event.values["file"]
        if event.values["what"] in ("rankings", "answers") and file["name"] in known:
            same(file["sha256"], known[file["name"]], f"the SHA-256 of {brief(file['name'])}", event.seq)


def _texts_of(record: Record, read: Sequence[Found]) -> dict[int, str | None]:
    """The text of each file of scores, by the event; None where it is not here."""
    try:
        with closing(opened_safely(record.database)) as db:
            texts = Texts(record, db)
            return {event.seq: texts.body(event.values["text"]) for event in read if "text" in event.values}
    except sqlite3.Error as error:
        raise unreadable(error) from None


def _conditions_by_model(record: Record) -> dict[str, str]:
    """The name of each condition by what the files of a publication call it."""
    listed = sections(record.genesis["config"], "conditions", "name").items()
    return {str(section.get("alias") or name): name for name, section in listed}


def _scores(record: Record, event: Found, text: str) -> PublishedScores:
    try:
        scores = published_scores(text, _conditions_by_model(record))
    except NotPublished as error:
        raise broken(f"{brief(event.values['file']['name'])} {error}", event.seq) from None
    if scores is None:
        raise broken(f"{brief(event.values['file']['name'])} is no file of scores", event.seq)
    same(event.values["what"], scores.what, "which file of scores was read", event.seq)
    return scores


def _figures(record: Record, again: Leaderboards, scores: Sequence[PublishedScores]) -> tuple[Figures, list[str]]:
    """What the run has beside published numbers, and the methods whose means take too long."""
    figures = figures_of_events(lambda kind: [event.values for event in record.counted(kind)])
    boards = [str(board.values["method"]) for board in record.counted("leaderboard.computed")]
    left_out = []
    for method in means_wanted(scores, boards):
        try:
            figures.update(figures_of_means(method, again.means(method)))
        except TooMuch:
            left_out.append(method)
    return with_win_rates(figures, len(again.names)), left_out


def _check_compared_rows(
    record: Record,
    event: Found,
    scores: PublishedScores,
    figures: Figures,
    withheld: bool,
    left_out: Sequence[str],
    again: Leaderboards,
) -> int:
    """Compares all rows of a file; how many there are."""
    differ = sum(one.values.get("answers_differ") or 0 for one in record.counted("published.read"))
    counted = counted_of([str(ballot.question) for ballot in again.ballots], len(again.names), differ)
    wanted = compared_numbers(scores, figures, rank_section(record)["resample"], counted)
    rows = event.values["rows"]
    same(len(rows), len(wanted), f"how many numbers {brief(scores.what)} has", event.seq)
    for row, own in zip(rows, wanted, strict=True):
        number = own.number
        what = f"{number.method}, {number.measure} of {number.condition or scores.what}"
        for name in ("method", "measure", "condition", "other"):
            same(row[name], getattr(number, name), f"the {name} of a published number", event.seq)
        published = {"published": number.value, "low": number.low, "high": number.high}
        _same_numbers(event, row, published, what)
        mean_left_out = number.measure.endswith("_mean") and number.method in (*left_out, *_beside(left_out))
        if mean_left_out or (withheld and number.method == OF_LENGTHS):
            continue
        _same_numbers(event, row, {"recomputed": own.recomputed, "difference": own.difference}, what)
        _same_verdict(event, row, own, what)
    return len(rows)


def _beside(methods: Sequence[str]) -> list[str]:
    """Methods whose means follow from those of others."""
    return ["copeland"] if "borda" in methods else []


def _same_numbers(event: Found, row: Mapping[str, Any], wanted: Mapping[str, float | None], what: str) -> None:
    for name, number in wanted.items():
        recorded = row.get(name)
        if (recorded is None) != (number is None) or (
            recorded is not None and number is not None and not agrees(float(recorded), number)
        ):
            told = "none" if number is None else f"{number:.12g}"
            raise broken(f"{brief(what)}: {name} is {brief(recorded)}, and should be {told}", event.seq)


def _same_verdict(event: Found, row: Mapping[str, Any], own: ComparedNumber, what: str) -> None:
    for name, wanted in (("verdict", own.verdict), ("reason", own.reason)):
        same(row[name], wanted, f"{brief(what)}: its {name}", event.seq)
