"""Help of commands in frames, as rich would draw it, and without rich: loading that takes longer than all the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

WIDEST = 120
"""Columns that help takes at most."""


class _Framed:
    """What commands and groups have in common."""

    def get_help(self, ctx: Any) -> str:
        """The help, its sections in frames."""
        text: str = super().get_help(ctx)  # type: ignore[misc]
        return "\n".join(_framed(text, ctx.make_formatter().width))

    def get_short_help_str(self, limit: int = 0) -> str:
        """The first sentence, whole."""
        short: str = super().get_short_help_str(1_000)  # type: ignore[misc]
        return short


class _Command(_Framed, TyperCommand):
    """A command."""


class _Group(_Framed, TyperGroup):
    """Commands with a word before them, or all."""


class Commands(typer.Typer):
    """Commands whose help is in frames; wrong options are told in plain words."""

    def __init__(self, **settings: Any) -> None:
        names = {"help_option_names": ["-h", "--help"], "max_content_width": WIDEST}
        super().__init__(cls=_Group, rich_markup_mode=None, context_settings=names, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[..., Any]:
        """As typer's."""
        return super().command(name, cls=_Command, **settings)


def _framed(text: str, width: int) -> Iterator[str]:
    """Every section, a title and indented lines, in a frame; the other lines as they are."""
    inside = False
    for line in [*text.splitlines(), ""]:
        if line.endswith(":") and line[0].isupper():
            inside = True
            yield f"╭─ {line[:-1]} ".ljust(width + 1, "─") + "╮"
        elif inside and line:
            yield f"│ {line[2:]}".ljust(width + 1) + "│"
        elif inside:
            inside = False
            yield "╰".ljust(width + 1, "─") + "╯"
        else:
            yield line
