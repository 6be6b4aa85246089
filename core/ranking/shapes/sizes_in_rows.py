"""How long the answers are that stand beside rankings: `responses`, the text of each condition's answer by its name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.facts.ranking.lengths import words_in
from core.ranking.shapes.file_rows import FileRow

Sizes = dict[tuple[str, str], tuple[int, int]]
"""Characters and words of answers, by condition and question."""


def noting_sizes(rows: Iterable[FileRow], sizes: Sizes) -> Iterator[FileRow]:
    """The same rows; the first text of an answer is measured."""
    for row in rows:
        responses = row.values.get("responses")
        question = row.values.get(row.first_of("question_id", "question") or "")
        for condition, text in responses.items() if isinstance(responses, dict) else ():
            if isinstance(text, str) and (condition, str(question)) not in sizes:
                sizes[condition, str(question)] = len(text), words_in(text)
        yield row
