"""What takes longer to find out about a run than its line: who leads, what proves it, what it is made of."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from storage.errors import StorageError, sentences
from storage.imports.origin import origin_of
from storage.judging.board_notes import by_method
from storage.plans.planned_rows import planned_method
from storage.record.glances import counts_of, last_stop, lottery_sizes
from storage.record.reader import Reader, RunSummary
from storage.record.rows import BoardRow, HypothesisRow, view_rows
from storage.record.verified import Verified, counted, last_verification
from storage.summary.standing import primary_standing

_HASH = "SELECT hash FROM events WHERE seq = ?"


@dataclass(frozen=True)
class Makings:
    """What a run is made of, as far as it is recorded.

    Attributes:
        sizes: the panel sizes of its lotteries.
    """

    sizes: tuple[int, ...] = ()
    raters: int = 0
    conditions: int = 0
    questions: int = 0


@dataclass(frozen=True)
class SaidOf:
    """What is said of a run beside its state.

    Attributes:
        leaders: the first condition by the primary method, and behind it those that the intervals don't tell apart
            from it; none where nothing is ranked.
        result: who is ahead, in a sentence; "" where nothing is ranked.
        verified: the last verification; of an imported run the one at its import.
        grown: whether events were recorded since.
        ended: why the last engine ended, of a run that was stopped or failed.
    """

    leaders: tuple[str, ...] = ()
    result: str = ""
    verified: Verified | None = None
    grown: bool = False
    makings: Makings = Makings()
    ended: str = ""

    def row(self) -> dict[str, Any]:
        """For `dempo list --json`."""
        noted = self.verified
        return {
            "leaders": list(self.leaders),
            "verified_at": noted.at if noted else None,
            "verified": dict(noted.counts) if noted else None,
            "failed_check": noted.failed if noted else None,
            "grown_since": self.grown,
        }


def said_of(run: RunSummary) -> SaidOf:
    """Of a run that was listed; what cannot be read is left out, and nothing is raised.

    Of a run that an engine works on the first place still changes, so nobody leads.
    """
    if run.status in ("not begun", "unreadable"):
        return SaidOf()
    said = SaidOf(verified=_at_import(run.root) if run.origin == "imported" else last_verification(run.root))
    with suppress(StorageError, LookupError, TypeError, ValueError, ArithmeticError), sentences(run.root):
        reader = Reader(run.root)
        with reader.at_once():
            said = _beside(said, reader)
            said = replace(said, makings=_makings(reader))
            if run.status not in ("running", "damaged"):
                leaders, result = _ahead(reader)
                said = replace(said, leaders=leaders, result=result, ended=_ended(run, reader))
    return said


def _beside(said: SaidOf, reader: Reader) -> SaidOf:
    """With the verification only where the record still holds the event that was its last, or where one failed."""
    noted = said.verified
    if noted is None or not noted.seq:
        return said
    if not noted.failed and [row["hash"] for row in reader.query(_HASH, [noted.seq])] != [noted.hash]:
        return replace(said, verified=None)
    return replace(said, grown=reader.head()[0] > noted.seq)


def _ended(run: RunSummary, reader: Reader) -> str:
    stop = last_stop(reader) if run.status in ("stopped", "failed") else None
    return stop.told if stop is not None else ""


def _at_import(root: Path) -> Verified | None:
    with suppress(OSError):
        origin = origin_of(root)
        if origin is not None and origin.verdicts:
            return counted(origin.at, (0, ""), [(name, verdict, None) for name, verdict in origin.verdicts])
    return None


def _ahead(reader: Reader) -> tuple[tuple[str, ...], str]:
    boards = by_method(view_rows(reader, BoardRow))
    standing = primary_standing(boards, planned_method(view_rows(reader, HypothesisRow)))
    if standing is None:
        return (), ""
    return (*standing.first, *standing.not_told_apart), next(iter(standing.sentences()), "")


def _makings(reader: Reader) -> Makings:
    counts = counts_of(reader)
    asked = reader.query("SELECT count(*) AS questions FROM questions")[0]["questions"]
    sizes = {size.size for size in lottery_sizes(reader).values() if isinstance(size.size, int)}
    return Makings(tuple(sorted(sizes)), counts.raters or 0, counts.conditions or 0, asked or 0)
