"""What `dempo show` prints, and every command that ends with a run's results: stages, scores, what it waits for."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.facts.words import undecided_sentences
from core.visible import visible
from storage.draws.waiting import waits_for
from storage.findings.judges_found import JudgesFound
from storage.findings.pairs_found import THE_REST, PairsFound
from storage.findings.published_found import PublishedFound
from storage.findings.robustness_found import RobustnessFound
from storage.imports.origin import origin_of
from storage.judging.costs import JudgeCosts
from storage.judging.families import spread_table
from storage.judging.judging_notes import JudgingNotes
from storage.judging.jury import JuryFound
from storage.judging.linked_run import linked_run
from storage.plans.planned_rows import plan_lines
from storage.record.damage import damage_in, told_of
from storage.record.event_pages import EVERYTHING, WholeEntry, whole_entries, whole_entry
from storage.record.foreign import is_imported
from storage.record.reader import Reader, require_event
from storage.record.rows import FamilyRow, HypothesisRow, view_rows
from storage.verifier.ground.beside import more_than_one_file
from storage.withheld import marked
from tui.commands.people.draw_text import people_command, waiting_commands
from tui.commands.ranking.import_published import published_lines
from tui.commands.record.event_text import event_data, event_text
from tui.commands.record.origin_text import origin_lines
from tui.commands.results.board_lines import ALL, board_lines, board_rows
from tui.commands.results.measured_lines import (
    cost_lines,
    held_out_lines,
    recovery_lines,
    speed_lines,
    update_lines,
    weight_lines,
)
from tui.commands.results.panel_lines import panel_lines
from tui.commands.results.summary_lines import summary_lines
from tui.terminal import tables
from tui.terminal.command_line import command_line
from tui.terminal.csv_output import print_csv
from tui.terminal.options import print_data, print_json, print_rows, tell_notes

_WIDTH = 80
"""Cells of a line about judges in a file or a pipe."""

_STAGES = {"stage": "stage", "status": "status", "completed": "done", "units": "of", "seconds": "seconds"}


@dataclass(frozen=True)
class Wanted:
    """What of a run is asked for: a view, the reasons for a rater's chance, an event, or the events of a kind."""

    view: str | None = None
    why: str | None = None
    event: int | None = None
    kind: str | None = None

    def without_methods(self) -> list[str]:
        """What is asked for that has nothing to do with a method, as options."""
        return [f"--{name}" for name in ("why", "event", "kind") if getattr(self, name) is not None]

    def require_one(self) -> None:
        """
        Raises:
            InputError: two things are asked for at once.
        """
        given = [f"--{name}" for name, value in vars(self).items() if value is not None]
        if len(given) > 1:
            raise InputError(f"{' and '.join(given)} print different things; give one of them")


def show(
    reader: Reader,
    wanted: Wanted,
    runs: Path,
    as_json: bool,
    method: str | None = None,
    as_csv: bool = False,
) -> None:
    """What is asked for, or the run as a whole.

    Args:
        method: whose leaderboard of the run as a whole, or whose rows of the view, "all" for every one.
        as_csv: print the view, or the leaderboards, as CSV.

    Raises:
        InputError: two things are asked for at once, or nobody is called so.
        NotFound: there is no such view or event.
    """
    wanted.require_one()
    if method is not None and (others := wanted.without_methods()):
        raise InputError(f"--method says whose leaderboard is meant; leave it out beside {others[0]}")
    if as_csv:
        _print_csv(reader, wanted, as_json, method)
    elif wanted.why is not None:
        from tui.commands.people.why import why as why_so

        answers, text = why_so(reader, wanted.why)
        print_data({"why": answers}, as_json, text)
    elif wanted.view is not None:
        _show_view(reader, wanted.view, as_json, method)
    elif wanted.event is not None:
        require_event(wanted.event, reader.head()[0], reader.folder.root.name, "--event")
        _show_events(filter(None, [whole_entry(reader, wanted.event, EVERYTHING)]), as_json)
    elif wanted.kind is not None:
        _show_events(whole_entries(reader, only=wanted.kind), as_json)
    elif as_json:
        print_json(_whole(reader))
    else:
        print(_heading(reader), end="\n\n")
        _tell_where_the_rest_lies(reader)
        _print([*summary_lines(reader), *_stage_lines(reader), *_measured(reader, method)])
        print(f"run: {visible(str(reader.folder.root))}")
        tell_undecided(reader)
        if reader.until is None and not is_imported(reader.folder.root):
            for step in [*waiting_commands(reader, runs), *people_command(reader, runs)]:
                print(step, file=sys.stderr)


