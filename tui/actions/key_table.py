"""The table of keys in docs/app.md: `make app-keys` writes it anew, and a test compares it."""

from __future__ import annotations

import sys
from pathlib import Path

from tui.actions.action import Action
from tui.actions.table import ACTIONS

BEGIN, END = "<!-- keys: made by `make app-keys` -->", "<!-- end of keys -->"

_HEADINGS = (
    ("Everywhere", ("app",)),
    ("In lists and texts", ("list",)),
    ("In the list of runs", ("runs",)),
    ("In a run", ("run",)),
    ("In the form that starts a run", ("start",)),
    ("In dialogs", ()),
)
"""Where an action is listed: under the first heading that has one of its places; under the last where none has."""


def key_table() -> str:
    """Every action with its key, where it applies, and the command line that does the same; Markdown."""
    lines = []
    for heading, _ in _HEADINGS:
        found = [action for action in ACTIONS if _heading(action) == heading]
        if found:
            lines += [f"### {heading}", "", "| key | action | what it does | command line |", "|---|---|---|---|"]
            lines += [_row(action) for action in found]
            lines.append("")
    return "\n".join(lines)


def _heading(action: Action) -> str:
    return next((heading for heading, places in _HEADINGS if {*places} & {*action.places}), _HEADINGS[-1][0])


def _row(action: Action) -> str:
    key = f"`{action.key}`" if action.key else "palette"
    where = f" (tab{'' if len(action.tabs) == 1 else 's'} {', '.join(action.tabs)})" if action.tabs else ""
    twin = f"`{action.twin}`" if action.twin else ""
    return f"| {key} | {action.label} | {action.words}{where} | {twin} |"


def page_with_keys(page: str) -> str:
    """The page with the table as it should be between its two marks.

    Raises:
        ValueError: it has not both marks.
    """
    before, _, rest = page.partition(BEGIN)
    _, end, behind = rest.partition(END)
    if not end:
        raise ValueError(f"the page lacks the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{key_table()}\n{END}{behind}"


def main() -> None:
    """Writes the table into the page given."""
    page = Path(sys.argv[1])
    page.write_text(page_with_keys(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
