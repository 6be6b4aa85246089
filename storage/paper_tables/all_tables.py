"""Every table of a run, in the order in which the paper has them."""

from __future__ import annotations

from collections.abc import Sequence

from storage.paper_tables.boards import Boards, abilities, consensus, models, places, scores
from storage.paper_tables.pool_and_panel import chances, panels
from storage.paper_tables.table import PaperTable
from storage.paper_tables.training_tables import gradients, sizes, updates
from storage.paper_tables.wizwand import wizwand
from storage.record.reader import Reader

LAYOUTS = ("paper", "wizwand")
KEYS = ("sizes", "abilities", "gradients", "updates", "scores", "consensus", "models", "places", "panels", "chances")


def tables_of(reader: Reader, layout: str = "paper", wanted: Sequence[str] = KEYS) -> list[PaperTable]:
    """The tables of a run with these keys; a table without numbers is there too, and says what they would take."""
    boards = Boards(reader)
    if layout == "wizwand":
        return [wizwand(boards)]
    every = [
        sizes(reader),
        abilities(boards),
        gradients(),
        updates(reader),
        scores(boards),
        consensus(boards),
        models(boards),
        *places(boards),
        panels(reader),
        chances(reader),
    ]
    return [table for table in every if {table.key, subject_of(table.key)} & set(wanted)]


def subject_of(key: str) -> str:
    """What a table is about: "places" of "places-kemeny"."""
    return key.partition("-")[0]