def _print_csv(reader: Reader, wanted: Wanted, as_json: bool, method: str | None) -> None:
    """A view, or the leaderboards.

    Raises:
        InputError: something else is asked for, which is no table, or JSON too.
    """
    others = wanted.without_methods()
    if as_json or others:
        raise InputError(f"--csv prints a view or the leaderboards; leave out {'--json' if as_json else others[0]}")
    if wanted.view is None:
        print_csv(board_rows(reader, method))
        return
    rows, told = marked(reader, wanted.view, _of_method(wanted.view, reader.view(wanted.view), method))
    print_csv(rows, reader.columns(wanted.view))
    tell_notes([told] if told else [])


def _of_method(view: str, rows: list[dict[str, Any]], method: str | None) -> list[dict[str, Any]]:
    """The rows of a view that are of this method; all of them where none is named.

    Raises:
        InputError: the view has none of this method.
    """
    if method is None or method == ALL:
        return rows
    known = list(dict.fromkeys(str(row["method"]) for row in rows if "method" in row))
    if method not in known:
        has = f"has rows of {', '.join(known)}" if known else "has no rows by method; leave --method out"
        raise InputError(f"--method {method}: the view {view} {has}")
    return [row for row in rows if row["method"] == method]


def _show_view(reader: Reader, view: str, as_json: bool, method: str | None) -> None:
    """The rows of a view; what of it is not here is said in its place, and to programs beside it."""
    rows = _of_method(view, reader.view(view), method)
    shown, told = marked(reader, view, rows)
    print_rows(view, rows if as_json else shown, told, as_json, digits=6)
    if rows and told:
        tell_notes([told])
    if view in ("levels", "lotteries"):
        tell_undecided(reader)


def _show_events(events: Iterable[WholeEntry], as_json: bool) -> None:
    """Events whole, one after the other."""
    if as_json:
        print_json({"events": list(map(event_data, events))})
        return
    found = False
    for event in events:
        print("\n" if found else "", event_text(event, EVERYTHING), sep="")
        found = True
    if not found:
        print("(none)")


def results(reader: Reader, as_json: bool, method: str | None = None) -> None:
    """What came out of a run: its summary, leaderboard, what was measured of its models, and where it lies.

    Args:
        method: whose leaderboard; that of the run's primary method where none is named, every one for "all".
    """
    root = reader.folder.root
    if as_json:
        print_json({"run_id": root.name, "path": str(root), **_found(reader)})
        return
    _print([*summary_lines(reader), *_measured(reader, method), f"run: {visible(str(root))}"])


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


def _stage_lines(reader: Reader) -> list[str]:
    """The stages that were begun, and in one line those that this run has nothing to do for."""
    rows = reader.view("stages")
    begun = [row for row in rows if row["status"] != "skipped"]
    skipped = ", ".join(str(row["stage"]) for row in rows if row["status"] == "skipped")
    told = [tables.remark(f"nothing to do for: {skipped} (--view stages says why)")] if skipped else []
    return [tables.table(begun, _STAGES, digits=1), *told, ""]


def _measured(reader: Reader, method: str | None) -> list[str]:
    """Every section of the results that there is, the leaderboard first."""
    return [
        *board_lines(reader, method),
        *plan_lines(view_rows(reader, HypothesisRow), _width()),
        *PairsFound.of_run(reader).win_rates(_width(), THE_REST),
        *RobustnessFound.of_run(reader).lines(_width()),
        *panel_lines(reader),
        *jury_lines(reader),
        *judge_lines(reader),
        *published_lines(PublishedFound.of_run(reader)),
        *held_out_lines(reader),
        *update_lines(reader),
        *recovery_lines(reader),
        *weight_lines(reader),
        *speed_lines(reader),
        *cost_lines(reader),
    ]


