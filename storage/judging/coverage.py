"""How many of the judge calls gave a ranking, for whoever shows leaderboards: below a share that is said first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from core.facts.judging.outcomes import WANTED_COVERAGE, low_coverage
from storage.record.reader import Reader

CALLS = """SELECT outcome, judge_kind, count(*) AS calls, (SELECT config->>'$.judge.coverage' FROM run) AS wanted
  FROM judge_calls GROUP BY 1, 2 ORDER BY 1, 2"""


@dataclass(frozen=True)
class Coverage:
    """Rows of `CALLS`, from whatever record they are: outcome, kind of judge, calls, and the share that is wanted."""

    rows: tuple[tuple[Any, ...], ...]

    @classmethod
    def of_run(cls, reader: Reader) -> Coverage:
        """Of a run, as of the event that it is read."""
        return cls(tuple(tuple(row.values()) for row in reader.query(CALLS)))

    @cached_property
    def outcomes(self) -> Counter[str]:
        """Calls by what came of them."""
        found: Counter[str] = Counter()
        for outcome, _, calls, _ in self.rows:
            found[str(outcome)] += calls
        return found

    @property
    def kinds(self) -> frozenset[str]:
        """Which kinds of judges were called."""
        return frozenset(str(kind) for _, kind, _, _ in self.rows)

    @property
    def wanted(self) -> float:
        """The share of rankings below which it is said, `judge.coverage`."""
        configured = self.rows[0][3] if self.rows else None
        return configured if isinstance(configured, (int, float)) else WANTED_COVERAGE

    @property
    def share(self) -> float:
        """Calls with a ranking among all; 1 where no call is recorded."""
        calls = self.outcomes.total()
        return self.outcomes["ranked"] / calls if calls else 1.0

    @property
    def sentence(self) -> str:
        """What every leaderboard has to say first; "" where enough of the calls gave a ranking."""
        return low_coverage(self.outcomes, self.wanted)

    def row(self) -> dict[str, Any]:
        """The same as data."""
        return {"calls": self.outcomes.total(), "share": self.share, "wanted": self.wanted, **self.outcomes}
