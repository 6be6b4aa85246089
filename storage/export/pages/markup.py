"""The few pieces of HTML that a report is made of. Every text goes through `text`, which nothing hostile survives."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Sequence
from typing import Any

from core.visible import one_line, visible
from storage.export.pages.headings import anchored
from storage.export.pages.style import STYLE

MOST_CHARACTERS = 2_000
"""Of one text in a report."""

_SENTENCE = 1_500
"""Of one sentence."""

_CODE = re.compile(r"`([^`]+)`")
_POLICY = (
    "default-src 'none'; style-src 'sha256-{style}'; img-src 'none'; script-src 'none'; object-src 'none'; "
    "base-uri 'none'; form-action 'none'"
)


def text(value: Any, most: int = 300) -> str:
    """A value as one line of harmless HTML, cut to `most` characters with a mark."""
    return html.escape(one_line(plain(value), most))


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


def stacked(*parts: str) -> str:
    """What is not empty, below each other."""
    return "\n".join(filter(None, parts))


def under(heading: str, *parts: str) -> str:
    """A lesser heading and what stands below it; nothing where that is nothing."""
    return stacked(f"<h3>{text(heading)}</h3>", *parts) if any(parts) else ""


def section(heading: str, *parts: str) -> str:
    """A heading and what stands below it; nothing where that is nothing."""
    return f"<section><h2>{text(heading)}</h2>\n{stacked(*parts)}\n</section>\n" if any(parts) else ""


def folded(words: str, *parts: str) -> str:
    """What is opened by a click; nothing where that is nothing."""
    return f"<details><summary>{text(words)}</summary>\n{stacked(*parts)}\n</details>" if any(parts) else ""


def listed(sentences: Iterable[str]) -> str:
    """Sentences as a list; nothing where there are none."""
    items = "".join(f"<li>{text(sentence, _SENTENCE)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def facts(lines: Iterable[tuple[str, str]]) -> str:
    """Names with what they are, side by side; nothing where there are none."""
    items = "".join(f"<dt>{text(name)}</dt><dd>{text(words, _SENTENCE)}</dd>" for name, words in lines)
    return f"<dl>{items}</dl>" if items else ""


def page(title: str, first: str, sections: Sequence[str]) -> str:
    """A whole document that loads nothing and runs nothing: the policy allows its own style sheet alone.

    Args:
        first: what stands above the contents.
    """
    style = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    body, contents = anchored("".join(sections))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY.format(style=style)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{text(title)}</h1>\n"
        f"{first}\n</header>\n{contents}<main>\n{body}</main>\n</body>\n</html>\n"
    )