def jury_lines(reader: Reader) -> list[str]:
    """Boards by each judge, and how far judges agree, where there are several."""
    pooled = [(row["method"], row["position"], row["condition"]) for row in reader.view("leaderboards")]
    return JuryFound.of_run(reader).lines(pooled, _width()) if pooled else []


def judge_lines(reader: Reader) -> list[str]:
    """Biases, agreement by question, clauses, and abilities with the length of answers held fixed."""
    root = reader.folder.root
    rest = command_line("show", root.name, "--view", "VIEW", runs=root.parent)
    return JudgesFound.of_run(reader).lines(_width(), f"`{visible(rest)}`")


def _width() -> int:
    return tables.terminal() or _WIDTH


def _found(reader: Reader) -> dict[str, Any]:
    """What came out of the run, as JSON values."""
    return {
        "leaderboards": board_rows(reader),
        **JudgingNotes.of_run(reader).row(),
        "leaderboard_details": reader.view("leaderboard_details"),
        **PairsFound.of_run(reader).data(),
        **RobustnessFound.of_run(reader).data(),
        **JuryFound.of_run(reader).data(),
        "hypotheses": reader.view("hypotheses"),
        **PublishedFound.of_run(reader).data(),
        **JudgesFound.of_run(reader).data(),
        "families": spread_table(view_rows(reader, FamilyRow)),
        "weight_shares": reader.view("weight_shares"),
        "answer_speed": reader.view("answer_speed"),
        "judging": JudgeCosts.of_run(reader).row(),
        "heldout": reader.view("heldout"),
        "updates": reader.view("updates"),
        "recovery": reader.view("recovery"),
        "undecided": undecided_sentences(reader.view("levels")),
    }


def tell_undecided(reader: Reader) -> None:
    """On standard error, which levels of a lottery are not proved: whoever reads on has to know."""
    tell_notes(undecided_sentences(reader.view("levels")))


def _tell_where_the_rest_lies(reader: Reader) -> None:
    """On standard error, that the record is more than one file just now, for whoever is about to copy it."""
    if not is_imported(reader.folder.root):
        tell_notes(filter(None, [more_than_one_file(reader.folder.database)]))


def what_next(reader: Reader) -> list[str]:
    """The last lines of a run that came to its end: the head to keep, and the commands that come next.

    Nothing where a draw waits: the engine said what that takes.
    """
    if any(row["stage"] == "draw" and row["status"] == "started" for row in reader.view("stages")):
        return []
    root = reader.folder.root
    seq, digest = reader.head()
    steps = people_command(reader, root.parent)
    check, app = (command_line(*words, runs=root.parent) for words in (("verify", root.name), ()))
    last = f"{'then' if steps else 'next'}: `{check}` checks the record; `{app}` opens the app on it"
    return [f"head: event {seq}, {digest}", *steps, last]


def _whole(reader: Reader) -> dict[str, Any]:
    origin = origin_of(reader.folder.root)
    damage = damage_in(reader.folder.root)
    return {
        "run": reader.view("run"),
        "until": reader.head()[0],
        "status": "damaged" if damage else reader.status(),
        "problem": damage,
        "waits_for": waits_for(reader),
        "stages": reader.view("stages"),
        **_found(reader),
        "origin": origin.row() if origin else None,
        "linked_to": linked_run(reader),
    }


def _heading(reader: Reader) -> str:
    seq = reader.head()[0]
    as_of = f", as of event {seq}" if reader.until is not None else ""
    origin = origin_of(reader.folder.root)
    came = [f"  {line}" for line in origin_lines(origin)] if origin else []
    root = reader.folder.root
    told = told_of(damage_in(root), root)
    linked = linked_run(reader)
    of = [] if linked is None else [f"  linked to run {linked}"]
    lines = [f"{root.name}{as_of}: {told or reader.status()}", *came, *of, *(f"  {x}" for x in waits_for(reader))]
    return visible("\n".join(lines))
