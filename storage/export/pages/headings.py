"""An anchor for every heading of a page, and the contents that lead to them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

_HEADING = re.compile(r"<h([23])>(.*?)</h\1>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_NOT_IN_ANCHORS = re.compile(r"[^a-z0-9]+")
_LONGEST = 60
"""Characters of an anchor."""


@dataclass(frozen=True)
class _Heading:
    """words are HTML without tags, as they stand in the page."""

    level: int
    words: str
    anchor: str


def anchored(body: str) -> tuple[str, str]:
    """The body with an `id` on each heading, and its contents as a list of links.

    Headings are those that this package wrote: whatever else a page shows is escaped, and holds none.
    """
    found: list[_Heading] = []
    taken: set[str] = set()

    def with_anchor(match: re.Match[str]) -> str:
        words = _TAG.sub("", match[2])
        anchor = _free(words, taken)
        taken.add(anchor)
        found.append(_Heading(int(match[1]), words, anchor))
        return f'<h{match[1]} id="{anchor}">{match[2]}</h{match[1]}>'

    return _HEADING.sub(with_anchor, body), _contents(found)


def _free(words: str, taken: Collection[str]) -> str:
    """An anchor made of the words that no heading has yet."""
    slug = _NOT_IN_ANCHORS.sub("-", words.lower()).strip("-")[:_LONGEST] or "part"
    anchor, number = slug, 1
    while anchor in taken:
        number += 1
        anchor = f"{slug}-{number}"
    return anchor


def _contents(headings: Sequence[_Heading]) -> str:
    """Chapters below each other, each with its lesser headings on one line; nothing where there is no chapter."""
    chapters: list[list[_Heading]] = []
    for heading in headings:
        if heading.level == 2:
            chapters.append([heading])
        elif chapters:
            chapters[-1].append(heading)
    items = "".join(f"<li>{_link(chapter[0])}{_lesser(chapter[1:])}</li>" for chapter in chapters)
    return f'<nav aria-label="Contents"><ul>{items}</ul></nav>\n' if items else ""


def _lesser(headings: Sequence[_Heading]) -> str:
    return f'<br><span class="sub">{" · ".join(map(_link, headings))}</span>' if headings else ""


def _link(heading: _Heading) -> str:
    return f'<a href="#{heading.anchor}">{heading.words}</a>'
