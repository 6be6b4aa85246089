"""The grid of figure 1 as SVG: conditions down, places across, each cell with its share in digits and as a shade."""

from __future__ import annotations

import html

from core.visible import one_line
from storage.paper_tables.table import PaperTable

_CELL, _ROW, _TOP, _CHARACTER = 56, 26, 64, 7
_LONGEST = 32
"""Characters of a condition's name."""


def svg(table: PaperTable) -> str:
    """The table of P(place) as a picture.

    Raises:
        ValueError: it is another table.
    """
    if not table.key.startswith("places"):
        raise ValueError(f"only the table `places` is drawn (svg); print {table.key!r} as md, tex or csv")
    left = 16 + _CHARACTER * max((min(len(str(row[0])), _LONGEST) for row in table.rows), default=20)
    width = max(left + _CELL * (len(table.columns) - 1) + 16, 8 + _CHARACTER * len(table.caption))
    parts = [_words(left + _CELL * (k + 0.5), _TOP - 10, column.heading) for k, column in enumerate(table.columns[1:])]
    parts.append(_words(8, _TOP - 10, "place", "start"))
    for number, row in enumerate(table.rows):
        at = _TOP + _ROW * number
        parts.append(_words(left - 8, at + 17, one_line(str(row[0]), _LONGEST), "end"))
        for place, share in enumerate(row[1:]):
            parts += _share(left + _CELL * place, at, share if isinstance(share, float) else None)
    if table.lacking:
        parts.append(_words(8, _TOP + 17, one_line(table.lacking, 160), "start"))
    height = _TOP + _ROW * max(len(table.rows), 1) + 16
    title = html.escape(one_line(table.caption))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="sans-serif" font-size="12" fill="#222">\n<title>{title}</title>\n'
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n'
        f'<text x="8" y="20" font-size="14">{title}</text>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _share(x: float, y: float, share: float | None) -> list[str]:
    """A cell: darker for larger shares, with light digits on dark ground."""
    if share is None:
        return [_words(x + _CELL / 2, y + 17, "–")]
    held = min(max(share, 0.0), 1.0)
    box = f'<rect x="{x}" y="{y}" width="{_CELL - 2}" height="{_ROW - 2}" fill="#1b6ca8" opacity="{held:.3f}"/>'
    return [box, _words(x + _CELL / 2 - 1, y + 17, f"{share:.3f}", fill="#fff" if held > 0.55 else "#222")]


def _words(x: float, y: float, text: str, anchor: str = "middle", fill: str = "#222") -> str:
    place = f'x="{round(x, 1)}" y="{round(y, 1)}" text-anchor="{anchor}" fill="{fill}"'
    return f"<text {place}>{html.escape(text)}</text>"
