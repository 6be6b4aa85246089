"""What people are told about draws by public randomness: which commands come next, and what to publish."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.errors import DempoError
from core.events import DrawCommitted
from core.facts.sortition.draw import DRAW_DOMAIN, digits_of
from core.visible import visible
from storage.draws.history import History, config_of, history_of
from storage.draws.waiting import waits_for
from storage.record.reader import Reader
from tui.terminal.command_line import command_line


def next_steps(history: History, run: str, runs: Path) -> list[str]:
    """The commands that bring a draw by public randomness forward, in order; none where it is accepted."""

    def command(step: str, *words: str) -> str:
        return f"`{command_line('draw', step, run, history.section.id, *words, runs=runs)}`"

    commit = f"{command('commit', '--source', 'SOURCE')} names the future public source of randomness"
    reveal = f"{command('reveal', 'VALUE')} draws, once the source has published its value"
    accept = f"{command('accept')} makes the panel final, or {command('reject', '--reason', 'TEXT')} discards it"
    whom = f"{command('people', '--proposed', '--to', 'FOLDER')} writes who is on the proposed panel"
    resume = f"`{command_line('resume', run, runs=runs)}` goes on with the run"
    ahead = {"committed": [reveal, accept, resume], "proposed": [whom, accept, resume], "accepted": []}
    steps = ahead.get(history.state, [commit, reveal, accept, resume])
    return [f"{'next' if number == 0 else 'then'}: {step}" for number, step in enumerate(steps)]


def people_command(reader: Reader, runs: Path) -> list[str]:
    """How an organiser gets the names of those who were drawn; nothing where raters come from preference data."""
    try:
        config = config_of(reader)
        accepted = [s.id for s in config.draws if history_of(reader, s.id).state == "accepted"]
    except DempoError:  # a record of another version, or a changed one: the command would say no more
        return []
    if not config.data.people_only or not accepted:
        return []
    draw = accepted if len(accepted) > 1 else []
    line = command_line("draw", "people", reader.folder.root.name, *draw[:1], "--to", "FOLDER", runs=runs)
    more = f" (draws: {', '.join(accepted)})" if draw else ""
    return [f"next: `{line}` writes who was drawn and who stands in, as CSV files{more}"]


def waiting_commands(reader: Reader, runs: Path) -> list[str]:
    """The commands that bring the waiting draws of a paused run forward."""
    if not waits_for(reader):
        return []
    try:
        histories = [history_of(reader, s.id) for s in config_of(reader).draws if s.randomness == "public"]
    except DempoError:
        return []
    return [step for history in histories for step in next_steps(history, reader.folder.root.name, runs)]


def rule_in_words(rule: str, panels: int) -> str:
    """What the rule of a commitment does with the value."""
    if rule == "number":
        digits = digits_of(panels)
        return f"number: the value, {digits} digits from {0:0{digits}d} to {panels - 1}, is the number of the panel"
    return (
        f"hash: SHA-256 of {DRAW_DOMAIN!r}, the commitment and the value, each after its length as 8 bytes, is the key "
        "of the draw"
    )


def to_publish(committed: DrawCommitted, run: str, panels: int, head: tuple[int, str]) -> str:
    """The short text that fixes the draw before its randomness exists."""
    lines: dict[str, Any] = {
        "run": run,
        "draw": f"{committed.draw}, round {committed.round}",
        "lottery": committed.lottery,
        **{f"sha256 of {part}": value for part, value in committed.hashes.items()},
        "source": visible(committed.source).replace("\n", "␊"),
        "rule": rule_in_words(committed.rule, panels),
        "commitment": committed.commitment,
        "head": f"event {head[0]}, {head[1]}",
    }
    width = max(map(len, lines))
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in lines.items())
