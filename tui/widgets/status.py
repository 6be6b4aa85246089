"""State as a glyph and a word, so that it never rests on colour alone."""

from __future__ import annotations

from rich.text import Text

from core.visible import one_line

GLYPHS = {
    "running": ("●", "good"),
    "stopping": ("◌", "warning"),
    "completed": ("✓", "good"),
    "paused": ("‖", "warning"),
    "stopped": ("■", "warning"),
    "failed": ("✗", "bad"),
    "interrupted": ("!", "bad"),
    "created": ("○", "accent"),
    "not begun": ("○", "bad"),
    "unreadable": ("?", "bad"),
    "damaged": ("✗", "bad"),
    "imported": ("⇩", "accent"),
    "unpacked": ("⇩", "bad"),
    "started": ("▸", "accent"),
    "waiting": ("·", "muted"),
    "skipped": ("–", "muted"),
    "accepted": ("✓", "good"),
    "rejected": ("✗", "bad"),
    "aborted": ("■", "warning"),
    "committed": ("◌", "accent"),
    "proposed": ("▸", "accent"),
    "ranked": ("✓", "good"),
    "refused": ("✗", "bad"),
    "truncated": ("…", "warning"),
    "malformed": ("?", "warning"),
    "outside": ("✗", "bad"),
    "ok": ("✓", "good"),
    "unchecked": ("?", "warning"),
    "unknown": ("?", "warning"),
    "withheld": ("–", "warning"),
    "replayed": ("✓", "good"),
    "recorded": ("·", "muted"),
    "not replayed": ("–", "muted"),
    "not available": ("?", "warning"),
    "drift": ("✗", "bad"),
    "changed version": ("!", "warning"),
    "not compared": ("?", "warning"),
}
"""Word: its glyph and what kind of word it is."""

STAMP = Text(" SIMULATED ", style="reverse warning")
"""Marks a run whose raters or judges are simulated."""

STAMPS = {
    "imported": Text(" IMPORTED ", style="reverse accent"),
    "unpacked": Text(" UNPACKED, NOT CHECKED ", style="reverse bad"),
}
"""Mark a run that came in somebody else's bundle."""


def status(word: str) -> Text:
    """A glyph and the word; unknown words (newer programs) get a question mark."""
    glyph, style = GLYPHS.get(word, ("?", "muted"))
    return Text(f"{glyph} {one_line(word, 20)}", style=style, no_wrap=True)
