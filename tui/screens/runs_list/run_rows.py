"""The rows of the list of runs: what stands in each column, and by what a column is sorted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from core.facts.times import recorded_time
from core.visible import one_line
from tui.messages import RunsRead
from tui.screens.runs_list.run_labels import SIMULATED, RunName, labels, whole_names
from tui.widgets.figures import bar, left, moment, right, whole
from tui.widgets.status import status

if TYPE_CHECKING:
    from storage.record.reader import RunSummary
    from storage.run_lines.said_of import SaidOf

_WIDE = 100
"""Columns of a terminal from which on there is room for longer words."""

_MORE = ((150, (">seed", ">k", ">conditions")), (180, ("created (UTC)", "data")))
"""Columns of a terminal from which on there are further columns."""

_GAPS = 2
"""Blank cells that each column takes beside its own."""

_USUAL, _USUAL_WIDE = (11, 6, 10, 7, 9, 8), (11, 8, 16, 7, 14, 11)
"""Cells of the state and of what stands behind the name: room for them is kept, so that names need not move later."""

_SHORTEST, _LONGEST = 10, 56
"""Cells of a name."""

_ROOM_FOR_IDS = 24
"""Cells from which on the names are the ids."""

Worth = float | str


@dataclass(frozen=True)
class RunRow:
    """A row by its key. `worth` is what it is sorted by, by the heading of a column, where that is not what it says."""

    key: str
    cells: Sequence[Text]
    worth: Mapping[str, Worth]


@dataclass(frozen=True)
class Listing:
    """Headings and rows for a terminal of so many columns; `room` are the cells that its names may take."""

    headings: Sequence[str]
    rows: Sequence[RunRow]
    width: int
    room: int


@dataclass(frozen=True)
class _Cell:
    heading: str
    shown: Text
    worth: Worth | None = None


def unread_rows(roots: Sequence[Path], width: int, now: datetime) -> Listing:
    """Rows of which only the names are known, with the headings of all columns."""
    headings, room = _headings(width), _room([], width)
    names = _names([RunName.of_folder(root.name) for root in roots], room, width, now)
    blank = [Text()] * (len(headings) - 2)
    rows = [RunRow(root.name, [Text("…"), left(names[root.name]), *blank], {}) for root in roots]
    return Listing(headings, rows, width, room)


def read_rows(found: RunsRead, width: int, now: datetime, before: Listing | None = None) -> Listing:
    """A row of each run. Names become shorter where other columns need their room, but not longer again.

    Args:
        before: what was listed last.
    """
    states = [status(state_of(run, found)) for run in found.runs]
    rests = [_rest(run, found, width, now) for run in found.runs]
    room = _room([(state, *(cell.shown for cell in rest)) for state, rest in zip(states, rests, strict=True)], width)
    if before is not None and before.width == width:
        room = min(room, before.room)
    names = _names([_named(run) for run in found.runs], room, width, now)
    rows = []
    for run, state, rest in zip(found.runs, states, rests, strict=True):
        name = Text(names[run.root.name], no_wrap=True)
        name.highlight_words([SIMULATED], "warning")
        worth = {cell.heading.removeprefix(">"): cell.worth for cell in rest if cell.worth is not None}
        worth["run"] = f"{run.name} {run.created_at}".casefold()
        rows.append(RunRow(run.root.name, [state, name, *(cell.shown for cell in rest)], worth))
    return Listing(_headings(width), rows, width, room)


def state_of(run: RunSummary, found: RunsRead) -> str:
    """The state in a word, with what the record does not say: that the run was asked to stop, or came in a bundle."""
    origin = found.origins.get(run.root)
    if origin is not None and run.status not in ("not begun", "unreadable", "damaged"):
        return origin.how
    return "stopping" if run.run_id in found.stopping and run.status == "running" else run.status


def _named(run: RunSummary) -> RunName:
    if not run.name:
        return RunName.of_folder(run.root.name)
    return RunName(run.root.name, run.name, run.seed, recorded_time(run.created_at), run.simulated)


def _more(width: int) -> tuple[str, ...]:
    return tuple(heading for least, headings in _MORE if width >= least for heading in headings)


def _headings(width: int) -> list[str]:
    return ["state", "run", "stage", "progress", ">time", "leader", "proof", *_more(width)]


def _room(rows: Sequence[Sequence[Text]], width: int) -> int:
    """Cells that are left for the names, beside the state, all that stands behind them, gaps and scrollbar."""
    titles = [heading.removeprefix(">") for heading in _headings(width) if heading != "run"]
    usual = (_USUAL_WIDE if width >= _WIDE else _USUAL) + tuple(map(len, _more(width)))
    columns = list(zip(*rows, strict=True)) if rows else [() for _ in titles]
    taken = [
        max(len(title), least, *(cell.cell_len for cell in cells))
        for title, least, cells in zip(titles, usual, columns, strict=True)
    ]
    return width - sum(taken) - _GAPS * (len(titles) + 1) - 1


def _names(runs: Sequence[RunName], room: int, width: int, now: datetime) -> dict[str, str]:
    """The ids where there is room for them, else what tells the runs apart."""
    most = max(_SHORTEST, min(room, _LONGEST))
    if width >= _WIDE and most >= _ROOM_FOR_IDS:
        whole = whole_names(runs, most)
        if len({*whole.values()}) == len(whole):
            return whole
    return labels(runs, now.date(), most)


def _rest(run: RunSummary, found: RunsRead, width: int, now: datetime) -> list[_Cell]:
    said = found.said.get(run.root)
    cells = [
        _Cell("stage", left("" if run.status == "completed" else run.stage, 10 if width >= _WIDE else 8)),
        _progress(run, found, 10 if width >= _WIDE else 4),
        _time(run, found),
        _leader(said, 24 if width >= _WIDE else 9),
        _proof(said, width >= _WIDE, now),
    ]
    of = said.makings if said else None
    further = {
        ">seed": right(one_line(run.seed, 12)),
        ">k": right(", ".join(map(whole, of.sizes))[:12] if of else ""),
        ">conditions": right(whole(of.conditions) if of and of.conditions else ""),
        "created (UTC)": left(moment(run.created_at, seconds=False)),
        "data": Text("SIMULATED", style="warning") if run.simulated else Text(),
    }
    return [*cells, *(_Cell(heading, further[heading]) for heading in _more(width))]


def _progress(run: RunSummary, found: RunsRead, width: int) -> _Cell:
    far = found.far.get(run.root)
    share = far.share if far else None
    if share is None:
        return _Cell("progress", Text(), 1.0 if run.status == "completed" else -1.0)
    shown = Text(f"{bar(share, 1, width)} {int(100 * share):>3} %", style="accent", no_wrap=True)
    return _Cell("progress", shown, share)


def _time(run: RunSummary, found: RunsRead) -> _Cell:
    """What is left where an engine works, by estimate; what a complete run took."""
    if run.status == "completed":
        return _Cell(">time", right(_about(run.seconds)), run.seconds)
    if run.status != "running":
        return _Cell(">time", Text())
    far = found.far.get(run.root)
    if far is None or far.left is None:
        return _Cell(">time", right("–"))
    return _Cell(">time", right(f"~{_about(far.left)}"), far.left)


def _about(seconds: float | None) -> str:
    """A length of time in one unit, so that an estimate is not painted again every second."""
    if seconds is None or not 0 <= seconds < 3e9:
        return "–"
    if seconds < 55:
        return f"{5 * round(seconds / 5)} s" if seconds >= 10 else f"{max(1, round(seconds))} s"
    if seconds < 3570:
        return f"{max(1, round(seconds / 60))} min"
    return f"{seconds / 3600:.1f} h" if seconds < 86_400 else f"{seconds / 86_400:.1f} d"


def _leader(said: SaidOf | None, width: int) -> _Cell:
    """Who is first; `≈` names who cannot be told apart from it, or how many where the names are too long."""
    names = [one_line(name, width) for name in said.leaders] if said else []
    if not names:
        return _Cell("leader", Text("–" if said else "", style="muted"), "")
    if len(names) == 1:
        return _Cell("leader", left(names[0], width))
    both = f"{names[0]} ≈ {names[1]}"
    more = f" ≈ +{len(names) - 1}"
    shown = both if len(names) == 2 and len(both) <= width else one_line(names[0], width - len(more)) + more
    return _Cell("leader", left(shown))


def _proof(said: SaidOf | None, wide: bool, now: datetime) -> _Cell:
    """The last verification: how many checks were ok, or which one was not, and its age; + where events came since,
    which at 80 columns stands in place of the age: the name needs the room."""
    if said is None:
        return _Cell("proof", Text(), "")
    noted = said.verified
    if noted is None:
        return _Cell("proof", Text("· never" if wide else "·", style="muted"), "")
    if noted.failed:
        return _Cell("proof", Text(f"✗ {one_line(noted.failed, 20 if wide else 7)}", style="bad", no_wrap=True), 0.0)
    since = "+" if said.grown else ""
    between = " · " if wide else " "
    age = age_of(noted.at, now) if wide or not since else ""
    told = f"{noted.counts.get('ok', 0)}{since}{between if age else ''}{age if wide else age.replace(' ', '')}"
    glyph, style = ("?", "warning") if noted.unchecked else ("✓", "warning" if said.grown else "good")
    return _Cell("proof", Text(f"{glyph} {told}", style=style, no_wrap=True), _seconds_since(noted.at, now))


def age_of(at: str, now: datetime) -> str:
    """How long ago, in one unit; "" where nobody can say."""
    seconds = _seconds_since(at, now)
    if seconds is None:
        return ""
    hours = max(0, int(seconds // 3600))
    return f"{hours // 24} d" if hours >= 24 else f"{hours} h" if hours else "now"


def _seconds_since(at: str, now: datetime) -> float | None:
    found = recorded_time(at)
    return None if found is None else (now - found).total_seconds()


def utc_now() -> datetime:
    """The time that ages and today are counted from."""
    return datetime.now(UTC)
