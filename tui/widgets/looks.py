"""How curves are told apart: each has a marker and a colour of its own, and its row in a table has them too.

Colours are those of palettes that were made for people with any colour vision: on dark backgrounds the eight of Okabe
and Ito (2008, "Color Universal Design") with white for black, then four from Tol (2021, "Colour Schemes", SRON/EPS/TN/
09-002), Petroff (2021, arXiv:2107.02270) and Krzywinski (2020, "Color palettes for color blindness"). These are too
pale for light backgrounds, which have dark colours of the same palettes. The order is that of the greatest difference.
"""

from __future__ import annotations

from dataclasses import dataclass

MARKERS = ("○", "△", "□", "×", "◇", "+", "●", "▲", "■", "◆", "▽", "*")
ON_DARK = (
    *("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#FFFFFF", "#0072B2"),
    *("#99DDFF", "#BBBBBB", "#00FCCF", "#717581"),
)
ON_LIGHT = (
    *("#0077BB", "#CC3311", "#117733", "#8400CD", "#000000", "#663333", "#717581", "#222255"),
    *("#9F0162", "#BB5566", "#004488", "#6A0213"),
)


@dataclass(frozen=True)
class Paint:
    """What a theme lets one paint with; without colours every style is empty."""

    dark: bool = True
    coloured: bool = True

    def colour(self, place: int) -> str:
        """The style of the curve in this place; a thirteenth has the first marker again, in another colour."""
        colours = ON_DARK if self.dark else ON_LIGHT
        return colours[(place + place // len(MARKERS)) % len(colours)] if self.coloured else ""


def marker(place: int) -> str:
    """The sign of the curve in this place."""
    return MARKERS[place % len(MARKERS)]
