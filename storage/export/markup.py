"""The few pieces of HTML that a report is made of. Every text goes through `text`, which nothing hostile survives."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from core.visible import one_line, visible

MOST_ROWS = 400
"""Rows of one table of a report; the CSV file beside it holds all of them."""

MOST_CHARACTERS = 2_000
"""Of one text in a report."""

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 62rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid #ccc; }
h3 { font-size: 1rem; margin-bottom: 0.3rem; }
table { border-collapse: collapse; font-size: 13px; margin: 0.6rem 0; display: block; overflow-x: auto; }
td, th { border: 1px solid #ddd; padding: 0.15rem 0.5rem; text-align: left; vertical-align: top; max-width: 24rem;
  overflow-wrap: break-word; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f6f6f6; padding: 0.5rem; font-size: 13px; }
svg { max-width: 100%; height: auto; } .note { color: #555; font-size: 13px; }
.failed { background: #f7d6d0; } .unknown, .withheld { background: #fbf0cd; }
"""

_POLICY = (
    "default-src 'none'; style-src 'sha256-{style}'; img-src 'none'; script-src 'none'; object-src 'none'; "
    "base-uri 'none'; form-action 'none'"
)


def text(value: Any) -> str:
    """A value as one line of harmless HTML."""
    return html.escape(one_line(plain(value), 300))


def plain(value: Any) -> str:
    """A value in words: numbers to six digits, nothing for what is absent."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def preformatted(words: str) -> str:
    """Text as it is laid out."""
    return f"<pre>{html.escape(visible(words))}</pre>"


def passage(body: str) -> str:
    """A longer text on its own, cut with a note."""
    cut = len(body) - MOST_CHARACTERS
    more = note(f"{cut:,} of {len(body):,} characters are left out here; the record holds all of them.")
    return preformatted(body[:MOST_CHARACTERS]) + (more if cut > 0 else "")


def paragraph(words: str) -> str:
    """A paragraph of plain words."""
    return f"<p>{html.escape(visible(words))}</p>"


def note(words: str) -> str:
    """A remark below a table."""
    return f'<p class="note">{html.escape(visible(words))}</p>'


def table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = (), whole: str = "", mark: str = "") -> str:
    """The first rows as a table.

    Args:
        columns: the keys to show; all of them where none is given.
        whole: the file that holds all rows, for the note about those left out.
        mark: the column whose value becomes the class of its row.
    """
    kept = list(islice(rows, MOST_ROWS + 1))
    if not kept:
        return note("none")
    keys = list(columns or kept[0])
    parts = ["<table><thead><tr>", *(f"<th>{text(key)}</th>" for key in keys), "</tr></thead><tbody>"]
    for row in kept[:MOST_ROWS]:
        style = f' class="{text(row[mark])}"' if mark else ""
        parts.append(f"<tr{style}>{''.join(_cell(row.get(key)) for key in keys)}</tr>")
    parts.append("</tbody></table>")
    if len(kept) > MOST_ROWS:
        parts.append(note(f"The first {MOST_ROWS} rows; {whole or 'the record'} holds all of them."))
    return "".join(parts)


def _cell(value: Any) -> str:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    style = ' class="n"' if number else ""
    return f"<td{style}>{text(value)}</td>"


def section(heading: str, *parts: str) -> str:
    """A heading and what stands below it."""
    return f"<section><h2>{text(heading)}</h2>\n" + "\n".join(parts) + "\n</section>\n"


def page(title: str, sections: Sequence[str]) -> str:
    """A whole document that loads nothing and runs nothing: the policy allows its own style sheet alone."""
    style = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY.format(style=style)}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{text(title)}</h1>\n"
        + "".join(sections)
        + "</body>\n</html>\n"
    )
