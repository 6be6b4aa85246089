"""The tables of leaderboards: abilities with wins, scores, the consensus, and both models of choices."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from storage.paper_tables.table import Column, Estimate, PaperTable, Value, by, estimate, number
from storage.record.reader import Reader
from storage.summary.labels import method_words

MEANS = "Intervals and means are those of the bootstrap; the paper prints the means as scores."


class Boards:
    """The leaderboards of a run, by method."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    @cached_property
    def rows(self) -> dict[str, list[Mapping[str, Any]]]:
        """The rows of each method, best first."""
        return by(self.reader.view("leaderboards"), "method")

    @cached_property
    def details(self) -> dict[tuple[str, str], Any]:
        """What a method found beside its scores, by the method and the name."""
        every = self.reader.view("leaderboard_details")
        return {(str(row["method"]), str(row["name"])): row["value"] for row in every}

    def detail(self, method: str, name: str) -> float | None:
        """One of them, as a number."""
        return number(self.details.get((method, name)))

    def scores(self, method: str) -> dict[str, Estimate | None]:
        """The score of each condition."""
        return {str(row["condition"]): estimate(row) for row in self.rows.get(method, ())}

    def resampled(self, *methods: str) -> str:
        """What the intervals of these methods resample."""
        first = next((self.rows[method][0] for method in methods if method in self.rows), None)
        if first is None:
            return ""
        share = number(first["confidence"])
        level = "" if share is None else f"; {100 * share:.4g} % intervals"
        return f"Resampled {first['resamples']:,} times: {first['resample']}{level}."

    def lacking(self, *methods: str) -> str:
        """That none of these leaderboards is there, and what makes them."""
        named = " or ".join(methods)
        return (
            f"the run has no leaderboard of {named}: add it to rank.methods, or rank its rankings by `dempo rank RUN`"
        )


def abilities(boards: Boards) -> PaperTable:
    """Bradley–Terry on the majority winner of each question, with the wins."""
    method = "bradley_terry_majority"
    found = PaperTable("abilities", "Tables 3, 4 and 6", "Bradley–Terry on majority winners")
    scores = boards.scores(method)
    if not scores:
        return _without(found, boards.lacking(method))
    columns = (Column("Model"), Column("BT"), Column("Wins", 1))
    rows = [(name, score, boards.detail(method, f"wins:{name}")) for name, score in scores.items()]
    remarks = (MEANS, boards.resampled(method), "A tie of the judges of a question counts half a win for each.")
    return PaperTable(found.key, found.printed, found.caption, columns, rows, remarks)


def scores(boards: Boards) -> PaperTable:
    """Borda and Copeland, the latter as a share of votes and as a difference of votes."""
    found = PaperTable("scores", "Tables 8, 11, 14 and 17", "Borda and Copeland")
    borda, copeland = boards.scores("borda"), boards.scores("copeland")
    named = list(borda or copeland)
    if not named:
        return _without(found, boards.lacking("borda", "copeland"))
    columns = (Column("Model"), Column("Borda average"), Column("Copeland win rate"), Column("Copeland", 1))
    votes = _votes_of_one(boards)
    rows = [(name, borda.get(name), _rate(copeland.get(name), votes), copeland.get(name)) for name in named]
    remarks = (MEANS, boards.resampled("borda", "copeland"), "Copeland is votes won minus votes lost.")
    return PaperTable(found.key, found.printed, found.caption, columns, rows, remarks)


def _votes_of_one(boards: Boards) -> float | None:
    """Votes that each condition takes part in: n (m − 1)."""
    rows = boards.rows.get("copeland", ())
    rankings = number(rows[0]["rankings"]) if rows else None
    return rankings * (len(rows) - 1) if rankings and len(rows) > 1 else None


def _rate(copeland: Estimate | None, votes: float | None) -> Estimate | None:
    """Won minus lost as the share won: all votes are one or the other."""
    return None if copeland is None or votes is None else copeland.times(1 / (2 * votes), 0.5)


def consensus(boards: Boards) -> PaperTable:
    """The order that agrees with most votes, how often resamples give it, and Mallows' dispersion."""
    found = PaperTable("consensus", "Tables 9, 13, 16 and 19", "Kemeny order and Mallows model")
    present = [method for method in ("kemeny", "mallows") if method in boards.rows]
    if not present:
        return _without(found, boards.lacking("kemeny", "mallows"))
    columns = (Column("Method"), Column("Order"), Column("Exact match", 3), Column("φ", 4), Column("ℓ test", 1))
    rows = [
        (
            method_words(method),
            _order(boards, method),
            boards.detail(method, "exact_match"),
            _phi(boards) if method == "mallows" else "",
            boards.detail(method, "held_out_log_likelihood_total") if method == "mallows" else "",
        )
        for method in present
    ]
    remarks = (
        boards.resampled(*present),
        "Exact match is the share of resamples with the same order; ℓ test is the log-likelihood of all held-out "
        "rankings in nats.",
    )
    return PaperTable(found.key, found.printed, found.caption, columns, rows, remarks)


def _order(boards: Boards, method: str) -> str:
    """The conditions in the consensus of the data; those of equal place are joined by =."""
    places = by(boards.rows[method], "position")
    return " > ".join(" = ".join(str(row["condition"]) for row in rows) for rows in places.values())


def _phi(boards: Boards) -> Value:
    point, low, high = (boards.detail("mallows", name) for name in ("phi", "phi_low", "phi_high"))
    return None if point is None else Estimate(point, None, low, high)


def models(boards: Boards) -> PaperTable:
    """Bradley–Terry on majority winners beside Plackett–Luce, by the published iteration and by maximum likelihood."""
    found = PaperTable("models", "Tables 10, 12, 15 and 18", "Bradley–Terry and Plackett–Luce")
    listed = ("bradley_terry_majority", "plackett_luce_published", "plackett_luce")
    by_method = [boards.scores(method) for method in listed]
    named = next((list(scores) for scores in by_method if scores), [])
    if not named:
        return _without(found, boards.lacking(*listed))
    columns = (Column("Model"), Column("BT"), Column("PL (published iteration)"), Column("PL (maximum likelihood)"))
    rows = [(name, *(scores.get(name) for scores in by_method)) for name in named]
    remarks = (MEANS, boards.resampled(*listed), "The published iteration is not the maximum-likelihood estimate.")
    return PaperTable(found.key, found.printed, found.caption, columns, rows, remarks)


def places(boards: Boards) -> list[PaperTable]:
    """How often each condition has each place in the resamples, of each method that looks for a consensus."""
    shares = by(boards.reader.view("places"), "method")
    wanted = [method for method in ("kemeny", "mallows") if method in shares] or list(shares)[:1]
    found = [_places(boards, method, shares[method]) for method in wanted]
    empty = PaperTable("places", "Figure 1", "P(place) over the resamples")
    return found or [_without(empty, boards.lacking("kemeny", "mallows"))]


def _places(boards: Boards, method: str, rows: list[Mapping[str, Any]]) -> PaperTable:
    named = by(rows, "condition")
    order = [name for name in boards.scores(method) if name in named]
    columns = (Column("Model"), *(Column(f"{place}", 3) for place in range(1, len(order) + 1)))
    cells = [(name, *(number(row["share"]) for row in named[name])) for name in order]
    caption = f"P(place) of each condition over the resamples: {method_words(method)}"
    return PaperTable(f"places-{method}", "Figure 1", caption, columns, cells, (boards.resampled(method),))


def _without(table: PaperTable, lacking: str) -> PaperTable:
    return PaperTable(table.key, table.printed, table.caption, lacking=lacking)
