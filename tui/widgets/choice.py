"""A line that shows which of several things is on the screen; [ and ] turn it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from core.visible import one_line
from tui.actions.table import key_of
from tui.widgets.words import Words

_HINT = f"   {key_of('run.previous')} {key_of('run.next')} to change"
"""Said where there is room for it: the last line of the screen names these keys too."""


class Choice(Words):
    """What the choice is about, its options, and the chosen one in brackets and reversed."""

    _options: Sequence[str] = ()
    _chosen: str | None = None

    @property
    def several(self) -> bool:
        """Whether there is another one to turn to."""
        return len(self._options) > 1

    def offer(self, what: str, options: Sequence[str], chosen: str | None) -> None:
        """Shows the options; with fewer than two there is nothing to turn."""
        several, self._options, self._chosen = self.several, options, chosen
        if several != self.several:
            self.screen.refresh_bindings()  # which name [ and ] where they turn something
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append(f"{what} ", style="bold")
        for option in options:
            shown = one_line(option, 40)
            line.append(f"[{shown}]" if option == chosen else f" {shown} ", style="reverse" if option == chosen else "")
        if self.several and line.cell_len + len(_HINT) < self.app.size.width - 2:
            line.append(_HINT, style="muted")
        self.say(line)

    def turned(self, by: int) -> str | None:
        """The option `by` places further on, round the end; None where there is none."""
        if self._chosen not in self._options:
            return None
        return self._options[(self._options.index(self._chosen) + by) % len(self._options)]
