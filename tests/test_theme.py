"""The app's own colours: what they mean is said in one place, and everything can be read on what it stands on."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from rich.color import ANSI_COLOR_NAMES
from rich.text import Text
from textual.color import Color
from textual.widgets import Static

from tui.app import DempoApp
from tui.look.themes import COLOURS, DARK, LIGHT, Colours
from tui.look.tokens import STYLES
from tui.screens.results.clause_page import _SHADES
from tui.widgets.spark import spark
from tui.widgets.words import Words

TUI = Path(__file__).resolve().parent.parent / "tui"


def luminance(colour: str) -> float:
    """As WCAG 2.2 defines it."""
    parts = (part / 255 for part in Color.parse(colour).rgb)
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("colours", COLOURS.values(), ids=list(COLOURS))
def test_every_colour_can_be_read_on_every_ground(colours: Colours) -> None:
    """Reversed text is one of these the other way round."""
    written = {name: getattr(colours, name) for name in ("text", "accent", "good", "warning", "bad", "muted")}
    grounds = {name: getattr(colours, name) for name in ("ground", "raised", "cursor")}
    short = {
        (name, ground): round(contrast(colour, behind), 2)
        for name, colour in written.items()
        for ground, behind in grounds.items()
        if contrast(colour, behind) < 4.5
    }
    assert short == {}


def test_a_score_can_be_read_on_its_shade() -> None:
    assert all(contrast(*shade.split(" on ")) >= 4.5 for shade in _SHADES)


@pytest.mark.parametrize("theme", [DARK, LIGHT, "ansi-dark"])
async def test_a_name_stands_for_the_colour_of_the_theme_also_of_the_next_one(tmp_path: Path, theme: str) -> None:
    app = DempoApp(tmp_path)
    async with app.run_test() as pilot:
        app.theme = theme
        words = Words(Text("all good", style="good"))
        assert isinstance(words, Static)
        await app.screen.mount(words)
        for name in (theme, DARK, LIGHT):
            app.theme = name
            await pilot.pause()
            (shown,) = {segment.style.color for segment in words.render_line(0) if segment.text.strip()}
            assert shown is not None
            if name in COLOURS:
                assert shown.name == COLOURS[name].good.lower()
        for style in STYLES:
            app.console.get_style(style)


# ---------------------------------------------------------------- one place

COLOUR = re.compile(r"(?:on )?#[0-9a-fA-F]{3,8}\b")
ELSEWHERE = {
    "widgets/looks.py": "curves are told apart by colours that mean nothing",
    "widgets/axes.py": "the grey of frames and levels, which is read on dark and light",
}


def styles_in(path: Path) -> list[str]:
    """Texts that are nothing but words of styles, and have a colour among them."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = node.value.split()
            known = {*ANSI_COLOR_NAMES, "bold", "reverse", "dim", "italic", "underline", "on", "default"}
            coloured = {*words} & ({*ANSI_COLOR_NAMES, "dim"} - {"default"}) or any(map(COLOUR.fullmatch, words))
            if coloured and all(word in known or COLOUR.fullmatch(word) for word in words):
                found.append(node.value)
    return found


def test_colours_are_named_by_what_they_mean() -> None:
    """In screens and widgets alike; a scale of shades is no meaning but a number."""
    named = {str(path.relative_to(TUI)): styles_in(path) for path in sorted(TUI.rglob("*.py"))}
    assert named["look/themes.py"], "the test finds colours"
    others = {
        name: [style for style in found if style not in _SHADES]
        for name, found in named.items()
        if not name.startswith("look/") and name not in ELSEWHERE
    }
    assert {name: found for name, found in others.items() if found} == {}


def test_the_style_sheet_has_no_colour_of_its_own() -> None:
    sheet = re.sub(r"/\*.*?\*/", "", (TUI / "app.tcss").read_text(), flags=re.DOTALL)
    values = re.findall(r"(?:color|background|border[a-z-]*|tint):\s*([^;]+);", sheet)
    assert values
    for value in values:
        assert not re.search(r"#[0-9a-fA-F]{3}|rgb|\b(?:red|green|blue|cyan|yellow|white|black)\b", value), value


# ---------------------------------------------------------------- numbers as blocks


@pytest.mark.parametrize(
    ("values", "width", "drawn"),
    [
        ([], 5, ""),
        ([3.0, 3.0], 5, "▁▁"),
        ([0, 1, 2, 3, 4, 5, 6, 7], 8, "▁▂▃▄▅▆▇█"),
        ([0, 0, 9, 9, float("nan"), float("inf")], 2, "▁█"),
        ([-1e308, 1e308], 4, "▁▁"),
    ],
)
def test_numbers_are_drawn_between_their_least_and_their_greatest(values: list[float], width: int, drawn: str) -> None:
    assert spark(values, width) == drawn
