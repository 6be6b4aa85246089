"""Draws in a report: what each came to, who was seated, where its seed is from, and what a public one committed to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from storage.export.pages import markup
from storage.export.pages.grid import MOST_ROWS, table
from storage.export.sections.content import Content
from storage.summary.panel_drawn import panels_drawn

_COMPOSITION = ("draw", "attribute", "category", "lower", "members", "upper", "share", "target", "deviation")

_PUBLIC = (
    "Pool, quotas, lottery and certificate were hashed and published as the commitment before the source gave its "
    "value. rule: “hash” makes the seed out of commitment and value; under “number” the value is the panel's number."
)

Rows = list[dict[str, Any]]


def draws(content: Content) -> str:
    """Every draw, whatever became of it, and where its seed is from."""
    made = list(islice(content.rows("draws"), MOST_ROWS + 1))
    seeds = [row for row in made if row["seed"] is not None]
    return markup.stacked(
        markup.under(
            "Draws",
            markup.listed(f"{told}." for told in panels_drawn(made, content.rows("panel_composition"))),
            table(made, ("draw", "round", "lottery", "panel", "outcome", "reason"), whole=content.whole("draws")),
        ),
        _public(content, {(row["draw"], row["round"]): row for row in made}),
        markup.folded("Seeds of the draws", table(seeds, ("draw", "round", "seed", "origin"))),
    )


def composition(content: Content) -> str:
    """Who sits on the panels, by category."""
    columns = {name: name for name in _COMPOSITION} | {"deviation": "share minus target"}
    shown = content.table("panel_composition", columns, decimals={"share": 3, "target": 3, "deviation": 3})
    more = [content.see("Members", "panel_members"), content.see("Alternates", "alternates")]
    remark = "Share: members over the size of the panel."
    return markup.under("Composition of the panels", shown, markup.note(remark), *more) if shown else ""


def _public(content: Content, made: Mapping[tuple[Any, Any], Mapping[str, Any]]) -> str:
    rounds = list(islice(content.rows("draw_commitments"), MOST_ROWS))
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
        table(shown, ("draw", "round", "committed", "source", "rule", "value", "outcome", "reason")),
        table(shown, ("draw", "round", "commitment")),
        table(_hashes(rounds)),
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
