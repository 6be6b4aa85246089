"""The judges: how their calls ended, how far they agree, and what their rankings follow beside the answers."""

from __future__ import annotations

from collections import Counter

from storage.export.pages import markup
from storage.export.pages.grid import table
from storage.export.sections.content import Content
from storage.judging.jury import JuryFound
from storage.record.rows import JuryBoardRow, as_rows

_NUMBERS = ("value", "low", "high", "chance")

_WIDTH = 96
"""Characters of a line about the boards of single judges."""


def calls(content: Content) -> str:
    """How the calls of each judge ended, and what is said of equal answers."""
    counts = Counter((str(row["judge"]), str(row["outcome"])) for row in content.rows("judge_calls"))
    outcomes = sorted({outcome for _, outcome in counts}, key=lambda outcome: (outcome != "ranked", outcome))
    judges = sorted({judge for judge, _ in counts})
    rows = [{"judge": judge, **{o: counts[judge, o] for o in outcomes}} for judge in judges]
    equal = content.judging.of_answers
    told = markup.note(f"{equal}.".capitalize()) if equal else ""
    shown = table(rows, caption="Calls by how they ended")
    return markup.stacked(shown, told, content.see("Every call", "judge_calls"))


def diagnostics(content: Content) -> str:
    """Agreement and biases over all rankings."""
    shown = content.table("judge_diagnostics", by_row=("value",))
    remark = (
        "Agreement lies between -1 and 1, and chance gives 0. Without a bias, each shown place gets an equal share of "
        "the first places, the correlations are near 0, and longer answers win half of the pairs."
    )
    return markup.under("Agreement and biases", shown, markup.note(remark)) if shown else ""


def agreement(content: Content) -> str:
    """Between judges, and with people."""
    parts = [
        markup.under(heading, content.table(view, caption=caption, by_row=_NUMBERS))
        for heading, view, caption in (
            ("Agreement of the judges", "judge_agreement", "With intervals over the questions"),
            ("Agreement with people", "gold_agreement", "chance: what orders at random reach"),
        )
        if content.some(view)
    ]
    return markup.stacked(*parts)


def by_judge(content: Content) -> str:
    """The boards by each judge alone, and without each: the orders, since the numbers are in a table of their own."""
    rows = as_rows(JuryBoardRow, content.rows("jury_leaderboards"))
    if not rows:
        return ""
    pooled = [(method, row.position, row.condition) for method, board in content.boards.items() for row in board]
    _, *lines = JuryFound(boards=rows).lines(pooled, _WIDTH)
    words = markup.preformatted("\n".join(lines).rstrip())
    return markup.under("Leaderboards by judge", words, content.see("With scores and intervals", "jury_leaderboards"))
