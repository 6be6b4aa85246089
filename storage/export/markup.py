"""The few pieces of HTML that a report is made of. Every text goes through `text`, which nothing hostile survives."""

from __future__ import annotations

import base64
import hashlib
import html
import re
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
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
td.h { font: 11px/1.7 ui-monospace, monospace; overflow-wrap: anywhere; min-width: 11rem; max-width: 28rem; }
td.w { overflow-wrap: anywhere; min-width: 14rem; max-width: 30rem; }
code { font: 0.9em ui-monospace, monospace; background: #f6f6f6; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f6f6f6; padding: 0.5rem; font-size: 13px; }
svg { max-width: 100%; height: auto; } .note { color: #555; font-size: 13px; }
.failed { background: #f7d6d0; } .unchecked, .unknown, .withheld { background: #fbf0cd; }
"""

_HASH = re.compile(r"[0-9a-f]{40,128}|SHA256:[A-Za-z0-9+/]{43}")
_CODE = re.compile(r"`([^`]+)`")
_NOT_FINITE = frozenset({"nan", "inf", "-inf"})
_LONG = 40
"""Characters from which a text needs room for several lines."""

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
    """A paragraph of plain words; nothing where there are none."""
    return f"<p>{html.escape(visible(words))}</p>" if words else ""


def note(words: str) -> str:
    """A remark below a table."""
    return f'<p class="note">{html.escape(visible(words))}</p>'


def prose(markdown: str) -> str:
    """Words of this program in the little Markdown that it writes (headings, paragraphs, lists, code), as HTML.

    The first heading is left to the page. Whatever else stands in a text is shown as it is, harmlessly.
    """
    return "\n".join(_prose_block(block) for block in markdown.strip().split("\n\n") if not block.startswith("# "))


def _prose_block(block: str) -> str:
    if block.startswith("## "):
        return f"<h3>{_prose_line(block[3:])}</h3>"
    if block.startswith("- "):
        items = re.split(r"\n- ", block[2:])
        return "<ul>" + "".join(f"<li>{_prose_line(item)}</li>" for item in items) + "</ul>"
    return f"<p>{_prose_line(block)}</p>"


def _prose_line(words: str) -> str:
    joined = " ".join(line.strip() for line in words.splitlines())
    return _CODE.sub(r"<code>\1</code>", html.escape(visible(joined), quote=False))


def table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = (), whole: str = "", mark: str = "") -> str:
    """The first rows as a table; nothing where there are none.

    Args:
        columns: the keys to show; all of them where none is given.
        whole: the file that holds all rows, for the note about those left out.
        mark: the column whose value becomes the class of its row.
    """
    kept = list(islice(rows, MOST_ROWS + 1))
    if not kept:
        return ""
    keys = list(columns or kept[0])
    parts = ["<table><thead><tr>", *(_heading(key, kept) for key in keys), "</tr></thead><tbody>"]
    for row in kept[:MOST_ROWS]:
        style = f' class="{text(row[mark])}"' if mark else ""
        parts.append(f"<tr{style}>{''.join(_cell(row.get(key)) for key in keys)}</tr>")
    parts.append("</tbody></table>")
    if len(kept) > MOST_ROWS:
        parts.append(note(f"The first {MOST_ROWS} rows; {whole or 'the record'} holds all of them."))
    return "".join(parts)


def _heading(key: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """Above numbers it stands where they stand."""
    numbers = any(_is_number(row.get(key)) for row in rows)
    return f'<th class="n">{text(key)}</th>' if numbers else f"<th>{text(key)}</th>"


def _cell(value: Any) -> str:
    return f"<td{_class_of(value)}>{text(value)}</td>"


def _class_of(value: Any) -> str:
    if _is_number(value):
        return ' class="n"'
    if isinstance(value, str) and _HASH.fullmatch(value):
        return ' class="h"'
    return ' class="w"' if isinstance(value, str) and len(value) > _LONG else ""


def _is_number(value: Any) -> bool:
    """JSON has no word for what is not finite, so it is recorded as a text."""
    if isinstance(value, str):
        return value in _NOT_FINITE
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def under(heading: str, *parts: str) -> str:
    """A lesser heading and what stands below it; nothing where that is nothing."""
    return "\n".join([f"<h3>{text(heading)}</h3>", *parts]) if any(parts) else ""


def section(heading: str, *parts: str) -> str:
    """A heading and what stands below it; nothing where that is nothing."""
    if not any(parts):
        return ""
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
