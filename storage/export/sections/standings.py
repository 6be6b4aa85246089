"""Leaderboards: what holds for all of them once, then each method with its table and its plot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from storage.export.pages import markup
from storage.export.pages.grid import table
from storage.export.sections.content import Content
from storage.judging import families
from storage.judging.board_notes import SAID_IN_NOTES, board_notes
from storage.judging.families import spread_table
from storage.record.rows import BoardDetailRow, BoardRow, FamilyRow, as_rows
from storage.summary.labels import better, method_words
from storage.summary.shared_notes import shared
from storage.summary.standing import confidence_of

_COLUMNS = ("position", "condition", "score", "low", "high")


def leaderboards(content: Content) -> str:
    """Each method with its intervals, its own notes and its plot, but for that which the report opens with."""
    boards = content.boards
    if not boards:
        return ""
    details = as_rows(BoardDetailRow, content.rows("leaderboard_details"))
    notes = board_notes(boards, details, as_rows(FamilyRow, content.rows("families")))
    common, own = shared(notes)
    parts = [markup.listed([*_sentences(content.judging.first), *_about(boards, common)])]
    parts += [_board(content, method, rows, own[method], details) for method, rows in boards.items()]
    return markup.stacked(*parts)


def _about(boards: Mapping[str, Sequence[BoardRow]], common: Iterable[str]) -> list[str]:
    """What is said once above all boards."""
    rows = next(iter(boards.values()))
    level = confidence_of(boards)
    told = f"{rows[0].rankings} rankings; from and to: the {level or 'bootstrap'} interval"
    drawn = [f"draws made: {rows[0].draws}"] if rows[0].draws else []
    return _sentences([told, *common, *drawn])


def _board(
    content: Content, method: str, rows: Sequence[BoardRow], notes: Sequence[str], details: Sequence[BoardDetailRow]
) -> str:
    shown = table(map(vars, rows), _COLUMNS, caption=better(method))
    told = "; ".join(notes)
    beside = [vars(row) for row in details if str(row.method) == method and not _stands_elsewhere(row)]
    return markup.under(
        method_words(method),
        shown,
        markup.note(_sentences([told])[0]) if told else "",
        content.plots("leaderboard", method) if method != next(iter(content.boards)) else "",
        markup.folded("What the method found beside the scores", table(beside, ("name", "value"), by_row=("value",))),
    )


def _stands_elsewhere(detail: BoardDetailRow) -> bool:
    """What the notes say, and the place in the consensus, which the board itself shows."""
    return str(detail.name) in SAID_IN_NOTES or str(detail.name).startswith("consensus:")


def spread(content: Content) -> str:
    """How much the members of a family differ."""
    rows = spread_table(as_rows(FamilyRow, content.rows("families")))
    if not rows:
        return ""
    return markup.under("Spread between the members of families", table(rows), markup.note(f"{families.REMARK}."))


def places(content: Content) -> str:
    """How often a condition has each place over the resamples: a row for each method and condition, in the order of the
    boards."""
    found: dict[tuple[str, str], dict[str, object]] = {}
    for row in content.rows("places"):
        key = (str(row["method"]), str(row["condition"]))
        found.setdefault(key, {"method": key[0], "condition": key[1]})[str(row["place"])] = row["share"]
    numbers = sorted({key for row in found.values() for key in row if key.isdigit()}, key=int)
    columns = {"method": "method", "condition": "condition", **{number: f"place {number}" for number in numbers}}
    boards = {method: k for k, method in enumerate(content.boards)}
    in_order = sorted(found.values(), key=lambda row: boards.get(str(row["method"]), len(boards)))
    shown = table(in_order, columns, whole=content.whole("places"), decimals=dict.fromkeys(numbers, 3))
    remark = "Share of the resamples in which a condition has the place; each row sums to 1."
    return markup.under("How often each place", shown, markup.note(remark)) if shown else ""


def _sentences(notes: Iterable[str]) -> list[str]:
    return [f"{note[:1].upper()}{note[1:]}." for note in notes if note]
