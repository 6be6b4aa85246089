"""`dempo feasible`: which panel sizes the quotas of a configuration admit, without a run."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.config import RunConfig
from core.errors import InfeasibleQuotas, InputError
from core.facts.plural import number_of
from core.sections.who_is_drawn import LotterySection
from core.sortition.quotas.sizes import SizeAnswer, explained, feasible_sizes, problems_of, ranges
from core.visible import visible
from tui.terminal import tables
from tui.terminal.console import Console

AROUND = 10
"""Sizes on each side of the lottery's own that are looked at without `--sizes`."""

MOST = 2000
"""Sizes in one question; a large pool takes about a twentieth of a second for each."""

_MARKS = {True: "●", False: "·", None: "?"}
_WORDS = {True: "a panel exists", False: "no panel exists", None: "not decided"}
_ROW = 10
_STAGE = "feasible"


@dataclass(frozen=True)
class FeasibleMap:
    """The sizes asked for, and the error of the lottery's own size where that is infeasible."""

    section: LotterySection
    pool: int
    seated: int
    answers: tuple[SizeAnswer, ...]
    warnings: tuple[str, ...]
    error: InfeasibleQuotas | None

    def data(self) -> dict[str, Any]:
        """The map for `--json`."""
        rows = [{"size": a.size, "feasible": a.feasible, "reason": a.reason} for a in self.answers]
        return {
            "lottery": self.section.name,
            "size": self.section.size,
            "feasible": self.error is None,
            "pool": self.pool,
            "seated": self.seated,
            "sizes": rows,
            "warnings": list(self.warnings),
            "infeasible": None if self.error is None else self.error.details,
        }

    def text(self) -> str:
        """The map for people: marks in rows of ten, then the sizes as ranges, with reasons."""
        first, last = self.answers[0].size, self.answers[-1].size
        lines = [
            f"lottery {self.section.name}: panels of {first} to {last} from {self.pool} people; "
            f"its own size is {self.section.size}",
            *(
                [f"{number_of(self.seated, 'seat is', 'seats are')} taken; quotas are for the others"]
                if self.seated
                else []
            ),
            "",
            *_rows(self.answers),
            "",
        ]
        states = {answer.feasible for answer in self.answers}
        lines += [f"{mark} {_WORDS[state]}" for state, mark in _MARKS.items() if state in states] + [""]
        lines += [_wrapped(f"{words}: {ranges(sizes)}") for words, sizes in self._groups()]
        return "\n".join(lines)

    def _groups(self) -> list[tuple[str, list[int]]]:
        """Sizes by answer and reason, the feasible ones first."""
        groups: dict[str, list[int]] = {"feasible": []}
        for answer in self.answers:
            state = "not feasible" if answer.feasible is False else "unknown"
            words = "feasible" if answer.feasible else f"{state} ({visible(answer.reason)})"
            groups.setdefault(words, []).append(answer.size)
        return [(words, sizes) for words, sizes in groups.items() if sizes]


def feasible_map(config: RunConfig, lottery: str | None, sizes: str | None, console: Console) -> FeasibleMap:
    """Reads the pool of a configuration and asks for every size whether a panel exists.

    Raises:
        InputError: there is no such lottery, the sizes are not understood, or the data cannot be used.
        InfeasibleQuotas: people who accepted their seats exceed a quota already.
    """
    from core.data.stage import read_pool
    from core.sortition.quotas.conflicts import require_panel
    from core.sortition.quotas.quotas import quotas_for, warnings

    section = _section(config, lottery)
    wanted = _sizes(sizes, section.size)
    pool = read_pool(config, lambda done, total, detail: console.progress(_STAGE, done, total, detail))
    if section.size <= pool.seated:
        raise InputError(
            f"lottery {section.name!r}: {pool.seated} people accepted, and the panel has {section.size} seats; "
            "there is nobody left to draw"
        )
    attributes = config.attributes
    problem_of_size = problems_of(pool, attributes, section.tolerance)
    answers = feasible_sizes(
        wanted,
        problem_of_size,
        lambda done: console.progress(_STAGE, done, len(wanted), f"panel size {wanted[done - 1]}"),
    )
    error = None
    try:
        require_panel(problem_of_size(section.size))
    except InfeasibleQuotas as found:
        error = explained(found, section, pool, attributes)
    odd = warnings(quotas_for(attributes, pool, section.size - pool.seated, section.tolerance))
    return FeasibleMap(section, len(pool.raters), pool.seated, answers, odd, error)


def _section(config: RunConfig, name: str | None) -> LotterySection:
    found = {section.name: section for section in config.lotteries}
    known = ", ".join(found)
    if not found:
        raise InputError("the configuration has no [[lotteries]], so no panel size to ask for")
    if name is None and len(found) > 1:
        raise InputError(f"the configuration has several lotteries; choose one with --lottery: {known}")
    if name is not None and name not in found:
        raise InputError(f"--lottery {name!r}: there is no such lottery; the configuration has {known}")
    return found[name] if name is not None else config.lotteries[0]


def _sizes(text: str | None, own: int) -> range:
    if text is None:
        return range(max(1, own - AROUND), own + AROUND + 1)
    first, separator, last = text.partition(":")
    try:
        sizes = range(int(first), int(last if separator else first) + 1)
    except ValueError:
        sizes = range(0)
    if not sizes or sizes[0] < 1 or len(sizes) > MOST:
        raise InputError(
            f"--sizes {text!r}: write one panel size or two, such as 120:170; the first must be at least 1 and not "
            f"above the second, with at most {MOST} sizes in all"
        )
    return sizes


def _rows(answers: Sequence[SizeAnswer]) -> list[str]:
    """One row per ten sizes, one column per last digit."""
    marks = {answer.size: _MARKS[answer.feasible] for answer in answers}
    first, last = answers[0].size // _ROW * _ROW, answers[-1].size
    width = len(f"{last // _ROW * _ROW}–{last // _ROW * _ROW + _ROW - 1}")
    rows = [f"{'size':<{width}}  {' '.join(str(digit) for digit in range(_ROW))}"]
    for start in range(first, last + 1, _ROW):
        cells = " ".join(marks.get(size, " ") for size in range(start, start + _ROW))
        rows.append(f"{f'{start}–{start + _ROW - 1}':<{width}}  {cells}".rstrip())
    return rows


def _wrapped(text: str) -> str:
    return textwrap.fill(text, tables.terminal() or 80, subsequent_indent="  ", break_long_words=False)
