"""/ f o: a text is looked for in the list that is on the screen, and the list filtered and sorted."""

from __future__ import annotations

from functools import partial

from tui.screens.ask import AskScreen
from tui.screens.palette import Command, PaletteScreen
from tui.screens.panes.live import LiveScreen
from tui.widgets.lists.long_list import LongList, Order

_SEARCH = "Enter goes to the next row that holds it, and again to the one behind it · Esc closes"


class SeekingScreen(LiveScreen):
    """A screen with a list that may be long."""

    @property
    def listed(self) -> LongList | None:
        """The list that these keys act on; None where the screen shows none."""
        raise NotImplementedError

    async def action_search(self) -> None:
        """Asks for a text; what was looked for before stands there already."""
        listed = self.listed
        if listed is not None:
            ask = AskScreen("Search the list", _SEARCH, lambda _: "", listed.sought)
            await self.app.push_screen(ask, lambda text: listed.seek(text) if text is not None else None)

    async def action_filter(self) -> None:
        """Asks what is to be listed alone."""
        listed = self.listed
        if listed is not None:
            hint = f"{listed.filter_hint}empty: all · Enter · Esc closes"
            ask = AskScreen(listed.filter_heading, hint, lambda _: "", listed.only, listed.suggestions)
            await self.app.push_screen(ask, lambda only: listed.narrow(only) if only is not None else None)

    async def action_sort(self) -> None:
        """Offers every column in both directions."""
        listed = self.listed
        if listed is not None:
            orders = [None, *(Order(column, down) for column in listed.sortable for down in (False, True))]
            commands = [Command(_named(order), "", partial(listed.sort_by, order)) for order in orders]
            screen = PaletteScreen(commands, "sort by a column · Enter · Esc closes")
            await self.app.push_screen(screen, lambda command: command.do() if command is not None else None)


def _named(order: Order | None) -> str:
    return "as it comes" if order is None else str(order)
