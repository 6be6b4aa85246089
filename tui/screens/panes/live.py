"""Screens that follow what is on disk: they read while they are looked at, and rest beneath another screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.screen import Screen

if TYPE_CHECKING:
    from tui.app import DempoApp


class LiveScreen(Screen[None]):
    """Calls `tick` every `interval` seconds while nothing lies over it, and `read_soon` whenever it comes to the top.

    Beneath another screen it has to rest, its timer too: whatever happens there has Textual paint the whole terminal
    again, every second and for ever, which over SSH is paid for.

    Every part of a screen or tab is made in `__init__` and kept, and none is looked up: a reading that ends, a key or
    the end of the app may find a screen that is half made or half gone, and then a part that is looked up is not there.
    """

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

    async def action_new(self) -> None:
        await self._dempo.new_run()

    def tick(self) -> None:
        """Reads again, unless it is too soon."""
        self.read_soon()

    def read_soon(self) -> None:
        """Starts a reading, or has the one under way followed by another."""
        raise NotImplementedError
