"""What `dempo show` prints, and every command that ends with a run's results: stages, scores, what it waits for."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.facts.judging.costs import money
from core.facts.words import undecided_sentences
from core.visible import visible
from storage import weight_shares
from storage.draws.waiting import waits_for
from storage.findings.judges_found import JudgesFound
from storage.findings.pairs_found import THE_REST, PairsFound
from storage.findings.published_found import PublishedFound
from storage.findings.robustness_found import RobustnessFound
from storage.imports.origin import origin_of
from storage.judging import families
from storage.judging.board_notes import board_notes, by_method
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
from storage.record.rows import BoardDetailRow, BoardRow, ConditionRow, FamilyRow, HypothesisRow, ShareRow, view_rows
from storage.step_searches import searches_told
from storage.verifier.ground.beside import more_than_one_file
from storage.weight_shares import share_table
from storage.withheld import marked
from tui.commands.people.draw_text import people_command, waiting_commands
from tui.commands.ranking.import_published import published_lines
from tui.commands.record.event_text import event_data, event_text
from tui.commands.record.origin_text import origin_lines
from tui.terminal import tables
from tui.terminal.command_line import command_line
from tui.terminal.options import print_data, print_json, print_rows, tell_notes

_WIDTH = 80
"""Cells of a line about judges in a file or a pipe."""

_SPEED = {
    "condition": "condition",
    "answers": "answers",
    "tokens": "tokens",
    "seconds": "seconds",
    "tokens_per_second": "tokens/s",
}

_COSTS = {
    "judge": "judge",
    "calls": "calls",
    "prompt_tokens": "prompt tokens",
    "cached_tokens": "cached",
    "completion_tokens": "reply tokens",
    "reasoning_tokens": "reasoning",
    "cost": "cost",
}
_STAGES = {"stage": "stage", "status": "status", "completed": "done", "units": "of", "seconds": "seconds"}


@dataclass(frozen=True)
class Wanted:
    """What of a run is asked for: a view, the reasons for a rater's chance, an event, or the events of a kind."""

    view: str | None = None
    why: str | None = None
    event: int | None = None
    kind: str | None = None

    def require_one(self) -> None:
        """
        Raises:
            InputError: two things are asked for at once.
        """
        given = [f"--{name}" for name, value in vars(self).items() if value is not None]
        if len(given) > 1:
            raise InputError(f"{' and '.join(given)} print different things; give one of them")


def show(reader: Reader, wanted: Wanted, runs: Path, as_json: bool) -> None:
    """What is asked for, or the run as a whole.

    Raises:
        InputError: two things are asked for at once, or nobody is called so.
        NotFound: there is no such view or event.
    """
    wanted.require_one()
    if wanted.why is not None:
        from tui.commands.people.why import why as why_so

        answers, text = why_so(reader, wanted.why)
        print_data({"why": answers}, as_json, text)
    elif wanted.view is not None:
        _show_view(reader, wanted.view, as_json)
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
        print(tables.table(reader.view("stages"), _STAGES, digits=1), end="\n\n")
        results(reader, as_json=False)
        tell_undecided(reader)
        if reader.until is None and not is_imported(reader.folder.root):
            for step in [*waiting_commands(reader, runs), *people_command(reader, runs)]:
                print(step, file=sys.stderr)


def _show_view(reader: Reader, view: str, as_json: bool) -> None:
    """The rows of a view; what of it is not here is said in its place, and to programs beside it."""
    rows = reader.view(view)
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


