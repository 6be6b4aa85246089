"""One condition against another: win rates, which pairs hold, equal lengths, and the places in the resamples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from rich.text import Text

from core.facts.plural import number_of
from core.facts.ranking.methods import CONSENSUS_METHODS
from storage.findings.judges_found import JudgesFound
from storage.findings.pairs_found import PairsFound
from storage.findings.robustness_found import RobustnessFound
from storage.record.reader import Reader
from storage.record.rows import LengthRow, view_rows
from tui.screens.results.page import TextPage, filled, lines_of


@dataclass(frozen=True)
class PairPage(TextPage):
    """What is found of every pair, with lengths held fixed too, and by how many analyses."""

    kinds: ClassVar[tuple[str, ...]] = ("pairwise.computed",)

    pairs: PairsFound
    robustness: RobustnessFound = field(default_factory=RobustnessFound)
    lengths: JudgesFound = field(default_factory=JudgesFound)

    view = "pairwise"

    @classmethod
    def read(cls, reader: Reader) -> PairPage:
        lengths = JudgesFound(lengths=view_rows(reader, LengthRow))
        return cls(PairsFound.of_run(reader), RobustnessFound.of_run(reader), lengths)

    def text(self, width: int) -> Text:
        text = Text(no_wrap=True, overflow="ellipsis")
        lines_of(text, self.pairs.win_rates(width))
        lines_of(text, self.lengths.with_lengths(width))
        lines_of(text, self.robustness.lines(width))
        lines_of(text, self.pairs.every_pair(width))
        lines_of(text, self._places(width))
        return text

    def _places(self, width: int) -> list[str]:
        """Of every method, those first of which the places are what they say."""
        methods = list(dict.fromkeys(str(row.method) for row in self.pairs.places))
        methods.sort(key=lambda method: method not in CONSENSUS_METHODS)
        lines = [line for method in methods for line in self.pairs.places_by(method, width)]
        if methods and not lines:
            conditions = number_of(len({row.condition for row in self.pairs.places}), "condition")
            told = f"of {conditions} no terminal of this width shows them; `dempo show RUN --view places` prints them"
            return ["Places in the resamples", filled([told], width), ""]
        return lines
