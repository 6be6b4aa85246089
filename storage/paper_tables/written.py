"""A table as Markdown, LaTeX or CSV; names are of people, judges and strangers, so nothing in them is obeyed."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping

from core.facts.cells import cell
from core.visible import one_line
from storage.paper_tables.places_grid import svg
from storage.paper_tables.table import Column, Estimate, PaperTable, Value

ABSENT = "not in this run"

_LONGEST = 1_000
"""Characters of a cell: an order of 62 conditions has its place."""

_OF_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "[": "{[}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_"},
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "φ": r"$\varphi$",
    "ℓ": r"$\ell$",
    "π": r"$\pi$",
    "Σ": r"$\Sigma$",
    "Δ": r"$\Delta$",
    "θ": r"$\theta$",
    "‖": r"$\|$",
    "×": r"$\times$",
    "−": r"$-$",
    "∞": r"$\infty$",
}


def written(table: PaperTable, form: str) -> str:
    """The table as a text of this form, with a line end.

    Raises:
        ValueError: the table cannot be drawn (`svg`): only places have a grid.
    """
    return FORMS[form](table)


def markdown(table: PaperTable) -> str:
    """A heading, a pipe table, and the remarks below it."""
    lines = [f"### {_markdown(_caption(table))}", ""]
    if table.lacking:
        return "\n".join([*lines, _markdown(f"Not printed: {table.lacking}."), ""])
    heads = [_markdown(column.heading) for column in table.columns]
    rows = [[_markdown(shown(*pair)) for pair in zip(row, table.columns, strict=True)] for row in table.rows]
    marks = ["---:" if _numeric(table, place) else "---" for place in range(len(heads))]
    lines += [f"| {' | '.join(line)} |" for line in (heads, marks, *rows)]
    return "\n".join([*lines, "", *(f"{_markdown(remark)}\n" for remark in table.remarks if remark)])


def latex(table: PaperTable) -> str:
    """A `table` environment with rules of the package booktabs."""
    caption = _latex(_caption(table))
    if table.lacking:
        return f"% {one_line(table.caption)}: not printed: {one_line(table.lacking, _LONGEST)}\n"
    columns = "".join("r" if _numeric(table, place) else "l" for place in range(len(table.columns)))
    heads = " & ".join(_latex(column.heading) for column in table.columns)
    rows = [
        " & ".join(_latex_cell(*pair) for pair in zip(row, table.columns, strict=True)) + r" \\" for row in table.rows
    ]
    remarks = " ".join(_latex(remark) for remark in table.remarks if remark)
    lines = [
        r"% \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        f"\\caption{{{caption}. {remarks}}}",
        f"\\begin{{tabular}}{{{columns}}}",
    ]
    lines += [r"\toprule", heads + r" \\", r"\midrule", *rows, r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def comma_separated(table: PaperTable) -> str:
    """All numbers as they are recorded, unrounded and without factors; an estimate takes four columns."""
    out = io.StringIO(newline="")
    rows = csv.writer(out, lineterminator="\n")
    wide = [any(isinstance(row[place], Estimate) for row in table.rows) for place in range(len(table.columns))]
    heads = [column.heading for column in table.columns]
    rows.writerow([cell(name) for head, four in zip(heads, wide, strict=True) for name in _headings(head, four)])
    for row in table.rows:
        rows.writerow([cell(one) for value, four in zip(row, wide, strict=True) for one in _recorded(value, four)])
    return out.getvalue()


def _headings(head: str, four: bool) -> list[str]:
    return [head, *(f"{head} {end}" for end in ("mean", "low", "high"))] if four else [head]


def _recorded(value: Value, four: bool) -> Iterator[object]:
    """The value as one cell, or as the four of an estimate."""
    if isinstance(value, Estimate):
        yield from (value.point, value.mean, value.low, value.high)
    else:
        yield value
        yield from [None] * 3 if four else []


FORMS: Mapping[str, Callable[[PaperTable], str]] = {
    "md": markdown,
    "tex": latex,
    "csv": comma_separated,
    "svg": svg,
}


def shown(value: Value, column: Column) -> str:
    """A value in the precision of its column: an estimate as its point, the mean and the interval of the resamples."""
    if value is None:
        return ABSENT
    if isinstance(value, str):
        return value
    if not isinstance(value, Estimate):
        return _digits(value, column)
    mean = "" if value.mean is None else f" (mean {_digits(value.mean, column)})"
    ends = [end for end in (value.low, value.high) if end is not None]
    interval = f" [{', '.join(_digits(end, column) for end in ends)}]" if len(ends) == 2 else ""
    return f"{_digits(value.point, column)}{mean}{interval}"


def _digits(value: float, column: Column) -> str:
    """A number with the decimals of its column; what rounds to zero has no sign."""
    if not math.isfinite(value):
        return "undefined" if math.isnan(value) else "∞" if value > 0 else "−∞"
    printed = f"{value * column.factor:.{column.digits}f}"
    return printed.removeprefix("-") if float(printed) == 0 else printed


def _numeric(table: PaperTable, place: int) -> bool:
    return all(not isinstance(row[place], str) for row in table.rows)


def _caption(table: PaperTable) -> str:
    """The caption with the place of its like, so that nobody takes that for the number of this table."""
    place = f"as {table.printed} of the paper" if table.printed[:1].isupper() else table.printed
    return f"{table.caption} ({place})"


def _latex_cell(value: Value, column: Column) -> str:
    """A cell in which numbers have a minus sign and names keep their hyphens."""
    text = shown(value, column)
    return _latex(text if isinstance(value, str) or value is None else text.replace("-", "−"))


def _markdown(text: str) -> str:
    """Text of one line in which nothing is markup."""
    return "".join(f"\\{sign}" if sign in "\\`*_|<>[]#" else sign for sign in one_line(text, _LONGEST))


def _latex(text: str) -> str:
    return "".join(_OF_LATEX.get(sign, sign) for sign in one_line(text, _LONGEST))
