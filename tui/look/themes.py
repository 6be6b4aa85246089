"""The two themes of the app: one set of colours by what they mean, on a dark and on a light ground.

Everything else, shades of Textual's widgets among it, follows from them. Every colour of a text stands out from each
ground that it is on by at least 4.5 to 1 (WCAG 2.2, AA), which a test works out. Grounds are near enough to grey that a
terminal of 256 colours shows them as greys.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.theme import Theme

DARK, LIGHT = "dempo-dark", "dempo-light"


@dataclass(frozen=True)
class Colours:
    """What is written on, what it is written with, and what a colour means."""

    ground: str
    raised: str
    """The ground of title, footer and dialogs."""
    cursor: str
    """The ground of the row under the cursor."""
    text: str
    accent: str
    good: str
    warning: str
    bad: str
    muted: str


COLOURS = {
    DARK: Colours(
        ground="#14171a",
        raised="#23282d",
        cursor="#1f3a4d",
        text="#dce2e8",
        accent="#6fb9e6",
        good="#7dcb8c",
        warning="#e3b55c",
        bad="#f58a85",
        muted="#98a5b3",
    ),
    LIGHT: Colours(
        ground="#fcfbf8",
        raised="#edecea",
        cursor="#cfe3f2",
        text="#20262c",
        accent="#0a5c87",
        good="#1c6932",
        warning="#774e00",
        bad="#ae1f2e",
        muted="#565f6a",
    ),
}


def themes() -> list[Theme]:
    """Both, as Textual takes them."""
    return [_theme(name, colours, dark=name == DARK) for name, colours in COLOURS.items()]


def _theme(name: str, colours: Colours, dark: bool) -> Theme:
    return Theme(
        name=name,
        dark=dark,
        primary=colours.accent,
        secondary=colours.muted,
        accent=colours.accent,
        success=colours.good,
        warning=colours.warning,
        error=colours.bad,
        foreground=colours.text,
        background=colours.ground,
        surface=colours.ground,
        panel=colours.raised,
        variables={
            "text": colours.text,
            "text-muted": colours.muted,
            "text-disabled": colours.muted,
            "text-primary": colours.accent,
            "text-secondary": colours.muted,
            "text-accent": colours.accent,
            "text-success": colours.good,
            "text-warning": colours.warning,
            "text-error": colours.bad,
            "block-cursor-background": colours.cursor,
            "block-cursor-foreground": colours.text,
            "block-cursor-blurred-background": colours.raised,
            "block-cursor-blurred-foreground": colours.text,
            "block-cursor-text-style": "none",
            "block-hover-background": colours.raised,
            "border": colours.muted,
            "border-blurred": colours.muted,
            "input-selection-background": colours.cursor,
            "button-color-foreground": colours.ground,
            "scrollbar": colours.cursor,
            "scrollbar-background": colours.raised,
        },
    )
