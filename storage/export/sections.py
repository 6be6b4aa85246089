"""The sections of a report that are views of the record; one that has nothing to show is left out."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from core.facts.sortition.undecided import room
from core.facts.tables import WITHHELD, people_withheld
from core.facts.words import in_words, undecided_sentences
from storage import weight_shares
from storage.export import markup
from storage.export.figures import Figure
from storage.export.tables import rows_of
from storage.judging import families
from storage.judging.board_notes import board_notes, by_method
from storage.judging.families import spread_table
from storage.judging.judging_notes import JudgingNotes
from storage.record.rows import BoardDetailRow, BoardRow, ConditionRow, FamilyRow, ShareRow, as_rows
from storage.weight_shares import share_table

_MOST_ANSWERS = 24
"""Answers shown as examples."""

_LOTTERIES_ABREAST = 4
"""Lotteries beside each other in a table that has a line for each measure."""

_MEASURES = {
    "raters": "people in the pool",
    "smallest": "smallest π",
    "largest": "largest π",
    "equal": "what everybody would have without quotas: size of the panel over the pool",
    "gini": "Gini coefficient of π, 0 to 1",
    "max_min_ratio": "largest over smallest π; inf where somebody has no chance",
    "coefficient_of_variation": "standard deviation over mean",
    "without_chance": "people with π = 0",
    "certain": "people with π = 1",
    "empty_categories": "categories with a target or a lower bound that nobody in the pool has",
}

_KEYS = {"stages": ("reason",), "lotteries": ("method",)}
"""Columns of views that hold keys, which the report says in words."""


class Content:
    """The record as sections of a report."""

    def __init__(self, db: sqlite3.Connection, plots: Sequence[Figure], redacted: bool, files: Collection[str]) -> None:
        self.db = db
        self._plots = plots
        self._redacted = redacted
        self._files = files

    def rows(self, view: str) -> Iterator[dict[str, Any]]:
        """Rows of a view without what is withheld."""
        return rows_of(self.db, view, self._redacted)

    def whole(self, view: str) -> str:
        """The file of the bundle that holds a whole view; "" where it holds none."""
        name = f"tables/{view}.csv"
        return name if name in self._files else ""

    def table(self, view: str, *columns: str) -> str:
        """A view as a table, its keys in words."""
        keys = _KEYS.get(view, ())
        rows = (row | {name: in_words(row[name]) for name in keys if row[name] is not None} for row in self.rows(view))
        return markup.table(rows, columns, whole=self.whole(view))

    def note(self, words: str, view: str) -> str:
        """Words about a view that has rows."""
        return markup.note(words) if self.whole(view) else ""

    def withheld(self, view: str) -> bool:
        """Whether what a view says of people was left out."""
        return self._redacted and people_withheld(self.db, view)

    def see(self, what: str, view: str) -> str:
        """Where more is, if the bundle holds it, or that it is withheld."""
        if self.withheld(view):
            return markup.note(f"{what}: {WITHHELD}.")
        return self.note(f"{what}: {self.whole(view)}.", view)

    def plots(self, kind: str, of: str | None = None) -> str:
        """Every plot of a kind, or the one of one thing."""
        return "\n".join(p.svg for p in self._plots if p.kind == kind and of in (None, p.of))

    def stages(self) -> str:
        """The stages and how far each can be replayed."""
        columns = ("stage", "status", "completed", "units", "seconds", "replay", "reason")
        remark = (
            "completed: units of work that are recorded, of those planned; replay: how far dempo replay can repeat "
            "the stage. What a stage that was skipped or not begun would have shown is left out below."
        )
        return markup.section("Stages", self.table("stages", *columns), self.note(remark, "stages"))

    def lotteries(self) -> str:
        """Quotas with target, bounds and expectation; levels of LEXIMIN; how unequal π is."""
        about_quotas = (
            "target: share of the panel that was asked for, empty where bounds were given; lower, upper: fewest and "
            "most members; slack: 1 where a category is unbounded; in_pool: people of the category in the pool; "
            "expected: members that a panel of the lottery has on average, from π and the pool."
        )
        about_lotteries = (
            "tolerance: how far bounds lie from the target, as a share of it; panels: compositions with a probability; "
            "max_difference: largest distance between a person's π and the one proven best."
        )
        about_levels = (
            "The lowest π is as high as the quotas allow (level 0), then the next lowest, and so on. exact: the level "
            "as a fraction; proof: what shows that no lottery gives more (prices of quotas, values of panels, or that "
            "everybody left is certain); gap: how far above the level the proof leaves room, 0 where it is exact, more "
            "than 1e-9 where floating-point arithmetic could not decide the level; types: groups of people with the "
            "same attributes that are fixed here; binding: the quotas that hold the level down, and by how much it "
            "rises per member that each gives way."
        )
        columns = ("lottery", "size", "tolerance", "algorithm", "method", "panels", "max_difference")
        return markup.section(
            "Quotas and lotteries",
            self.table("lotteries", *columns),
            self.note(about_lotteries, "lotteries"),
            markup.under(
                "Quotas",
                markup.table(self._quotas(), whole=self.whole("quotas")),
                self.note(about_quotas, "quotas"),
                self.plots("quotas"),
            ),
            markup.under(
                "Levels of LEXIMIN",
                markup.table(self._levels(), whole=self.whole("levels")),
                *(markup.note(f"Not decided: {told}.") for told in self._undecided()),
                self.note(about_levels, "levels"),
            ),
            markup.under(
                "How unequal the inclusion probabilities are",
                *self._inequality(),
                self.plots("inclusion"),
                self.see("π of every rater", "inclusion_probabilities"),
            ),
        )

    def _quotas(self) -> Iterable[dict[str, Any]]:
        expected = {tuple(row[:3]): round(row[3], 3) for row in self.db.execute(_EXPECTED)}
        unknown = WITHHELD if self.withheld("inclusion_probabilities") else None
        for row in self.rows("quotas"):
            key = (row["lottery"], row["attribute"], row["category"])
            yield {**row, "expected": expected.get(key, 0.0 if row["in_pool"] == 0 else unknown)}

    def _levels(self) -> Iterable[dict[str, Any]]:
        for row in self.rows("levels"):
            shown = {key: row[key] for key in ("lottery", "level", "probability", "exact", "proof", "gap")}
            if (higher := room(row)) is not None:
                shown["exact"] = f"undecided: up to {higher:.1e} above the probability"
            types = WITHHELD if row["types"] == WITHHELD else _length(json.loads(row["types"] or "null"))
            binding = json.loads(row["binding"] or "null")
            shares = binding.items() if isinstance(binding, dict) else ()
            yield {
                **shown,
                "types": types,
                "binding": "; ".join(f"{quota} {float(share):.3g}" for quota, share in shares if _is_number(share)),
            }

    def _undecided(self) -> list[str]:
        """A sentence for each lottery with levels that could not be decided."""
        return undecided_sentences(self.rows("levels"))

    def _inequality(self) -> Iterable[str]:
        """A line for each measure: there are more of them than lotteries, and a page is narrow."""
        lotteries = list(islice(self.rows("lottery_diagnostics"), markup.MOST_ROWS))
        for first in range(0, len(lotteries), _LOTTERIES_ABREAST):
            some = lotteries[first : first + _LOTTERIES_ABREAST]
            yield markup.table(
                {"measure": key, **{str(row["lottery"]): _measured(row, key) for row in some}, "meaning": meaning}
                for key, meaning in _MEASURES.items()
            )

    def conditions(self) -> str:
        """What each model trained on."""
        remark = (
            "source: whose preferences count; transform: f in the weight f(π) of a person; estimator: how weights "
            "enter training; effective_pairs: (Σω)²/Σω² over the weights ω of pairs, the effective sample size."
        )
        columns = ("condition", "source", "transform", "estimator", "pairs", "raters", "steps", "batch")
        return markup.section(
            "Conditions",
            self.table("conditions", *columns, "effective_pairs"),
            self.note(remark, "conditions"),
            *map(markup.note, weight_shares.not_recommended(as_rows(ConditionRow, self.rows("conditions")))),
            self.see("Weights of raters", "weights"),
            self._weight_shares(),
        )

    def _weight_shares(self) -> str:
        """What raters with high and low π are due of the weight, and get."""
        if self.withheld("weight_shares"):
            return self.see("Due and realised weight by tenths of raters", "weight_shares")
        rows = share_table(as_rows(ShareRow, self.rows("weight_shares")))
        note = markup.note(f"{weight_shares.REMARK}.")
        return markup.under(weight_shares.HEADING, markup.table(rows), note) if rows else ""

    def training(self) -> str:
        """Curves, held-out pairs where there are some, and recovery where the world is planted."""
        remark = (
            "population_log_loss: mean over held-out pairs of citizens of the target population, in nats; "
            "margin_agreement: share of those pairs where the model prefers what the citizen prefers; floor and "
            "agreement_ceiling: no model can do better."
        )
        about_held_out = (
            "micro: mean over held-out pairs; macro, category: mean over raters of their own means; minimum: the "
            "category with the lowest accuracy; accuracy: share of pairs where the model prefers what the rater "
            "preferred; log_loss in nats, ln 2 for the base; low, high: 95 % over resamples of raters."
        )
        recovered = self.table("recovery")
        return markup.section(
            "Training",
            self.plots("training"),
            markup.under(
                "Held-out pairs",
                self.table("heldout_split"),
                self._dropped_out(),
                markup.table(self._last_measured(), whole=self.whole("heldout")),
                self.note(about_held_out, "heldout"),
            ),
            markup.under("Recovery (planted worlds only)", recovered, self.note(remark, "recovery")),
            self.see("Every step", "train_steps"),
        )

    def _dropped_out(self) -> str:
        """How many raters a condition loses because all their pairs are held out."""
        if not any(self.rows("heldout_split")):
            return ""
        rows = [row for row in self.rows("conditions") if row["held_out_raters"] is not None]
        lost = ", ".join(f"{row['condition']} {row['held_out_raters']}" for row in rows)
        return markup.note(f"Raters who drop out, since all their pairs are held out: {lost}.") if lost else ""

    def _last_measured(self) -> Iterable[dict[str, Any]]:
        """What was measured on held-out pairs after the last step of each condition: only then there are intervals."""
        return (row for row in self.rows("heldout") if row["low"] is not None)

    def leaderboards(self) -> str:
        """Each method with its intervals, its notes and its plot."""
        boards = by_method(as_rows(BoardRow, islice(self.rows("leaderboards"), markup.MOST_ROWS)))
        columns = ("position", "condition", "score", "low", "high")
        spread = as_rows(FamilyRow, self.rows("families"))
        notes = board_notes(boards, as_rows(BoardDetailRow, self.rows("leaderboard_details")), spread)
        first = "".join(f"{sentence}. " for sentence in self._judging().first)
        parts = []
        for method, rows in boards.items():
            remark = first + "; ".join([f"{rows[0].rankings} rankings", *notes[method]]) + "."
            table, plot = markup.table(map(vars, rows), columns), self.plots("leaderboard", method)
            parts.append(markup.under(method, table, markup.note(remark), plot))
        if between := spread_table(spread):
            table, remark = markup.table(between), f"{families.REMARK}."
            parts.append(markup.under("Spread between the members of families", table, markup.note(remark)))
        return markup.section("Leaderboards", *parts)

    def judges(self) -> str:
        """How the calls of each judge ended, and how far judges agree."""
        counts = Counter((str(row["judge"]), str(row["outcome"])) for row in self.rows("judge_calls"))
        rows = [{"judge": judge, "outcome": outcome, "calls": n} for (judge, outcome), n in sorted(counts.items())]
        found = list(self.rows("judge_diagnostics"))
        agreement = [markup.under("Agreement and biases", markup.table(found))] if found else []
        named = {"Agreement of the judges": "judge_agreement", "Agreement with people": "gold_agreement"}
        for heading, view in named.items():
            listed = list(self.rows(view))
            agreement += [markup.under(heading, markup.table(listed))] if listed else []
        alone = self.see("Leaderboards by each judge, and without each", "jury_leaderboards")
        equal = self._judging().of_answers
        told = [markup.note(f"{equal}.".capitalize())] if equal else []
        calls = self.see("Every call", "judge_calls")
        return markup.section("Judges", markup.table(rows), *told, *agreement, alone, calls)

    def _judging(self) -> JudgingNotes:
        return JudgingNotes.of(self.db.execute)

    def texts(self) -> str:
        """Some answers, so that a reader sees what was judged."""
        questions = {str(row["question_id"]): row for row in self.rows("questions")}
        (answers,) = self.db.execute("SELECT count(*) FROM answers").fetchone()
        if not answers:
            return ""
        if self._redacted:
            return markup.section("Answers", markup.note(f"{answers:,} answers are {WITHHELD}."))
        every = -(-answers // _MOST_ANSWERS)
        return markup.section(
            "Answers",
            markup.note(f"{-(-answers // every):,} of {answers:,}. {self.whole('answers')} holds all of them."),
            *(self._answer(row, questions) for row in islice(self.rows("answers"), 0, None, every)),
        )

    def _answer(self, row: Mapping[str, Any], questions: Mapping[str, Mapping[str, Any]]) -> str:
        asked = questions.get(str(row["question_id"]), {})
        heading = f"{row['condition']} to {row['question_id']}"
        body = markup.passage(markup.plain(row["answer"]))
        return markup.under(heading, markup.note(markup.plain(asked.get("question"))), body)


def _length(value: Any) -> int | None:
    return len(value) if isinstance(value, list) else None


def _is_number(value: Any) -> bool:
    """A damaged record can be exported too, and holds anything."""
    return isinstance(value, (int, float))


def _measured(row: Mapping[str, Any], measure: str) -> Any:
    value = row[measure]
    if measure != "empty_categories":
        return value
    listed = json.loads(value or "null")
    return ", ".join(map(str, listed)) or "none" if isinstance(listed, list) else value


_EXPECTED = """WITH
pi AS MATERIALIZED (SELECT lottery, rater_id, pi FROM inclusion_probabilities),
of AS MATERIALIZED (
  SELECT r.rater_id, a.key AS attribute, a.value AS category FROM raters r, json_each(r.attributes) a
)
SELECT pi.lottery, of.attribute, of.category, sum(pi.pi) FROM pi JOIN of ON of.rater_id = pi.rater_id
GROUP BY 1, 2, 3"""
