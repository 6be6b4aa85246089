"""Who sits on the panels of a run that only draws people: members by category, within which bounds."""

from __future__ import annotations

from storage.record.reader import Reader
from tui.terminal import tables

_SEATS = {
    "draw": "draw",
    "attribute": "attribute",
    "category": "category",
    "lower": "from",
    "members": "members",
    "upper": "to",
}


def panel_lines(reader: Reader) -> list[str]:
    """The seats by category; nothing where no panel was drawn, or where panels are a step on the way to models."""
    seats = reader.view("panel_composition")
    if not seats or reader.view("conditions"):
        return []
    told = tables.remark("members under their pseudonyms: --view panel_members; who stands in: --view alternates")
    return ["Panels, by category", "", tables.table(seats, _SEATS), told, ""]