def results(reader: Reader, as_json: bool) -> None:
    """Leaderboards, what held-out pairs and a planted world say of the models, updates, and where the run lies."""
    root = reader.folder.root
    if as_json:
        print_json({"run_id": root.name, "path": str(root), **_found(reader)})
        return
    boards, recovered, notes = _leaderboards(reader), reader.view("recovery"), JudgingNotes.of_run(reader)
    for line in weight_lines(reader):
        print(line)
    _print_speed(reader)
    _print_costs(JudgeCosts.of_run(reader))
    if boards:
        print(f"Leaderboards{_stamp(reader.summary().simulated, notes.coverage.kinds)}\n")
        print(f"{tables.remark(notes.of_answers)}\n\n" if notes.of_answers else "", end="")
        pairs = PairsFound.of_run(reader)
        print(tables.leaderboards(boards, notes.first, pairs.firsts()), end="\n\n")
        for line in plan_lines(view_rows(reader, HypothesisRow), tables.terminal() or _WIDTH):
            print(line)
        _print_spread(spread_table(view_rows(reader, FamilyRow)))
        print(*RobustnessFound.of_run(reader).lines(tables.terminal() or _WIDTH), sep="\n")
        pooled = [(row["method"], row["position"], row["condition"]) for row in boards]
        width, rest = tables.terminal() or _WIDTH, command_line("show", root.name, "--view", "VIEW", runs=root.parent)
        judges = JudgesFound.of_run(reader).lines(width, f"`{visible(rest)}`")
        for line in [*pairs.win_rates(width, THE_REST), *JuryFound.of_run(reader).lines(pooled, width), *judges]:
            print(line)
    for line in published_lines(PublishedFound.of_run(reader)):
        print(line)
    held_out = reader.view("heldout")
    if held_out:
        print("Held-out pairs (accuracy over pairs, macro over raters; of the base 0.500, its log-loss 0.693)\n")
        print(tables.held_out(held_out), *map(tables.remark, _of_split(reader)), sep="\n", end="\n\n")
    if moved := reader.view("updates"):
        print("How far training moved the model (by layer: --view updates)\n")
        print(tables.updates(moved), *map(tables.remark, searches_told(reader)), sep="\n", end="\n\n")
    if recovered:
        print("Recovery of the planted population (simulated; held-out pairs, lower log-loss is better)\n")
        print(tables.recovery(recovered), end="\n\n")
    print(f"run: {visible(str(root))}")


def weight_lines(reader: Reader) -> list[str]:
    """What raters with high and low π are due of the weight, and get; nothing where there is no Soft condition."""
    rows = share_table(view_rows(reader, ShareRow))
    if not rows:
        return []
    remarks = [weight_shares.REMARK, *weight_shares.not_recommended(view_rows(reader, ConditionRow))]
    return [weight_shares.HEADING, "", tables.table(rows), *map(tables.remark, remarks), ""]


def _print_spread(rows: Sequence[dict[str, Any]]) -> None:
    """How much conditions of one family differ, if there are families."""
    if rows:
        print("Spread between the members of families\n")
        print(tables.table(rows), tables.remark(families.REMARK), sep="\n", end="\n\n")


def _of_split(reader: Reader) -> list[str]:
    """What is held out, and whom that leaves without a pair to train on."""
    told = [
        f"held out: {row['groups_held_out']} of {row['groups_in_all']} by {row['held_out_by']}, "
        f"of {row['raters']} raters"
        for row in reader.view("heldout_split")
    ]
    planned = [row for row in reader.view("conditions") if row["held_out_raters"]]
    lost = ", ".join(f"{row['condition']} {row['held_out_raters']}" for row in planned)
    return [*told, *([f"raters who drop out, all their pairs being held out: {lost}"] if lost else [])]


def _print_speed(reader: Reader) -> None:
    """How fast models on this machine answered, if any did."""
    rows = reader.view("answer_speed")
    if rows:
        print("Answers of models on this machine\n")
        print(tables.table(rows, _SPEED), end="\n\n")


def _print_costs(costs: JudgeCosts) -> None:
    """What the judges behind endpoints took, if there are any."""
    rows = [*([costs.written] if costs.written else []), *costs.answered, *costs.rows]
    if not rows:
        return
    print("Endpoints: calls, tokens and cost\n")
    print(tables.table([row | {"cost": _amount(row["cost"])} for row in rows], _COSTS))
    if costs.total is not None:
        of = "" if costs.budget is None else f" of a budget of {_amount(costs.budget)}"
        print(f"  {_amount(costs.total)}{of} by judges, in the currency of the prices")
    for note in costs.notes:
        print(f"  {note}")
    print()


def _amount(amount: Decimal | None) -> str:
    return "unknown" if amount is None else money(amount)


def _found(reader: Reader) -> dict[str, Any]:
    """What came out of the run, as JSON values."""
    return {
        "leaderboards": _leaderboards(reader),
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


def _leaderboards(reader: Reader) -> list[dict[str, Any]]:
    """Rows of the view, with the notes in words."""
    boards = by_method(view_rows(reader, BoardRow))
    notes = board_notes(boards, view_rows(reader, BoardDetailRow), view_rows(reader, FamilyRow))
    return [vars(row) | {"note": "; ".join(notes[method])} for method, rows in boards.items() for row in rows]


def _stamp(simulated: bool, judges: frozenset[str]) -> str:
    """What of leaderboards is simulated."""
    if not simulated:
        return ""
    if judges <= {"planted"}:
        return " (simulated: citizens of a planted world are the judges)"
    some = "some of the judges are too" if "planted" in judges else "the judges are not"
    return f" (the raters are simulated, those of a planted world; {some})"


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
