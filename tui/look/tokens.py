"""Styles of texts by what they mean: `good`, `warning`, `bad`, `accent`, `muted`, alone or after `bold` or `reverse`.

Rich texts name them like any style (`Text("✓", style="good")`, `text.append(key, "bold accent")`); which colour that is
the theme says, also after another was chosen. `bold` and `reverse` alone stay what they are. With `NO_COLOR` what is
muted is dim and the rest has no colour, so nothing may rest on it.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style
from rich.text import Text
from rich.theme import Theme as Styles
from textual.color import Color

_NAMED = {
    "good": "text-success",
    "warning": "text-warning",
    "bad": "text-error",
    "accent": "text-accent",
}
"""Style: the variable of a theme that holds its colour."""

TOKENS = (*_NAMED, "muted")
STYLES = (*TOKENS, *(f"{how} {token}" for how in ("bold", "reverse") for token in TOKENS))
"""All names that a text may use beside `bold` and `reverse`."""


def styles_of(variables: Mapping[str, str], ansi: bool) -> Styles:
    """What the names stand for under a theme; with `ansi` the terminal's own colours are shown."""
    plain = {token: Style(color=_colour(variables[variable])) for token, variable in _NAMED.items()}
    plain["muted"] = Style(dim=True) if ansi else Style(color=_muted(variables))
    named = dict(plain)
    for token, style in plain.items():
        named[f"bold {token}"] = style + Style(bold=True)
        named[f"reverse {token}"] = style + Style(reverse=True)
    return Styles(named, inherit=False)


def _colour(written: str) -> str:
    colour = Color.parse(written)
    return colour.rich_color.name if colour.ansi is not None else colour.hex6


def _muted(variables: Mapping[str, str]) -> str:
    """The theme's muted text; where the theme leaves it to the ground, text that is nearer to the ground."""
    written = variables["text-muted"]
    if not written.startswith("auto"):
        return _colour(written)
    return Color.parse(variables["background"]).blend(Color.parse(variables["foreground"]), 0.7, alpha=1).hex6


def spanned(text: Text) -> Text:
    """The text with its own style as that of its first span: Textual knows the names in spans alone."""
    if not text.style:
        return text
    copy = text.copy()
    copy.style = ""
    copy.stylize_before(text.style)
    return copy
