"""Words of this program in the little Markdown that it writes (headings, paragraphs, lists, code), as HTML.

Made for `storage.export.statements`. Whatever else stands in a text is shown as it is, harmlessly.
"""

from __future__ import annotations

import html
import re

from core.visible import visible

_CODE = re.compile(r"`([^`]+)`")


def prose(markdown: str) -> str:
    """The text as HTML; its first heading is left to the page."""
    return "\n".join(_block(block) for block in markdown.strip().split("\n\n") if not block.startswith("# "))


def _block(block: str) -> str:
    if block.startswith("## "):
        return f"<h3>{_inline(block[3:])}</h3>"
    if block.startswith("- "):
        items = re.split(r"\n- ", block[2:])
        return "<ul>" + "".join(f"<li>{_inline(item)}</li>" for item in items) + "</ul>"
    return f"<p>{_inline(block)}</p>"


def _inline(words: str) -> str:
    joined = " ".join(line.strip() for line in words.splitlines())
    return _CODE.sub(r"<code>\1</code>", html.escape(visible(joined), quote=False))
