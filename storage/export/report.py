"""`report.html`: a run in one self-contained file for people, made from the record of a bundle."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from storage.export import markup
from storage.export.redaction import WITHHELD
from storage.export.tables import rows_of
from storage.reader import connect

_MOST_ANSWERS = 24
"""Answers shown as examples."""

_PLOTS = {"quotas": "quotas", "inclusion": "lotteries", "training": "training", "leaderboard": "leaderboards"}


def report(
    database: Path, plots: Mapping[str, str], checks: Iterable[Mapping[str, Any]], limits: str, redacted: bool
) -> str:
    """The whole report.

    Args:
        plots: SVG by name, as `storage.export.figures.figures` makes them.
        checks: rows of `storage.verify`, made on the record before anything was withheld.
        limits: the statement of limits, in Markdown.
    """
    with closing(connect(database)) as db:
        content = _Content(db, plots, redacted)
        run = next(content.rows("run"), {})
        return markup.page(
            f"dempo run {run.get('run_id', '')}",
            [
                content.facts(run),
                _verification(checks, redacted),
                content.stages(),
                content.lotteries(),
                content.draws(),
                content.conditions(),
                content.training(),
                content.leaderboards(),
                content.judges(),
                content.texts(),
                markup.section("Limits of this record", markup.preformatted(limits)),
            ],
        )


def _verification(checks: Iterable[Mapping[str, Any]], redacted: bool) -> str:
    remark = "What dempo found when this bundle was made. Do not believe it: run `dempo verify` or verify.py yourself."
    if redacted:
        remark += " The texts were still there then; in this bundle the checks that need them say “withheld”."
    columns = ("name", "verdict", "detail", "event")
    return markup.section("Verification", markup.table(checks, columns, mark="verdict"), markup.note(remark))


class _Content:
    """The sections that are read from the record."""

    def __init__(self, db: sqlite3.Connection, plots: Mapping[str, str], redacted: bool) -> None:
        self._db = db
        self._plots = plots
        self._redacted = redacted

    def rows(self, view: str) -> Iterator[dict[str, Any]]:
        """Rows of a view without what is withheld."""
        return rows_of(self._db, view, self._redacted)

    def table(self, view: str, *columns: str) -> str:
        """A view as a table."""
        return markup.table(self.rows(view), columns, whole=f"tables/{view}.csv")

    def plots(self, kind: str) -> str:
        """Every plot of a kind."""
        return "\n".join(svg for name, svg in self._plots.items() if name.startswith(f"{kind}-"))

    def facts(self, run: Mapping[str, Any]) -> str:
        """What the run is, its seeds, engines and the head of its chain."""
        shown = [{"fact": key, "value": run.get(key)} for key in ("run_id", "name", "created_at", "status", "seed")]
        last = self._db.execute("SELECT seq, at, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        if last is not None:
            shown.append({"fact": "last event", "value": f"{last[0]} at {last[1]}"})
            shown.append({"fact": "head", "value": last[2]})
        simulated = "Simulated: raters or judges are made up (a planted world)." if run.get("simulated") else ""
        versions = markup.passage(str(run.get("versions") or ""))
        return markup.section(
            "The run",
            markup.paragraph(simulated),
            markup.table(shown),
            "<h3>Versions</h3>",
            versions,
            "<h3>Seeds</h3>",
            self.table("seeds"),
            "<h3>What people asked for</h3>",
            self.table("operator_actions"),
        )

    def stages(self) -> str:
        """The stages and how far each can be replayed."""
        return markup.section(
            "Stages", self.table("stages", "stage", "status", "completed", "units", "seconds", "replay", "reason")
        )

    def lotteries(self) -> str:
        """Quotas with target, bounds and expectation; levels of LEXIMIN; how unequal π is."""
        return markup.section(
            "Quotas and lotteries",
            self.table("lotteries", "lottery", "size", "tolerance", "algorithm", "method", "panels", "max_difference"),
            markup.table(self._quotas(), whole="tables/quotas.csv"),
            markup.note("expected: members that a panel of the lottery has on average, from π and the pool."),
            self.plots("quotas"),
            "<h3>Levels of LEXIMIN</h3>",
            markup.table(self._levels(), whole="tables/levels.csv"),
            markup.note("binding: the quotas that hold a level down, with the share of each in its proof."),
            "<h3>How unequal the inclusion probabilities are</h3>",
            self.table("lottery_diagnostics"),
            self.plots("inclusion"),
        )

    def _quotas(self) -> Iterable[dict[str, Any]]:
        expected = {tuple(row[:3]): round(row[3], 3) for row in self._db.execute(_EXPECTED)}
        for row in self.rows("quotas"):
            key = (row["lottery"], row["attribute"], row["category"])
            yield {**row, "expected": expected.get(key, 0.0 if row["in_pool"] == 0 else None)}

    def _levels(self) -> Iterable[dict[str, Any]]:
        for row in self.rows("levels"):
            shown = {key: row[key] for key in ("lottery", "level", "probability", "exact", "proof", "gap")}
            types, binding = (json.loads(row[key] or "null") for key in ("types", "binding"))
            shares = binding.items() if isinstance(binding, dict) else ()
            yield {
                **shown,
                "types": len(types) if isinstance(types, list) else None,
                "binding": "; ".join(f"{quota} {float(share):.3g}" for quota, share in shares if _is_number(share)),
            }

    def draws(self) -> str:
        """Every draw, whatever became of it, and the panels' composition."""
        columns = ("draw", "attribute", "category", "lower", "upper", "target", "members", "share", "deviation")
        return markup.section(
            "Draws",
            self.table("draws"),
            "<h3>Composition of the panels</h3>",
            self.table("panel_composition", *columns),
            markup.note("Members are listed in tables/panel_members.csv."),
        )

    def conditions(self) -> str:
        """What each model trained on."""
        return markup.section("Conditions", self.table("conditions"), markup.note("Weights: tables/weights.csv."))

    def training(self) -> str:
        """Curves, and recovery where the world is planted."""
        recovered = self.table("recovery")
        return markup.section("Training", self.plots("training"), "<h3>Recovery (planted worlds only)</h3>", recovered)

    def leaderboards(self) -> str:
        """Each method with its intervals and its notes."""
        boards: dict[str, list[dict[str, Any]]] = {}
        for row in islice(self.rows("leaderboards"), markup.MOST_ROWS):
            boards.setdefault(str(row["method"]), []).append(row)
        columns = ("position", "condition", "score", "low", "high")
        parts = []
        for method, rows in boards.items():
            remark = f"{rows[0]['rankings']} rankings; intervals resample {rows[0]['resample']}. {rows[0]['note']}"
            parts += [f"<h3>{markup.text(method)}</h3>", markup.table(rows, columns), markup.note(remark)]
        return markup.section("Leaderboards", *parts, self.plots("leaderboard"))

    def judges(self) -> str:
        """How the calls of each judge ended."""
        counts: dict[tuple[str, str], int] = {}
        for row in self.rows("judge_calls"):
            key = (str(row["judge"]), str(row["outcome"]))
            counts[key] = counts.get(key, 0) + 1
        rows = [{"judge": judge, "outcome": outcome, "calls": n} for (judge, outcome), n in sorted(counts.items())]
        return markup.section("Judges", markup.table(rows), markup.note("Every call: tables/judge_calls.csv."))

    def texts(self) -> str:
        """Some answers, so that a reader sees what was judged."""
        questions = {str(row["question_id"]): row for row in self.rows("questions")}
        (answers,) = self._db.execute("SELECT count(*) FROM answers").fetchone()
        if self._redacted:
            return markup.section("Answers", markup.note(f"{answers:,} answers are {WITHHELD}."))
        every = -(-answers // _MOST_ANSWERS) or 1
        return markup.section(
            "Answers",
            markup.note(f"{-(-answers // every):,} of {answers:,}; tables/answers.csv holds all of them."),
            *(self._answer(row, questions) for row in islice(self.rows("answers"), 0, None, every)),
        )

    def _answer(self, row: Mapping[str, Any], questions: Mapping[str, Mapping[str, Any]]) -> str:
        asked = questions.get(str(row["question_id"]), {})
        heading = f"{row['condition']} to {row['question_id']}"
        return (
            f"<h3>{markup.text(heading)}</h3>{markup.note(markup.plain(asked.get('question')))}"
            f"{markup.passage(markup.plain(row['answer']))}"
        )


def _is_number(value: Any) -> bool:
    """A damaged record can be exported too, and holds anything."""
    return isinstance(value, (int, float))


_EXPECTED = """WITH
pi AS MATERIALIZED (SELECT lottery, rater_id, pi FROM inclusion_probabilities),
of AS MATERIALIZED (
  SELECT r.rater_id, a.key AS attribute, a.value AS category FROM raters r, json_each(r.attributes) a
)
SELECT pi.lottery, of.attribute, of.category, sum(pi.pi) FROM pi JOIN of ON of.rater_id = pi.rater_id
GROUP BY 1, 2, 3"""
