"""Screens that follow what is on disk: they read while they are looked at, and rest beneath another screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.screen import Screen

from core.visible import visible

if TYPE_CHECKING:
    from tui.app import DempoApp
    from tui.screens.copying import Copyable


class LiveScreen(Screen[None]):
    """Calls `tick` every `interval` seconds while nothing lies over it, and `read_soon` whenever it comes to the top.

    Beneath another screen it has to rest, its timer too: whatever happens there has Textual paint the whole terminal
    again, every second and for ever, which over SSH is paid for.

    Every part of a screen or tab is made in `__init__` and kept, and none is looked up: a reading that ends, a key or
    the end of the app may find a screen that is half made or half gone, and then a part that is looked up is not there.
    """

    place: ClassVar[str]
    """Its name in the table of actions."""

    @property
    def tab(self) -> str:
        """The tab that is looked at, where there are tabs."""
        return ""

    @property
    def _dempo(self) -> DempoApp:
        return cast("DempoApp", self.app)

    def on_mount(self) -> None:
        self._timer = self.set_interval(self._dempo.interval, self.tick, pause=True)

    def on_screen_suspend(self) -> None:
        self._timer.pause()

    def on_screen_resume(self) -> None:
        self._timer.resume()
        self.read_soon()

    # ------------------------------------------------------------ actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what is offered has a key; that of an action that is not, and explains itself, says why."""
        if action == "cannot":
            return not self.offered(str(parameters[0]), ())
        return self.offered(action, parameters)

    def offered(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Whether an action does something here and now."""
        return True

    def why_not(self, action: str) -> str:
        """Why an action is not offered, in a sentence; "" where that is said in another way."""
        return ""

    def action_cannot(self, action: str) -> None:
        """The key of an action that is not offered."""
        told = self.why_not(action)
        if told:
            self.notify(visible(told), timeout=8, markup=False)

    def copyable(self) -> Sequence[Copyable]:
        """What can be copied of the screen."""
        return ()

    def action_copy(self) -> None:
        """Offers what can be copied."""
        self._dempo.copy_one_of(self.copyable())

    async def action_new(self) -> None:
        await self._dempo.new_run()

    def tick(self) -> None:
        """Reads again, unless it is too soon."""
        self.read_soon()

    def read_soon(self) -> None:
        """Starts a reading, or has the one under way followed by another."""
        raise NotImplementedError
