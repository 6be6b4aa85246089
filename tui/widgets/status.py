"""State as a glyph and a word, so that it never rests on colour alone."""

from __future__ import annotations

from rich.text import Text

from core.visible import one_line

GLYPHS = {
    "running": ("●", "green"),
    "stopping": ("◌", "yellow"),
    "completed": ("✓", "green"),
    "paused": ("‖", "yellow"),
    "stopped": ("■", "yellow"),
    "failed": ("✗", "red"),
    "interrupted": ("!", "red"),
    "created": ("○", "cyan"),
    "not begun": ("○", "red"),
    "unreadable": ("?", "red"),
    "damaged": ("✗", "red"),
    "imported": ("⇩", "magenta"),
    "unpacked": ("⇩", "red"),
    "started": ("▸", "cyan"),
    "waiting": ("·", "dim"),
    "skipped": ("–", "dim"),
    "accepted": ("✓", "green"),
    "rejected": ("✗", "red"),
    "aborted": ("■", "yellow"),
    "committed": ("◌", "cyan"),
    "proposed": ("▸", "cyan"),
    "ranked": ("✓", "green"),
    "refused": ("✗", "red"),
    "truncated": ("…", "yellow"),
    "malformed": ("?", "yellow"),
    "outside": ("✗", "red"),
    "ok": ("✓", "green"),
    "unchecked": ("?", "yellow"),
    "unknown": ("?", "yellow"),
    "withheld": ("–", "yellow"),
    "replayed": ("✓", "green"),
    "recorded": ("·", "dim"),
    "not replayed": ("–", "dim"),
    "not available": ("?", "yellow"),
    "drift": ("✗", "red"),
    "changed version": ("!", "yellow"),
    "not compared": ("?", "yellow"),
}
"""Word: its glyph and colour."""

STAMP = Text(" SIMULATED ", style="black on yellow")
"""Marks a run whose raters or judges are simulated."""

STAMPS = {
    "imported": Text(" IMPORTED ", style="black on magenta"),
    "unpacked": Text(" UNPACKED, NOT CHECKED ", style="white on red"),
}
"""Mark a run that came in somebody else's bundle."""


def status(word: str) -> Text:
    """A glyph and the word; unknown words (newer programs) get a question mark."""
    glyph, colour = GLYPHS.get(word, ("?", "dim"))
    return Text(f"{glyph} {one_line(word, 20)}", style=colour, no_wrap=True)
