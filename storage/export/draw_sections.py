"""Draws in a report: what each came to, where its seed is from, and what a public one was committed to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from core.facts.words import in_words
from storage.export import markup
from storage.export.sections import Content

_COMPOSITION = ("draw", "attribute", "category", "lower", "upper", "target", "members", "share", "deviation")

_PUBLIC = (
    "Pool, quotas, lottery and certificate were hashed and published as the commitment before the source gave its "
    "value. rule: “hash” makes the seed out of commitment and value; under “number” the value is the panel's number."
)

Rows = list[dict[str, Any]]


def draws(content: Content) -> str:
    """Every draw, whatever became of it, and the panels' composition; nothing where nothing was drawn."""
    made = list(islice(content.rows("draws"), markup.MOST_ROWS + 1))
    seeds = [row | {"origin": in_words(row["origin"])} for row in made if row["seed"] is not None]
    return markup.section(
        "Draws",
        markup.table(made, ("draw", "round", "lottery", "panel", "outcome", "reason"), content.whole("draws")),
        markup.under("Seeds of the draws", markup.table(seeds, ("draw", "round", "seed", "origin"))),
        _public(content, {(row["draw"], row["round"]): row for row in made}),
        markup.under(
            "Composition of the panels",
            content.table("panel_composition", *_COMPOSITION),
            content.note(
                "share: members over the size of the panel; deviation: share minus target.", "panel_composition"
            ),
            content.see("Members", "panel_members"),
            content.see("Alternates", "alternates"),
        ),
    )


def _public(content: Content, made: Mapping[tuple[Any, Any], Mapping[str, Any]]) -> str:
    rounds = list(islice(content.rows("draw_commitments"), markup.MOST_ROWS))
    if not rounds:
        return ""
    shown: Rows = []
    for row in rounds:
        became = made.get((row["draw"], row["round"]), {})
        shown.append(
            {**row, "committed": row["at"], **{key: became.get(key) for key in ("value", "outcome", "reason")}}
        )
    return markup.under(
        "Public draws",
        markup.table(shown, ("draw", "round", "committed", "source", "rule", "value", "outcome", "reason")),
        markup.table(shown, ("draw", "round", "commitment")),
        markup.table(_hashes(rounds)),
        markup.note(_PUBLIC),
    )


def _hashes(rounds: Rows) -> Iterator[dict[str, Any]]:
    """What was committed to, each hash once with the rounds that share it."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for row in rounds:
        parts = json.loads(row["hashes"] or "null")
        for part, digest in parts.items() if isinstance(parts, dict) else ():
            found.setdefault((str(row["draw"]), str(part), str(digest)), []).append(str(row["round"]))
    for (draw, part, digest), numbers in found.items():
        yield {"draw": draw, "rounds": ", ".join(numbers), "committed to": part, "SHA-256": digest}
